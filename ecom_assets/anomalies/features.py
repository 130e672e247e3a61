"""Features for the isolation forest: free of unit and level, made of the past alone.

`engineered_features` are of one series of any step, `shop_features` of a shop's daily series, which one forest learns
from together.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.scale import past_sigma

FEATURES = ("surprise", "residual", "change", "recent_mean", "season_change", "season_mean_change")


def engineered_features(
    values: np.ndarray, zscores: np.ndarray, residual_zscores: np.ndarray, season: int
) -> pd.DataFrame:
    """One row a step; rows with an unknown feature hold NaN.

    Args:
        values: in model space, NaN where missing.
        zscores: of a detector that looks at the phase of the season.
        residual_zscores: of a detector that looks at level and calendar.
        season: steps of the shortest season.

    Returns:
        surprise and residual (the two z-scores), change (from the last step's z-score), recent_mean (z-score of
        the last three steps together, × √3), season_change (from one season before, in its own sigmas) and
        season_mean_change (from the mean of the last four seasons, likewise).
    """
    frame = pd.DataFrame({"surprise": zscores, "residual": residual_zscores})
    filled = frame["residual"].fillna(0.0)
    frame["change"] = frame["residual"] - filled.shift(1).fillna(0.0)
    frame["recent_mean"] = filled.rolling(3, min_periods=1).mean() * np.sqrt(3)
    series = pd.Series(values, dtype="float64")
    before = pd.concat([series.shift(cycle * season) for cycle in range(1, 5)], axis=1)
    for name, reference in (("season_change", before[0]), ("season_mean_change", before.mean(axis=1))):
        difference = (series - reference).to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):  # a series that stood still has no spread
            frame[name] = difference / past_sigma(difference, 26 * season, season, minimum=2 * season)
    return frame.replace([np.inf, -np.inf], np.nan)


def shop_features(zscores: np.ndarray, residual_zscores: np.ndarray) -> pd.DataFrame:
    """One row a day and series, day after day: the first four of `engineered_features`, plans taken off.

    A residual of nothing is what a plan excuses: it teaches the forest no more than it alarms, and its row holds NaN.

    Args:
        zscores: of a detector that looks at the weekday, [day, series].
        residual_zscores: of a detector that looks at level and calendar, [day, series].
    """
    residual = np.nan_to_num(residual_zscores)
    before = np.vstack([np.zeros((1, residual.shape[1])), residual[:-1]])
    before_that = np.vstack([np.zeros((1, residual.shape[1])), before[:-1]])
    features = {
        "surprise": zscores, "residual": residual_zscores, "change": residual - before,
        "recent_mean": (residual + before + before_that) / np.sqrt(3),
    }  # fmt: skip
    rows = pd.DataFrame({name: values.ravel() for name, values in features.items()})
    return rows.where(rows["residual"] != 0)
