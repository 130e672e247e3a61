"""All series of a shop as one table, [day, series], and how surprising each cell is. Decides no alarm."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecom_assets.anomalies.space import HOME, LOOK_DAYS, Space, choose_space, tells

KEYS = ["metric", "dimension", "member"]
TAIL_RATE, MIN_PAST, BLOCK_DAYS = 0.1, 200, 14
NORMAL_QUANTILE, NORMAL_EXCESS, MOST_EXCESSES = 1.645, 0.55, 60.0
LEAST_EXCESS = 0.4
MAX_SURPRISE = 20.0
CYCLES = 8
SCALE_GAIN, SCALE_CLIP, MEAN_TO_SIGMA = 0.02, 3.0, 1.2533


@dataclass(frozen=True)
class Wide:
    """Series by column. `moved` are values in the space of each series, NaN where nothing is known."""

    days: pd.DatetimeIndex
    keys: list[tuple[str, str, str]]
    values: np.ndarray
    moved: np.ndarray
    spaces: list[Space]
    is_told: np.ndarray  # by series, whether it is worth watching by the day


def wide_of(daily: pd.DataFrame, min_days: int) -> Wide:
    """The table of `daily` (time, metric, dimension, member, value) on every day from its first to its last.

    Raises:
        ValueError: where no series has `min_days` known days.
    """
    table = daily.pivot_table(index="time", columns=KEYS, values="value", dropna=False, sort=True)
    table = table.loc[:, table.notna().sum() >= min_days]
    if not table.shape[1]:
        raise ValueError(f"no series has {min_days} known days; detection needs that much history")
    days = pd.date_range(table.index.min(), table.index.max()).as_unit("ns")
    values = table.reindex(days).to_numpy("float64")
    keys = [(str(key[0]), str(key[1]), str(key[2])) for key in table.columns]
    values = _without_missing_refunds(values, keys)
    spaces = [choose_space(values[:, place], key[0]) for place, key in enumerate(keys)]
    moved = np.column_stack([space.forward(values[:, place]) for place, space in enumerate(spaces)])
    told = np.array([tells(values[:, place], space) for place, space in enumerate(spaces)])
    told &= ~_said_before(values, keys)
    return Wide(days, keys, values, np.where(np.isfinite(values), moved, np.nan), spaces, told)


def _said_before(values: np.ndarray, keys: list[tuple[str, str, str]]) -> np.ndarray:
    """Prices of the same orders under another name, such as those of a marketplace that have one channel and no device.

    Told twice they would confirm themselves. The first months decide, as in `space.tells`; two members of which no
    price changed meanwhile are two all the same.
    """
    seen: set[bytes] = set()
    found = np.zeros(len(keys), dtype=bool)
    for place, (metric, *_) in enumerate(keys):
        first = values[:LOOK_DAYS, place]
        if metric in HOME and len(np.unique(first[np.isfinite(first)])) > 1:
            series = np.nan_to_num(first, nan=-1.0).round(9).tobytes()
            found[place] = series in seen
            seen.add(series)
    return found


def _without_missing_refunds(values: np.ndarray, keys: list[tuple[str, str, str]]) -> np.ndarray:
    """A day on which nothing at all was given back where something always is waits for its refund file.

    The day's sales are whole without it, so the refunds of a late file count as none until it comes.
    """
    whole = [place for place, key in enumerate(keys) if key[0] == "refund_amount" and not key[2]]
    if not whole:
        return values
    refunds = values[:, whole[0]]
    usual = pd.Series(refunds).rolling(28, min_periods=7).median().shift(1).to_numpy()
    waits = (refunds == 0) & (usual > 0)
    concerned = [place for place, key in enumerate(keys) if key[0] in ("refund_amount", "refund_rate")]
    changed = values.copy()
    changed[np.ix_(waits, concerned)] = np.nan
    return changed


def in_space(wide: Wide, expected: np.ndarray, logarithm: np.ndarray) -> np.ndarray:
    """How far a change by the factor e^`logarithm` moves the expectation in each series' space, [day, series]."""
    moved = np.empty(expected.shape)
    for place, space in enumerate(wide.spaces):
        factor, level = logarithm[:, place], expected[:, place]
        if space.unit or space.transform.kind == "sqrt":
            moved[:, place] = np.abs(level) * (np.exp(factor / 2) - 1)
        elif space.transform.kind == "log":
            moved[:, place] = factor
        else:
            moved[:, place] = np.abs(level) * (np.exp(factor) - 1)
    return moved


def homewards(wide: Wide, expected: np.ndarray) -> np.ndarray:
    """How far the expectation lies from what a metric comes back to by itself (`space.HOME`); else 0, [day, series]."""
    back = np.zeros(expected.shape)
    for place, ((metric, *_), space) in enumerate(zip(wide.keys, wide.spaces, strict=True)):
        if metric in HOME:
            back[:, place] = np.nan_to_num(space.forward(np.array([HOME[metric]])) - expected[:, place])
    return back


def same_weekday(moved: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Median of the same weekday of the last eight weeks, each week taken to the level of the last, [day, series]."""
    base = pd.DataFrame(np.where(left_out, np.nan, moved))
    level = base.rolling(14, min_periods=5).median().to_numpy()
    deviation = base.to_numpy() - level
    before = np.full((CYCLES, *moved.shape), np.nan)
    for week in range(1, CYCLES + 1):
        before[week - 1, 7 * week :] = deviation[: -7 * week]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        profile = np.nanmedian(before, axis=0)
    level = pd.DataFrame(level).ffill(limit=14).shift(1).to_numpy()
    return level + np.nan_to_num(profile)


def past_scale(errors: np.ndarray, teaches: np.ndarray, floor: np.ndarray, first: int = 56) -> np.ndarray:
    """Spread of the errors before each day, earlier ones fading, large ones clipped; never below `floor`."""
    scale = np.full(errors.shape, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        now = 1.4826 * np.nanmedian(np.abs(np.where(teaches, errors, np.nan)[:first]), axis=0)
    now = np.maximum(np.where(np.isfinite(now), now, 1.0), floor)
    for day in range(len(errors)):
        scale[day] = now
        known = np.isfinite(errors[day]) & teaches[day]
        size = np.minimum(np.abs(np.where(known, errors[day], 0.0)), SCALE_CLIP * now) * MEAN_TO_SIGMA
        now = np.maximum(np.where(known, now + SCALE_GAIN * (size - now), now), floor)
    return scale


def sustained_of(zscores: np.ndarray) -> np.ndarray:
    """As `zscore.sustained`, for [day, series]."""
    filled = np.nan_to_num(zscores)
    best = np.abs(zscores)
    for count in (2, 3):
        total = sum(np.vstack([np.zeros((lag, filled.shape[1])), filled[: len(filled) - lag]]) for lag in range(count))
        spread = np.sqrt(count + 2 * sum((count - lag) * 0.25**lag for lag in range(1, count)))
        takes_part = (np.abs(filled) >= 1.5) & (np.sign(total) == np.sign(filled))
        best = np.where(takes_part, np.fmax(best, np.abs(total) / spread), best)
    return best


def pooled_surprise(
    scores: np.ndarray, teaches: np.ndarray, groups: Sequence[str], prior: tuple[float, float] | None = None,
    first: int = 56,
) -> np.ndarray:  # fmt: skip
    """−log10 of how often scores of the same group were as high before, [day, series].

    All series of a metric share one tail: one member alone has too few days to know how far its tail reaches. As in
    `calibration`, the tail above the 90 % quantile is exponential with the median excess as its measure, and the few
    excesses that it rests on make far scores likelier.
    """
    result = np.full(scores.shape, np.nan)
    names = np.asarray(groups)
    for group in np.unique(names):
        columns = np.flatnonzero(names == group)
        block, usable = scores[:, columns], np.isfinite(scores[:, columns]) & teaches[:, columns]
        for start in range(first, len(scores), BLOCK_DAYS):
            past = block[:start][usable[:start]]
            result[start : start + BLOCK_DAYS, columns] = _tail(block[start : start + BLOCK_DAYS], past, prior)
    return result


def _tail(scores: np.ndarray, past: np.ndarray, prior: tuple[float, float] | None) -> np.ndarray:
    least_quantile, least_excess = prior or (0.0, 0.0)
    if past.size < MIN_PAST and prior is None:
        return np.full(scores.shape, np.nan)
    if past.size < MIN_PAST:
        quantile, excess = NORMAL_QUANTILE, NORMAL_EXCESS
    else:
        quantile = float(np.quantile(past, 1 - TAIL_RATE))
        over = past[past > quantile] - quantile
        excess = float(np.median(over)) / np.log(2) if over.size else 0.0
    quantile, excess = max(quantile, least_quantile), max(excess, least_excess, 1e-6)
    count = min(max(TAIL_RATE * past.size, 3.0), MOST_EXCESSES)
    with np.errstate(invalid="ignore"):
        above = 1 + count * np.log10(1 + np.maximum(scores - quantile, 0.0) / (count * excess))
        below = np.clip(scores / max(quantile, 1e-9), 0.0, 1.0)
        found = np.where(scores > quantile, above, below)
    return np.where(np.isfinite(scores), np.clip(found, 0.0, MAX_SURPRISE), np.nan)


PRIOR = (1.2, LEAST_EXCESS)
"""Least quantile and excess of absolute z-scores: a series that never moved does not make one step a miracle."""
