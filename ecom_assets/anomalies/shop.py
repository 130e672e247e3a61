"""All watched series of one shop at once: what each of them shows, and what is worth a notification.

The three detectors, their consensus and the table of points are those of `detect`, which takes one series of any step.
Here every series is daily and has relatives: they learn together what is a surprise, plans are known by channel and
discount, files prove faults, and it takes two series or a very odd one to notify of anything.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ecom_assets.anomalies.allowance import (
    DISCOUNT_METRIC,
    SPEND_METRIC,
    VISITS_METRIC,
    advertised,
    allowances,
    demand_factors,
    discounted,
    unlisted_peaks,
)
from ecom_assets.anomalies.calibration import POOL_PRIOR, daily_threshold, normal_limit, pooled_surprise
from ecom_assets.anomalies.faulty_files import with_faults
from ecom_assets.anomalies.features import shop_features
from ecom_assets.anomalies.follow import follow
from ecom_assets.anomalies.grouping import ALONE_SHARE, START_DAYS, notify
from ecom_assets.anomalies.isolation_forest import isolation_scores
from ecom_assets.anomalies.judgement import Judgement, judgement_of
from ecom_assets.anomalies.planned import beyond_band, missing_plans
from ecom_assets.anomalies.points import alarms_of, points_of, shop_events
from ecom_assets.anomalies.standing_forecasts import StandingForecasts, standing_forecasts, with_forecasts
from ecom_assets.anomalies.wide import KEYS, Wide, homewards, in_space, wide_of
from ecom_assets.anomalies.zscore import weekday_zscore

REFIT_DAYS = 28
FALSE_A_MONTH = 1.0
"""What the noise of the series would do if one of them were enough; as two related ones are asked for, a hundredth of
that is left. Of 0.25, 0.6 and 1, clear incidents of 40 development shops are found best with this (F1 .85, .86, .87);
at 1.5 and more the false ones grow faster than the hits."""
MIN_DAYS = 60
MEANT_SHARE = 0.25
"""Of what a plan may do in its main direction: below it, the other direction is leeway and no plan."""
TRACKING_METRICS = ("tracking_coverage_rate",)
PLAN_METRICS = ("orders", "sessions", "ordered_amount")


@dataclass(frozen=True)
class ShopDetected:
    """What was found in one shop.

    Attributes:
        points: metric, dimension, member and the points of `detect.Detected`, one row a series and day; further
            is_watched (False where a series is too noisy by the day to be notified of) and fault (the file fault
            that is proven to have moved it, such as "orders twice", or "").
        events: the same of its events.
        notifications: one row a cause, see `grouping.notify`.
        members: which series took part in which notification, by day, and is_planned: whether a plan moves it that
            way. Sessions that fall while a promotion runs were not planned.
        missing_plans: planned campaigns of which a series showed nothing, with the series.
    """

    points: pd.DataFrame
    events: pd.DataFrame
    notifications: pd.DataFrame
    members: pd.DataFrame
    missing_plans: pd.DataFrame


def detect_shop(
    daily: pd.DataFrame,
    campaigns: pd.DataFrame | None = None,
    false_a_month: float = FALSE_A_MONTH,
    seed: int = 0,
    lineage: pd.DataFrame | None = None,
    since: pd.Timestamp | str | None = None,
) -> ShopDetected:
    """Anomalies of every series of a shop, each day judged by the days before it, and one notification a cause.

    The z-score expects the same weekday's median of eight weeks, the forecast residual what a robust level with
    slope and weekday follows or, where the series is forecast, the middle one of this, its champion and Prophet; the
    isolation forest learns from all series together. What plans may do is taken off first. Series that are too noisy
    by the day are shown and not notified of.

    Args:
        daily: time, metric, dimension, member ("" = the whole) and value, and optionally champion_expected,
            prophet_expected and foretold_on (what was forecast of the day, and the last day known when it was).
            Series with fewer than 60 known days are left out. The metric discount_rate is not judged: it tells
            promotions that stand on no calendar.
        campaigns: planned events; one with a channel concerns the whole and that channel's members alone.
        false_a_month: budget of false notifications of the shop.
        seed: of the isolation forest.
        lineage: what the files of each day were like, see `evidence.LINEAGE_COLUMNS`: a file that came twice or was
            cut off makes the metrics that it moved alarm.
        since: only points, events and notifications from this day on are returned; they are what they are without.
    """
    is_discount = daily["metric"] == DISCOUNT_METRIC
    wide = wide_of(daily[~is_discount], MIN_DAYS)
    up, down = _excused(wide, daily[is_discount], campaigns)
    judged = judge(wide, up, down, standing_forecasts(daily[~is_discount], wide), seed)
    if lineage is not None and len(lineage):
        judged = with_faults(wide, judged, lineage)
    threshold = daily_threshold()
    points = _points(wide, judged, threshold)
    watched = points[points["is_watched"]].assign(score=_told_score)
    notifications, members = notify(watched[["time", *KEYS, "score", "zscore", "fault"]], false_a_month)
    meant = points[["time", *KEYS]].assign(is_planned=_as_planned(up, down, judged.zscores).T.ravel())
    members = members.merge(meant, on=["time", *KEYS], how="left")
    events, missing = shop_events(points, threshold), _missing(wide, judged, campaigns)
    found = ShopDetected(points, events, notifications, members, missing)
    return found if since is None else _from(found, pd.Timestamp(since))


def judge(
    wide: Wide, up: np.ndarray, down: np.ndarray, forecasts: StandingForecasts | None = None, seed: int = 0
) -> Judgement:
    """Expectations, z-scores and surprises of every detector, [day, series].

    Args:
        wide: the series.
        up: logarithms by which plans excuse what lies above the expectation, by cell.
        down: the same below it.
        forecasts: what forecasters had said of some series.
        seed: of the isolation forest.
    """
    planned = (up > 0) | (down > 0)
    floor = np.array([space.floor for space in wide.spaces])
    weekly = weekday_zscore(wide.moved, planned, floor)
    residual = follow(wide.moved, wide.days.dayofweek.to_numpy(), ~planned, floor)
    if forecasts is not None:
        residual = with_forecasts(residual, forecasts, wide.moved, planned)
    scores = {
        "zscore": weekly.in_sigmas(_beyond_plans(wide, weekly.expected, up, down)),
        "forecast_residual": residual.in_sigmas(_beyond_plans(wide, residual.expected, up, down)),
    }
    scores["isolation_forest"] = _isolated(wide, scores, seed)
    calibrate = partial(pooled_surprise, groups=[metric for metric, *_ in wide.keys], left_out=planned)
    return judgement_of(scores, residual, weekly, planned, calibrate, POOL_PRIOR)


def _points(wide: Wide, judged: Judgement, threshold: float) -> pd.DataFrame:
    """One row a series and day, see `ShopDetected`; a series alarms from the surprise `threshold` on."""
    days, reach = len(wide.days), normal_limit(threshold)
    alarms = alarms_of(wide.values, judged.consensus, threshold, START_DAYS, gap=1)
    points = points_of(wide.days, wide.values, judged, alarms, (reach, reach), wide.back)
    points["is_watched"] = np.repeat(wide.is_told, days)
    points["fault"] = "" if judged.faults is None else judged.faults.T.ravel()
    names = pd.DataFrame(wide.keys, columns=KEYS)
    return names.loc[names.index.repeat(days)].reset_index(drop=True).join(points)


def _told_score(points: pd.DataFrame) -> pd.Series:
    """The consensus; a fall of the tracked share counts as if a second series confirmed it.

    Demand, prices and campaigns leave the share of orders that name their session where it is, so that chance is all
    that speaks against a loss of tracking: on 80 development shops no quiet day came near the threshold.
    """
    lost = points["metric"].isin(TRACKING_METRICS) & (points["zscore"] < 0)
    return points["consensus"].where(~lost, points["consensus"] * ALONE_SHARE)


def _as_planned(up: np.ndarray, down: np.ndarray, zscores: np.ndarray) -> np.ndarray:
    """Whether a plan means to move a cell in the direction in which it went, [day, series]."""
    towards = np.where(np.nan_to_num(zscores) >= 0, up, down)
    return (towards > 0) & (towards >= MEANT_SHARE * np.maximum(up, down))


def _beyond_plans(wide: Wide, expected: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Errors less what plans excuse and what comes back to where it belongs; 0 within."""
    error, back = wide.moved - expected, homewards(wide, expected)
    above = np.maximum(in_space(wide, expected, up), back)
    below = np.minimum(in_space(wide, expected, -down), back)
    return np.where(np.isfinite(error), beyond_band(error, below, above), np.nan)


def _excused(wide: Wide, discounts: pd.DataFrame, campaigns: pd.DataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    rates = {
        (str(dimension), str(member)): rows.set_index("time")["value"].reindex(wide.days).to_numpy("float64")
        for (dimension, member), rows in discounts.groupby(["dimension", "member"])
    }
    peaks = unlisted_peaks(wide.days, rates.get(("", ""), np.full(len(wide.days), np.nan)))
    plans = [frame for frame in (campaigns, peaks) if frame is not None and len(frame)]
    lift, dip = demand_factors(wide.days, wide.keys, pd.concat(plans, ignore_index=True) if plans else None)
    spent, visited = _of_channels(wide, SPEND_METRIC), _of_channels(wide, VISITS_METRIC)
    unlisted = np.maximum(discounted(wide.days, wide.keys, rates), advertised(wide.keys, spent, visited))
    return allowances(wide.keys, np.maximum(lift, unlisted), dip)


def _of_channels(wide: Wide, metric: str) -> dict[str, np.ndarray]:
    """Values of a metric by channel, one a day."""
    return {
        member: wide.values[:, place]
        for place, (name, dimension, member) in enumerate(wide.keys)
        if name == metric and dimension == "channel"
    }


def _isolated(wide: Wide, zscores: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """The forest's scores, [day, series]: one forest for all series that are worth watching."""
    days, watched = len(wide.days), np.flatnonzero(wide.is_told)
    rows = shop_features(zscores["zscore"][:, watched], zscores["forecast_residual"][:, watched])
    found = isolation_scores(rows, np.repeat(np.arange(days), len(watched)), REFIT_DAYS, seed)
    scores = np.full(wide.moved.shape, np.nan)
    scores[:, watched] = found.reshape(days, len(watched))
    return scores


def _missing(wide: Wide, judged: Judgement, campaigns: pd.DataFrame | None) -> pd.DataFrame:
    """Promotions of which nothing was to be seen in the shop's orders, sessions or sales, by their like before."""
    parts = []
    for place, key in enumerate(wide.keys):
        if key[0] in PLAN_METRICS and not key[2]:
            error = wide.moved[:, place] - judged.expected[:, place]
            lift = _usual_lift(wide.days, error, campaigns)
            found = missing_plans(wide.days, campaigns, error, lift, judged.sigma[:, place])
            parts.append(found.assign(**dict(zip(KEYS, key, strict=True))))
    if not parts:
        return missing_plans(wide.days, None, np.zeros(0), np.zeros(0), np.zeros(0)).reindex(columns=KEYS)
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _usual_lift(days: pd.DatetimeIndex, error: np.ndarray, campaigns: pd.DataFrame | None) -> np.ndarray:
    """On planned days, the median of what earlier promotions and launches of the whole shop did; else 0."""
    lift = np.zeros(len(days))
    if campaigns is None:
        return lift
    of_shop = campaigns if "channel" not in campaigns else campaigns[campaigns["channel"].isna()]
    seen: list[float] = []
    plans = of_shop[of_shop["kind"].isin(["promotion", "launch"])].sort_values("starts_date")
    for starts, ends in zip(pd.to_datetime(plans["starts_date"]), pd.to_datetime(plans["ends_date"]), strict=True):
        inside = np.asarray((days >= starts) & (days <= ends))
        if len(seen) >= 2:
            lift[inside] = float(np.median(seen))
        if np.isfinite(error[inside]).any():
            seen.append(float(np.nanmean(error[inside])))
    return lift


def _from(found: ShopDetected, first: pd.Timestamp) -> ShopDetected:
    """What was found from a day on; events and notifications by the day on which they were raised."""
    said = found.notifications[found.notifications["raised"] >= first]
    return ShopDetected(
        found.points[found.points["time"] >= first].reset_index(drop=True),
        found.events[found.events["raised"] >= first].reset_index(drop=True),
        said.reset_index(drop=True),
        found.members[found.members["notification_id"].isin(said["notification_id"])].reset_index(drop=True),
        found.missing_plans[found.missing_plans["time"] >= first].reset_index(drop=True),
    )
