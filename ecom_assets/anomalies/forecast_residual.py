"""Forecast residual: how far a step of one series lies from what a forecaster expected of it the step before.

The hundreds of series of a shop are expected by `follow` and `standing_forecasts`: a regression of each takes minutes.
"""

from dataclasses import dataclass

import numpy as np

from ecom_assets.anomalies.scale import past_sigma
from ecom_assets.anomalies.zscore import Expectation
from ecom_assets.forecasting.adjustment import adjust
from ecom_assets.forecasting.series import History, stretches
from ecom_assets.forecasting.theta import fill_gaps, smoothed_levels

CLIP_SIGMAS = 2.0
LEVEL_WEIGHTS = (0.05, 0.1, 0.2, 0.35, 0.6)
SCALE_CYCLES = 26
WARM_UP_CYCLES = 3
CHOICE_STEPS = 400
REFIT_GROWTH = 1 / 8


@dataclass(frozen=True)
class OneStep(Expectation):
    """Expectations of each step from the steps before it, plans included, in model space.

    Attributes:
        plans: the part of the expectation that stems from plans.
    """

    plans: np.ndarray

    @property
    def unplanned(self) -> np.ndarray:
        """The expectation as if nothing were planned."""
        return self.expected - self.plans


def one_step_expectations(history: History, values: np.ndarray, refit_every: int | None = None) -> OneStep:
    """Expectations of a calendar regression whose level follows the last steps (see `forecasting.adjustment`).

    The regression is refitted on the past every `refit_every` steps (default: four short seasons, more where
    the history is long); between two fits the level follows by exponential smoothing of residuals clipped at two
    sigmas, so that one spike does not raise tomorrow's expectation. After a whole short season on one side of the
    expectation by more than that the level jumps to the median of that season: a lasting shift is an event once.

    Args:
        history: gives times, seasons and campaigns.
        values: the history in model space, NaN where missing.
        refit_every: least steps between two fits.
    """
    length, short = len(values), history.season if history.seasons else 7
    expected, plans = np.full(length, np.nan), np.zeros(length)
    for start, stop in stretches(WARM_UP_CYCLES * short, length, refit_every or 4 * short, REFIT_GROWTH):
        known = history.until(start)
        adjusted = adjust(known, values[:start], stop - start)
        follower = _Follower(adjusted.rest, short)
        for step in range(start, stop):
            effect = adjusted.ahead[step - start]
            expected[step] = follower.level + effect
            plans[step] = adjusted.plans[step]
            follower.see(values[step] - effect)
    window = SCALE_CYCLES * short
    return OneStep(expected, past_sigma(values - expected, window, short, 2 * short, short), plans)


class _Follower:
    """Level of a series without season, followed step by step by clipped exponential smoothing."""

    def __init__(self, rest: np.ndarray, short: int) -> None:
        filled = fill_gaps(rest)[-CHOICE_STEPS:]
        losses = {}
        for weight in LEVEL_WEIGHTS:
            errors = np.abs(filled[1:] - smoothed_levels(filled, weight)[:-1])
            losses[weight] = float(np.mean(np.minimum(errors, 3 * np.median(errors) + 1e-12)))
        self.weight = min(losses, key=losses.__getitem__)
        errors = filled[1:] - smoothed_levels(filled, self.weight)[:-1]
        self.clip = CLIP_SIGMAS * 1.4826 * float(np.median(np.abs(errors)))
        self.short = short
        self.away: list[float] = []
        self.level = float(np.median(filled[: 2 * short]))
        for value in filled:
            self.see(value)

    def see(self, value: float) -> None:
        """Takes in the next value; a missing one changes nothing."""
        if not np.isfinite(value):
            return
        error = value - self.level
        if abs(error) <= self.clip or (self.away and (self.away[-1] > self.level) != (error > 0)):
            self.away = []
        if abs(error) > self.clip:
            self.away.append(value)
        if len(self.away) >= self.short:
            self.level = float(np.median(self.away))
            self.away = []
            return
        self.level += self.weight * float(np.clip(error, -self.clip, self.clip))
