"""Scores of any detector as surprise: −log10 of how often its own past scored as high. Thresholds from budgets.

A surprise of 2 is what one quiet step in a hundred reaches. The tail above the 90 % quantile of the past is taken as
exponential with the median of the excesses as its measure, so that earlier anomalies in it hardly count; the tail
of Student noise is about exponential there. A measure from few excesses is itself uncertain, which makes far scores
likelier: the predictive tail of k exponential excesses is (1 + x / kβ)^-k.

`surprise` knows one series' own past: until there is enough of it, what noise usually does stands in. For the daily
series of a shop there is `pooled_surprise`: all series of one metric share a tail that is learned from all of them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

TAIL_RATE = 0.1
MIN_PAST = 40
PRIOR_WEIGHT = 30.0
MAX_SURPRISE = 12.0
WINDOW = 1_500
EQUAL = 1e-3
"""Scores as near as that are equal: of a series that stands still they differ by rounding alone."""
NORMAL_PRIOR = (1.645, 0.55)
"""The 90 % quantile of |z| and the mean excess above it of noise with somewhat heavier tails than normal."""
POOL_MIN_PAST, POOL_BLOCK_DAYS, POOL_MOST_EXCESSES, POOL_MAX_SURPRISE = 200, 14, 60.0, 20.0
POOL_PRIOR = (1.2, 0.4)
"""Least quantile and excess of absolute z-scores: a series that never moved does not make one step a miracle."""
MONTH_DAYS = 30.4
DAILY_ALARMS_A_MONTH = 0.2

Prior = tuple[float, float]


def surprise(
    scores: np.ndarray, every: int = 7, prior: Prior | None = None, left_out: np.ndarray | None = None
) -> np.ndarray:
    """Surprise of each score of one series against the scores before it.

    Args:
        scores: higher is odder, NaN where unknown.
        every: steps between two looks at the past.
        prior: quantile and mean excess to start from, worth thirty past scores (`NORMAL_PRIOR` for absolute
            z-scores); without it the first forty scores have no surprise.
        left_out: steps that teach nothing, such as planned days.

    Returns:
        Surprise from 0 up, at most 12; NaN where the score is unknown.
    """
    result = np.full(len(scores), np.nan)
    for steps, past in _looks(scores, every, prior, left_out):
        result[steps] = _tail_surprise(scores[steps], past, prior)
    return result


def score_limits(
    scores: np.ndarray, level: float, every: int = 7, prior: Prior | None = None, left_out: np.ndarray | None = None
) -> np.ndarray:
    """The score that would have had the surprise `level` at each step: the way back, for limits that can be drawn."""
    result = np.full(len(scores), np.nan)
    for steps, past in _looks(scores, every, prior, left_out):
        quantile, excess, count = _tail(past, prior)
        digits = max(level + np.log10(TAIL_RATE), 0.0)
        result[steps] = quantile + count * excess * (10 ** (digits / count) - 1)
    return result


def pooled_surprise(
    scores: np.ndarray, groups: Sequence[str], prior: Prior | None = None, left_out: np.ndarray | None = None,
    first: int = 56,
) -> np.ndarray:  # fmt: skip
    """Surprise of each score, [day, series], against earlier scores of all series of its group.

    One member alone has too few days to know how far its tail reaches.

    Args:
        scores: higher is odder, NaN where unknown.
        groups: of each series, such as its metric.
        prior: least quantile and least mean excess (`POOL_PRIOR` for absolute z-scores); without it there is no
            surprise before the group has two hundred scores.
        left_out: [day, series], days that teach nothing, such as planned ones.
        first: day that is judged first.

    Returns:
        Surprise from 0 up, at most 20; NaN where the score is unknown.
    """
    result = np.full(scores.shape, np.nan)
    teaches, names = _teaches(scores, left_out), np.asarray(groups)
    for group in np.unique(names):
        columns = np.flatnonzero(names == group)
        block, usable = scores[:, columns], teaches[:, columns]
        for start in range(first, len(scores), POOL_BLOCK_DAYS):
            past, days = block[:start][usable[:start]], slice(start, start + POOL_BLOCK_DAYS)
            if past.size >= POOL_MIN_PAST or prior is not None:
                result[days, columns] = _pooled_tail_surprise(block[days], past, prior)
    return result


def budget_threshold(alarms_a_month: float, steps_a_month: float) -> float:
    """The surprise that quiet steps exceed `alarms_a_month` times in `steps_a_month` steps."""
    if not 0 < alarms_a_month <= steps_a_month:
        raise ValueError(f"alarms a month must lie between 0 and {steps_a_month:g}, found {alarms_a_month}")
    return float(np.log10(steps_a_month / alarms_a_month))


def daily_threshold() -> float:
    """The surprise from which a daily series, or one of its detectors, alarms: once in five quiet months."""
    return budget_threshold(DAILY_ALARMS_A_MONTH, MONTH_DAYS)


def normal_limit(level: float) -> float:
    """The |z| at which noise of `NORMAL_PRIOR` has the surprise `level`."""
    quantile, excess = NORMAL_PRIOR
    return float(quantile + (level - 1) * np.log(10) * excess)


def _teaches(scores: np.ndarray, left_out: np.ndarray | None) -> np.ndarray:
    return np.isfinite(scores) & ~left_out if left_out is not None else np.isfinite(scores)


def _looks(
    scores: np.ndarray, every: int, prior: Prior | None, left_out: np.ndarray | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Steps between two looks at the past, and the scores before them, where these or a prior are enough to go by."""
    teaches = _teaches(scores, left_out)
    for start in range(0, len(scores), every):
        past = scores[:start][teaches[:start]][-WINDOW:]
        if past.size >= MIN_PAST or prior is not None:
            yield slice(start, start + every), past


def _measured(past: np.ndarray) -> Prior:
    """The 90 % quantile and the mean excess above it, from the median of the excesses."""
    quantile = float(np.quantile(past, 1 - TAIL_RATE))
    over = past[past > quantile] - quantile
    return quantile, float(np.median(over)) / np.log(2) if over.size else 0.0


def _above(scores: np.ndarray, quantile: float, excess: float, count: float) -> np.ndarray:
    """Surprise of scores above the quantile: the predictive tail of `count` excesses."""
    return 1 + count * np.log10(1 + np.maximum(scores - quantile, 0.0) / (count * excess))


def _tail(past: np.ndarray, prior: Prior | None) -> tuple[float, float, float]:
    """The 90 % quantile, the mean excess above it, and how many excesses that rests on."""
    if past.size < 10:
        return (*prior, TAIL_RATE * PRIOR_WEIGHT) if prior is not None else (np.inf, 1.0, 1.0)
    quantile, excess = _measured(past)
    if prior is not None:
        own = past.size / (past.size + PRIOR_WEIGHT)
        quantile, excess = own * quantile + (1 - own) * prior[0], own * excess + (1 - own) * prior[1]
    count = TAIL_RATE * (past.size + (PRIOR_WEIGHT if prior is not None else 0.0))
    return quantile, max(excess, 1e-3 * max(abs(quantile), 1e-9)), count


def _tail_surprise(scores: np.ndarray, past: np.ndarray, prior: Prior | None) -> np.ndarray:
    quantile, excess, count = _tail(past, prior)
    if past.size:
        rank = np.searchsorted(np.sort(past), scores - EQUAL, side="left")
        below = -np.log10(np.clip(1 - rank / (past.size + 1), TAIL_RATE, 1.0))
    else:
        below = np.clip(scores / max(quantile, 1e-9), 0, 1)
    result = np.where(scores > quantile, _above(scores, quantile, excess, count), below)
    return np.where(np.isfinite(scores), np.clip(result, 0.0, MAX_SURPRISE), np.nan)


def _pooled_tail_surprise(scores: np.ndarray, past: np.ndarray, prior: Prior | None) -> np.ndarray:
    least_quantile, least_excess = prior or (0.0, 0.0)
    quantile, excess = _measured(past) if past.size >= POOL_MIN_PAST else NORMAL_PRIOR
    quantile, excess = max(quantile, least_quantile), max(excess, least_excess, 1e-6)
    count = min(max(TAIL_RATE * past.size, 3.0), POOL_MOST_EXCESSES)
    with np.errstate(invalid="ignore"):
        below = np.clip(scores / max(quantile, 1e-9), 0.0, 1.0)
        found = np.where(scores > quantile, _above(scores, quantile, excess, count), below)
    return np.where(np.isfinite(scores), np.clip(found, 0.0, POOL_MAX_SURPRISE), np.nan)
