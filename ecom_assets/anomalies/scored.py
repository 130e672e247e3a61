"""The tables of the layer `anomaly` against the shop's truth: rows of anomaly/detector_scorecard. Feeds no alarm."""

from pathlib import Path

import pandas as pd

from ecom_assets.anomalies.scorecard import detector_scorecard, sized
from ecom_assets.anomalies.shop import FALSE_A_MONTH
from ecom_assets.anomalies.truth import read_truth
from ecom_assets.anomalies.wide import KEYS

MEASURES = [
    "precision", "recall", "f1", "delay_days", "notifications_a_month", "false_a_month", "balanced_accuracy",
]  # fmt: skip
COUNTS = ["incidents", "hits", "false_notifications"]
COLUMNS = ["detector", "stratum", *MEASURES, *COUNTS]


def shop_scorecard(points: pd.DataFrame, causes: pd.DataFrame, members: pd.DataFrame, truth: Path) -> pd.DataFrame:
    """One row a detector, pair, triple, consensus or baseline, and stratum of incident size; without points none.

    Args:
        points: rows of the query anomaly/scored_points.
        causes: rows of anomaly/scored_causes.
        members: rows of anomaly/scored_members.
        truth: the folder with the shop's truth.

    Returns:
        `COLUMNS`, of which balanced_accuracy (data fault against business change) is the consensus' alone.

    Raises:
        FileNotFoundError: the folder does not hold a truth.
    """
    known = read_truth(truth)
    if points.empty:
        return empty()
    watched = points[KEYS].drop_duplicates()
    incidents = sized(known.incidents, known.effects.merge(watched, on=KEYS), known.quiet.merge(watched, on=KEYS))
    verdicts = causes.rename(columns={"notification_id": "event_id"})[["event_id", "verdict"]]
    card = detector_scorecard(points, causes.drop(columns="verdict"), members, incidents, FALSE_A_MONTH, verdicts)
    card = card.rename(columns={"false": "false_notifications"})
    return card.astype(dict.fromkeys(COUNTS, "int64")).reindex(columns=COLUMNS)


def empty() -> pd.DataFrame:
    """No rows, with the table's columns."""
    return pd.DataFrame({name: pd.Series(dtype=_KINDS.get(name, "float64")) for name in COLUMNS})


_KINDS = {"detector": "object", "stratum": "object", **dict.fromkeys(COUNTS, "int64")}
