"""A stranger's times and values as one regular series. Reads no files; fits no models."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

DAY_S = 86_400
MONTH_DAYS = (28, 31)
QUARTER_DAYS = (89, 92)
YEAR_DAYS = 365.25
MAX_MISSING_RATE = 0.6
MAX_CROWDED_RATE = 0.05


@dataclass(frozen=True)
class History:
    """A regular series with what is known of its calendar.

    Attributes:
        times: regular, increasing, without zone; monthly series stand on the first of the month.
        values: float64, NaN where nothing was observed.
        seasons: season lengths in steps, shortest first; only those of which the history holds two cycles.
        is_non_negative: whether a negative expectation would be nonsense.
        campaigns: what was planned, past and future (`calendar.CAMPAIGN_COLUMNS`), or None.
    """

    times: pd.DatetimeIndex
    values: np.ndarray
    seasons: tuple[int, ...]
    is_non_negative: bool
    campaigns: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.values)

    def until(self, stop: int) -> "History":
        """The first `stop` steps: what was known then. Seasons that they are too short for drop out."""
        seasons = tuple(season for season in self.seasons if 2 * season <= stop)
        return replace(self, times=self.times[:stop], values=self.values[:stop], seasons=seasons)

    def future(self, horizon: int) -> pd.DatetimeIndex:
        """The `horizon` times that follow."""
        return extend(self.times, horizon)

    def span(self, horizon: int) -> pd.DatetimeIndex:
        """The times of the history and the `horizon` that follow."""
        return pd.DatetimeIndex(np.concatenate([self.times.to_numpy(), self.future(horizon).to_numpy()]))

    @property
    def season(self) -> int:
        """The shortest season, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1


def regular(frame: pd.DataFrame, campaigns: pd.DataFrame | None = None, is_non_negative: bool | None = None) -> History:
    """The series of `frame` on the regular grid that its times lie nearest to.

    Times that jitter around the grid are snapped to it, values that fall on one grid time are averaged, grid
    times without a value are NaN. The step is the median distance of the times.

    Args:
        frame: columns `time` (datetime without zone) and `value` (number or missing), in any order.
        campaigns: planned events, see `calendar.CAMPAIGN_COLUMNS`.
        is_non_negative: None takes it from the values: no value below zero.

    Raises:
        ValueError: where fewer than three values are there, or the times do not lie near any grid.
    """
    rows = frame[["time", "value"]].dropna().sort_values("time", kind="stable")
    times = pd.DatetimeIndex(rows["time"]).as_unit("ns")
    values = rows["value"].to_numpy("float64")
    if times.tz is not None:
        raise ValueError("time has a zone: convert it to one clock and drop the zone first")
    if len(times.unique()) < 3:
        raise ValueError(f"a series needs at least 3 distinct times with a value, found {len(times.unique())}")
    steps = np.diff(times.unique().asi8) / 1e9
    step_s = float(np.median(steps))
    grid, cells = _month_grid(times, step_s) or _even_grid(times, step_s)
    total = np.bincount(cells, weights=values, minlength=len(grid))
    count = np.bincount(cells, minlength=len(grid))
    crowded = 1 - np.count_nonzero(count) / len(times)
    if crowded > MAX_CROWDED_RATE:
        raise ValueError(
            f"the times are not regular: {crowded:.0%} of the values share a step of {pd.Timedelta(seconds=step_s)} "
            "with another; add them up by day or hour first, and keep one series"
        )
    if np.mean(count == 0) > MAX_MISSING_RATE:
        raise ValueError(
            f"the times are not regular: of {len(grid)} steps of {pd.Timedelta(seconds=step_s)} between "
            f"{grid[0]} and {grid[-1]} only {np.count_nonzero(count)} have a value; aggregate to days or hours first, "
            "and write 0 where nothing happened"
        )
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    if is_non_negative is None:
        is_non_negative = bool(np.nanmin(values) >= 0)
    return History(grid, values, season_lengths(grid), is_non_negative, campaigns)


def season_lengths(times: pd.DatetimeIndex) -> tuple[int, ...]:
    """Season lengths in steps that the calendar suggests and of which `times` holds two cycles.

    Hourly: 24 and 168. Daily: 7, and 365 where two years are there. Weekly 52, monthly 12, quarterly 4.
    """
    if len(times) < 3:
        return ()
    step_s = step_seconds(times)
    candidates = []
    for cycle_s in (DAY_S, 7 * DAY_S, YEAR_DAYS * DAY_S):
        steps = cycle_s / step_s
        is_whole = abs(steps - round(steps)) < 0.02 * steps
        sub_daily_year = cycle_s > 7 * DAY_S and step_s < DAY_S
        if steps > 1.9 and is_whole and not sub_daily_year:
            candidates.append(round(steps))
    return tuple(sorted({season for season in candidates if 2 * season <= len(times)}))


def step_seconds(times: pd.DatetimeIndex) -> float:
    """Median distance of `times` in seconds, whatever their resolution."""
    return float(np.median(np.diff(times.as_unit("ns").asi8))) / 1e9


def extend(times: pd.DatetimeIndex, horizon: int) -> pd.DatetimeIndex:
    """The `horizon` grid times after `times`."""
    days = step_seconds(times) / DAY_S
    if _is_monthly(times, days):
        months = round(days / (YEAR_DAYS / 12))
        ahead = [times[-1] + pd.DateOffset(months=months * (step + 1)) for step in range(horizon)]
        return pd.DatetimeIndex(ahead)
    step = times[-1] - times[-2]
    return pd.DatetimeIndex(times[-1] + step * np.arange(1, horizon + 1))


def _is_monthly(times: pd.DatetimeIndex, days: float) -> bool:
    between = any(low - 0.1 <= days <= high + 0.1 for low, high in (MONTH_DAYS, QUARTER_DAYS, (365, 366)))
    return between and len(set(times.day)) == 1


def _month_grid(times: pd.DatetimeIndex, step_s: float) -> tuple[pd.DatetimeIndex, np.ndarray] | None:
    """Grid of months, quarters or years, where the median step is one; month ends count for their month."""
    days = step_s / DAY_S
    if not any(low - 0.1 <= days <= high + 0.1 for low, high in (MONTH_DAYS, QUARTER_DAYS, (365, 366))):
        return None
    width = round(days / (YEAR_DAYS / 12))
    months = np.asarray(times.year) * 12 + np.asarray(times.month) - 1
    if np.mean((months - months[0]) % width == 0) < 0.9:
        return None
    cells = (months - months[0]) // width
    grid = pd.date_range(times[0].to_period("M").to_timestamp(), periods=int(cells[-1]) + 1, freq=f"{width}MS")
    return pd.DatetimeIndex(grid.as_unit("ns").to_numpy()), cells


def _even_grid(times: pd.DatetimeIndex, step_s: float) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Grid of equal steps, whole seconds where possible, through the most frequent offset of the times."""
    step = max(round(step_s), 1) * 1_000_000_000 if step_s >= 1 else max(round(step_s * 1e9), 1)
    offsets, counts = np.unique(times.asi8 % step, return_counts=True)
    offset = int(offsets[np.argmax(counts)])
    cells = np.rint((times.asi8 - offset) / step).astype("int64")
    length = int(cells[-1] - cells[0]) + 1
    if length > 50 * len(times) + 1_000:
        raise ValueError(
            f"the times are not regular: {len(times)} values over {length} steps of {pd.Timedelta(seconds=step_s)}; "
            "aggregate to days or hours first"
        )
    grid = pd.DatetimeIndex(offset + step * (cells[0] + np.arange(length)))
    return grid, cells - cells[0]


def stretches(first: int, length: int, every: int, growth: float) -> list[tuple[int, int]]:
    """The steps that each fit of `refit_starts` speaks for: from its start to before the next one's."""
    starts = refit_starts(first, length, every, growth)
    return list(zip(starts, [*starts[1:], length][: len(starts)], strict=True))


def refit_starts(first: int, length: int, every: int, growth: float) -> list[int]:
    """Steps at which a model is fitted anew on what came before: `first`, then after `every` steps or `growth`.

    The later of the two: a history of five years need not be fitted anew every month. The schedule does not depend
    on where the series ends, so that what was said of a day stays as it was when days are added.
    """
    starts, start = [], first
    while start < length:
        starts.append(start)
        start += max(every, int(start * growth), 1)
    return starts
