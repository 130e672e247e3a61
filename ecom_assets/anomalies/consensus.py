"""Which detectors agree on a step, and one combined score of them all.

Surprises are by detector, [step] of one series or [day, series] of a shop.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import surprise

DETECTORS = ("zscore", "isolation_forest", "forecast_residual")
WEIGHTS = {"zscore": 0.45, "isolation_forest": 0.1, "forecast_residual": 0.45}
"""What each detector's surprise counts in the combined score. The forest saturates: how far out a step lies, once it
is isolated at once, it cannot say; with 0.2 for it drawn shops lost three points of F1."""
ALIKE_PRIOR = (1.0, float(1 / np.log(10)))
"""Quantile and mean excess of the mean of detectors that always say the same: each surprise is exponential."""
AGREE_SHARE = 0.75
"""A detector agrees from this share of the alarm threshold on: two weaker voices confirm a strong one."""


def consensus_mean(surprises: Mapping[str, np.ndarray]) -> np.ndarray:
    """Weighted mean of the detectors' surprises; one that does not know (NaN) is left out, the forest alone is none.

    This is what series are compared by: calibrating it once more a series, as `combined_score` does, costs power
    where the shop as a whole is calibrated anyway (drawn shops, clear incidents: F1 .56 against .46).
    """
    total, weight = np.zeros(()), np.zeros(())
    for name, values in surprises.items():
        known = np.isfinite(values)
        total = total + np.where(known, values, 0.0) * WEIGHTS[name]
        weight = weight + known * WEIGHTS[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > WEIGHTS["isolation_forest"], total / weight, np.nan)


def combined_score(
    surprises: Mapping[str, np.ndarray], every: int = 7, left_out: np.ndarray | None = None
) -> np.ndarray:
    """Surprise of the consensus mean against its own past: what an alarm budget of one series is held with.

    Args:
        surprises: by detector, [step].
        every: see `calibration.surprise`.
        left_out: steps that teach nothing.
    """
    return surprise(consensus_mean(surprises), every, prior=ALIKE_PRIOR, left_out=left_out)


def agreement(surprises: Mapping[str, np.ndarray], threshold: float) -> np.ndarray:
    """Names of the detectors that agree on each step, joined by "+", in their own order; "" where none does."""
    said = np.full(np.shape(surprises[DETECTORS[0]]), "", dtype=object)
    for name in DETECTORS:
        agrees = np.asarray(surprises[name]) >= AGREE_SHARE * threshold
        said = np.where(agrees, np.where(said == "", name, said + "+" + name), said)
    return said


def agreement_table(surprises: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Alarms of every detector alone, every pair (both) and all three, one bool column each, and any two of three.

    A single detector alarms from `threshold` on. Columns: the detectors, "a+b" for pairs, "a+b+c" for all,
    "two_of_three".
    """
    alarms = surprises >= threshold
    names = list(surprises.columns)
    table = alarms.copy()
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            pair = [names[first], names[second]]
            table["+".join(pair)] = alarms[pair].all(axis=1)
    if len(names) > 2:
        table["+".join(names)] = alarms[names].all(axis=1)
        table["two_of_three"] = alarms[names].sum(axis=1) >= 2
    return table
