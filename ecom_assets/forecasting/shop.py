"""All series of one shop that are forecast: back-tested, their champions chosen, forecast. Frames in, frames out.

Which series these are, and how rows come here, is not decided here. A row of input is a series: metric, dimension,
member, `days` and `known_values` (arrays of equal length, by day) and `campaigns` (list of dicts or None).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ecom_assets.forecasting import FULL_ORIGINS
from ecom_assets.forecasting.backtest import accuracy, backtest, said_at, with_intervals
from ecom_assets.forecasting.champion import CHAMPION, choose_champion, with_champion
from ecom_assets.forecasting.closed import IsClosed, closed_ahead
from ecom_assets.forecasting.ensemble import ENSEMBLE
from ecom_assets.forecasting.models import default_forecasters
from ecom_assets.forecasting.one_call import LEVELS, forecast_as
from ecom_assets.forecasting.parallel import map_series
from ecom_assets.forecasting.series import History, season_lengths
from ecom_assets.forecasting.transform import choose_transform
from ecom_assets.metrics import metrics

Row = dict[Any, Any]
Tell = Callable[[int, int], None]

KEYS = ["metric", "dimension", "member"]
HORIZON = 28
FIRST_ORIGINS = 6
"""Origins of a series that was never tested: enough to choose by, at half the price of the weekly set."""
KEPT_DAYS = 7
"""A back-test older than this is made anew, should the weekly job not have done it."""
MIN_KNOWN = 28
"""Days with a value that a series needs."""
MIN_KNOWN_RATE = 0.5
MAX_DAYS = 1_096
"""Three years: older days cost time and say little of tomorrow."""
ENDS = [f"{end}_{level}" for level in LEVELS for end in ("lower", "upper")]
TESTED = ["model", "origin_date", "step", "business_date", "actual", "mean", *ENDS, "scale", "tested_on"]
FORECAST = ["business_date", *KEYS, "model", "mean", *ENDS, "made_on"]


@dataclass(frozen=True)
class Task:
    """One series and what is to be done with it; made here, carried to another process.

    Attributes:
        key: metric, dimension, member.
        history: up to the newest day that the shop knows.
        origins: how many origins to test.
        champion: who forecasts.
        tests: the champion's back-tests (origin, step, actual, mean).
    """

    key: tuple[str, str, str]
    history: History
    origins: int = 0
    champion: str = ENSEMBLE
    tests: pd.DataFrame | None = None


def back_tests(rows: pd.DataFrame, tell: Tell | None = None) -> pd.DataFrame:
    """The back-tests that are to stand: those that do, where they are fresh, and new ones of all other series.

    Args:
        rows: one series a row; beside the columns above `asked_origins` (how many origins to test however fresh
            the tests are, or missing), `tested_on` and, each a list, the other columns of the back-tests that stand
            (`TESTED`), missing where none do.
        tell: told how many series are done, of how many.

    Returns:
        KEYS and TESTED; one row a series, model, origin and step. The model `champion` is what would have been
        chosen at each origin. The last origin is the newest day: what it says has no actual yet, and is what the
        days until the next test are compared with. A series that is too short to be tested has no row.
    """
    parts, tasks = [], []
    for row in rows.to_dict("records"):
        task = _task(row, rows)
        if task is None:
            continue
        due = _origins_due(row, task.history)
        if due:
            tasks.append(replace(task, origins=due))
        else:
            parts.append(_keyed(pd.DataFrame({name: row[name] for name in TESTED}), task.key))
    parts += [part for part in map_series(_tested, tasks, tell) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEYS, *TESTED])


def champions(tests: pd.DataFrame) -> pd.DataFrame:
    """Who forecasts each series, and how good every model was.

    Args:
        tests: as of `back_tests`.

    Returns:
        One row a series and model: KEYS, model, is_champion, tested_on and the measures of `backtest.accuracy`.
    """
    parts = []
    named = tests.rename(columns={"origin_date": "origin", "business_date": "time"}).dropna(subset="actual")
    for key, rows in named.groupby(KEYS, sort=True):
        chosen = choose_champion(rows[rows["model"] != CHAMPION])
        said = accuracy(rows)
        said = said.assign(is_champion=said["model"] == chosen, tested_on=rows["tested_on"].iloc[0])
        parts.append(_keyed(said, key))
    names = [*KEYS, "model", "is_champion", "tested_on", "origins", "points", "mase", "rmse", "mae", "wape", "mape",
             "coverage_80", "coverage_95"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def forecasts(rows: pd.DataFrame, tell: Tell | None = None, is_closed: IsClosed | None = None) -> pd.DataFrame:
    """The next four weeks of every series, by the champions as they stand.

    Args:
        rows: one series a row; beside the columns above `champion` (missing: the ensemble) and, each a list, the
            champion's back-tests as `origin_date`, `step`, `actual`, `mean`.
        tell: told how many series are done, of how many.
        is_closed: the shop's calendar, see `closed.closed_ahead`.

    Returns:
        FORECAST; one row a series and day. A series with fewer than 28 known days has none. On a closed day a sum is
        0 with both ends of its intervals, and what is no sum has no row.
    """
    tasks = []
    for row in rows.to_dict("records"):
        task = _task(row, rows)
        if task is not None:
            champion = row["champion"] if isinstance(row["champion"], str) else ENSEMBLE
            tasks.append(replace(task, champion=champion, tests=_champions_tests(row)))
    said = map_series(_forecast, tasks, tell)
    parts = [_when_open(part, task, is_closed) for part, task in zip(said, tasks, strict=True)]
    return pd.concat(parts, ignore_index=True)[FORECAST] if parts else pd.DataFrame(columns=FORECAST)


def _task(row: Row, rows: pd.DataFrame) -> Task | None:
    """The series of one row up to the shop's newest day; None where too little of it is known, or nothing of late."""
    days, values = pd.DatetimeIndex(row["days"]), np.asarray(row["known_values"], dtype="float64")
    newest = max(pd.Timestamp(max(each)) for each in rows["days"])
    times = pd.date_range(max(days[0], newest - pd.Timedelta(days=MAX_DAYS - 1)), newest, freq="D")
    known = pd.Series(values, index=days).reindex(times)
    enough = known.notna().sum() >= MIN_KNOWN and known.notna().mean() >= MIN_KNOWN_RATE
    if not enough or not known.iloc[-HORIZON:].notna().any():
        return None
    key = (row["metric"], row["dimension"], row["member"])
    campaigns = _concerning(row["campaigns"], key)
    times = times.as_unit("ns")
    history = History(
        times, known.to_numpy("float64"), season_lengths(times), metrics()[key[0]].non_negative, campaigns
    )
    return Task(key, history)


def _concerning(campaigns: Any, key: tuple[str, str, str]) -> pd.DataFrame | None:
    """The campaigns that may move the series: of a channel only those that run on it, or on all."""
    if campaigns is None or len(campaigns) == 0:
        return None
    frame = pd.DataFrame(list(campaigns))
    _, dimension, member = key
    return frame[frame["channel"].isna() | (frame["channel"] == member)] if dimension == "channel" else frame


def _origins_due(row: Row, history: History) -> int:
    """At how many origins the series is to be tested now; 0 where its tests are fresh."""
    if not pd.isna(row["asked_origins"]):
        return int(row["asked_origins"])
    if pd.isna(row["tested_on"]):
        return FIRST_ORIGINS
    age = history.times[-1] - pd.Timestamp(row["tested_on"])
    return FULL_ORIGINS if age > pd.Timedelta(days=KEPT_DAYS) else 0


def _champions_tests(row: Row) -> pd.DataFrame:
    if not isinstance(row["origin_date"], np.ndarray | list):
        return pd.DataFrame(columns=["origin", "step", "actual", "mean"])
    return pd.DataFrame({"origin": row["origin_date"], **{name: row[name] for name in ("step", "actual", "mean")}})


def _tested(task: Task) -> pd.DataFrame:
    """Back-tests of one series as rows of the table."""
    history = task.history
    try:
        tests = backtest(history, HORIZON, default_forecasters(), task.origins)
        if tests.empty:
            return tests
        tests = pd.concat([tests, said_at(history, len(history), HORIZON, default_forecasters())], ignore_index=True)
    except Exception as error:
        raise RuntimeError(f"back-test of {' '.join(task.key)} failed: {error}") from error
    transform = choose_transform(history.values, history.season, history.is_non_negative)
    tests = with_intervals(with_champion(tests), transform, LEVELS)
    if history.is_non_negative:
        tests[ENDS] = tests[ENDS].clip(lower=0.0)
    tests = tests.rename(columns={"origin": "origin_date", "time": "business_date"})
    return _keyed(tests.assign(tested_on=history.times[-1]), task.key)[[*KEYS, *TESTED]]


def _forecast(task: Task) -> pd.DataFrame:
    """The forecast of one series as rows of the table."""
    assert task.tests is not None  # noqa: S101 - for the type checker
    try:
        said = forecast_as(task.history, HORIZON, task.champion, task.tests)
    except Exception as error:
        raise RuntimeError(f"forecast of {' '.join(task.key)} by {task.champion} failed: {error}") from error
    said = said.rename(columns={"time": "business_date"})
    return _keyed(said.assign(made_on=task.history.times[-1]), task.key)


def _when_open(said: pd.DataFrame, task: Task, is_closed: IsClosed | None) -> pd.DataFrame:
    """The forecast of one series with nothing on days on which the shop does not trade."""
    closed = closed_ahead(task.history, HORIZON, is_closed)
    if metrics()[task.key[0]].kind != "additive":
        return said[~closed]
    numbers = ["mean", *ENDS]
    return said.assign(**{name: said[name].where(~closed, 0.0) for name in numbers})


def _keyed(frame: pd.DataFrame, key: Any) -> pd.DataFrame:
    return frame.assign(**{name: str(part) for name, part in zip(KEYS, key, strict=True)})
