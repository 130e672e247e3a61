"""Landing files as source systems write them: one extract a dataset and day, and the mess of real ones.

An extract of day D is `<dataset>/<dataset>_D.csv`, or `.parquet` where a collector of events writes it. It holds D's
rows as then known, rows of earlier days that were late, orders of earlier days that were delivered or settled on D
(sent again, complete), and rows sent twice. It appears on its arrival day, which is D unless the file itself is late.
Timestamps are UTC with a Z. Products come whole on the first day and on Mondays (with stock) and as changes between;
customers and campaigns as news.
"""

import io
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ecom_assets.simulation import columns, shopkeeping
from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.mess import broken_lines, typed
from ecom_assets.simulation.recorded import DAILY, UPDATED, day_rows
from ecom_assets.simulation.sessions import RECOVERY_DAYS
from ecom_assets.simulation.streams import Ints, hashed, stream
from ecom_assets.simulation.tables import LINES, Rows
from ecom_assets.simulation.voices import LONGEST_VOICE_DAYS
from ecom_assets.simulation.world import KEPT_DAYS, World

WHOLE = ("products", "customers", "campaigns")
# Collectors of events export Parquet: a tenth of the size of CSV. Shop systems and help desks export CSV.
COLLECTED = ("session_tracking", "clickstream", "page_load_times", "api_logs")
LONGEST_LATE_ROW_DAYS, LONGEST_LATE_FILE_DAYS = 3, 5
LONGEST_SETTLING_DAYS = {"orders": 45, "cart_abandonment": RECOVERY_DAYS, "support_tickets": LONGEST_VOICE_DAYS + 1}
# Daily sums come whole or not at all; tickets and carts are written when they are asked for.
_LATE = (
    "orders",
    "order_items",
    "refunds",
    "session_tracking",
    "clickstream",
    "page_load_times",
    "api_logs",
    "user_feedback",
)
Progress = Callable[[int, int], None]


def write_landing(
    world_of: Callable[[int], World],
    days: Iterable[int],
    folder: Path,
    progress: Progress | None,
    datasets: Collection[str] | None = None,
) -> list[Path]:
    """Write every file that arrives on the given days; returns them, whether they were new or stood already.

    Raises:
        ValueError: for a dataset that no shop has.
    """
    if unknown := sorted(set(datasets or ()) - {*WHOLE, *DAILY}):
        raise ValueError(f"no dataset {', '.join(unknown)}; there are {', '.join((*WHOLE, *DAILY))}")
    written: list[Path] = []
    days = list(days)
    for done, day in enumerate(days):
        world = world_of(day)
        for dataset in datasets or (*WHOLE, *DAILY):
            for extract in range(max(0, day - LONGEST_LATE_FILE_DAYS), day + 1):
                if extract + file_delay(world, dataset, extract) != day:
                    continue
                content = extract_of(world, dataset, extract)
                if content is not None:
                    path = folder / dataset / f"{dataset}_{world.clock.day(extract)}.{file_format(dataset)}"
                    write_if_changed(path, content)
                    written.append(path)
        if progress:
            progress(done + 1, len(days))
    return written


def file_delay(world: World, dataset: str, day: int) -> int:
    """Days by which the extract of a day comes late, 0 for most."""
    delay = 0
    if dataset in DAILY:
        u = stream(world.seed, f"late_file.{dataset}", day).random(2)
        if u[0] < world.config.mess.late_file_rate:
            delay = 1 + int(u[1] * LONGEST_LATE_FILE_DAYS)
    for incident in touching(world.incidents, day, "late_file"):
        if incident.member("dataset") == dataset:
            delay = max(delay, min(1 + int(incident.size * 6), LONGEST_LATE_FILE_DAYS))
    return delay


def extract_of(world: World, dataset: str, day: int) -> bytes | None:
    """The content of a day's extract, None where the source writes none."""
    found = extract_rows(world, dataset, day)
    if found is None:
        return None
    if file_format(dataset) == "parquet":
        return parquet_bytes(typed_rows(world, dataset, found))
    return csv_bytes(found.sound) + broken_lines(world.seed, dataset, found.spoiled, found.spoiled_number)


def file_format(dataset: str) -> Literal["csv", "parquet"]:
    """How the source of a dataset writes its extracts."""
    return "parquet" if dataset in COLLECTED else "csv"


@dataclass(frozen=True)
class Extract:
    """The rows of an extract: sound ones, and those that the source breaks with their entity numbers."""

    sound: pa.Table
    spoiled: pa.Table
    spoiled_number: Ints


def typed_rows(world: World, dataset: str, found: Extract) -> pa.Table:
    """The rows of an extract in a typed format, which cannot hold what is broken beyond repair."""
    if not found.spoiled.num_rows:
        return found.sound
    kept = typed(world.seed, dataset, found.spoiled, found.spoiled_number)
    return pa.concat_tables([found.sound, kept.cast(found.sound.schema)])


def extract_rows(world: World, dataset: str, day: int) -> Extract | None:
    """The rows of a day's extract, None where the source writes none."""
    if dataset in WHOLE:
        rows = _whole(world, dataset, day)
        if rows is None or (day and not len(rows.number)):
            return None
        return Extract(rows.table, rows.table.slice(0, 0), rows.number[:0])
    parts = [
        _sent(world, dataset, day, earlier) for earlier in range(day, max(0, day - LONGEST_LATE_ROW_DAYS - 1) - 1, -1)
    ]
    if dataset in UPDATED:
        # Complete rows come last: of two versions of a row in one file the later line is the newer.
        oldest = max(0, day - LONGEST_SETTLING_DAYS[dataset])
        parts += [_settled(world, dataset, day, earlier) for earlier in range(oldest, day)]
    sound, spoiled, numbers = [], [], []
    for rows, chosen in [part for part in parts if len(part[1])] or parts[:1]:
        # A row that is sent again is broken or sound anew, so what was broken once may come right.
        broken = hashed(world.seed, f"bad.{dataset}.{day}", rows.number[chosen]) < world.config.mess.bad_row_rate
        sound.append(rows.table.take(pa.array(chosen[~broken])))
        spoiled.append(rows.table.take(pa.array(chosen[broken])))
        numbers.append(rows.number[chosen[broken]])
    return Extract(pa.concat_tables(sound), pa.concat_tables(spoiled), np.concatenate(numbers))


def _whole(world: World, dataset: str, day: int) -> Rows | None:
    if dataset == "products":
        return shopkeeping.products_of_day(world, day)
    if dataset == "customers":
        return shopkeeping.customers(world, day if day else -world.plan.history, day)
    return shopkeeping.campaigns(world, day if day else -world.plan.history, day)


def late_days(world: World, dataset: str, number: Ints) -> Ints:
    """Days by which each row comes later than its extract, 0 for most; the lines of an order come with it."""
    if dataset not in _LATE:
        return np.zeros(len(number), dtype=np.int64)
    order = number // LINES if dataset == "order_items" else number
    name = "late.orders" if dataset == "order_items" else f"late.{dataset}"
    turn = hashed(world.seed, name, order) / max(world.config.mess.late_row_rate, 1e-12)
    return np.where(turn < 1, 1 + (turn * LONGEST_LATE_ROW_DAYS).astype(np.int64), 0)


def _sent(world: World, dataset: str, day: int, earlier: int) -> tuple[Rows, Ints]:
    """Rows of an earlier day, or of the day itself, and which of them `day` sends as first sent or a second time."""
    later = _sent_later(world, dataset, earlier)  # asked for on the day itself too, while its rows are at hand
    rows = _first(world, dataset, day) if earlier == day else later
    on = earlier + late_days(world, dataset, rows.number)
    return rows, np.flatnonzero((on == day) | (_sent_twice(world, dataset, rows, on, earlier) & (on == day - 1)))


def _sent_later(world: World, dataset: str, day: int) -> Rows:
    """The few rows of a day that come on later days; all that is kept of it."""

    def make(world: World, day: int) -> Rows:
        rows = _first(world, dataset, day)
        on = day + late_days(world, dataset, rows.number)
        return rows.only((on > day) | _sent_twice(world, dataset, rows, on, day))

    return world.kept(f"later.{dataset}", make, day, LONGEST_LATE_ROW_DAYS + 3)


def _sent_twice(world: World, dataset: str, rows: Rows, on: Ints, earlier: int) -> np.ndarray:
    """Rows that come again, as they were, on the day after their arrival."""
    if dataset not in _LATE:
        return np.zeros(len(on), dtype=bool)
    again = hashed(world.seed, f"again.{dataset}", rows.number) < world.config.mess.resent_row_rate
    if rows.settled is not None:
        # What was already sent complete is not sent again as it first was.
        again &= (rows.settled == earlier) | (np.maximum(rows.settled, on) > on)
    return again


def _first(world: World, dataset: str, day: int) -> Rows:
    if dataset in UPDATED:
        # Complete rows are made along with the first ones, while the day that both are made of is at hand.
        _full(world, dataset, day)
    days = KEPT_DAYS if dataset in UPDATED else 1
    return world.kept(f"first.{dataset}", lambda w, d: day_rows(w, d, dataset, faults=True, complete=False), day, days)


def _full(world: World, dataset: str, day: int) -> Rows:
    return world.kept(f"full.{dataset}", lambda w, d: day_rows(w, d, dataset, faults=True), day)


def _settled(world: World, dataset: str, day: int, earlier: int) -> tuple[Rows, Ints]:
    """Rows of an earlier day, and which of them the source sends again on `day`, complete."""
    full = _full(world, dataset, earlier)
    if full.settled is None:
        return full, np.zeros(0, dtype=np.int64)
    on = np.maximum(full.settled, earlier + late_days(world, dataset, full.number))
    return full, np.flatnonzero((full.settled > earlier) & (on == day))


def csv_bytes(table: pa.Table, header: bool = True) -> bytes:
    """A table as CSV with a header line; where a text has a comma or a quote, all texts are quoted."""
    # Arrow 26 writes unset memory for empty chunks, so there must be none.
    table, sink = columns.as_text(table).combine_chunks(), io.BytesIO()
    start = (",".join(table.column_names) + "\n").encode() if header else b""
    try:
        pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="none"))
    except pa.ArrowInvalid:
        sink = io.BytesIO()
        pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    return start + sink.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as Parquet, its repeated words as dictionaries; without Arrow's own schema, so any reader sees plain."""
    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", **parquet_options(table.schema))
    return sink.getvalue()


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How any Parquet is written."""
    return {
        "use_dictionary": dictionaries(schema), "write_statistics": True, "store_schema": False,
        "dictionary_pagesize_limit": 16 << 20,
    }  # fmt: skip


def dictionaries(schema: pa.Schema) -> list[str]:
    """Names of the columns that are kept as dictionaries."""
    return [field.name for field in schema if pa.types.is_dictionary(field.type)]


def write_if_changed(path: Path, content: bytes) -> None:
    """Put a file in place at once and whole; one that already says the same is left as it is.

    It is not forced to disk (8 ms a file): after a power cut the same call writes it again, byte for byte.
    """
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.writing")
    with beside.open("wb") as sink:
        sink.write(content)
    beside.replace(path)


def day_numbers(days: Iterable[date], first_day: date) -> list[int]:
    """Day numbers of dates, in order.

    Raises:
        ValueError: where a date lies before the shop's first day.
    """
    numbers = sorted({(day - first_day).days for day in days})
    if numbers and numbers[0] < 0:
        raise ValueError(f"the simulated shop begins on {first_day}; nothing arrives before that day")
    return numbers
