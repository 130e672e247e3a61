"""Days, hours and planned events: moving holidays, the shop's local clock, campaigns. No demand is computed here."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from ecom_assets.simulation.config import SimulationConfig
from ecom_assets.simulation.streams import Floats, Ints, stream

EPOCH = date(1970, 1, 1)
DAY_S = 86_400


class Clock:
    """The shop's local time. Day numbers count from the shop's first day, which is 0."""

    def __init__(self, first_day: date, time_zone: str) -> None:
        self.first_day = first_day
        self.zone = ZoneInfo(time_zone)

    def day(self, number: int) -> date:
        """The date of a day number."""
        return self.first_day + timedelta(days=number)

    def number(self, day: date) -> int:
        """The day number of a date."""
        return (day - self.first_day).days

    def utc(self, number: int, wall_s: Ints | Floats) -> Ints:
        """Seconds since 1970 in UTC of local wall-clock seconds since midnight of a day.

        A time in a spring gap or behind an autumn fold is mapped so that it stays on its local day.
        """
        midnight = (self.day(number) - EPOCH).days * DAY_S
        before, after, changes_at = _offsets(self.zone, self.day(number))
        return midnight + wall_s.astype(np.int64) - np.where(wall_s < changes_at, before, after)

    def utc_ms(self, number: int, wall_ms: Ints) -> Ints:
        """Like `utc`, in milliseconds."""
        return self.utc(number, wall_ms // 1000) * 1000 + wall_ms % 1000


@cache
def _offsets(zone: ZoneInfo, day: date) -> tuple[int, int, int]:
    def offset(wall: datetime) -> int:
        shift = wall.replace(tzinfo=zone).utcoffset()
        return int(shift.total_seconds()) if shift else 0

    midnight = datetime(day.year, day.month, day.day)
    before, after = offset(midnight), offset(midnight + timedelta(hours=24))
    if before == after:
        return before, after, DAY_S
    quarters = [q * 900 for q in range(97) if offset(midnight + timedelta(seconds=q * 900)) != before]
    return before, after, quarters[0] if quarters else DAY_S


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The `nth` such weekday (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    return nth_weekday(year, 11, 3, 4) + timedelta(days=1)


@dataclass(frozen=True)
class Campaign:
    """A planned promotion, holiday or launch, and what really comes of it.

    `lift` is the factor on expected orders of each day from `real_start` on; a campaign that failed has ones.
    """

    campaign_id: str
    campaign_name: str
    kind: str
    channel: str | None
    starts: date
    ends: date
    discount_rate: float
    planned_spend: float
    is_registered: bool
    failed: bool
    real_start: date
    lift: tuple[float, ...]

    @property
    def announced(self) -> date:
        """The day on which the shop's calendar first holds it."""
        return self.starts - timedelta(days=30)

    def is_live(self, day: date) -> bool:
        """Whether its discount and its advertising really run on a day."""
        return not self.failed and 0 <= (day - self.real_start).days < len(self.lift)


_PROMOTIONS = ("Weekend deals", "Members' days", "Clearance", "Free gift", "Newsletter special", "Bundle week")


def campaigns_of_year(config: SimulationConfig, seed: int, year: int) -> tuple[Campaign, ...]:
    """Every event of a calendar year, in order of its id."""
    season, rng = config.season, stream(seed, "campaigns", year)
    # Every event takes six draws whether it needs them or not, so that settings do not move other events.
    events = _holidays(config, year) + _promotions(config, seed, year)
    made = []
    for order, (name, kind, starts, channel, discount, lift) in enumerate(events, 1):
        u = rng.random(6)
        fixed = kind == "holiday"
        failed = not fixed and u[0] < season.failing_share
        shift = 0 if fixed or u[1] >= season.day_off_share else (1 if u[2] < 0.5 else -1)
        spend = 0.0 if discount == 0 and kind == "holiday" else config.orders_per_day * len(lift) * (0.15 + 0.35 * u[3])
        made.append(
            Campaign(
                f"C{year}-{order:02d}", f"{name} {year}", kind, channel, starts,
                starts + timedelta(days=len(lift) - 1), discount, round(spend, 2),
                fixed or u[4] >= season.unregistered_share, failed, starts + timedelta(days=shift),
                tuple(1.0 for _ in lift) if failed else lift,
            )
        )  # fmt: skip
    return tuple(made)


_Event = tuple[str, str, date, str | None, float, tuple[float, ...]]


def _holidays(config: SimulationConfig, year: int) -> list[_Event]:
    peak, friday, sunday = config.season.black_friday_peak, black_friday(year), easter(year)
    week = tuple(round(peak**share, 4) for share in (0.35, 1.0, 0.7, 0.55, 0.8))
    return [
        ("New Year", "holiday", date(year, 1, 1), None, 0.0, (0.62,)),
        ("Valentine's Day", "holiday", date(year, 2, 8), None, 0.0, (1.05, 1.08, 1.12, 1.18, 1.22, 1.15, 0.95)),
        ("Easter", "holiday", sunday - timedelta(days=2), None, 0.0, (0.85, 0.92, 0.72, 0.82)),
        ("Mother's Day", "holiday", nth_weekday(year, 5, 6, 2) - timedelta(days=5), None, 0.0,
         (1.10, 1.15, 1.22, 1.15, 1.0, 0.9)),
        ("Black Friday", "promotion", friday - timedelta(days=1), None, 0.15, week),
        ("Christmas", "holiday", date(year, 12, 23), None, 0.0, (0.75, 0.45, 0.5, 0.65)),
    ]  # fmt: skip


def _promotions(config: SimulationConfig, seed: int, year: int) -> list[_Event]:
    rng, events = stream(seed, "promotions", year), list[_Event]()
    channels = ("email", "paid_social", "paid_search", "affiliate")
    for _ in range(config.season.promotions_per_year):
        u = rng.random(6)
        starts = date(year, 1, 1) + timedelta(days=int(u[0] * 360))
        days, discount = 2 + int(u[1] * 6), (0.1, 0.15, 0.2, 0.25)[int(u[2] * 4)]
        channel = channels[int(u[3] * 8)] if u[3] < 0.5 else None
        lift = 1 + (0.15 + 0.55 * u[4]) * (2.2 if channel else 1.0)
        kind, name = ("launch", "Launch") if u[5] < 0.2 else ("promotion", _PROMOTIONS[int(u[5] * 6)])
        events.append((name, kind, starts, channel, 0.0 if kind == "launch" else discount, (round(lift, 4),) * days))
    return events
