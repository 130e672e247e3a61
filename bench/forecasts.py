"""How good forecasts are on simulated shops and on Peyton Manning's page views, and what they cost beside Prophet.

`--seeds A B` are the simulated shops: 1 to 999 for development, 5001 to 5060 for validation. Errors are stated as a
share of the seasonal naive forecast's mean scaled error over the same points.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from bench.daily_series import DailyShop, daily_shop
from ecom_assets.forecasting.backtest import accuracy, backtest, with_intervals
from ecom_assets.forecasting.champion import CHAMPION, with_champion
from ecom_assets.forecasting.metrics import coverage_rate
from ecom_assets.forecasting.models import default_forecasters
from ecom_assets.forecasting.one_call import forecast_as
from ecom_assets.forecasting.prophet_model import ProphetForecaster
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import History, regular
from ecom_assets.forecasting.shop import FIRST_ORIGINS
from ecom_assets.forecasting.transform import choose_transform
from ecom_assets.ingestion.series_file import read_series

HORIZON, ORIGINS = 28, 12
AFTER_CHANGE = pd.Timedelta(days=28)
PEYTON = Path("peyton") / "example_wp_log_peyton_manning.csv"


class PlainProphet(ProphetForecaster):
    """Prophet alone, with its own defaults throughout: no campaigns, no logarithm, no year before its second one."""

    name = "plain_prophet"

    def __init__(self) -> None:
        super().__init__(uses_campaigns=False, chooses_transform=False, takes_year_early=False)


def main(asked: argparse.Namespace) -> None:
    seeds = range(asked.seeds[0], asked.seeds[1] + 1)
    workers = max(1, int(os.environ.get("BENCH_WORKERS", os.cpu_count() or 1)))
    started, parts = time.perf_counter(), []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for number, part in enumerate(pool.map(tested_shop, seeds), 1):
            parts.append(part)
            print(f"  {number} of {len(seeds)} shops, {time.perf_counter() - started:,.0f} s", flush=True)
    show_shops(pd.concat(parts, ignore_index=True))
    show_cost(daily_shop(seeds[0], 180))
    if (asked.data / PEYTON).is_file():
        peyton(asked.data / PEYTON)


def tested_shop(seed: int) -> pd.DataFrame:
    """Back-tests of the shop's series; each point is told whether a change or a plan is near."""
    shop, parts = daily_shop(seed), []
    for name, history in shop.histories.items():
        tests = back_tested(history, HORIZON, ORIGINS).assign(series=f"{seed} {name}")
        changed = np.zeros(len(tests), dtype=bool)
        for day in shop.changes:
            changed |= ((tests["time"] >= day) & (tests["origin"] - AFTER_CHANGE <= day)).to_numpy()
        parts.append(tests.assign(changed=changed, planned=tests["time"].isin(shop.planned)))
    return pd.concat(parts, ignore_index=True)


def back_tested(history: History, horizon: int, count: int, every: int | None = None) -> pd.DataFrame:
    """Back-tests of every model, of the rolling champion, and of plain Prophet, with intervals."""
    own = with_champion(backtest(history, horizon, default_forecasters(), count, every))
    plain = backtest(history, horizon, [PlainProphet()], count, every)
    transform = choose_transform(history.values, history.season, history.is_non_negative)
    return with_intervals(pd.concat([own, plain], ignore_index=True), transform)


def show_shops(tests: pd.DataFrame) -> None:
    series, origins = tests["series"].nunique(), tests.groupby("series")["origin"].nunique()
    print(f"\n  {series} series of {tests['series'].str.split().str[0].nunique()} simulated shops, "
          f"{origins.min()} to {origins.max()} origins, {HORIZON} days")  # fmt: skip
    rest = ~tests["changed"] & ~tests["planned"]
    strata = {"all": tests["step"] > 0, "rest": rest, "around changes": tests["changed"],
              "around plans": tests["planned"]}  # fmt: skip
    rows = []
    for model, said in tests.groupby("model", sort=False):
        row: dict[str, object] = {"model": model}
        for name, mask in strata.items():
            row[name] = relative(tests[mask], str(model))
        for level in (80, 95):
            row[f"within {level} %"] = covered(said, level)
        rows.append(row)
    show(pd.DataFrame(rows).sort_values("all"))
    said = tests[tests["model"] == CHAMPION]
    print("  champion, 80 % intervals: " + ", ".join(
        f"{name} {covered(said[mask.loc[said.index]], 80):.1%} of {mask.loc[said.index].sum():,}"
        for name, mask in strata.items()))  # fmt: skip
    by_series = [relative(part, CHAMPION) for _, part in tests.groupby("series")]
    print(f"  champion, by series: median {np.median(by_series):.3f}, worst {max(by_series):.3f}, "
          f"above 1: {sum(one > 1 for one in by_series)}")  # fmt: skip


def relative(tests: pd.DataFrame, model: str) -> float:
    """Mean over series of the model's scaled error ÷ the mean over series of the seasonal naive one's."""
    scaled = (tests["actual"] - tests["mean"]).abs() / tests["scale"]
    by_series = scaled.groupby([tests["model"], tests["series"]]).mean()
    return float(by_series[model].mean() / by_series[SeasonalNaive.name].mean())


def covered(said: pd.DataFrame, level: int) -> float:
    """Share of all points, pooled, within the intervals as they could have been stated then."""
    return coverage_rate(*(said[name].to_numpy("float64") for name in ("actual", f"lower_{level}", f"upper_{level}")))


def show_cost(shop: DailyShop) -> None:
    """Seconds of processor and of clock a series of the demo's length, and as a ratio to Prophet alone."""
    history = shop.histories["sessions"]
    tests = backtest(history, HORIZON, default_forecasters(), FIRST_ORIGINS)
    own = tests[tests["model"] == "ensemble"]
    work = {
        "Prophet alone, fitted once": lambda: PlainProphet().forecast(history, HORIZON),
        "forecast by a standing champion, the ensemble": lambda: forecast_as(history, HORIZON, "ensemble", own),
        "forecast by a standing champion, Theta": lambda: forecast_as(history, HORIZON, "theta", own),
        f"first back-test, {FIRST_ORIGINS} origins": lambda: back_tested_alone(history, FIRST_ORIGINS),
        f"weekly back-test, {ORIGINS} origins": lambda: back_tested_alone(history, ORIGINS),
    }
    rows = []
    for name, one in work.items():
        one()
        started, clock = _processor(), time.perf_counter()
        one()
        rows.append({"a series of 180 days": name, "processor_s": _processor() - started,
                     "clock_s": time.perf_counter() - clock})  # fmt: skip
    table = pd.DataFrame(rows)
    print()
    show(table.assign(ratio=table["processor_s"] / table["processor_s"].iloc[0]))


def back_tested_alone(history: History, count: int) -> None:
    transform = choose_transform(history.values, history.season, history.is_non_negative)
    with_intervals(with_champion(backtest(history, HORIZON, default_forecasters(), count)), transform)


def _processor() -> float:
    """Seconds of processor of this process and of those that it started: Prophet's optimizer is one."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peyton(path: Path) -> None:
    tests = back_tested(regular(read_series(path, "ds", "y").frame), 37, 45, every=46)
    for name, rows in (("1-28", tests["step"] <= 28), ("1-37", tests["step"] > 0)):
        print(f"\n  Peyton Manning's page views, steps {name}, 45 origins")
        show(accuracy(tests[rows]))


def show(table: pd.DataFrame) -> None:
    with pd.option_context("display.width", 200, "display.max_columns", 30):
        print("  " + table.to_string(index=False, float_format="%.3f").replace("\n", "\n  "), flush=True)
