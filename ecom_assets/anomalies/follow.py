"""What the forecast residual of a shop expects: many daily series followed at once, each day from the days before it.

A local level with a damped slope and a weekday profile, in model space (logarithms or square roots), updated by
clipped errors: a recursive robust filter after Gelper, Fried and Croux (2010), "Robust forecasting with exponential
and Holt-Winters smoothing". One pass over the days serves all series, since each step is arithmetic on rows.
"""

from dataclasses import dataclass

import numpy as np

from ecom_assets.anomalies.scale import next_scale
from ecom_assets.anomalies.zscore import Expectation

START_DAYS = 56
LEVEL_GAIN, SLOPE_GAIN, SLOPE_DAMPING, WEEKDAY_GAIN = 0.15, 0.01, 0.95, 0.08
CLIP_SIGMAS = 2.0
MOVED_DAYS = 7


def follow(
    values: np.ndarray, weekday: np.ndarray, teaches: np.ndarray, floor: np.ndarray | float = 1e-9
) -> Expectation:
    """One-step expectations of all series, [day, series]; NaN before the first value of a series.

    Args:
        values: [day, series] in model space, NaN where missing.
        weekday: 0 to 6 of each day.
        teaches: [day, series], False on days that no level may learn from, such as planned ones.
        floor: least sigma, by series.
    """
    days, count = values.shape
    expected = np.full((days, count), np.nan)
    sigma = np.full((days, count), np.nan)
    state = _State.start(values[:START_DAYS], weekday[:START_DAYS], teaches[:START_DAYS], floor)
    for day in range(min(START_DAYS, days)):  # the first weeks are gone through twice: they judge nobody
        state.step(values[day], weekday[day], teaches[day])
    for day in range(days):
        expected[day], sigma[day] = state.expect(weekday[day]), state.sigma
        state.step(values[day], weekday[day], teaches[day])
    return Expectation(expected, sigma)


@dataclass
class _State:
    level: np.ndarray
    slope: np.ndarray
    profile: np.ndarray  # [weekday, series]
    sigma: np.ndarray
    floor: np.ndarray | float
    away: np.ndarray  # days in a row on one side, signed
    away_sum: np.ndarray

    @classmethod
    def start(cls, values: np.ndarray, weekday: np.ndarray, teaches: np.ndarray, floor: np.ndarray | float) -> "_State":
        known = np.where(teaches, values, np.nan)
        with np.errstate(all="ignore"):
            level = _median(known)
            profile = np.stack([_median(known[weekday == day]) for day in range(7)]) - level
            profile = np.nan_to_num(profile - np.nan_to_num(profile).mean(axis=0))
            level = _median(known[:14] - profile[weekday[:14]])
            level = np.where(np.isfinite(level), level, np.nan_to_num(_median(known)))
            spread = 1.4826 * _median(np.abs(known - profile[weekday] - _median(known - profile[weekday])))
        nothing = np.zeros(values.shape[1])
        sigma = np.maximum(np.nan_to_num(spread), floor)
        return cls(level, nothing.copy(), profile, sigma, floor, nothing.copy(), nothing.copy())

    def expect(self, weekday: int) -> np.ndarray:
        return self.level + self.slope + self.profile[weekday]

    def step(self, values: np.ndarray, weekday: int, teaches: np.ndarray) -> None:
        error = values - self.expect(weekday)
        known = np.isfinite(error) & teaches
        error = np.where(known, error, 0.0)
        clipped = np.clip(error, -CLIP_SIGMAS * self.sigma, CLIP_SIGMAS * self.sigma)
        self.level = self.level + self.slope + LEVEL_GAIN * clipped
        self.slope = SLOPE_DAMPING * self.slope + SLOPE_GAIN * clipped
        self.profile[weekday] += WEEKDAY_GAIN * clipped
        self.profile -= WEEKDAY_GAIN * clipped / 7
        self.sigma = next_scale(self.sigma, error, known, self.floor)
        self._jump(error, known)

    def _jump(self, error: np.ndarray, known: np.ndarray) -> None:
        """A whole week beyond the clip on one side is a new level."""
        far = known & (np.abs(error) > CLIP_SIGMAS * self.sigma)
        goes_on = far & (np.sign(error) == np.sign(self.away))
        self.away = np.where(
            goes_on, self.away + np.sign(error), np.where(far, np.sign(error), np.where(known, 0.0, self.away))
        )
        self.away_sum = np.where(
            goes_on, self.away_sum + error, np.where(far, error, np.where(known, 0.0, self.away_sum))
        )
        moved = np.abs(self.away) >= MOVED_DAYS
        self.level = np.where(moved, self.level + self.away_sum / np.maximum(np.abs(self.away), 1) * 0.5, self.level)
        self.away = np.where(moved, 0.0, self.away)


def _median(values: np.ndarray) -> np.ndarray:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values, axis=0) if len(values) else np.full(values.shape[1:], np.nan)
