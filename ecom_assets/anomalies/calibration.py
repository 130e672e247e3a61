"""Scores of any detector as surprise: −log10 of how often its own past scored as high. Thresholds from budgets.

A surprise of 2 is what one quiet step in a hundred reaches. The tail above the 90 % quantile of the past is taken as
exponential with the median of the excesses as its measure, so that earlier anomalies in it hardly count; the tail
of Student noise is about exponential there. A measure from few excesses is itself uncertain, which makes far scores
likelier: the predictive tail of k exponential excesses is (1 + x / kβ)^-k.
"""

import numpy as np

TAIL_RATE = 0.1
MIN_PAST = 40
PRIOR_WEIGHT = 30.0
MAX_SURPRISE = 12.0
WINDOW = 1_500
EQUAL = 1e-3
"""Scores as near as that are equal: of a series that stands still they differ by rounding alone."""


def surprise(
    scores: np.ndarray, every: int = 7, prior: tuple[float, float] | None = None, left_out: np.ndarray | None = None
) -> np.ndarray:
    """Surprise of each score against the scores before it.

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
    teaches = np.isfinite(scores) & ~left_out if left_out is not None else np.isfinite(scores)
    for start in range(0, len(scores), every):
        past = scores[:start][teaches[:start]][-WINDOW:]
        if past.size < MIN_PAST and prior is None:
            continue
        result[start : start + every] = _tail_surprise(scores[start : start + every], past, prior)
    return result


NORMAL_PRIOR = (1.645, 0.55)
"""The 90 % quantile of |z| and the mean excess above it of noise with somewhat heavier tails than normal."""


def score_limits(
    scores: np.ndarray, level: float, every: int = 7, prior: tuple[float, float] | None = None,
    left_out: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The score that would have had the surprise `level` at each step: the way back, for limits that can be drawn."""
    result = np.full(len(scores), np.nan)
    teaches = np.isfinite(scores) & ~left_out if left_out is not None else np.isfinite(scores)
    for start in range(0, len(scores), every):
        past = scores[:start][teaches[:start]][-WINDOW:]
        if past.size < MIN_PAST and prior is None:
            continue
        quantile, excess, count = _tail(past, prior)
        digits = max(level + np.log10(TAIL_RATE), 0.0)
        result[start : start + every] = quantile + count * excess * (10 ** (digits / count) - 1)
    return result


def budget_threshold(alarms_a_month: float, steps_a_month: float) -> float:
    """The surprise that quiet steps exceed `alarms_a_month` times in `steps_a_month` steps."""
    if not 0 < alarms_a_month <= steps_a_month:
        raise ValueError(f"alarms a month must lie between 0 and {steps_a_month:g}, found {alarms_a_month}")
    return float(np.log10(steps_a_month / alarms_a_month))


def _tail(past: np.ndarray, prior: tuple[float, float] | None) -> tuple[float, float, float]:
    """The 90 % quantile, the mean excess above it, and how many excesses that rests on."""
    if past.size < 10:
        return (*prior, TAIL_RATE * PRIOR_WEIGHT) if prior is not None else (np.inf, 1.0, 1.0)
    quantile = float(np.quantile(past, 1 - TAIL_RATE))
    over = past[past > quantile] - quantile
    excess = float(np.median(over)) / np.log(2) if over.size else 0.0
    if prior is not None:
        own = past.size / (past.size + PRIOR_WEIGHT)
        quantile, excess = own * quantile + (1 - own) * prior[0], own * excess + (1 - own) * prior[1]
    count = TAIL_RATE * (past.size + (PRIOR_WEIGHT if prior is not None else 0.0))
    return quantile, max(excess, 1e-3 * max(abs(quantile), 1e-9)), count


def _tail_surprise(scores: np.ndarray, past: np.ndarray, prior: tuple[float, float] | None) -> np.ndarray:
    quantile, excess, count = _tail(past, prior)
    above = 1 + count * np.log10(1 + np.maximum(scores - quantile, 0.0) / (count * excess))
    if past.size:
        rank = np.searchsorted(np.sort(past), scores - EQUAL, side="left")
        below = -np.log10(np.clip(1 - rank / (past.size + 1), TAIL_RATE, 1.0))
    else:
        below = np.clip(scores / max(quantile, 1e-9), 0, 1)
    result = np.where(scores > quantile, above, below)
    return np.where(np.isfinite(scores), np.clip(result, 0.0, MAX_SURPRISE), np.nan)
