"""Theta method on the calendar-adjusted series. Own code, because it needs missing values, plans and two seasons.

Assimakopoulos and Nikolopoulos (2000), "The theta model"; Hyndman and Billah (2003), "Unmasking the theta method":
exponential smoothing with half of the trend's slope as drift. Three changes that back-tests asked for: the smoothing
weight is chosen for each horizon (the weight that is best for tomorrow follows noise a month ahead), the slope is
that of the last year, damped, and a step moves the level by no more than an error of two sigmas would (Gelper, Fried
and Croux, 2010, "Robust forecasting with exponential and Holt-Winters smoothing"): a burst that is over need not be
forgotten for months.
"""

import numpy as np

from ecom_assets.forecasting.adjustment import adjust
from ecom_assets.forecasting.series import History
from ecom_assets.forecasting.transform import choose_transform

WEIGHTS = (0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.35, 0.6, 0.9)
KNOTS = (1, 2, 4, 7, 14, 28, 56, 112, 224, 448)
DAMPING_STEPS = 90.0
MIN_PAIRS = 8
CLIP_SIGMAS = 2.0
SIGMA_WEIGHT, SIGMA_STEPS = 0.2, 365
"""What the sigma of a series is told by: its errors of late, beside a level of this weight."""


class Theta:
    """Exponential smoothing with damped half drift, of the series without its calendar effects."""

    name = "theta"

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        """Expectations of the next `horizon` steps, in the unit of the series."""
        transform = choose_transform(history.values, history.season, history.is_non_negative)
        adjusted = adjust(history, transform.forward(history.values), horizon)
        return transform.back(carry_forward(adjusted.rest, horizon) + adjusted.ahead)


def carry_forward(rest: np.ndarray, horizon: int) -> np.ndarray:
    """Expectations of a series without season: its smoothed level and half its damped slope.

    Args:
        rest: model-space values, NaN where missing.
        horizon: number of steps.
    """
    filled = fill_gaps(rest)
    slope = half_slope(filled)
    paths = clipped_levels(filled)
    knots = [knot for knot in KNOTS if knot < horizon] + [horizon]
    levels = []
    for knot in knots:
        best = min(WEIGHTS, key=lambda weight: _loss(paths[weight], rest, knot))
        levels.append(paths[best][-1])
    ahead = np.arange(1, horizon + 1)
    level = np.interp(np.log(ahead), np.log(knots), levels)
    return level + slope * DAMPING_STEPS * (1 - np.exp(-ahead / DAMPING_STEPS))


def smoothed_levels(values: np.ndarray, weight: float) -> np.ndarray:
    """Level after each step of simple exponential smoothing, started at the median of the first steps."""
    from scipy.signal import lfilter

    start = float(np.median(values[: min(len(values), 10)]))
    levels, _ = lfilter([weight], [1.0, weight - 1.0], values, zi=[(1 - weight) * start])
    return np.asarray(levels)


def clipped_levels(values: np.ndarray) -> dict[float, np.ndarray]:
    """Levels as of `smoothed_levels` by weight, each error counting for two sigmas at most."""
    errors = np.abs(values[1:] - smoothed_levels(values, SIGMA_WEIGHT)[:-1])[-SIGMA_STEPS:]
    limit = CLIP_SIGMAS * 1.4826 * float(np.median(errors)) if errors.size else 0.0
    if limit <= 0:  # most steps lie on the level: what moves at all is no noise
        return {weight: smoothed_levels(values, weight) for weight in WEIGHTS}
    weights = np.array(WEIGHTS)
    level = np.full(len(weights), float(np.median(values[: min(len(values), 10)])))
    levels = np.empty((len(values), len(weights)))
    for step, value in enumerate(values.tolist()):
        level = level + weights * np.minimum(np.maximum(value - level, -limit), limit)
        levels[step] = level
    return dict(zip(WEIGHTS, levels.T, strict=True))


def half_slope(values: np.ndarray, window: int = 365) -> float:
    """Half of the slope per step over the last `window` steps: median of the differences of its two halves."""
    recent = values[-window:]
    half = len(recent) // 2
    if half < 4:
        return 0.0
    return 0.5 * float(np.median((recent[-half:] - recent[:half]) / (len(recent) - half)))


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """Missing values replaced by the last median of seven known ones before them."""
    filled = values.copy()
    known = np.flatnonzero(np.isfinite(values))
    if known.size == len(values):
        return filled
    for gap in np.flatnonzero(~np.isfinite(values)):
        before = known[max(0, np.searchsorted(known, gap) - 7) : np.searchsorted(known, gap)]
        filled[gap] = np.median(values[before]) if before.size else np.median(values[known[:7]])
    return filled


def _loss(levels: np.ndarray, actual: np.ndarray, knot: int) -> float:
    """Mean absolute error of the level as expectation `knot` steps ahead; recent errors count more."""
    errors = np.abs(actual[knot:] - levels[:-knot]) if knot < len(levels) else np.array([])
    errors = errors[min(len(errors) // 4, 30) :]
    errors = errors[np.isfinite(errors)]
    if errors.size < MIN_PAIRS:
        return 0.0
    age = np.arange(errors.size)[::-1]
    return float(np.average(errors, weights=0.5 ** (age / 365)))
