"""What was planned does not alarm; a plan that does not show does. Works in model space on any detector's deviations.

On a planned day everything between "as if nothing were planned" and twice what such plans did so far counts as
planned. The less is known of the plans' effect, the wider the band.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from ecom_assets.forecasting.calendar import CAMPAIGN_COLUMNS, planned_days

LIFT_SHARE = 2.0
UNKNOWN_LIFT = 0.7
HOLIDAY_UNKNOWN_LIFT = 1.6
AFTER_HOLIDAY_DAYS = 7
AFTER_HOLIDAY_DIP = float(np.log(0.75))
SHOWN_SHARE = 0.25
MISSING_SIGMAS = 3.0


def planned_band(
    times: pd.DatetimeIndex,
    campaigns: pd.DataFrame | None,
    lift: np.ndarray,
    moved: Callable[[float], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """How far a value may lie from the unplanned expectation for its plan's sake: lower and upper end.

    Both are 0 where nothing is planned. Twice the learned lift, and what is still unknown of it: a factor e^±0.7
    (e^±1.6 for holidays) before the first plan of its kind was seen, less with every one. In the week after a
    holiday, when demand was drawn forward, a dip by a quarter is planned too.

    Args:
        times: of the steps.
        campaigns: planned events, or None.
        lift: what the expectation holds for plans at each step, learned from the past, in model space.
        moved: how far the factor e^x moves the unplanned expectation of each step in model space, by x.
    """
    lower, upper = np.zeros(len(times)), np.zeros(len(times))
    if campaigns is None or campaigns.empty:
        return lower, upper
    seen: dict[str, int] = {}
    for number in np.argsort(pd.to_datetime(campaigns["starts_date"]).to_numpy(), kind="stable"):
        plan = campaigns.iloc[[number]]
        inside = planned_days(times, plan)
        kind = str(plan["kind"].iloc[0])
        unknown = (HOLIDAY_UNKNOWN_LIFT if kind == "holiday" else UNKNOWN_LIFT) / (1 + seen.get(kind, 0)) ** 0.5
        low = np.nan_to_num(np.minimum(LIFT_SHARE * lift, 0) + moved(-unknown))
        high = np.nan_to_num(np.maximum(LIFT_SHARE * lift, 0) + moved(unknown))
        lower[inside] = np.minimum(lower, low)[inside]
        upper[inside] = np.maximum(upper, high)[inside]
        if kind == "holiday":
            ends = pd.Timestamp(plan["ends_date"].iloc[0])
            after = (times > ends) & (times < ends + pd.Timedelta(days=AFTER_HOLIDAY_DAYS + 1)) & ~inside
            lower[after] = np.minimum(lower, np.nan_to_num(moved(AFTER_HOLIDAY_DIP)))[after]
        if inside.any():
            seen[kind] = seen.get(kind, 0) + 1
    return lower, upper


def beyond_band(deviation: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The part of each deviation from the unplanned expectation that no plan explains; 0 inside the band."""
    return np.where(deviation > upper, deviation - upper, np.where(deviation < lower, deviation - lower, 0.0))


def missing_plans(
    times: pd.DatetimeIndex,
    campaigns: pd.DataFrame | None,
    deviation: np.ndarray,
    lift: np.ndarray,
    sigma: np.ndarray,
) -> pd.DataFrame:
    """Planned promotions and launches of which nothing was to be seen.

    A plan is missing from its second day on if over its days so far less than a quarter of the expected lift has
    shown and the shortfall is over three sigmas of the mean of those days. One plan is reported once.

    Args:
        times: of the steps.
        campaigns: planned events, or None.
        deviation: from the expectation without plans, in model space.
        lift: expected for plans at each step.
        sigma: noise of one step.

    Returns:
        campaign_name, kind, starts_date, ends_date, time (of the step that decided), shown_share, shortfall_sigmas.
    """
    rows = []
    for _, plan in (campaigns if campaigns is not None else pd.DataFrame()).iterrows():
        if plan["kind"] not in ("promotion", "launch"):
            continue
        days = np.flatnonzero(planned_days(times, plan.to_frame().T) & np.isfinite(deviation) & np.isfinite(sigma))
        for count in range(2, len(days) + 1):
            so_far = days[:count]
            expected, shown = float(np.mean(lift[so_far])), float(np.mean(deviation[so_far]))
            noise = float(np.mean(sigma[so_far])) / count**0.5
            shortfall = (expected - shown) * np.sign(expected) / noise if noise > 0 else 0.0
            if shortfall > MISSING_SIGMAS and shown * np.sign(expected) < SHOWN_SHARE * abs(expected):
                said = {name: plan.get(name) for name in CAMPAIGN_COLUMNS[:4]}
                when = {"time": times[so_far[-1]], "shown_share": shown / expected, "shortfall_sigmas": shortfall}
                rows.append({**said, **when})
                break
    columns = [*CAMPAIGN_COLUMNS[:4], "time", "shown_share", "shortfall_sigmas"]
    return pd.DataFrame(rows, columns=columns)
