"""Quick shops of daily series whose truth is known: the laws that real shops show, without a simulator.

`draw_shop(seed)` gives the observed series and their quiet twins (same noise, no incident). Used for development and
for tests that need many series; the project's own simulator is the real judge.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CHANNELS = ("organic_search", "paid_search", "direct", "email", "paid_social", "referral")
SHARES = np.array([0.34, 0.22, 0.18, 0.12, 0.09, 0.05])
KINDS = {
    # kind: (sign, which factor it moves, is it a data fault)
    "flash_sale": (1, "conversion", False),
    "payment_outage": (-1, "conversion", False),
    "checkout_slowdown": (-1, "conversion", False),
    "channel_paused": (-1, "traffic", False),
    "price_mistake": (-1, "value", False),
    "viral_mention": (1, "traffic", False),
    "tracking_loss": (-1, "tracking", True),
    "duplicate_delivery": (1, "orders", True),
    "truncated_file": (-1, "orders", True),
}
FACTORS = ("traffic", "conversion", "value", "tracking", "orders")
Series = dict[tuple[str, str], np.ndarray]


@dataclass(frozen=True)
class DrawnShop:
    """Series by (metric, member), their quiet twins, what was planned, and the incidents.

    Metrics: sessions, orders, net_amount (additive) and conversion_rate, average_order_value (ratios); members: the
    whole shop ("") and its channels. Incidents: kind, member, start, end (inclusive days), is_data_fault.
    """

    days: pd.DatetimeIndex
    series: Series
    quiet: Series
    campaigns: pd.DataFrame
    incidents: pd.DataFrame


def draw_shop(seed: int, length: int = 760, incidents_a_year: float = 10.0, first_incident: int = 300) -> DrawnShop:
    """One shop of `length` days."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", periods=length)
    campaigns, plan = _plans(rng, days)
    common = _level(rng, length) + _weekday(rng, days) + _year(rng, days)
    noise = _noise(rng, length, rng.uniform(0.06, 0.15))
    own = np.stack([_noise(rng, length, rng.uniform(0.05, 0.12)) for _ in CHANNELS])
    sessions = np.exp(rng.uniform(np.log(3_000), np.log(15_000)))
    log_rates = {
        "traffic": np.log(sessions * SHARES)[:, None] + common + 0.5 * plan + 0.6 * noise + own,
        "conversion": np.log(rng.uniform(0.010, 0.035)) + 0.5 * plan + 0.3 * noise,
        "value": np.log(rng.uniform(40, 120)) + 0.1 * noise - 0.05 * plan,
    }
    luck = rng.standard_normal((3, len(CHANNELS), length))
    incidents, moves = _incidents(rng, days, incidents_a_year, first_incident)
    still = {factor: np.zeros((len(CHANNELS), length)) for factor in FACTORS}
    return DrawnShop(days, _observe(log_rates, luck, moves), _observe(log_rates, luck, still), campaigns, incidents)


def _observe(log_rates: dict[str, np.ndarray], luck: np.ndarray, moves: dict[str, np.ndarray]) -> Series:
    """Counts have Poisson spread; the luck is that of the twin."""
    real_sessions = np.exp(log_rates["traffic"] + moves["traffic"])
    orders_rate = real_sessions * np.exp(log_rates["conversion"] + moves["conversion"] + moves["orders"])
    seen = real_sessions * np.exp(moves["tracking"])
    sessions = np.maximum(np.rint(seen + np.sqrt(seen) * luck[0]), 0)
    orders = np.maximum(np.rint(orders_rate + np.sqrt(orders_rate) * luck[1]), 0)
    value = np.exp(log_rates["value"] + moves["value"])
    amount = orders * value * np.exp(0.6 * luck[2] / np.sqrt(np.maximum(orders, 1)))
    series: Series = {}
    for index, member in enumerate(("", *CHANNELS)):
        pick = slice(None) if member == "" else slice(index - 1, index)
        s, o, a = sessions[pick].sum(0), orders[pick].sum(0), amount[pick].sum(0)
        series["sessions", member], series["orders", member], series["net_amount", member] = s, o, np.round(a, 2)
        series["conversion_rate", member] = np.where(s > 0, o / np.maximum(s, 1), np.nan)
        series["average_order_value", member] = np.where(o > 0, a / np.maximum(o, 1), np.nan)
    return series


def _noise(rng: np.random.Generator, length: int, spread: float) -> np.ndarray:
    """AR(1) with Student t innovations of standard deviation `spread` in all."""
    freedom, phi = rng.uniform(4, 8), rng.uniform(0.1, 0.4)
    shocks = rng.standard_t(freedom, length) / np.sqrt(freedom / (freedom - 2)) * spread * np.sqrt(1 - phi**2)
    noise = np.zeros(length)
    for day in range(length):
        noise[day] = shocks[day] + (phi * noise[day - 1] if day else 0.0)
    return noise


def _level(rng: np.random.Generator, length: int) -> np.ndarray:
    slope = np.zeros(length)
    bends = np.sort(rng.integers(0, length, rng.poisson(1.5 * length / 365)))
    for start, stop in zip([0, *bends], [*bends, length], strict=True):
        slope[start:stop] = np.log1p(rng.uniform(-0.02, 0.06)) / 30
    level = np.cumsum(slope)
    for shift in rng.integers(0, length, rng.poisson(0.5 * length / 365)):
        level[shift:] += rng.choice([-1, 1]) * rng.uniform(0.1, 0.3)
    return level


def _weekday(rng: np.random.Generator, days: pd.DatetimeIndex) -> np.ndarray:
    profile = rng.uniform(0.10, 0.35) * rng.uniform(-1, 1, 7)
    return (profile - profile.mean())[days.dayofweek]


def _year(rng: np.random.Generator, days: pd.DatetimeIndex) -> np.ndarray:
    distance = (np.asarray(days.dayofyear) - 345 + 182) % 365 - 182
    return np.log(rng.uniform(1.3, 2.5)) * np.exp(-0.5 * (distance / 25) ** 2)


def _plans(rng: np.random.Generator, days: pd.DatetimeIndex) -> tuple[pd.DataFrame, np.ndarray]:
    """The plan, and what really happened: 10 % fail, 10 % start a day off, 15 % are on no calendar."""
    plan, rows = np.zeros(len(days)), []
    for start in rng.choice(len(days) - 10, round(10 * len(days) / 365), replace=False):
        width, depth = int(rng.integers(2, 7)), rng.uniform(0.1, 0.3)
        happens, off, listed = rng.random() > 0.1, int(rng.random() < 0.1), rng.random() > 0.15
        if happens:
            plan[start + off : start + width] += depth * rng.uniform(1.0, 2.0)
        if listed:
            rows.append(("Promotion", "promotion", days[start], days[start + width - 1], round(depth, 2)))
    for year in sorted(set(days.year)):
        friday = np.flatnonzero(days == pd.Timestamp(f"{year}-11-01") + pd.offsets.WeekOfMonth(week=3, weekday=4))
        for at in friday:
            plan[at : at + 4] += np.log(rng.uniform(2, 5))
            plan[at + 4 : at + 11] -= rng.uniform(0.1, 0.2)
            rows.append((f"Black Friday {year}", "holiday", days[at], days[min(at + 3, len(days) - 1)], np.nan))
    columns = ["campaign_name", "kind", "starts_date", "ends_date", "discount_rate"]
    return pd.DataFrame(rows, columns=columns), plan


def _incidents(
    rng: np.random.Generator, days: pd.DatetimeIndex, a_year: float, first: int
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    moves = {factor: np.zeros((len(CHANNELS), len(days))) for factor in FACTORS}
    rows = []
    for _ in range(rng.poisson(a_year * (len(days) - first) / 365)):
        kind = str(rng.choice(list(KINDS)))
        sign, factor, is_fault = KINDS[kind]
        start = int(rng.integers(first, len(days) - 3))
        width = int(np.clip(np.rint(4 * np.exp(0.8 * rng.standard_normal())), 1, 28))
        if is_fault or kind in ("payment_outage", "checkout_slowdown"):
            width = int(np.clip(np.rint(width / 3), 1, 5))
        size = np.exp(rng.uniform(np.log(0.05), np.log(0.8)))
        member = int(rng.integers(len(CHANNELS))) if kind == "channel_paused" or rng.random() < 0.5 else None
        stop = min(start + width, len(days))
        shape = {
            "step": np.ones,
            "ramp": lambda n: np.linspace(1 / n, 1, n),
            "decay": lambda n: np.linspace(1, 1 / n, n),
        }
        form = shape[str(rng.choice(list(shape), p=[0.6, 0.2, 0.2]))](stop - start)
        effect = np.log1p(sign * size) * form
        moves[factor][slice(None) if member is None else member, start:stop] += effect
        rows.append((kind, "" if member is None else CHANNELS[member], days[start], days[stop - 1], is_fault))
    incidents = pd.DataFrame(rows, columns=["kind", "member", "start", "end", "is_data_fault"])
    return incidents.sort_values("start", ignore_index=True), moves
