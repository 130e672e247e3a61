"""What detectors, back-tests and forecasts of a whole shop cost, as a ratio to Prophet alone fitted once per series.

`--home DIR` is a shop that has been run, such as one that `ecom demo` has made (default: `ECOM_HOME`); its warehouse
is only read. With `--every N` every N-th of its series is forecast, and that time scaled up. All work is done in
this one process, and processor time is told: neither a busy machine nor a second core changes the ratio much. Prophet
alone is Prophet with its own defaults on the same series, without back-tests.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd

from bench.forecasts import HORIZON, PlainProphet, show
from ecom_assets.anomalies.tables import shop_tables
from ecom_assets.defs.anomaly.detection import QUERIES
from ecom_assets.forecasting import FULL_ORIGINS, parallel, shop
from ecom_assets.settings import Home
from ecom_assets.sql import Query


def main(asked: argparse.Namespace) -> None:
    parallel.MIN_ITEMS = 1_000_000  # so many series that processes would be started for: none are
    home = Home(asked.home) if asked.home else Home.from_environment()
    if not home.warehouse.is_file():
        print(f"  {home.root} holds no shop that has been run: `ecom demo` makes one, --home names another")
        return
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = measure(connection, asked.every)
    table = pd.DataFrame(rows, columns=["of the whole shop", "processor_s", "clock_s"])
    show(table.assign(ratio=table["processor_s"] / table["processor_s"].iloc[0]))


def measure(connection: duckdb.DuckDBPyConnection, every: int = 1) -> list[tuple[str, float, float]]:
    """What was done, its seconds of processor and of clock; the first row is Prophet alone."""

    def ask(query: Query, **values: Any) -> pd.DataFrame:
        bound = query.bind(values)
        return connection.execute(bound.sql, dict(bound.params)).df()

    every_series = ask(Query("forecast/backtests"), asked_origins=shop.FIRST_ORIGINS)
    first = every_series.iloc[::every]
    share = len(every_series) / len(first)
    full = first.assign(asked_origins=FULL_ORIGINS)
    standing = ask(Query("forecast/forecasts")).iloc[::every]
    daily = {name: ask(query) for name, query in QUERIES.items()}
    histories = [task.history for task in (shop._task(row, first) for row in first.to_dict("records")) if task]
    PlainProphet().forecast(histories[0], HORIZON)  # what is loaded once is not counted
    shop.back_tests(first.head(1))
    seconds: list[tuple[str, float, float]] = []

    def timed(name: str, work: Callable[[], Any], times: float = share) -> Any:
        processor, clock = time.process_time(), time.perf_counter()
        before = os.times()
        made = work()
        after = os.times()
        children = after.children_user + after.children_system - before.children_user - before.children_system
        spent = time.process_time() - processor + children  # Prophet's optimizer is a process of its own
        seconds.append((name, times * spent, times * (time.perf_counter() - clock)))
        return made

    days = max(len(history) for history in histories)
    series = daily["daily"][["metric", "dimension", "member"]].drop_duplicates().shape[0]
    timed(f"Prophet alone, once each of {len(every_series)} series of {days} days",
          lambda: [PlainProphet().forecast(history, HORIZON) for history in histories])  # fmt: skip
    timed(f"detectors and notifications' causes, {series} series", lambda: shop_tables(**daily), 1)
    tests = timed(f"back-tests, {shop.FIRST_ORIGINS} origins and the newest day", lambda: shop.back_tests(first))
    timed("champions", lambda: shop.champions(tests))
    timed("forecasts by the champions", lambda: shop.forecasts(standing))
    first_run = [sum(row[at] for row in seconds[1:]) for at in (1, 2)]
    seconds.append(("all of it, a first run", first_run[0], first_run[1]))
    any_day = [seconds[1][at] + seconds[4][at] for at in (1, 2)]
    seconds.append(("a day on which the back-tests stand", any_day[0], any_day[1]))
    timed(f"back-tests of the week, {FULL_ORIGINS} origins and the newest day", lambda: shop.back_tests(full))
    week = [first_run[at] - seconds[2][at + 1] + seconds[-1][at + 1] for at in (0, 1)]
    seconds.append(("all of it, the weekly run", week[0], week[1]))
    return seconds
