"""A day's refresh after one year and after four years of history: what the history costs.

The shop is a small one with all fifteen datasets. One year of it is simulated; the years before are the same days
again, 52 weeks earlier each and with ids of their own, as simulating them too would take hours and tell nothing new.
Everything goes through the pipeline: files, raw, clean, KPI tables, snapshot. Then the same new days arrive in both
shops, one after the other and in turn: each time the files of one day are loaded, the last three days are written
again with every table that is made of them, and a snapshot is published. Imports and Dagster's definitions, which
no history changes, do not count: they would only flatter the ratio. Processor time is told beside: a busy machine
does not stretch it. What is promised is of tables of events and days and of publishing; detectors and forecasts, which
learn from the history, are told apart, and of forecasts the clock alone counts other processes.
"""

import argparse
import os
import re
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecom_assets.contracts import dataset_contracts
from ecom_assets.orchestration.runs import RunReport, execute
from ecom_assets.orchestration.shop import PROJECT, ShopContext
from ecom_assets.simulation import Simulator

PROMISED = 1.2
YEAR = timedelta(days=364)  # whole weeks: the copy of a Monday is a Monday
LAST_DAY = date(2026, 6, 26)  # of the history
FIRST_DAY = LAST_DAY - YEAR + timedelta(days=1)  # of the simulated year
NEW_DAYS = 4  # the first one warms up
YEARS = (1, 4)
BEYOND = ("anomaly/", "forecast/")
RATIOS = {
    "tables": "without detectors and forecasts four years cost",
    "tables processor": "of processor time",
    "total": "with them",
    "all processor": "of processor time",
}
SHOP = """\
name: Bench shop of {years}
time_zone: UTC
currency: EUR
first_day: {first}
restate_days: 3
sources:
{sources}
"""

_DATE = re.compile(rb"\d{4}-\d{2}-\d{2}")
_ID = re.compile(rb'(?<=[,"\n])([A-OQ-Z])(\d{4,})(?=[,"\n])')  # of everything but products
_WHOLE_ID = r"^([A-OQ-Z])(\d{4,})$"


def main(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=PROJECT / "data") as folder:
        kept = asked.refresh_keep or Path(folder) / "kept"
        simulated = kept / "simulated"
        if not simulated.exists():
            _simulate(simulated, asked.refresh_orders)
        for years in YEARS:
            if not (kept / f"{years}").exists():
                _build(kept / f"{years}", years, simulated)
            shutil.copytree(kept / f"{years}", Path(folder) / f"{years}")
        _print(measure({years: _shop(Path(folder) / f"{years}") for years in YEARS}, simulated))


def _simulate(folder: Path, orders: float) -> None:
    """The landing files of the year and of the new days."""
    started = time.perf_counter()
    simulator = Simulator({}, 7, FIRST_DAY, orders_per_day=orders)
    days = [FIRST_DAY + timedelta(days=number) for number in range(YEAR.days + NEW_DAYS)]
    files = simulator.write_landing(days, folder)
    size = sum(path.stat().st_size for path in files)
    print(
        f"  {len(files):,} files, {size / 1e6:,.0f} MB, simulated in {time.perf_counter() - started:.0f} s", flush=True
    )


def _build(root: Path, years: int, simulated: Path) -> None:
    """A shop with so many years of history, written by the pipeline."""
    first = FIRST_DAY - (years - 1) * YEAR
    landing = root / "home" / "landing"
    for path in _files(simulated, FIRST_DAY, LAST_DAY):
        for back in range(years):
            _copy(path, landing / path.parent.name / _shifted(path.name.encode(), back).decode(), back)
    sources = "\n".join(f"  {name}: {{kind: files, path: '{name}/*.*'}}" for name in dataset_contracts())
    (root / "shop.yaml").write_text(SHOP.format(years=years, first=first, sources=sources))
    context = _at(_shop(root), LAST_DAY)
    started = time.perf_counter()
    report = execute(context)
    assert not report.errors, report.errors
    rows = f"{report.lines_used + report.lines_quarantined:,} lines, {len(report.accepted_days):,} days"
    print(f"  history of {years}: {rows}, written in {time.perf_counter() - started:.0f} s", flush=True)


def _shop(root: Path) -> ShopContext:
    return ShopContext.resolve(root / "shop.yaml", environ={"ECOM_HOME": str(root / "home")})


def _copy(path: Path, to: Path, back: int) -> None:
    """The same file `back` years earlier, with ids of its own."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if not back:
        shutil.copy(path, to)
    elif path.suffix == ".csv":
        to.write_bytes(_shifted(_ID.sub(_of_copy(back).encode(), path.read_bytes()), back))
    else:
        table = pq.read_table(path)
        pq.write_table(pa.table({name: _column_of_copy(table[name], back) for name in table.column_names}), to)


def _of_copy(back: int) -> str:
    return rf"\1{chr(ord('a') + back)}\2"


def _column_of_copy(column: pa.ChunkedArray, back: int) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.subtract(column, pa.scalar(back * YEAR, pa.duration(column.type.unit)))
    if pa.types.is_string(column.type):
        return pc.replace_substring_regex(column, _WHOLE_ID, _of_copy(back))
    return column


def _shifted(text: bytes, back: int) -> bytes:
    """Every date in the text, `back` times 52 weeks earlier."""
    known: dict[bytes, bytes] = {}

    def shift(found: re.Match[bytes]) -> bytes:
        stated = found[0]
        if stated not in known:
            try:
                known[stated] = (date.fromisoformat(stated.decode()) - back * YEAR).isoformat().encode()
            except ValueError:  # one of the broken ones
                known[stated] = stated
        return known[stated]

    return _DATE.sub(shift, text) if back else text


def _files(simulated: Path, first: date, last: date) -> Iterator[Path]:
    for path in sorted((*simulated.rglob("*.csv"), *simulated.rglob("*.parquet"))):
        if first <= date.fromisoformat(path.stem[-10:]) <= last:
            yield path


def _at(context: ShopContext, day: date) -> ShopContext:
    """The shop in the morning after `day`."""
    return replace(context, as_of=datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1))


class _Followed:
    """Follows the progress of a run and adds up the seconds of each asset, by the clock and of the processor."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.beyond = [0.0, 0.0]  # of detectors and forecasts
        self._begun: dict[str, tuple[float, float]] = {}

    def __call__(self, asset: str, state: str) -> None:
        if state == "started":
            self._begun[asset] = (time.perf_counter(), time.process_time())
        elif asset in self._begun:
            clock, processor = self._begun.pop(asset)
            took = (time.perf_counter() - clock, time.process_time() - processor)
            self.seconds[asset] += took[0]
            if asset.startswith(BEYOND):
                self.beyond = [before + more for before, more in zip(self.beyond, took, strict=True)]


def measure(shops: dict[int, ShopContext], simulated: Path) -> dict[int, list[dict[str, float]]]:
    """Seconds of each refresh, by years of history: those of its parts, of its assets, and `total`."""
    found: dict[int, list[dict[str, float]]] = {years: [] for years in shops}
    for number in range(NEW_DAYS):
        day = LAST_DAY + timedelta(days=number + 1)
        for years in sorted(shops, reverse=bool(number % 2)):
            context = _at(shops[years], day)
            for path in _files(simulated, day, day):
                shutil.copy(path, context.landing / path.parent.name / path.name)
            seconds = _refresh(context, day)
            if number:
                found[years].append(seconds)
    return found


def _refresh(context: ShopContext, day: date) -> dict[str, float]:
    os.environ["ECOM_AS_OF"] = context.now().isoformat()
    followed, processor = _Followed(), time.process_time()
    report = execute(context, day - timedelta(days=2), day, followed)
    assert not report.errors, report.errors
    assert day in report.accepted_days, report.refusals
    parts = {**followed.seconds, **_parts(report), "all processor": time.process_time() - processor}
    clock, processor = followed.beyond
    tables = {"tables": parts["total"] - clock, "tables processor": parts["all processor"] - processor}
    return {**parts, "detectors and forecasts": clock, **tables}


def _parts(report: RunReport) -> dict[str, float]:
    took = dict(report.seconds)
    constant = took.pop("imports", 0.0) + took.pop("definitions", 0.0)
    total = took.pop("total") - constant
    return {**took, "Dagster and the rest": total - sum(took.values()), "total": total}


def _print(found: dict[int, list[dict[str, float]]]) -> None:
    few, many = YEARS
    names = {name for each in found[few] + found[many] for name in each}
    median = {
        years: {name: statistics.median(each.get(name, 0.0) for each in found[years]) for name in names}
        for years in YEARS
    }
    print(f"  {'seconds, median of ' + str(NEW_DAYS - 1):28}{'1 year':>9}{'4 years':>9}")
    parts = [name for name in found[few][0] if "/" not in name]
    growing = sorted((name for name in names if "/" in name), key=lambda name: median[few][name] - median[many][name])
    for name in [*parts, *growing[:10]]:
        print(f"  {name:28}{median[few][name]:9.2f}{median[many][name]:9.2f}")
    for what, name in RATIOS.items():
        ratio = median[many][what] / median[few][what]
        each = ", ".join(f"{b[what] / a[what]:.2f}" for a, b in zip(found[few], found[many], strict=True))
        print(f"  {name} {ratio:.2f} times one year (day by day {each}); promised of tables: {PROMISED}")
