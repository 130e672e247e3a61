"""What a faulty file did to the numbers that are made of it, as the file itself tells. Reads no lineage itself.

A file says how much of it is wrong: a share r of its rows that came twice adds r to what they sum to, an end that is
missing takes its share away. In sigmas of a series that is how far the fault moved it, and decides whether the series
is told of: the same fault drowns in one shop and is plain in another.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.evidence import REPEATED_RATE, WAKING_HOURS, file_faults, metrics_of
from ecom_assets.anomalies.judgement import Judgement
from ecom_assets.anomalies.wide import Wide, in_space

MOVES: dict[str, dict[str, tuple[float, float]]] = {
    # metric: the power with which it goes with the rows that came twice, and with those that are missing
    "orders": {
        "orders": (1, 1), "ordered_amount": (1, 1), "net_amount": (1, 1), "margin_amount": (1, 1),
        "return_on_ad_spend": (1, 1), "refund_rate": (-1, -1), "new_customers": (0, 1), "conversion_rate": (0, 1),
    },
    "order_items": {
        "ordered_amount": (1, 1), "net_amount": (1, 1), "margin_amount": (1, 1), "return_on_ad_spend": (1, 1),
        "refund_rate": (-1, -1),
    },
    "session_tracking": {"sessions": (1, 1), "conversion_rate": (-1, 0), "active_users": (0, 1)},
    "clickstream": {"pages_per_session": (1, 1), "active_users": (0, 1)},
    "website_traffic": {"sessions": (1, 1), "conversion_rate": (-1, -1)},
    "api_logs": {"api_calls": (1, 1)},
    "support_tickets": {"tickets_opened": (1, 1)},
    "cart_abandonment": {"abandoned_carts": (1, 1)},
    "marketing_spend": {"spend_amount": (1, 1), "return_on_ad_spend": (-1, -1)},
    "refunds": {"refund_amount": (1, 1), "refund_rate": (1, 1)},
}  # fmt: skip
"""Customers, visitors and sessions that bought are counted once however often they came."""
SURE = 12.0
"""Surprise of what a proven fault moved: twice what one series alone needs in a shop of hundreds."""
MOVED_SIGMAS, NEAR_SIGMAS = 2.0, 1.0
MOST_MISSING = 0.95


def with_faults(wide: Wide, judged: Judgement, lineage: pd.DataFrame) -> Judgement:
    """`judged`, with series that a faulty file moved by at least two sigmas as odd as can be.

    Also where the day looks ordinary: a good day that was cut off does, and is wrong all the same. Whatever else is
    made of the file is marked as moved by it.

    Args:
        wide: the series.
        judged: what the detectors say of them.
        lineage: see `evidence.LINEAGE_COLUMNS`.
    """
    consensus, faults = judged.consensus.copy(), np.full(judged.consensus.shape, "", dtype=object)
    metrics = [metric for metric, *_ in wide.keys]
    places = {day: place for place, day in enumerate(wide.days.tolist())}
    for fault in file_faults(lineage).to_dict("records"):
        at = places.get(fault["business_date"])
        if at is None:
            continue
        size = np.abs(expected_move(wide, judged, at, fault))
        moved, near = size >= MOVED_SIGMAS, size >= NEAR_SIGMAS
        if moved.any():
            consensus[at, near] = np.fmax(consensus[at, near], SURE / 2)
            consensus[at, moved] = np.fmax(consensus[at, moved], SURE)
            faults[at, near | np.isin(metrics, list(metrics_of(fault["dataset"])))] = _called(fault)
    return judged.with_faults(consensus, faults)


def _called(fault: dict) -> str:
    """Such as "orders twice": what came twice on one day and was cut off on the next are two causes."""
    return f"{fault['dataset']} {'twice' if fault['repeated_rate'] >= REPEATED_RATE else 'cut'}"


def expected_move(wide: Wide, judged: Judgement, at: int, fault: dict) -> np.ndarray:
    """By how many sigmas a faulty file moved each series on its day, 0 where it does not concern it.

    Args:
        wide: the series.
        judged: their expectations and noise.
        at: place of the day.
        fault: one row of `evidence.file_faults`.
    """
    again = -np.log1p(-min(fault["repeated_rate"], MOST_MISSING))
    gone = np.log1p(-np.clip(fault["hours_missing"] / WAKING_HOURS, 0, MOST_MISSING))
    moves = MOVES.get(str(fault["dataset"]), {})
    powers = np.array([moves.get(metric, (0.0, 0.0)) for metric, *_ in wide.keys])
    factor = powers @ np.array([again, gone])
    moved = in_space(wide, judged.expected[at : at + 1], factor[None, :])[0] / judged.sigma[at]
    return np.where(wide.is_told & np.isfinite(wide.moved[at]), np.nan_to_num(moved), 0.0)
