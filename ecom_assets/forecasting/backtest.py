"""Rolling-origin back-tests: what each forecaster would have said at earlier days, beside what came."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from ecom_assets.forecasting import metrics
from ecom_assets.forecasting.ensemble import ENSEMBLE, median_ensemble
from ecom_assets.forecasting.gross import without_gross
from ecom_assets.forecasting.intervals import calibrate, interval
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import History
from ecom_assets.forecasting.transform import Transform

BASELINE = SeasonalNaive.name
MIN_TRAINING_SEASONS = 3
MIN_CALIBRATION_ORIGINS = 4


class Forecaster(Protocol):
    """Fits on a history and says the mean of each of the next `horizon` steps."""

    name: str

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        """Expectations in the unit of the series, shape (horizon,)."""


def expectations(history: History, horizon: int, forecasters: Sequence[Forecaster]) -> dict[str, np.ndarray]:
    """Every forecaster's expectations by name, and the median of all but the baseline as `ensemble`.

    None of them is shown gross errors of the history, see `gross.without_gross`.
    """
    history = without_gross(history)
    said = {one.name: _clipped(one.forecast(history, horizon), history) for one in forecasters}
    members = {name: mean for name, mean in said.items() if name != BASELINE}
    if len(members) > 1:
        said[ENSEMBLE] = median_ensemble(members)
    return said


def origins(length: int, season: int, horizon: int, count: int, every: int | None = None) -> list[int]:
    """Numbers of steps known at each origin, oldest first.

    The last origin has a whole horizon of known steps after it. `every` steps lie between two origins, by default
    as many as fit, a horizon at most, so that the tested stretches do not overlap more than they must.
    """
    first = max(MIN_TRAINING_SEASONS * season, 10, length // 4)
    last = length - horizon
    if last < first or count < 1:
        return []
    if every is None:
        every = max(1, min(horizon, (last - first) // max(count - 1, 1)))
        if every > season > 1 and every % season == 0:  # every origin would fall on one weekday
            every += 1 if last - (count - 1) * (every + 1) >= first else -1
    return [origin for origin in range(last - (count - 1) * every, last + 1, every) if origin >= first]


def backtest(
    history: History,
    horizon: int,
    forecasters: Sequence[Forecaster],
    count: int = 12,
    every: int | None = None,
    on_origin: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """What each forecaster said at each origin from what was known then.

    `on_origin` is told how many origins are done, of how many.

    Returns:
        One row per origin, step and model: origin (time of the last known step), step (1 … horizon), time, actual,
        model, mean, scale (the seasonal naive error within the history up to the origin, what MASE divides by).
    """
    rows = []
    chosen = origins(len(history), history.season, horizon, count, every)
    for number, origin in enumerate(chosen, 1):
        rows.append(said_at(history, origin, horizon, forecasters))
        if on_origin:
            on_origin(number, len(chosen))
    columns = ["origin", "step", "time", "actual", "model", "mean", "scale"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def said_at(history: History, origin: int, horizon: int, forecasters: Sequence[Forecaster]) -> pd.DataFrame:
    """What each forecaster says when the first `origin` steps are known; rows as of `backtest`.

    With all steps known it is the forecast itself, of which no actual is known yet.
    """
    known = history.until(origin)
    scale = metrics.naive_scale(known.values, history.season)
    came = history.values[origin : origin + horizon]
    shared = {
        "origin": history.times[origin - 1],
        "step": np.arange(1, horizon + 1),
        "time": known.future(horizon),
        "actual": np.concatenate([came, np.full(horizon - len(came), np.nan)]),
    }
    rows = [
        pd.DataFrame({**shared, "model": model, "mean": mean, "scale": scale})
        for model, mean in expectations(known, horizon, forecasters).items()
    ]
    return pd.concat(rows, ignore_index=True)


def with_intervals(backtests: pd.DataFrame, transform: Transform, levels: tuple[int, ...] = (80, 95)) -> pd.DataFrame:
    """`backtests` with the intervals that could have been stated then: lower_80, upper_80, ….

    The interval of an origin is calibrated on residuals of earlier origins whose outcome was known at it; rows of
    origins with fewer than four such are NaN.
    """
    parts = []
    for _, model in backtests.groupby("model", sort=False):
        for origin, rows in model.groupby("origin", sort=True):
            past = model[(model["origin"] < origin) & (model["time"] <= origin)]
            rows = rows.copy()
            enough = past["origin"].nunique() >= MIN_CALIBRATION_ORIGINS
            table = calibrate(past, transform, levels) if enough else None
            for level in levels:
                lower, upper = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
                if table is not None:
                    mean, step = rows["mean"].to_numpy(), rows["step"].to_numpy()
                    lower, upper = interval(mean, step, table, transform, level)
                rows[f"lower_{level}"], rows[f"upper_{level}"] = lower, upper
            parts.append(rows)
    return pd.concat(parts).sort_index() if parts else backtests.copy()


def accuracy(backtests: pd.DataFrame) -> pd.DataFrame:
    """Measures of each model over all origins and steps.

    Returns:
        One row per model: model, origins, points, mase, rmse, mae, wape, mape (null where an actual is zero), and
        coverage_80, coverage_95 where `backtests` carries intervals.
    """
    rows = []
    for model, said in backtests.groupby("model", sort=False):
        actual, mean = said["actual"].to_numpy("float64"), said["mean"].to_numpy("float64")
        scaled = np.abs(actual - mean) / said["scale"].to_numpy("float64")
        row = {
            "model": model,
            "origins": said["origin"].nunique(),
            "points": int(np.isfinite(actual).sum()),
            "mase": float(np.nanmean(scaled)) if np.isfinite(scaled).any() else float("nan"),
            "rmse": metrics.rmse(actual, mean),
            "mae": metrics.mae(actual, mean),
            "wape": metrics.wape(actual, mean),
            "mape": metrics.mape(actual, mean),
        }
        for level in (80, 95):
            if f"lower_{level}" in said:
                row[f"coverage_{level}"] = metrics.coverage_rate(
                    actual, said[f"lower_{level}"].to_numpy("float64"), said[f"upper_{level}"].to_numpy("float64")
                )
        rows.append(row)
    return pd.DataFrame(rows)


def _clipped(mean: np.ndarray, history: History) -> np.ndarray:
    return np.maximum(mean, 0.0) if history.is_non_negative else mean
