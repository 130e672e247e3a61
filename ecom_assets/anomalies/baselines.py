"""Trivial detectors that the real ones are measured against."""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.scale import MAD_TO_SIGMA
from ecom_assets.anomalies.zscore import seasons_before

WEEKS = 8


def weekday_median_scores(values: np.ndarray, season: int = 7, weeks: int = WEEKS) -> np.ndarray:
    """|value − median| ÷ (1.4826 × median absolute deviation) of the same phase in the last `weeks` seasons.

    The signless robust z-score of "the same weekday's median". NaN until four of them are known, or where they do
    not vary.
    """
    before = seasons_before(values, season, weeks)
    scores = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(before).sum(axis=0) >= 4)
    middle = np.nanmedian(before[:, known], axis=0)
    spread = MAD_TO_SIGMA * np.nanmedian(np.abs(before[:, known] - middle), axis=0)
    varies = spread > 0
    scores[known[varies]] = np.abs(values[known] - middle)[varies] / spread[varies]
    return scores


def random_alarms(times: pd.DatetimeIndex, alarms_a_month: float, seed: int) -> np.ndarray:
    """Alarms thrown by dice at `alarms_a_month` a month of 30.4 days, bool a day."""
    return np.random.default_rng(seed).random(len(times)) < alarms_a_month / 30.4


def oracle_scores(values: np.ndarray, expected: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """|value − exact quiet expectation| ÷ its exact sigma: what nobody can beat. For scoring alone."""
    return np.abs(values - expected) / sigma
