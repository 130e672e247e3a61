"""Robust spread of past residuals. No detector lives here."""

import warnings

import numpy as np

MAD_TO_SIGMA = 1.4826
MEAN_TO_SIGMA = 1.2533
"""Standard deviation ÷ mean absolute deviation of the normal distribution."""
SCALE_GAIN, SCALE_CLIP = 0.02, 3.0
FLOOR_SHARE = 0.25
PHASE_PRIOR = 15
MIN_IN_PHASE = 6


def robust_sigma(values: np.ndarray) -> float:
    """1.4826 × median absolute deviation from the median: the standard deviation where values are normal."""
    known = values[np.isfinite(values)]
    return MAD_TO_SIGMA * float(np.median(np.abs(known - np.median(known)))) if known.size else float("nan")


def past_sigma(residual: np.ndarray, window: int, every: int = 1, minimum: int = 10, season: int = 1) -> np.ndarray:
    """Spread about zero of the `window` residuals before each step; NaN until `minimum` are known.

    Recomputed at every `every`-th step. It never falls below a quarter of the spread of all residuals before: a
    stretch of equal values must not turn the next ordinary one into an alarm. With a `season` each phase has its
    own: nights of an hourly series are quieter than noons. A phase's share is that of its residuals and its
    neighbours', drawn towards the whole by `PHASE_PRIOR` residuals.
    """
    sigma = np.full(len(residual), np.nan)
    for start in range(0, len(residual), every):
        known = np.flatnonzero(np.isfinite(residual[:start]))
        if known.size < minimum:
            continue
        recent = known[-window:]
        whole = MAD_TO_SIGMA * float(np.median(np.abs(residual[recent])))
        floor = FLOOR_SHARE * MAD_TO_SIGMA * float(np.median(np.abs(residual[known])))
        whole = max(whole, floor)
        stop = min(start + every, len(residual))
        sigma[start:stop] = whole
        if season > 1 and whole > 0:
            shares = _phase_shares(np.abs(residual[recent]) / whole, recent % season, season)
            sigma[start:stop] *= shares[np.arange(start, stop) % season]
    return sigma


def past_scale(errors: np.ndarray, teaches: np.ndarray, floor: np.ndarray, first: int = 56) -> np.ndarray:
    """As `past_sigma` for many daily series, [day, series]: earlier errors fade, large ones are clipped.

    Args:
        errors: NaN where unknown.
        teaches: False on days that no spread may rest on.
        floor: least spread, by series.
        first: days whose median absolute error is the first spread.
    """
    scale = np.full(errors.shape, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        now = MAD_TO_SIGMA * np.nanmedian(np.abs(np.where(teaches, errors, np.nan)[:first]), axis=0)
    now = np.maximum(np.where(np.isfinite(now), now, 1.0), floor)
    for day in range(len(errors)):
        scale[day] = now
        now = next_scale(now, errors[day], np.isfinite(errors[day]) & teaches[day], floor)
    return scale


def next_scale(scale: np.ndarray, errors: np.ndarray, known: np.ndarray, floor: np.ndarray | float) -> np.ndarray:
    """The spread of many series after one more error each: a fiftieth of the way towards it, none where unknown."""
    size = np.minimum(np.abs(np.where(known, errors, 0.0)), SCALE_CLIP * scale) * MEAN_TO_SIGMA
    return np.maximum(np.where(known, scale + SCALE_GAIN * (size - scale), scale), floor)


def _phase_shares(size: np.ndarray, phase: np.ndarray, season: int) -> np.ndarray:
    """Spread of each phase ÷ spread of all."""
    shares = np.ones(season)
    reach = 1 if season >= 12 else 0
    for at in range(season):
        distance = np.abs(phase - at)
        near = size[np.minimum(distance, season - distance) <= reach]
        if near.size >= MIN_IN_PHASE:
            own = MAD_TO_SIGMA * float(np.median(near))
            shares[at] = np.exp(near.size / (near.size + PHASE_PRIOR) * np.log(max(own, FLOOR_SHARE)))
    return shares


def least_sigma(values: np.ndarray, kind: str) -> float:
    """The least spread to believe in, in the model space `kind` (none, sqrt or log), of a series of `values`.

    A count varies by its own square root, which is a half in square roots. Any other series gets a two-hundredth of
    its level, also one that never moved: the first order of a day whose session was not seen is no miracle.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return 1.0
    level = abs(float(np.median(known)))
    if kind == "sqrt":
        is_count = bool(np.all(known == np.rint(known)))
        return 0.5 if is_count else max(0.005 * float(np.sqrt(level)), 1e-6)
    return 0.005 * (1.0 if kind == "log" else level or float(np.max(np.abs(known)) or 1.0))
