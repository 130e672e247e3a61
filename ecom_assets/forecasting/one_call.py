"""A stranger's series in, its forecast out: the one call behind `ecom forecast`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ecom_assets.forecasting.backtest import Forecaster, accuracy, backtest, expectations, with_intervals
from ecom_assets.forecasting.champion import choose_champion
from ecom_assets.forecasting.ensemble import ENSEMBLE
from ecom_assets.forecasting.gross import without_gross
from ecom_assets.forecasting.intervals import Table, calibrate, interval
from ecom_assets.forecasting.models import default_forecasters, expectation_of
from ecom_assets.forecasting.series import History, regular
from ecom_assets.forecasting.transform import Transform, choose_transform

LEVELS = (80, 95)
MAX_STEPS = 6_000
"""Older steps than that are left out: they cost time and say little of tomorrow."""
NORMAL_QUANTILES = {80: 1.2816, 95: 1.96}


@dataclass(frozen=True)
class SeriesForecast:
    """What is expected, and how good the expectation was so far.

    Attributes:
        forecast: time, mean, lower_80, upper_80, lower_95, upper_95, model; one row a future step.
        champion: the model that was chosen.
        backtests: as of `backtest.backtest`, with the intervals that could have been stated then.
        accuracy: one row a model, as of `backtest.accuracy`.
    """

    forecast: pd.DataFrame
    champion: str
    backtests: pd.DataFrame
    accuracy: pd.DataFrame


def forecast(
    frame: pd.DataFrame, horizon: int, campaigns: pd.DataFrame | None = None, is_non_negative: bool | None = None,
    origins: int = 12, seed: int = 0, on_origin: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The next `horizon` steps of the series in `frame` (time, value), by the champion of its own back-tests.

    `on_origin` is told how many origins are done, of how many.

    Returns:
        time, mean, lower_80, upper_80, lower_95, upper_95, model; one row a step.

    Raises:
        ValueError: where `frame` is no regular series or too short, or `horizon` is not positive.
    """
    history = regular(frame, campaigns, is_non_negative)
    return forecast_series(history, horizon, default_forecasters(seed), origins, on_origin=on_origin).forecast


def forecast_series(
    history: History,
    horizon: int,
    forecasters: Sequence[Forecaster],
    origins: int = 12,
    champion: str | None = None,
    on_origin: Callable[[int, int], None] | None = None,
) -> SeriesForecast:
    """Back-tests the forecasters, chooses one (unless `champion` is given) and states its calibrated intervals."""
    if horizon < 1:
        raise ValueError(f"horizon must be at least one step, found {horizon}")
    recent = slice(max(0, len(history) - MAX_STEPS), None)
    history = replace(history, times=history.times[recent], values=history.values[recent])
    tested_horizon = max(1, min(horizon, len(history) // 4))
    tests = backtest(history, tested_horizon, forecasters, origins, on_origin=on_origin)
    usual = without_gross(history)
    is_gross = tests["time"].isin(history.times[np.isnan(usual.values)])
    tests["actual"] = tests["actual"].where(~is_gross)  # nobody could foresee them, and no interval should hold them
    chosen = champion or choose_champion(tests)
    said = expectations(history, horizon, forecasters)
    chosen = chosen if chosen in said else (ENSEMBLE if ENSEMBLE in said else next(iter(said)))
    transform = choose_transform(usual.values, history.season, history.is_non_negative)
    stated = _stated(history, said[chosen], tests[tests["model"] == chosen], transform, chosen)
    tests = with_intervals(tests, transform, LEVELS)
    return SeriesForecast(stated, chosen, tests, accuracy(tests))


def forecast_as(history: History, horizon: int, champion: str, tests: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The next `horizon` steps by a champion that was chosen before; nothing is back-tested.

    Args:
        history: the series.
        horizon: number of steps.
        champion: name of a forecaster, or of the ensemble.
        tests: its back-tests as they stand (origin, step, actual, mean), on which the intervals are calibrated; where
            there are none, the intervals are normal ones around the differences one season apart.
        seed: of forecasters that draw.

    Returns:
        As of `forecast`.
    """
    transform = choose_transform(history.values, history.season, history.is_non_negative)
    return _stated(history, expectation_of(champion, history, horizon, seed), tests, transform, champion)


def _stated(history: History, mean: np.ndarray, tests: pd.DataFrame, transform: Transform, model: str) -> pd.DataFrame:
    table = calibrate(tests, transform, LEVELS) if len(tests) else _without_backtests(history, transform)
    step = np.arange(1, len(mean) + 1)
    columns: dict[str, object] = {"time": history.future(len(mean)), "mean": mean}
    for level in LEVELS:
        lower, upper = interval(mean, step, table, transform, level)
        columns[f"lower_{level}"] = np.maximum(lower, 0.0) if history.is_non_negative else lower
        columns[f"upper_{level}"] = upper
    return pd.DataFrame({**columns, "model": model})


def _without_backtests(history: History, transform: Transform) -> Table:
    """Intervals of a series too short to test: normal ones around its differences one season apart."""
    values = transform.forward(history.values)
    season = history.season if len(values) > 2 * history.season else 1
    spread = float(np.nanstd(values[season:] - values[:-season]))
    return {
        level: pd.DataFrame({"low": [-quantile * spread], "high": [quantile * spread]}, index=[1])
        for level, quantile in NORMAL_QUANTILES.items()
    }
