"""The space in which a series is judged, and whether it can tell anything at all. Judges nothing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ecom_assets.anomalies.scale import MAD_TO_SIGMA, least_sigma
from ecom_assets.forecasting.transform import Transform, choose_transform

FIRST_DAYS = 56
LOOK_DAYS = 120
RARE_UNITS = 4.0
MAX_SPREAD = 0.25
FEW_SHARE = 0.1
LEAST_SHARE = 0.05
HOME = {"price_index": 1.0}
"""What a metric comes back to by itself, by name. A price that stays changed is told once: when the next month takes it
for usual, the index returns to one, and that is no second change."""
HOME_FLOOR = 0.025
"""Least sigma of their logarithms. Such a series stands still on most days, until one of the few goods that a small
member sells gets another price. Of 0.005, 0.02, 0.025 and 0.03 it had the fewest false notifications on twenty
development shops (38, 5, 3 and 4) and missed the fewest clear incidents (9, 6, 5 and 6); members of the same orders
were told once in its run alone, so that the gap to 0.02 and 0.03 is no proof."""


@dataclass(frozen=True)
class Space:
    """Model space of one series.

    Attributes:
        transform: of values that are neither rare events nor shares.
        unit: one event, where events are rare and values go by Anscombe's root; else 0.
        least: what lies below counts as this much: the logarithm of nothing is no measure.
        floor: least sigma to believe in, in model space.
    """

    transform: Transform
    unit: float
    least: float
    floor: float

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Values in model space; Anscombe (1948): √(x + 3/8) of a Poisson count x has a spread of a half, nearly."""
        if self.unit:
            return np.sqrt(np.maximum(np.asarray(values, dtype="float64") / self.unit + 0.375, 0.0))
        return self.transform.forward(np.maximum(values, self.least) if self.least else values)

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values in the series' own unit."""
        if self.unit:
            return np.maximum(np.maximum(values, 0.0) ** 2 - 0.375, 0.0) * self.unit
        return self.transform.back(values)


def choose_space(values: np.ndarray, metric: str = "") -> Space:
    """The space for a daily series, from its first weeks: rare counts and rates of rare events by Anscombe's root.

    Shares (nothing above one) vary by counting: as they are, or by their root where they are small. Rare is what has
    a median of at most four times its smallest value above zero and is zero on some days. Metrics of `HOME` go by
    their logarithm.
    """
    first = values[np.isfinite(values)][:FIRST_DAYS]
    if metric in HOME:
        return Space(Transform("log"), 0.0, LEAST_SHARE * HOME[metric], HOME_FLOOR)
    above = first[first > 0]
    is_non_negative = bool(len(first)) and bool(first.min() >= 0)
    if is_non_negative and len(above) and np.any(first == 0):
        unit = float(np.median(np.sort(above)[: max(len(above) // 5, 1)]))
        if np.median(first) <= RARE_UNITS * unit:
            return Space(Transform("sqrt"), unit, 0.0, 0.5)
    if is_non_negative and len(first) and first.max() <= 1:
        kind: Literal["none", "sqrt"] = "none" if np.median(first) > FEW_SHARE else "sqrt"
        return Space(Transform(kind), 0.0, 0.0, least_sigma(first, kind))
    transform = choose_transform(first, 7, is_non_negative)
    least = LEAST_SHARE * float(np.median(first)) if transform.kind == "log" else 0.0
    return Space(transform, 0.0, least, least_sigma(first, transform.kind))


def relative_spread(values: np.ndarray, space: Space) -> float:
    """Robust spread about a running median ÷ level, of the first months: what an ordinary day is off by."""
    first = pd.Series(values[:LOOK_DAYS])
    moved = pd.Series(space.forward(first.to_numpy())).where(first.notna())
    rest = (moved - moved.rolling(15, center=True, min_periods=5).median()).to_numpy()
    rest = rest[np.isfinite(rest)]
    if not rest.size:
        return float("inf")
    sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(rest))), space.floor)
    level = abs(float(np.nanmedian(moved)))
    if space.transform.kind == "log" and not space.unit:
        return sigma
    return (2.0 if space.transform.kind == "sqrt" else 1.0) * sigma / max(level, 1e-12)


def tells(values: np.ndarray, space: Space) -> bool:
    """Whether a series is worth watching by the day: an ordinary day of it is off by less than a quarter.

    What a member that small shows, its whole shows better. Rates and counts of rare events are quiet by nature and
    are watched: values up to one, or whole numbers.
    """
    known = values[:LOOK_DAYS][np.isfinite(values[:LOOK_DAYS])]
    if len(known) < LOOK_DAYS // 2:
        return False
    is_rare = space.unit > 0 and (bool(np.all(known <= 0.5)) or bool(np.all(known == np.rint(known))))
    return is_rare or relative_spread(values, space) <= MAX_SPREAD
