"""The table of judged steps, of one series or of all series of a shop, with what alarms in it. Judges nothing itself.

Arrays are [step] of one series or [day, series] of a shop, whose series stand below each other in the table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecom_assets.anomalies.consensus import DETECTORS, agreement
from ecom_assets.anomalies.events import EVENT_COLUMNS, event_ids, event_table, severity
from ecom_assets.anomalies.judgement import Judgement
from ecom_assets.anomalies.wide import KEYS


@dataclass(frozen=True)
class Alarms:
    """Which steps alarm.

    Attributes:
        threshold: the surprise from which a step does.
        score: surprise of each step, 0 where unknown.
        is_anomaly: steps that alarm.
        event_id: number of the event within its series, 0 outside.
    """

    threshold: float
    score: np.ndarray
    is_anomaly: np.ndarray
    event_id: np.ndarray


def alarms_of(values: np.ndarray, surprise: np.ndarray, threshold: float, warm_up: int, gap: int) -> Alarms:
    """Known values whose surprise reaches the threshold.

    Args:
        values: NaN where missing.
        surprise: of the detectors together.
        threshold: the surprise from which a step alarms.
        warm_up: first steps, which never do.
        gap: quiet steps that an event may hold.
    """
    score = np.nan_to_num(surprise)
    is_anomaly = (score >= threshold) & np.isfinite(values)
    is_anomaly[:warm_up] = False
    return Alarms(threshold, score, is_anomaly, np.apply_along_axis(event_ids, 0, is_anomaly, gap))


def points_of(
    times: pd.DatetimeIndex,
    values: np.ndarray,
    judged: Judgement,
    alarms: Alarms,
    reach: tuple[np.ndarray | float, np.ndarray | float],
    back: Callable[[np.ndarray], np.ndarray],
    least: float = -np.inf,
) -> pd.DataFrame:
    """One row a step and series, see `detect.Detected`.

    Args:
        times: of the steps.
        values: in their own unit.
        judged: what the detectors say of them.
        alarms: which of them alarm.
        reach: sigmas at which the forecast residual and the z-score would alarm by themselves.
        back: from model space to the values' own unit.
        least: what no lower limit goes below.
    """
    severities = np.full(values.shape, "", dtype=object)
    severities[alarms.is_anomaly] = [severity(one, alarms.threshold) for one in alarms.score[alarms.is_anomaly]]
    directions = np.where(np.nan_to_num(judged.zscores) >= 0, "up", "down")
    cells = {
        "value": values,
        **_limits("", judged.expected, reach[0] * judged.sigma, back, least),
        "score": alarms.score,
        "detectors": np.where(alarms.is_anomaly, agreement(judged.surprises, alarms.threshold), ""),
        "is_anomaly": alarms.is_anomaly,
        "event_id": alarms.event_id,
        "severity": severities,
        "direction": np.where(alarms.is_anomaly, directions, ""),
        **{f"surprise_{name}": judged.surprises[name] for name in DETECTORS},
        "consensus": judged.consensus,
        "zscore": judged.zscores,
        "is_planned": judged.planned,
        "sigma": judged.sigma,
        **{f"score_{name}": judged.scores[name] for name in DETECTORS},
        **_limits("_zscore", judged.expected_zscore, reach[1] * judged.sigma_zscore, back, least),
    }
    time = np.tile(times.to_numpy(), values.size // len(times))
    return pd.DataFrame({"time": time, **{name: array.T.ravel() for name, array in cells.items()}})


def _limits(
    suffix: str, expected: np.ndarray, width: np.ndarray, back: Callable[[np.ndarray], np.ndarray], least: float
) -> dict[str, np.ndarray]:
    """What was expected, and what would not have alarmed, in the values' own unit."""
    return {
        f"expected{suffix}": back(expected),
        f"lower{suffix}": np.maximum(back(expected - width), least),
        f"upper{suffix}": back(expected + width),
    }


def shop_events(points: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row per event of each series, see `events.event_table`."""
    parts = []
    for key, rows in points[points["event_id"] > 0].groupby(KEYS, sort=True):
        names = {name: str(part) for name, part in zip(KEYS, key, strict=True)}
        parts.append(event_table(rows, threshold).assign(**names))
    if not parts:
        return pd.DataFrame(columns=[*KEYS, *EVENT_COLUMNS])
    return pd.concat(parts, ignore_index=True)[[*KEYS, *EVENT_COLUMNS]]
