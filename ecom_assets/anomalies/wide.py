"""All series of a shop as one table, [day, series], each in its own space. Expects nothing and decides no alarm."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecom_assets.anomalies.space import HOME, LOOK_DAYS, Space, choose_space, tells

KEYS = ["metric", "dimension", "member"]


@dataclass(frozen=True)
class Wide:
    """Series by column. `moved` are values in the space of each series, NaN where nothing is known."""

    days: pd.DatetimeIndex
    keys: list[tuple[str, str, str]]
    values: np.ndarray
    moved: np.ndarray
    spaces: list[Space]
    is_told: np.ndarray  # by series, whether it is worth watching by the day

    def back(self, moved: np.ndarray) -> np.ndarray:
        """Values in each series' own unit, [day, series]."""
        return np.column_stack([space.back(moved[:, place]) for place, space in enumerate(self.spaces)])


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
    return np.column_stack(
        [space.transform.moved(expected[:, place], logarithm[:, place]) for place, space in enumerate(wide.spaces)]
    )


def homewards(wide: Wide, expected: np.ndarray) -> np.ndarray:
    """How far the expectation lies from what a metric comes back to by itself (`space.HOME`); else 0, [day, series]."""
    back = np.zeros(expected.shape)
    for place, ((metric, *_), space) in enumerate(zip(wide.keys, wide.spaces, strict=True)):
        if metric in HOME:
            back[:, place] = np.nan_to_num(space.forward(np.array([HOME[metric]])) - expected[:, place])
    return back
