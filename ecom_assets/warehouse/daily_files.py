"""Large tables as readers get them: one immutable Parquet file a table and day, and a view over the newest of each.

Here stands how a day's file is named, written, found again and deleted. Which tables are published so, their
contracts say (`published_as: daily_files`, or `monthly_files`: what holds for a day holds for a month then); the
snapshot that holds the views is built by `snapshot`.

A file's name tells what it holds: its rows and how personal columns were treated. So no file is ever changed, and a
day that reads as before keeps the file that it has. The ledger `lineage.published_days` says which file is a day's,
and until which snapshot it was.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ecom_assets.contracts import Column, Contract
from ecom_assets.quality.hashing import content_hash_sql, quoted
from ecom_assets.warehouse import records
from ecom_assets.warehouse.connection import Connection, columns_of, literal, rows, table_name, transaction, value
from ecom_assets.warehouse.personal import HashKey, published_columns
from ecom_assets.warehouse.reading import FOLDER

VERDICTS = "lineage/check_results"
_FORMAT = "parquet zstd 1"  # another one writes every file anew
_DAYS_AT_ONCE = 64  # DuckDB begins a second file of a day when it has a hundred open
_HALVES = "half"
_HUGE = "HUGEINT"  # Parquet has none; the view makes it again of a decimal


_VERDICTS = Contract(
    name="check_results",
    layer="lineage",
    domain="reliability",
    owner="team:it",
    grain="One row per check, day and evaluation.",
    key=("asset", "check_name", "partition_start", "evaluated_at"),
    partitioned_by="evaluated_at",
    published_as="daily_files",
    columns=tuple(
        Column.model_validate({"name": name, "description": "As in lineage."})
        for name in ("asset", "check_name", "partition_start", "content_hash", "passed", "severity", "found", "run_id",
                     "evaluated_at")
    ),
)  # fmt: skip


@dataclass(frozen=True)
class DailyFiles:
    """The files of one table: `folder` is the one of the snapshots, to which the names in views are relative."""

    connection: Connection
    folder: Path
    contract: Contract
    key: HashKey
    day: str = "business_date"  # SQL of a row's day, and what a file's path calls it
    folder_key: str = "business_date"

    def write(self, version: int) -> dict[date, str]:
        """Write the files of the days that changed, for snapshot `version`; the file of every day, oldest first.

        Files are on disk under their names, and the ledger says so, when this returns. After a crash in between,
        files that nobody refers to are left; they are used when the same is to be written again, or swept up.
        """
        standing, known = self._standing(), self._known()
        unchanged = {
            day: name
            for day, (name, treatment, written_at) in known.items()
            if written_at is not None and standing.get(day) == written_at and treatment == self._treatment
        }
        names = unchanged | self._named(sorted(standing.keys() - unchanged.keys()))
        # As text: a Path for each of the files of four years would take ten times as long.
        self._write_files({day: name for day, name in names.items() if not os.path.exists(f"{self.folder}/{name}")})
        stated = {day: (name, self._treatment, standing[day]) for day, name in sorted(names.items())}
        other = {day: each for day, each in stated.items() if known.get(day) != each}
        self._record(other, known.keys() - names, version)
        return {day: names[day] for day in stated}

    def view_sql(self, names: Iterable[str]) -> str:
        """A SELECT of the table's published columns over the files; without any, typed and without rows."""
        shown = columns_of(self.connection, f"select {', '.join(self._shown)} from {self._table}", self._bound)
        listed = ", ".join(f"'{name}'" for name in names)
        if not listed:
            columns = [f"null::{kind} as {quoted(name)}" for name, kind in shown.items()]
            return f"select {', '.join(columns)} where false"
        columns = [
            quoted(name) if kind != _HUGE else f"{quoted(name)}::{_HUGE} as {quoted(name)}"
            for name, kind in shown.items()
        ]
        # The day stands in the path too, so that a question about some days opens no other day's file.
        options = f"hive_partitioning = true, hive_types = {{'{self.folder_key}': DATE}}"
        return f"select {', '.join(columns)} from read_parquet([{listed}], {options})"

    @property
    def _table(self) -> str:
        return table_name(self.contract.asset)

    @cached_property
    def _shown(self) -> list[str]:
        return published_columns(self.contract, list(columns_of(self.connection, self._table)))

    @property
    def _bound(self) -> dict[str, bytes] | None:
        return self.key.bound(self._shown)

    @cached_property
    def _treatment(self) -> str:
        """Changes with the published columns, their types, how personal ones appear, and the key of the hashes."""
        types = columns_of(self.connection, self._table)
        return self.key.digest(f"{_FORMAT} {self._shown} {types}")[:16]

    def _standing(self) -> dict[date, datetime | None]:
        """Days that have rows, with the moment at which they were written where lineage accounts for all the rows."""
        if self.contract.partitioned_by:
            sql = """select business_date, written_at, row_count from lineage.days
                where asset = ? and business_date is not null and content_hash is not null and row_count > 0"""
            recorded = rows(self.connection, sql, [self.contract.asset])
            if sum(row[2] for row in recorded) == value(self.connection, f"select count(*) from {self._table}"):
                return {day: written_at for day, written_at, _ in recorded}
        return {row[0]: None for row in rows(self.connection, f"select distinct {self.day} from {self._table}")}

    def _known(self) -> dict[date, tuple[str, str, datetime | None]]:
        sql = """select business_date, file, treatment, written_at from lineage.published_days
            where asset = ? and until_version is null"""
        return {row[0]: row[1:] for row in rows(self.connection, sql, [self.contract.asset])}

    def _named(self, days: list[date]) -> dict[date, str]:
        """The name that each day's file must have, from the rows that stand and the treatment.

        The content hash leaves out where a row came from, which readers see too, so that is hashed beside it. The
        home's key is mixed in: nobody can try guesses of withheld values against a name.
        """
        if not days:
            return {}
        folder = f"{FOLDER}/{self.contract.layer}.{self.contract.name}"
        return {
            day: f"{folder}/{self.folder_key}={day}/{self.key.digest(f'{self._treatment} {held}')[:16]}.parquet"
            for day, *held in self._held(days)
        }

    def _held(self, days: list[date]) -> list[tuple[Any, ...]]:
        """Each day with what tells its rows from all others."""
        origin = [name for name in columns_of(self.connection, self._table) if name.startswith("_")]
        came_from = ", ".join(map(quoted, (*self.contract.key, *origin)))
        sql = f"""
            select {self.day} as day, count(*), {content_hash_sql(self.contract)}::varchar,
                sum(hash({came_from}))::varchar
            from {self._table} where {self.day} in (select unnest($days::date[])) group by day
        """
        return rows(self.connection, sql, {"days": days})

    def _write_files(self, names: Mapping[date, str]) -> None:
        days = sorted(names)
        for start in range(0, len(days), _DAYS_AT_ONCE):
            self._write_some({day: names[day] for day in days[start : start + _DAYS_AT_ONCE]})

    def _write_some(self, names: Mapping[date, str]) -> None:
        """Write the files of these days in one pass over the table, flush them, and put them under their names."""
        halves = self.folder / FOLDER / f"{self.contract.layer}.{self.contract.name}" / _HALVES
        halves.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(halves, ignore_errors=True)
        types = columns_of(self.connection, self._table)
        held = [f"{item}::decimal(38, 0) as {item}" if types.get(item[1:-1]) == _HUGE else item for item in self._shown]
        wanted = ", ".join(f"date '{day}'" for day in names)
        select = f"select {', '.join(held)}, {self.day} as _day from {self._table} where {self.day} in ({wanted})"
        options = "format parquet, compression zstd, partition_by (_day)"
        rows(self.connection, f"copy ({select}) to {literal(str(halves))} ({options})", self._bound)
        for day, name in names.items():
            (half,) = (halves / f"_day={day}").iterdir()
            flush(half)
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            half.replace(path)
            flush(path.parent)
        shutil.rmtree(halves)
        flush(halves.parent)
        flush(self.folder / FOLDER)

    def _record(
        self, current: Mapping[date, tuple[str, str, datetime | None]], gone: Iterable[date], version: int
    ) -> None:
        """Put into the ledger what differs from it: files (with treatment and moment) of days, and days that left."""
        ended = sorted({*current, *gone})
        if not ended:
            return
        sql = """update lineage.published_days set until_version = $version
            where asset = $asset and until_version is null and business_date in (select unnest($days::date[]))"""
        asset = self.contract.asset
        with transaction(self.connection):
            rows(self.connection, sql, {"version": version, "asset": asset, "days": ended})
            found = [(asset, day, *each, None) for day, each in current.items()]
            records.insert(self.connection, "published_days", found)


class VerdictFiles(DailyFiles):
    """The verdicts of four years are half a million rows, of which a run adds those of a few days: files of days too.

    A verdict's day is the one that it judges, of a whole table the one on which it was judged. They are only ever
    added, so the newest of a day tells whether there are new ones.
    """

    def __init__(self, connection: Connection, folder: Path, key: HashKey) -> None:
        super().__init__(connection, folder, _VERDICTS, key, "coalesce(partition_start, evaluated_at::date)", "day")

    def _standing(self) -> dict[date, datetime | None]:
        sql = f"select {self.day} as day, max(evaluated_at) from {self._table} group by day"
        return dict(rows(self.connection, sql))


class MonthlyFiles(DailyFiles):
    """A table whose whole history is read at once, in a file a month: its readers open 48 files and not 1,461.

    What each day holds was kept when the table was written (`made_days`), so that no row has to be read.
    """

    def __init__(self, connection: Connection, folder: Path, contract: Contract, key: HashKey) -> None:
        super().__init__(connection, folder, contract, key, "date_trunc('month', business_date)::date", "month")

    def _held(self, days: list[date]) -> list[tuple[Any, ...]]:
        sql = f"""
            with known as (
                select {self.day} as month, sum(row_count) as rows_known, sum(content_hash)::varchar as held
                from lineage.made_days where asset = $asset group by month
            ),
            standing as (select {self.day} as month, count(*) as rows_standing from {self._table} group by month)
            select month, rows_standing, held from standing inner join known using (month)
            where rows_standing = rows_known and month in (select unnest($days::date[]))
        """
        known = rows(self.connection, sql, {"asset": self.contract.asset, "days": days})
        return known + super()._held(sorted(set(days) - {month for month, *_ in known}))


def delete_unused(connection: Connection, folder: Path, oldest_kept: int) -> None:
    """Delete the files that no snapshot from `oldest_kept` on refers to, and forget them."""
    ended = "until_version <= $oldest"
    sql = f"""select file from lineage.published_days where {ended}
        except select file from lineage.published_days where until_version is null or not {ended}"""
    for (name,) in rows(connection, sql, {"oldest": oldest_kept}):
        _delete(folder / name)
    rows(connection, f"delete from lineage.published_days where {ended}", {"oldest": oldest_kept})


def sweep(folder: Path, wanted: set[str]) -> None:
    """Delete every file of days but those `wanted`: what a crash left, and what a lost ledger no longer knows."""
    for path in (folder / FOLDER).rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            _delete(path)


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # the day has other files
        path.parent.rmdir()


def flush(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on disk. Folders cannot be flushed on Windows."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
