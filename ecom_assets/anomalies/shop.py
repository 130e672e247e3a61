"""All watched series of one shop at once: what each of them shows, and what is worth a notification."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ecom_assets.anomalies.detect import Detected, Prepared, conclude, prepare
from ecom_assets.anomalies.grouping import KEYS, notify
from ecom_assets.anomalies.isolation_forest import isolation_scores
from ecom_assets.forecasting.series import regular

REFIT_DAYS = 28
FALSE_A_MONTH = 0.1
"""Asked for; drawn shops, whose promotions are partly on no calendar, then had 0.14."""
MIN_DAYS = 60


@dataclass(frozen=True)
class ShopDetected:
    """What was found in one shop.

    Attributes:
        points: metric, dimension, member and the points of `detect.Detected`, one row a series and day.
        events: the same of its events.
        notifications: one row a cause, see `grouping.notify`.
        members: which series took part in which notification, by day.
        missing_plans: planned campaigns of which a series showed nothing, with the series.
    """

    points: pd.DataFrame
    events: pd.DataFrame
    notifications: pd.DataFrame
    members: pd.DataFrame
    missing_plans: pd.DataFrame


def detect_shop(
    daily: pd.DataFrame, campaigns: pd.DataFrame | None = None, false_a_month: float = FALSE_A_MONTH, seed: int = 0
) -> ShopDetected:
    """Anomalies of every series of a shop, each day judged by the days before it, and one notification a cause.

    One isolation forest learns from all series together: their features are free of unit, and one fit a month for
    the shop costs what one a month for each series would cost fifty times.

    Args:
        daily: time, metric, dimension, member ("" = the whole) and value, and optionally expected (one-step
            expectations of the series' champion). Series with fewer than 60 known days are left out.
        campaigns: planned events; one with a channel concerns the whole and that channel's members alone.
        false_a_month: budget of false notifications of the shop.
        seed: of the isolation forest.
    """
    prepared: dict[Any, Prepared] = {}
    for key, rows in daily.groupby(KEYS, sort=True):
        if rows["value"].notna().sum() < MIN_DAYS:
            continue
        history = regular(rows, _concerning(campaigns, str(rows["dimension"].iloc[0]), str(rows["member"].iloc[0])))
        expected = None
        if "expected" in rows and rows["expected"].notna().any():
            expected = rows.set_index("time")["expected"].reindex(history.times).to_numpy("float64")
        prepared[key] = prepare(history, expected)
    if not prepared:
        raise ValueError(f"no series has {MIN_DAYS} known days; detection needs that much history")
    features = pd.concat([one.features for one in prepared.values()], ignore_index=True)
    times = np.concatenate([one.history.times.to_numpy() for one in prepared.values()])
    isolated = isolation_scores(features, times, REFIT_DAYS, seed)
    ends = np.cumsum([len(one.history) for one in prepared.values()])
    parts = np.split(isolated, ends[:-1])
    found = {key: conclude(one, part) for (key, one), part in zip(prepared.items(), parts, strict=True)}
    points = _joined(found, "points")
    notifications, members = notify(points.assign(score=points["consensus"]), false_a_month)
    return ShopDetected(points, _joined(found, "events"), notifications, members, _joined(found, "missing_plans"))


def _concerning(campaigns: pd.DataFrame | None, dimension: str, member: str) -> pd.DataFrame | None:
    if campaigns is None or "channel" not in campaigns or dimension != "channel" or not member:
        return campaigns
    return campaigns[campaigns["channel"].isna() | (campaigns["channel"] == member)]


def _joined(found: dict[tuple, Detected], name: str) -> pd.DataFrame:
    parts = [getattr(one, name).assign(**dict(zip(KEYS, key, strict=True))) for key, one in found.items()]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return table[[*KEYS, *(column for column in table if column not in KEYS)]]
