"""Adjacent alarms of one series are one event. Events of several series are grouped in `grouping`."""

import numpy as np
import pandas as pd

EVENT_COLUMNS = (
    "event_id", "start", "end", "raised", "steps", "direction", "severity", "score", "effect_rate", "detectors",
)  # fmt: skip
SEVERITIES = ((2.0, "critical"), (1.4, "major"), (0.0, "minor"))
"""Severity by the peak's multiple of the alarm threshold: twice the digits of surprise is critical."""


def event_ids(is_anomaly: np.ndarray, gap: int) -> np.ndarray:
    """Number of the event that each step belongs to, 0 outside; steps between two alarms of one event belong to it.

    An event may hold alarms in both directions: an outage is followed by catching up.

    Args:
        is_anomaly: alarms.
        gap: quiet steps that an event may hold: an outage whose second day is half repaired is one outage.
    """
    ids = np.zeros(len(is_anomaly), dtype="int64")
    at = np.flatnonzero(is_anomaly)
    number = 0
    for position, step in enumerate(at):
        if position == 0 or step - at[position - 1] > gap + 1:
            number += 1
            ids[step] = number
        else:
            ids[at[position - 1] + 1 : step + 1] = number
    return ids


def severity(score: float, threshold: float) -> str:
    """minor, major or critical by how many times the threshold the score is."""
    return next(name for times, name in SEVERITIES if score >= times * threshold)


def event_table(points: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row per event of `points` (columns time, value, expected, score, detectors, is_anomaly, event_id, direction).

    Returns:
        event_id, start, end (inclusive), raised (time of the first alarm), steps, direction of the step with the
        highest score, severity, score (highest), effect_rate ((Σ value − Σ expected) ÷ |Σ expected| over the steps that
        alarmed in that direction, null where nothing was expected: an outage is not smaller for the catching up that
        follows), detectors that took part.
    """
    rows = []
    for number, steps in points[points["event_id"] > 0].groupby("event_id", sort=True):
        alarms = steps[steps["is_anomaly"]]
        peak = alarms.iloc[int(np.argmax(alarms["score"].to_numpy()))]
        alike = alarms[alarms["direction"] == peak["direction"]]
        expected = float(alike["expected"].where(alike["value"].notna()).sum())
        taking_part = {name for said in alarms["detectors"] for name in said.split("+") if name}
        rows.append(
            {
                "event_id": number,
                "start": steps["time"].iloc[0],
                "end": steps["time"].iloc[-1],
                "raised": alarms["time"].iloc[0],
                "steps": len(steps),
                "direction": peak["direction"],
                "severity": severity(float(peak["score"]), threshold),
                "score": float(peak["score"]),
                "effect_rate": (float(alike["value"].sum()) - expected) / abs(expected) if expected else np.nan,
                "detectors": "+".join(sorted(taking_part)),
            }
        )
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS))
