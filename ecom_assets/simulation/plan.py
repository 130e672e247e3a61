"""A shop's expectation of every day, without incidents: trend, season, noise, sessions, conversion, customers.

Computed once a shop and horizon; a longer horizon appends days and changes none. Nothing here knows of single
orders or sessions. Arrays run over days from `-history_days`, then channels, then devices.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ecom_assets.simulation.calendar import Campaign, Clock, black_friday, campaigns_of_year
from ecom_assets.simulation.config import SimulationConfig
from ecom_assets.simulation.streams import Floats, stream

COMPONENTS = ("traffic", "conversion", "order_value")


@dataclass(frozen=True)
class Plan:
    """Expectations by day; index `k` is day number + `history`."""

    history: int
    level: Floats  # orders a day by trend alone
    sessions: Floats  # [day, channel, device], without bots
    conversion: Floats  # [day, channel, device]
    order_value: Floats  # factor on what an order holds
    orders: Floats  # orders expected, all ways of ordering
    clock: Floats  # operational time at the start of each day: the BG/NBD clock, days on average
    new_customers: Floats  # first orders of known customers
    campaigns: tuple[Campaign, ...]

    def index(self, day_number: int) -> int:
        """Position of a day in the arrays."""
        return day_number + self.history


def make_plan(config: SimulationConfig, seed: int, clock: Clock, horizon: int) -> Plan:
    """The plan of a shop from its history to `horizon` days after its first."""
    history = config.customers.history_days
    days = [clock.day(number) for number in range(-history, horizon)]
    campaigns = tuple(
        c for year in range(days[0].year, days[-1].year + 2) for c in campaigns_of_year(config, seed, year)
    )
    level = _level(config, seed, history, len(days))
    noise = _noise(config, seed, len(days))
    season = _weekday(config, seed, days, history) * _year(config, days) * _after_black_friday(config, days)
    lift = _campaign_lift(config, campaigns, days)
    share, relative = _cells(config, seed, len(days), history)

    conversion_mean = config.traffic.conversion_rate
    # Seven tenths of season and of a campaign's lift bring sessions, the rest decides those who are there.
    sessions = (level / conversion_mean * season**0.7 * noise["traffic"])[:, None, None] * share
    sessions = sessions * (lift**0.7)[:, :, None] * noise["channel"][:, :, None]
    conversion = (
        conversion_mean * relative * (season**0.3 * noise["conversion"])[:, None, None] * (lift**0.3)[:, :, None]
    )
    conversion = np.minimum(conversion, 0.5)

    web = (sessions * conversion).sum(axis=(1, 2))
    orders = web / (1 - config.orders.marketplace_share)
    ticks = orders / level
    operational = np.concatenate([[0.0], np.cumsum(ticks)])
    new = _new_customers(config, level, ticks, operational)
    return Plan(history, level, sessions, conversion, noise["order_value"], orders, operational, new, campaigns)


def _level(config: SimulationConfig, seed: int, history: int, days: int) -> Floats:
    growth = config.growth
    turns = stream(seed, "growth.turns").random(days) < growth.changes_per_year / 365
    rates = stream(seed, "growth.rates").random(days)
    shifts = stream(seed, "growth.shifts").random(days) < growth.level_shifts_per_year / 365
    up = np.where(stream(seed, "growth.signs").random(days) < 0.5, -1, 1) * growth.level_shift_size
    turns[: history + 1], shifts[: history + 1] = False, False
    turns[history] = True
    monthly = growth.monthly_low + (growth.monthly_high - growth.monthly_low) * rates
    last_turn = np.maximum.accumulate(np.where(turns, np.arange(days), -1))
    daily = np.where(last_turn >= 0, np.log1p(monthly[last_turn]) / 30.4, 0.0)
    return config.orders_per_day * np.exp(np.cumsum(daily) + np.cumsum(np.where(shifts, up, 0.0)))


def _noise(config: SimulationConfig, seed: int, days: int) -> dict[str, Floats]:
    setting = config.noise
    shares = (setting.traffic_share, setting.conversion_share, setting.order_value_share)
    made: dict[str, Floats] = {}
    for name, share in zip(COMPONENTS, shares, strict=True):
        made[name] = np.exp(_ar_t(config, seed, f"noise.{name}", setting.extra_sd * share**0.5, days))
    own = [_ar_t(config, seed, f"noise.{c}", setting.channel_sd, days) for c in config.traffic.channels]
    made["channel"] = np.exp(np.stack(own, axis=1))
    return made


def _ar_t(config: SimulationConfig, seed: int, name: str, sd: float, days: int) -> Floats:
    """AR(1) with Student t innovations, stationary standard deviation `sd`, cut at four of them."""
    phi, nu = config.noise.autocorrelation, config.noise.degrees_of_freedom
    shocks = stream(seed, name).standard_t(nu, days) * sd * ((1 - phi**2) * (nu - 2) / nu) ** 0.5
    made = np.empty(days)
    value = 0.0
    for k, shock in enumerate(shocks.tolist()):
        value = phi * value + shock
        made[k] = value
    return np.clip(made, -4 * sd, 4 * sd)


def _weekday(config: SimulationConfig, seed: int, days: list[date], history: int) -> Floats:
    amplitude = config.season.weekday_amplitude

    def profile(name: str) -> Floats:
        raw = stream(seed, name).standard_normal(7)
        raw -= raw.mean()
        return raw / np.abs(raw).max() * amplitude

    first, second = profile("weekday.first"), profile("weekday.second")
    turned = np.clip((np.arange(len(days)) - history) / 730, 0, 1) * config.season.weekday_drift
    weekday = np.array([day.weekday() for day in days])
    return 1 + (1 - turned) * first[weekday] + turned * second[weekday]


def _year(config: SimulationConfig, days: list[date]) -> Floats:
    """A bump around 10 December and a dip in late July, with a mean of one over a year."""

    def shape(day_of_year: Floats) -> Floats:
        def near(centre: float, width: float) -> Floats:
            away = np.abs((day_of_year - centre + 182.5) % 365 - 182.5)
            return np.exp(-0.5 * (away / width) ** 2)

        return np.exp(np.log(config.season.year_peak) * near(344, 24) - 0.12 * near(205, 25))

    whole = shape(np.arange(1.0, 366.0))
    return shape(np.array([float(day.timetuple().tm_yday) for day in days])) / whole.mean()


def _after_black_friday(config: SimulationConfig, days: list[date]) -> Floats:
    since = np.array([(day - black_friday(day.year)).days for day in days])
    return np.where((since >= 4) & (since <= 10), 1 - config.season.after_black_friday_dip, 1.0)


def _campaign_lift(config: SimulationConfig, campaigns: tuple[Campaign, ...], days: list[date]) -> Floats:
    names = list(config.traffic.channels)
    lift = np.ones((len(days), len(names)))
    for campaign in campaigns:
        columns = [names.index(campaign.channel)] if campaign.channel in names else slice(None)
        first = (campaign.real_start - days[0]).days
        for offset, factor in enumerate(campaign.lift):
            if 0 <= first + offset < len(days):
                lift[first + offset, columns] *= factor
    return lift


def _cells(config: SimulationConfig, seed: int, days: int, history: int) -> tuple[Floats, Floats]:
    """Shares of sessions by day, channel and device, and conversion relative to the mean."""
    channels, devices = config.traffic.channels.values(), config.traffic.devices
    by_channel = np.array([c.share for c in channels]) / sum(c.share for c in channels)
    by_device = np.array([d.share for d in devices.values()]) / sum(d.share for d in devices.values())
    years = (np.arange(days) - history) / 365
    moved = np.repeat(by_device[None, :], days, axis=0)
    if "mobile" in devices and "desktop" in devices:
        names = list(devices)
        drift = np.clip(config.traffic.mobile_drift_per_year * years, -0.15, 0.15)
        moved[:, names.index("mobile")] += drift
        moved[:, names.index("desktop")] -= drift
    share = by_channel[None, :, None] * np.clip(moved, 0.001, None)[:, None, :]
    relative = np.outer([c.conversion for c in channels], [d.conversion for d in devices.values()])
    return share, relative / (by_channel[:, None] * by_device * relative).sum()


def _new_customers(config: SimulationConfig, level: Floats, ticks: Floats, operational: Floats) -> Floats:
    """First orders a day, so that with the repeat orders of all earlier customers the level is met."""
    ages, rates = expected_rate(config)
    new = np.zeros(len(level))
    wanted = (1 - config.customers.guest_share) * level
    for k in range(len(level)):
        repeat = float(new[:k] @ np.interp(operational[k] - operational[1 : k + 1], ages, rates)) if k else 0.0
        new[k] = ticks[k] * max(0.1 * level[k], wanted[k] - repeat)
    return new


def expected_rate(config: SimulationConfig) -> tuple[Floats, Floats]:
    """Expected purchase rate (per operational day) of a customer by operational age in days.

    E[rate x alive] = mean over p of r alpha^r / (alpha + p u)^(r + 1), with p ~ Beta(a, b): a dropout after a
    purchase thins a Poisson process, so a customer is alive at u with probability exp(-rate p u).
    """
    setting = config.customers
    alpha = setting.alpha_weeks * 7
    edges = np.linspace(0, 1, 2001)
    middle = (edges[1:] + edges[:-1]) / 2
    density = middle ** (setting.a - 1) * (1 - middle) ** (setting.b - 1)
    density /= density.sum()
    ages = np.concatenate([np.arange(0, 60, 2.0), np.geomspace(60, 20_000, 120)])
    rates = setting.r * alpha**setting.r * ((alpha + np.outer(ages, middle)) ** -(setting.r + 1) @ density)
    return ages, rates
