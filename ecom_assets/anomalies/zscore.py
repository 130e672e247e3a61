"""Rolling z-score with medians in place of means. Each step is judged by the steps before it alone.

The mean and standard deviation of a window that holds an anomaly would hide the next one. `robust_zscore` expects by
any seasons of one series and keeps earlier anomalies out; `weekday_zscore` by the weekday of all of a shop's series.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from ecom_assets.anomalies.scale import past_scale, past_sigma

CYCLES = 8
MIN_CYCLES = 3
FLAG_SIGMAS = 4.0
SCALE_CYCLES = 26
SUSTAINED_SIGMAS = 1.5
ROUNDING = 1e-6


@dataclass(frozen=True)
class Expectation:
    """What one detector expected of each step, [step] or [day, series], in the space it was given.

    Attributes:
        expected: from the past of each step; NaN where that is too short.
        sigma: spread of the detector's past residuals.
    """

    expected: np.ndarray
    sigma: np.ndarray

    def zscores(self, values: np.ndarray) -> np.ndarray:
        """Distance of `values` from what was expected, in sigmas; NaN where either is unknown."""
        return self.in_sigmas(values - self.expected)

    def in_sigmas(self, errors: np.ndarray) -> np.ndarray:
        """What is left of the distances, such as plans do not explain, in sigmas; NaN where either is unknown."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = errors / self.sigma
        return np.where(np.isfinite(scores), scores, np.nan)

    def beyond_rounding(self) -> Self:
        """With a sigma of at least a millionth of the expectation: a constant series varies by its last digit."""
        return replace(self, sigma=np.maximum(self.sigma, ROUNDING * np.abs(self.expected)))


def robust_zscore(
    values: np.ndarray, seasons: tuple[int, ...], left_out: np.ndarray | None = None, flag: float = FLAG_SIGMAS
) -> Expectation:
    """Median and median absolute deviation, by phase of the season, earlier anomalies kept out of the baseline.

    The level is the median of the last season, the profile the median of the last eight deviations from the level
    in the same phase, the sigma that of past residuals. The same is done twice: the second time without the steps
    that the first found more than `flag` sigmas away, each of which was so judged from its own past.

    Args:
        values: in model space, NaN where missing.
        seasons: season lengths in steps; the longest one below a year with enough past cycles is used.
        left_out: steps, such as planned ones, that no baseline may rest on.
        flag: sigmas from which a step is kept out of later baselines.
    """
    base = np.where(left_out, np.nan, values) if left_out is not None else values.astype("float64")
    first = _expect(base, seasons)
    far = np.abs(first.zscores(values)) > flag
    lasting = pd.Series(far).rolling(_short(seasons), min_periods=1).sum().to_numpy() >= _short(seasons)
    # A level that has stayed away for a whole season is the new level: only its first season was an anomaly.
    return _expect(np.where(far & ~lasting, np.nan, base), seasons)


def weekday_zscore(values: np.ndarray, left_out: np.ndarray, floor: np.ndarray) -> Expectation:
    """Median of the same weekday of the last eight weeks, each week taken to the level of the last, [day, series].

    Args:
        values: of every day, each series in its model space, NaN where missing.
        left_out: days, such as planned ones, that no baseline may rest on.
        floor: least sigma, by series.
    """
    base = pd.DataFrame(np.where(left_out, np.nan, values))
    level = base.rolling(14, min_periods=5).median().to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        profile = np.nanmedian(seasons_before(base.to_numpy() - level, 7), axis=0)
    level = pd.DataFrame(level).ffill(limit=14).shift(1).to_numpy()
    expected = level + np.nan_to_num(profile)
    return Expectation(expected, past_scale(values - expected, ~left_out, floor))


def seasons_before(values: np.ndarray, season: int, cycles: int = CYCLES) -> np.ndarray:
    """Values one to `cycles` seasons before each step, by cycle first; NaN where there were none yet."""
    before = np.full((cycles, *values.shape), np.nan)
    for cycle in range(1, cycles + 1):
        before[cycle - 1, cycle * season :] = values[: -cycle * season]
    return before


def sustained(zscores: np.ndarray) -> np.ndarray:
    """The strongest of a step alone, with the step before, and with the two before, as |z|; [step] or [day, series].

    Three days of two sigmas are worth one of three and a half. Sums are divided by what they vary by where
    neighbouring residuals correlate by 0.25 (shops' noise: 0.1 to 0.4). A step that is not itself 1.5 sigmas off,
    in the direction of the sum, counts alone.
    """
    filled = np.nan_to_num(zscores)
    best = np.abs(zscores)
    for count in (2, 3):
        total = sum(np.concatenate([np.zeros((lag, *filled.shape[1:])), filled[: len(filled) - lag]])
                    for lag in range(count))  # fmt: skip
        spread = np.sqrt(count + 2 * sum((count - lag) * 0.25**lag for lag in range(1, count)))
        takes_part = (np.abs(filled) >= SUSTAINED_SIGMAS) & (np.sign(total) == np.sign(filled))
        best = np.where(takes_part, np.fmax(best, np.abs(total) / spread), best)
    return best


def _expect(base: np.ndarray, seasons: tuple[int, ...]) -> Expectation:
    short = _short(seasons)
    level = pd.Series(base).rolling(2 * short, min_periods=short // 2 + 1).median()
    deviation = base - level.to_numpy()
    expected = np.full(len(base), np.nan)
    for season in sorted({*_usable(seasons), short}):
        profile = _same_phase_median(deviation, season)
        expected = np.where(np.isfinite(profile), level.shift(1).to_numpy() + profile, expected)
    residual = base - expected
    return Expectation(expected, past_sigma(residual, SCALE_CYCLES * short, short, 2 * short, short))


def _same_phase_median(deviation: np.ndarray, season: int) -> np.ndarray:
    """Median of the deviations one to eight seasons before; NaN with fewer than three of them."""
    before = seasons_before(deviation, season)
    known = np.isfinite(before).sum(axis=0) >= MIN_CYCLES
    result = np.full(len(deviation), np.nan)
    if known.any():
        result[known] = np.nanmedian(before[:, known], axis=0)
    return result


def _short(seasons: tuple[int, ...]) -> int:
    return seasons[0] if seasons else 7


def _usable(seasons: tuple[int, ...]) -> list[int]:
    """Seasons short enough that eight cycles of them are worth looking at: no years of days."""
    return [season for season in seasons if season <= 7 * _short(seasons)]
