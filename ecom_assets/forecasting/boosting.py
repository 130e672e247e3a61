"""Gradient boosting on calendar, campaign and lag features (scikit-learn's HistGradientBoosting).

One model serves all horizons: a training row is an origin, a distance and what was known at that origin. Trees cannot
extrapolate: what the calendar explains is taken off first (`adjustment`), and the target is the rest less the level
at the origin. They are left what a sum of effects does not say: how effects meet, and how the level goes on.
"""

import numpy as np
import pandas as pd

from ecom_assets.forecasting.adjustment import adjust
from ecom_assets.forecasting.calendar import ANNUAL, planned_effects
from ecom_assets.forecasting.series import DAY_S, YEAR_DAYS, History, step_seconds
from ecom_assets.forecasting.theta import fill_gaps
from ecom_assets.forecasting.transform import choose_transform

DISTANCES = (1, 2, 3, 5, 7, 10, 14, 21, 28)
MAX_TRAINING_ROWS = 8_000
LEVEL_SEASONS = 4
MIN_ROWS = 60


class Boosting:
    """Direct multi-step gradient boosting with absolute error, which one spike cannot bend.

    Args:
        iterations: number of trees.
        seed: of the training rows drawn where there are too many.
    """

    name = "boosting"

    def __init__(self, iterations: int = 120, seed: int = 0) -> None:
        self.iterations = iterations
        self.seed = seed

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        """Expectations of the next `horizon` steps, in the unit of the series."""
        transform = choose_transform(history.values, history.season, history.is_non_negative)
        adjusted = adjust(history, transform.forward(history.values), horizon)
        values = adjusted.rest
        table = _Table(history, fill_gaps(values), horizon)
        origins, distances = self._training_pairs(values, history.season, horizon)
        if len(origins) < MIN_ROWS:
            return transform.back(table.level[-1] + adjusted.ahead)
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        model = HistGradientBoostingRegressor(
            loss="absolute_error", max_iter=self.iterations, learning_rate=0.08, max_leaf_nodes=15,
            min_samples_leaf=20, l2_regularization=1.0, early_stopping=False, random_state=self.seed,
        )  # fmt: skip
        # One thread: OpenMP on cores that others use too spins and took 14 times as long.
        with threadpool_limits(1):
            model.fit(table.features(origins, distances), values[origins + distances] - table.level[origins])
        last = np.full(horizon, len(values) - 1)
        ahead = np.arange(1, horizon + 1)
        rest = table.level[-1] + model.predict(table.features(last, ahead))
        return transform.back(rest + adjusted.ahead)

    def _training_pairs(self, values: np.ndarray, season: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Origins and distances whose target is known, the most recent kept and thinned to the limit."""
        first = max(LEVEL_SEASONS * season, 8)
        wanted = sorted({distance for distance in DISTANCES if distance <= horizon} | {horizon})
        origins = np.repeat(np.arange(first, len(values) - 1), len(wanted))
        distances = np.tile(wanted, max(len(values) - 1 - first, 0))
        inside = origins + distances < len(values)
        origins, distances = origins[inside], distances[inside]
        known = np.isfinite(values[origins + distances])
        origins, distances = origins[known], distances[known]
        if len(origins) > MAX_TRAINING_ROWS:
            rows = np.random.default_rng(self.seed).choice(len(origins), MAX_TRAINING_ROWS, replace=False)
            origins, distances = origins[np.sort(rows)], distances[np.sort(rows)]
        return origins, distances


class _Table:
    """Features by origin and distance; nothing after the origin enters save the calendar."""

    def __init__(self, history: History, values: np.ndarray, horizon: int) -> None:
        times = history.span(horizon)
        self.season = history.season
        self.values = values
        window = max(LEVEL_SEASONS * self.season, 4)
        self.level = pd.Series(values).rolling(window, min_periods=1).median().to_numpy()
        self.short_level = pd.Series(values).rolling(max(self.season, 3), min_periods=1).median().to_numpy()
        self.year = round(YEAR_DAYS * DAY_S / step_seconds(history.times))
        has_year = 365 in history.seasons or 12 in history.seasons or 52 in history.seasons
        self.has_year = has_year and self.year < len(values)
        position = np.arange(len(times))
        phases = [position % season for season in history.seasons if season <= 168]
        angle = 2 * np.pi * np.asarray(times.dayofyear) / YEAR_DAYS
        plans = planned_effects(times, history.campaigns)
        plans = plans[[name for name in plans if not str(name).startswith(ANNUAL)]]  # one day is too few for a leaf
        self.calendar = np.column_stack(
            [*phases, np.sin(angle), np.cos(angle), np.asarray(times.day),
             plans.to_numpy()]
        )  # fmt: skip

    def features(self, origins: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """One row an (origin, distance) pair."""
        target = origins + distances
        level = self.level[origins]
        cycles = -(-distances // self.season)
        same_phase = [self._at(target - (cycles + back) * self.season) - level for back in range(LEVEL_SEASONS)]
        columns = [distances, self.short_level[origins] - level, self.values[origins] - level, *same_phase,
                   np.mean(same_phase, axis=0)]  # fmt: skip
        if self.has_year:
            # The same weekday a year ago: 364 days for daily series, the same step for weekly and monthly ones.
            ago = self.year - self.year % self.season if self.season == 7 else self.year
            columns.append(np.where(target >= ago, self._at(target - ago) - self._level_at(origins - ago), np.nan))
        return np.column_stack([*columns, self.calendar[target]])

    def _at(self, position: np.ndarray) -> np.ndarray:
        return self.values[np.clip(position, 0, len(self.values) - 1)]

    def _level_at(self, position: np.ndarray) -> np.ndarray:
        return self.level[np.clip(position, 0, len(self.values) - 1)]
