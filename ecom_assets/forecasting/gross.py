"""Leaves out values that no forecaster should learn from: errors a hundred times the noise. Judges no anomalies."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ecom_assets.forecasting.calendar import planned_days
from ecom_assets.forecasting.series import History

GROSS_SIGMAS = 100.0
"""A shop's Black Friday lies 10 to 50 sigmas out and comes back; a slip of the decimal point lies thousands out."""
GROSS_FACTOR = 10.0
"""And ten times the level away: where that itself was multiplied, the noise was too."""
LONGEST_RUN = 3
"""Steps: what stays away for longer is a level."""
SCALE_WINDOWS = 8


def without_gross(history: History) -> History:
    """The history with NaN where at most three steps in a row lie 100 robust sigmas from the median around them.

    They also lie ten times the median away from it. It is that of two seasons around a step; sigma is 1.4826 × the
    median distance, the larger one of nearby and of the whole series. Planned days are left as they are. A series of
    which most steps lie on the median has no sigma and is left whole.
    """
    values = pd.Series(history.values)
    width = 2 * max(history.season, 7) + 1
    around = values.rolling(width, center=True, min_periods=4).median()
    distance = (values - around).abs()
    nearby = distance.rolling(SCALE_WINDOWS * width, center=True, min_periods=8).median()
    sigma = 1.4826 * np.fmax(nearby, distance.median())
    gross = ((distance > GROSS_SIGMAS * sigma) & (distance > GROSS_FACTOR * around.abs()) & (sigma > 0)).to_numpy()
    if not gross.any():
        return history
    gross = gross & ~planned_days(history.times, history.campaigns)
    runs = pd.Series(gross).ne(pd.Series(gross).shift()).cumsum()
    gross = gross & (runs.groupby(runs).transform("size").to_numpy() <= LONGEST_RUN)
    return replace(history, values=np.where(gross, np.nan, history.values))
