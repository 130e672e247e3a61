"""Event-based scoring of notifications against incidents. Never point by point, never with point adjustment.

The rule: a notification matches an incident, one to one, if it was raised from the incident's start to the earlier
of its end and two days after its start, and names a series that the incident moved. What matches nothing is false,
except in the seven days after an incident's end (neutral). Repeats and alarms on registered campaigns match nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MATCH_DAYS = 2
NEUTRAL_DAYS = 7
MONTH_DAYS = 30.4375


@dataclass(frozen=True)
class Matched:
    """Notifications and incidents with what became of them.

    Attributes:
        notifications: as given and outcome (hit, neutral, false) and incident_id (of a hit, else null).
        incidents: as given and notification_id (null where missed) and delay_days (raised − start).
    """

    notifications: pd.DataFrame
    incidents: pd.DataFrame


def match(notifications: pd.DataFrame, incidents: pd.DataFrame) -> Matched:
    """Matches one shop's notifications with its incidents, as many as possible and each as early as possible.

    Args:
        notifications: notification_id, raised (day), names (set of series that it names).
        incidents: incident_id, start, end (days, inclusive), moved (set of series moved by at least two sigmas).
    """
    raised = pd.to_datetime(notifications["raised"]).to_numpy()
    pairs = np.zeros((len(notifications), len(incidents)), dtype=bool)
    delay = np.zeros(pairs.shape)
    neutral = np.zeros(len(notifications), dtype=bool)
    starts, ends = pd.to_datetime(incidents["start"]).to_numpy(), pd.to_datetime(incidents["end"]).to_numpy()
    for column, (start, end, moved) in enumerate(zip(starts, ends, incidents["moved"], strict=True)):
        latest = min(end, start + np.timedelta64(MATCH_DAYS, "D"))
        names_it = np.array([bool(names & moved) for names in notifications["names"]], dtype=bool)
        pairs[:, column] = (raised >= start) & (raised <= latest) & names_it
        delay[:, column] = (raised - start) / np.timedelta64(1, "D")
        neutral |= (raised > end) & (raised <= end + np.timedelta64(NEUTRAL_DAYS, "D"))
    found = _assign(pairs, delay)
    outcome = np.where(neutral, "neutral", "false").astype(object)
    hit_of: list[object] = [None] * len(notifications)
    hit_by: list[object] = [None] * len(incidents)
    late = np.full(len(incidents), np.nan)
    for row, column in found:
        outcome[row], hit_of[row] = "hit", incidents["incident_id"].iloc[column]
        hit_by[column], late[column] = notifications["notification_id"].iloc[row], delay[row, column]
    return Matched(
        notifications.assign(outcome=outcome, incident_id=pd.Series(hit_of, notifications.index, dtype=object)),
        incidents.assign(notification_id=pd.Series(hit_by, incidents.index, dtype=object), delay_days=late),
    )


def score(matched: Matched, stratum_sizes: tuple[float, float] = (0.0, np.inf)) -> dict[str, float]:
    """Counts of one shop in a stratum of incident size: hits, missed, false, neutral, delays.

    Hits on incidents outside the stratum are neutral; false alarms are false in every stratum.

    Args:
        matched: of one shop; incidents carry `size` (D) unless the stratum is all.
        stratum_sizes: lowest size, and the size from which it is too big.
    """
    incidents = matched.incidents
    low, high = stratum_sizes
    inside = np.ones(len(incidents), dtype=bool)
    if (low, high) != (0.0, np.inf):
        sizes = incidents["size"].to_numpy("float64")
        inside = (sizes >= low) & (sizes < high)
    is_hit = incidents["notification_id"].notna().to_numpy()
    outcome = matched.notifications["outcome"]
    return {
        "incidents": int(inside.sum()),
        "hits": int((inside & is_hit).sum()),
        "missed": int((inside & ~is_hit).sum()),
        "false": int((outcome == "false").sum()),
        "neutral": int((outcome == "neutral").sum() + (~inside & is_hit).sum()),
        "notifications": len(outcome),
        "delay_days": float(incidents["delay_days"].to_numpy("float64")[inside & is_hit].sum()),
    }


def scorecard(shops: pd.DataFrame) -> dict[str, float]:
    """Pooled measures of the counts of many shops.

    Args:
        shops: one row a shop, the columns of `score` and days (scored days of the shop).

    Returns:
        precision, recall, f1 (each NaN where undefined), mean delay_days of hits, notifications_a_month and
        false_a_month (per shop-month), shops, incidents, hits, false.
    """
    total = shops.sum(numeric_only=True)
    hits, false, incidents = total["hits"], total["false"], total["incidents"]
    months = total["days"] / MONTH_DAYS
    return {
        "precision": _ratio(hits, hits + false),
        "recall": _ratio(hits, incidents),
        "f1": _ratio(2 * hits, hits + false + incidents),
        "delay_days": _ratio(total["delay_days"], hits),
        "notifications_a_month": _ratio(total["notifications"], months),
        "false_a_month": _ratio(false, months),
        "shops": float(len(shops)),
        "incidents": float(incidents),
        "hits": float(hits),
        "false": float(false),
    }


def bootstrap_interval(
    shops: pd.DataFrame, measure: str, level: float = 0.95, draws: int = 2_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a `scorecard` measure when whole shops are drawn anew (Efron, 1979)."""
    rng = np.random.default_rng(seed)
    values = [scorecard(shops.iloc[rng.integers(0, len(shops), len(shops))])[measure] for _ in range(draws)]
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def balanced_accuracy(truth: np.ndarray, said: np.ndarray) -> float:
    """Mean share of rightly told members over the classes that occur in `truth`."""
    truth, said = np.asarray(truth), np.asarray(said)
    return float(np.mean([np.mean(said[truth == one] == one) for one in np.unique(truth)]))


def _assign(pairs: np.ndarray, delay: np.ndarray) -> list[tuple[int, int]]:
    """Matching of the most pairs, among those of the least total delay."""
    from scipy.optimize import linear_sum_assignment

    if not pairs.any():
        return []
    reward = np.where(pairs, 1e6 - delay, 0.0)
    rows, columns = linear_sum_assignment(reward, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if pairs[row, column]]


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")
