"""Seasonal naive: what was one season ago. The baseline that every other forecaster has to beat."""

import numpy as np

from ecom_assets.forecasting.series import History


class SeasonalNaive:
    """The last observed value of the same phase of the shortest season, repeated."""

    name = "seasonal_naive"

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        """Expectations of the next `horizon` steps, in the unit of the series."""
        season = history.season
        filled = history.values.copy()
        for step in range(season, len(filled)):
            if np.isnan(filled[step]):
                filled[step] = filled[step - season]
        last = filled[-season:]
        last = np.where(np.isnan(last), np.nanmedian(history.values), last)
        return last[np.arange(horizon) % season]
