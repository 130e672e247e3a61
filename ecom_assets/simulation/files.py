"""Sample data for those who only want files: every dataset under its name, as CSV or Parquet.

The files hold what a shop's landing folder holds after the same days, mess included, so a shop that is pointed at
them gets the tables that the simulated shop gets. Rows stream through: memory does not grow with the days. Both
cores have work: files by day are shared among processes, one file a dataset is written by a thread beside the maker.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ecom_assets.simulation import landing, mess
from ecom_assets.simulation.config import SimulationConfig, load_config
from ecom_assets.simulation.recorded import DAILY, day_rows
from ecom_assets.simulation.simulator import Simulator
from ecom_assets.simulation.workers import in_blocks
from ecom_assets.simulation.world import World

Format = Literal["csv", "parquet"]
MOST_HISTORY_DAYS = 3650
_WAITING = 6  # tables between the simulator and the writer
_CLEAN = {"bad_row_rate": 0.0, "late_row_rate": 0.0, "resent_row_rate": 0.0, "late_file_rate": 0.0}


@dataclass(frozen=True)
class Written:
    """What `simulate_files` wrote: rows by dataset, and the files."""

    rows: dict[str, int]
    paths: list[Path]


def simulate_files(
    out: Path,
    format: Format = "csv",
    partition_by: Literal["date"] | None = None,
    days: int = 30,
    customers: int | None = None,
    sessions_per_day: float | None = None,
    events: int | None = None,
    seed: int = 7,
    config: SimulationConfig | Path | Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    first_day: date = date(2026, 1, 1),
    time_zone: str = "UTC",
    currency: str = "EUR",
    with_mess: bool = True,
    datasets: tuple[str, ...] | None = None,
    workers: int = 1,
) -> Written:
    """Write a shop's datasets into `out`: `<dataset>.<format>`, or by day `<dataset>/<dataset>_<day>.<format>`.

    Args:
        out: folder for the files; files of the same names are replaced.
        format: csv or parquet.
        partition_by: 'date' for one file a dataset and day.
        days: how many days from `first_day`.
        customers: about how many known customers the shop has in the end.
        sessions_per_day: about how many sessions of people a day has.
        events: about how many rows the clickstream has in all; instead of `sessions_per_day`.
        seed: everything that is drawn is drawn from it.
        config: like `Simulator`'s.
        progress: gets days done and days in all.
        first_day: the shop's first day.
        time_zone: the shop's.
        currency: the shop's.
        with_mess: whether rows are late, doubled and broken as in a landing folder.
        datasets: only these; all by default.
        workers: how many processes may share the days of files by date; see `Simulator.write_landing`.

    Raises:
        ValueError: where the wishes contradict each other, with what is possible.
    """
    if days < 1:
        raise ValueError(f"days must be at least 1, found {days}")
    if sessions_per_day is not None and events is not None:
        raise ValueError("state sessions_per_day or events, not both: each sets the size of the shop")
    if not isinstance(config, SimulationConfig):
        path, settings = (None, config) if isinstance(config, Mapping) else (config, None)
        config = load_config(path, seed, settings)
    if not with_mess:
        config = config.model_copy(update={"mess": config.mess.model_copy(update=_CLEAN)})
    config = sized(config, seed, first_day, days, customers, sessions_per_day, events)
    simulator = Simulator(config, seed, first_day, time_zone=time_zone, currency=currency)
    by_day = partition_by == "date"
    work = partial(_write_days, simulator, out, format, by_day, datasets or (*landing.WHOLE, *DAILY), days - 1)
    blocks = in_blocks(work, range(days), workers if by_day else 1, progress)
    rows: Counter[str] = Counter()
    for block in blocks:
        rows.update(block.rows)
    return Written(dict(rows), sorted({path for block in blocks for path in block.paths}))


def _write_days(
    simulator: Simulator, out: Path, format_: Format, by_day: bool, datasets: Sequence[str], last_day: int,
    days: Sequence[int], progress: Callable[[int, int], None],
) -> Written:  # fmt: skip
    with _Sink(out, format_, by_day) as sink:
        for done, day in enumerate(days, 1):
            world = simulator.world(day)
            for dataset in datasets:
                # A late extract stands in its own place, as its name sorts in a landing folder: the later is the newer.
                if day + landing.file_delay(world, dataset, day) <= last_day:
                    sink.put(world, dataset, day)
            progress(done, len(days))
    return Written(sink.rows, sink.paths)


def sized(
    config: SimulationConfig, seed: int, first_day: date, days: int, customers: int | None,
    sessions_per_day: float | None, events: int | None,
) -> SimulationConfig:  # fmt: skip
    """The settings of a shop with about so many customers, sessions a day, or events in all."""
    if events is not None:
        sessions_per_day = events / days / _events_per_session(config, seed, first_day)
    if sessions_per_day is not None:
        config = config.model_copy(update={"orders_per_day": sessions_per_day * config.traffic.conversion_rate})
    if customers is None:
        return config
    if sessions_per_day is None:
        have = _customers(config, seed, first_day, days)
        return config.model_copy(update={"orders_per_day": config.orders_per_day * customers / have})

    def with_history(history: int) -> SimulationConfig:
        return config.model_copy(update={"customers": config.customers.model_copy(update={"history_days": history})})

    low, high = 120, MOST_HISTORY_DAYS
    least, most = (_customers(with_history(h), seed, first_day, days) for h in (low, high))
    if not least <= customers <= most:
        raise ValueError(
            f"a shop of {sessions_per_day:,.0f} sessions a day has {least:,.0f} to {most:,.0f} customers after "
            f"{days} days, not {customers:,}; change one of the two"
        )
    while high - low > 1:
        middle = (low + high) // 2
        below = _customers(with_history(middle), seed, first_day, days) < customers
        low, high = (middle, high) if below else (low, middle)
    return with_history(high)


def _customers(config: SimulationConfig, seed: int, first_day: date, days: int) -> float:
    plan = Simulator(config, seed, first_day).plan_until(days)
    return float(plan.new_customers[: plan.history + days].sum())


def _events_per_session(config: SimulationConfig, seed: int, first_day: date) -> float:
    small = Simulator(config.model_copy(update={"orders_per_day": 40.0}), seed, first_day)
    world, people, shown = small.world(3), 0, 0
    for day in range(3):
        people += len(np.flatnonzero(~day_rows(world, day, "session_tracking", False).table["is_bot"].to_numpy()))
        shown += len(day_rows(world, day, "clickstream", False).number)
    return shown / people


class _Sink:
    """Takes extracts in order and writes them in a thread of its own, so that both cores have work."""

    def __init__(self, out: Path, format_: Format, by_day: bool) -> None:
        self.out, self.format, self.by_day = out, format_, by_day
        self.rows: dict[str, int] = {}
        self.paths: list[Path] = []
        self._queue: Queue[tuple[Path, str, pa.Table, bytes] | None] = Queue(_WAITING)
        self._open: dict[Path, Any] = {}
        self._failure: list[BaseException] = []
        self._thread = Thread(target=self._work, name="simulation-writer", daemon=True)

    def put(self, world: World, dataset: str, day: int) -> None:
        """Hand over the extract of a day."""
        found = landing.extract_rows(world, dataset, day)
        if found is None:
            return
        if self._failure:
            raise self._failure[0]
        name = f"{dataset}/{dataset}_{world.clock.day(day)}" if self.by_day else dataset
        path, sound, lines = self.out / f"{name}.{self.format}", found.sound, b""
        if self.format == "csv":
            lines = mess.broken_lines(world.seed, dataset, found.spoiled, found.spoiled_number)
        else:
            sound = landing.typed_rows(world, dataset, found)
        broken = found.spoiled.num_rows if lines else 0
        self.rows[dataset] = self.rows.get(dataset, 0) + sound.num_rows + broken
        self._queue.put((path, dataset, sound, lines))

    def __enter__(self) -> "_Sink":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        for path, writer in self._open.items():
            writer.close()
            if kind is None and not self._failure:
                _beside(path).replace(path)
        if kind is None and self._failure:
            raise self._failure[0]

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._failure:
                continue
            try:
                self._write(*item)
            except BaseException as error:
                self._failure.append(error)

    def _write(self, path: Path, dataset: str, table: pa.Table, lines: bytes) -> None:
        is_new = path not in self._open
        if is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.paths.append(path)
            self._open[path] = _parquet(path, table) if self.format == "parquet" else _beside(path).open("wb")
        writer = self._open[path]
        if self.format == "parquet":
            writer.write_table(table.cast(writer.schema) if table.schema != writer.schema else table)
        else:
            writer.write(landing.csv_bytes(table, header=is_new) + lines)
        if self.by_day:
            writer.close()
            _beside(path).replace(path)
            del self._open[path]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.writing")


def _parquet(path: Path, table: pa.Table) -> pq.ParquetWriter:
    # Without Arrow's own schema a reader sees plain columns; dictionaries are only how they are stored.
    return pq.ParquetWriter(_beside(path), table.schema, compression="snappy", **landing.parquet_options(table.schema))
