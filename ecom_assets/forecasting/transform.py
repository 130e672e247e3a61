"""Whether a series is modelled as it is, by its square root or by its logarithm, and the way back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

MIN_BLOCKS = 4
MAX_ZERO_RATE = 0.05
NEAR_ZERO = 0.2
SMALL_COUNT = 50


@dataclass(frozen=True)
class Transform:
    """`log(value + shift)`, `sqrt(value)` or the value itself."""

    kind: Literal["none", "sqrt", "log"]
    shift: float = 0.0

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Values in model space; what it cannot take stands at its floor."""
        values = np.asarray(values, dtype="float64")
        if self.kind == "sqrt":
            return np.sqrt(np.maximum(values, 0.0))
        if self.kind == "log":
            return np.log(np.maximum(values + self.shift, self.shift or np.finfo("float64").tiny))
        return values

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values in the series' own unit."""
        if self.kind == "sqrt":
            return np.maximum(values, 0.0) ** 2
        return np.exp(np.minimum(values, 700.0)) - self.shift if self.kind == "log" else values

    def moved(self, expected: np.ndarray, log_change: np.ndarray | float) -> np.ndarray:
        """How far a change of `expected` (model space) by the factor e^`log_change` is, in model space."""
        if self.kind == "log":
            return np.broadcast_to(np.asarray(log_change, dtype="float64"), expected.shape)
        factor = np.exp(np.asarray(log_change) * (0.5 if self.kind == "sqrt" else 1.0))
        return np.abs(expected) * (factor - 1)


def choose_transform(values: np.ndarray, season: int, is_non_negative: bool) -> Transform:
    """What makes the spread of a season independent of its level.

    Guerrero (1993), "Time-series analysis supported by power transformations": over blocks of one season the
    ratio spread / level^(1-λ) should be constant; of λ = 1 (none), 1/2 (square root: counts) and 0 (logarithm) the
    one with the lowest coefficient of variation is taken. Medians and absolute deviations stand in for moments, so
    that one outlier does not choose. Small counts and series that come near zero take the square root instead of the
    logarithm: a day with one order where ten are usual is no miracle, but it lies 2.3 below in logs.
    """
    known = values[np.isfinite(values)]
    if not is_non_negative or known.size < 8 or known.min() < 0 or np.median(known) <= 0:
        return Transform("none")
    width = max(season, 4)
    if known.size // width < MIN_BLOCKS:
        width = max(known.size // MIN_BLOCKS, 2)
    blocks = known[: known.size // width * width].reshape(-1, width)
    level = np.median(blocks, axis=1)
    spread = np.mean(np.abs(blocks - level[:, None]), axis=1)
    usable = (level > 0) & (spread > 0)
    if usable.sum() < MIN_BLOCKS:
        return Transform("none")
    powers = {"none": 0.0, "sqrt": 0.5, "log": 1.0}
    uneven = {kind: _relative_spread(spread[usable] / level[usable] ** power) for kind, power in powers.items()}
    kind = min(uneven, key=uneven.__getitem__)
    if kind == "none":
        return Transform("none")
    are_small_counts = np.median(known) < SMALL_COUNT and bool(np.all(known == np.rint(known)))
    low = np.quantile(blocks[usable] / level[usable, None], 0.02)
    if kind == "sqrt" or are_small_counts or low < NEAR_ZERO or np.mean(known <= 0) > MAX_ZERO_RATE:
        return Transform("sqrt")
    return Transform("log", 0.0 if known.min() > 0 else 0.01 * float(np.median(known)))


def _relative_spread(values: np.ndarray) -> float:
    return float(np.std(values) / np.mean(values))
