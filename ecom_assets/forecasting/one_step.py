"""What the series' champion would have expected of each day on the day before. Feeds detectors; draws no alarm.

A forecaster is fitted anew on the past every few weeks and says the shape of the steps until its next fit (calendar,
plans, trend); between two fits the level follows what came. Fitting every day would cost thirty times as much and
say the same: the shape does not change overnight, the level does.
"""

import numpy as np

from ecom_assets.forecasting.models import expectation_of
from ecom_assets.forecasting.series import History, stretches
from ecom_assets.forecasting.transform import choose_transform

WARM_UP_CYCLES = 4
REFITS = {"theta": (28, 0.25), "seasonal_naive": (28, 0.25)}
DEAR_REFITS = (56, 0.5)
"""Least steps and growth between two fits: a fit of Theta takes 5 ms, one of Prophet or of boosting 100 and more."""
CHOICE_CYCLES, CHOICE_STEPS = 5, 56
"""The first steps choose the model space, once: what was said of a step stays when steps are added."""
WEIGHTS = (0.1, 0.2, 0.35, 0.6)
"""Never zero: a level that stays where it is would never find back after a shift that the jump misses."""
FIRST_WEIGHT = 0.2
RECENT_ERRORS = 200
MIN_ERRORS = 21
CLIP_SIGMAS = 2.0


def champion_one_step(
    history: History, model: str = "theta", every: int | None = None, growth: float | None = None, seed: int = 0
) -> np.ndarray:
    """Expectation of each step from the steps before it alone, by the model called `model`.

    Args:
        history: the series with its campaigns; the campaigns of a step count as known before it.
        model: name of a forecaster or "ensemble", as `forecast/champions` has it.
        every: least steps between two fits; None takes what suits the model's price (`REFITS`).
        growth: share by which the history must have grown between two fits; whichever of both is later.
        seed: of forecasters that draw.

    Returns:
        In the unit of the series, shape (len(history),); NaN for the first four cycles, which nothing is known of.
    """
    length, short = len(history), max(history.season, 7)
    first = max(CHOICE_CYCLES * short, CHOICE_STEPS)
    transform = choose_transform(history.values[:first], history.season, history.is_non_negative)
    values, expected = transform.forward(history.values), np.full(length, np.nan)
    usual = REFITS.get(model, DEAR_REFITS)
    fits = stretches(
        WARM_UP_CYCLES * short, length, usual[0] if every is None else every, usual[1] if growth is None else growth
    )
    follower = _Follower(short)
    for start, stop in fits:
        shape = transform.forward(expectation_of(model, history.until(start), stop - start, seed))
        follower.restart()
        for step in range(start, stop):
            expected[step] = shape[step - start] + follower.level
            follower.see(values[step] - shape[step - start])
    said = transform.back(expected)
    return np.maximum(said, 0.0) if history.is_non_negative else said


class _Follower:
    """How far the level lies from the last fit's: clipped exponential smoothing of what came beside the shape.

    An error counts for two sigmas at most, so that one spike does not raise tomorrow's expectation; after a whole
    season on one side the level jumps to the median of that season, for then it has shifted. The smoothing weight is
    the one that would have served best so far.
    """

    def __init__(self, short: int) -> None:
        self.short = short
        self.seen: list[float] = []
        self.losses: dict[float, list[float]] = {weight: [] for weight in WEIGHTS}
        self.restart()

    @property
    def level(self) -> float:
        """What to add to the shape of the next step."""
        return self.levels[self.weight]

    def restart(self) -> None:
        """Begin at the level of a fresh fit, with the weight that served best until now."""
        self.levels = dict.fromkeys(WEIGHTS, 0.0)
        self.away: list[float] = []
        known = len(self.losses[FIRST_WEIGHT]) >= MIN_ERRORS
        recent = {weight: float(np.mean(errors[-RECENT_ERRORS:])) for weight, errors in self.losses.items() if known}
        self.weight = min(recent, key=recent.__getitem__) if known else FIRST_WEIGHT

    def see(self, distance: float) -> None:
        """Take in how far the next value lay from the shape; a missing one changes nothing."""
        if not np.isfinite(distance):
            return
        error = distance - self.level
        sigma = self._sigma()
        is_far = np.isfinite(sigma) and abs(error) > CLIP_SIGMAS * sigma
        if not is_far or (self.away and (self.away[-1] > self.level) != (error > 0)):
            self.away = []
        self.away += [distance] if is_far else []
        self.seen.append(error)
        for weight, level in self.levels.items():
            own = distance - level
            self.losses[weight].append(min(abs(own), 3 * sigma) if np.isfinite(sigma) else abs(own))
            step = float(np.clip(own, -CLIP_SIGMAS * sigma, CLIP_SIGMAS * sigma)) if np.isfinite(sigma) else own
            self.levels[weight] = level + weight * step
        if len(self.away) >= self.short:
            self.levels = dict.fromkeys(WEIGHTS, float(np.median(self.away)))
            self.away = []

    def _sigma(self) -> float:
        """Scale of the last errors; unknown until there are enough of them."""
        if len(self.seen) < MIN_ERRORS:
            return float("nan")
        return 1.4826 * float(np.median(np.abs(self.seen[-RECENT_ERRORS:]))) + 1e-12
