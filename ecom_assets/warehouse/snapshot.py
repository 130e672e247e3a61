"""The published snapshot: an immutable, versioned DuckDB file that readers open, named by a pointer file.

A snapshot is built under another name, flushed to disk and renamed; then the pointer is replaced. A crash at any
moment leaves the pointer on a whole snapshot. It holds a copy of the reader-facing tables, and views over files of a
day each of those that are too large for that (`daily_files`). Fresh files are also what makes a deleted value really
gone, for DuckDB keeps deleted rows in the old one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import perf_counter

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.settings import Home
from ecom_assets.warehouse.connection import (
    Connection,
    columns_of,
    literal,
    rows,
    table_exists,
    table_name,
    transaction,
    value,
)
from ecom_assets.warehouse.daily_files import (
    VERDICTS,
    DailyFiles,
    MonthlyFiles,
    VerdictFiles,
    delete_unused,
    flush,
    sweep,
)
from ecom_assets.warehouse.ddl import LINEAGE_VIEWS
from ecom_assets.warehouse.personal import HashKey, hash_key, personal_names, published_columns
from ecom_assets.warehouse.reading import POINTER, can_be_searched, open_file, pointed_at
from ecom_assets.warehouse.records import now

KEPT = 10
_NAME = re.compile(r"snapshot-(\d{8})\.duckdb")
# The layers that readers see, as far as they have tables. Raw holds what nobody judged, and personal data in full.
READER_LAYERS = (
    "clean", "profile", "kpi", "customer", "anomaly", "forecast", "model", "insight", "report", "quarantine", "lineage",
)  # fmt: skip
_COMMENT = (
    "Rows of Parquet files beside this database. Open it in its own folder, or set file_search_path to that folder."
)


@dataclass(frozen=True)
class Snapshot:
    """One published snapshot; `seconds`, `size_bytes` of its file and `new_files` of days are what it cost."""

    version: int
    path: Path
    published_at: datetime
    seconds: float
    size_bytes: int
    new_files: int = 0


def publish(connection: Connection, home: Home, contracts: Iterable[Contract], run_id: str = "") -> Snapshot:
    """Make a new snapshot of the reader-facing tables and switch readers to it.

    Lineage and quarantine are reader-facing too, so that a failed run can be explained. Call it while holding
    `writer_lock`, outside a transaction.

    Args:
        connection: the warehouse.
        home: where snapshots lie.
        contracts: of the tables; they say how personal columns appear, and which tables are published by day.
        run_id: the run that publishes.
    """
    started, at = perf_counter(), now()
    home.published.mkdir(parents=True, exist_ok=True)
    current = pointed_at(home.published)
    is_untidy = _clean_up(home, current)
    version = (_version(current) if current else 0) + 1
    path = home.published / f"snapshot-{version:08d}.duckdb"
    half = home.published / f"building-{version:08d}.duckdb"
    build = _Build(connection, {each.asset: each for each in contracts}, home.published, hash_key(home))
    # Eighty small tables in blocks of 64 KB take two thirds of the room and time that they do in the usual 256 KB.
    rows(connection, f"attach {literal(str(half))} as _snapshot (block_size 65536)")
    try:
        new_files = build.fill(version, at, run_id)
    finally:
        rows(connection, "detach _snapshot")
    flush(half)
    half.replace(path)
    flush(home.published)
    _switch(home, path.name)
    _delete_old(home, version)
    delete_unused(connection, home.published, version - KEPT + 1)
    if is_untidy or version % KEPT == 0:
        _sweep(home.published)
    return Snapshot(version, path, at, perf_counter() - started, path.stat().st_size, new_files)


@dataclass(frozen=True)
class _Build:
    """Fills the attached database `_snapshot`; `folder` is where it will lie."""

    connection: Connection
    contracts: dict[str, Contract]
    folder: Path
    key: HashKey

    def fill(self, version: int, at: datetime, run_id: str) -> int:
        """Make every schema, table and view of the snapshot; how many files of days were new."""
        tables = self._tables()
        by_day = [asset for asset in tables if self._is_by_day(asset)]
        before = self._files()
        # First the files and the ledger of them, which is published too.
        views = {asset: self._daily_files(asset).write(version) for asset in by_day}
        withheld = _withheld(self.connection, self.contracts)
        # One transaction: one flush to disk instead of a hundred.
        with _set(self.connection, self._settings()), transaction(self.connection):
            for schema in sorted({_place(asset)[0] for asset in tables}):
                rows(self.connection, f"create schema _snapshot.{quoted(schema)}")
            for asset in tables:
                if asset in views:
                    self._create_view(asset, views[asset])
                else:
                    self._copy(asset, withheld)
            rows(
                self.connection,
                "create table _snapshot.lineage.snapshot as "
                "select ? as version, ?::timestamp as published_at, ? as run_id",
                [version, at, run_id],
            )
            self._create_lineage_views()
        return len(self._files() - before)

    def _tables(self) -> list[str]:
        found = rows(
            self.connection,
            "select table_schema, table_name from information_schema.tables where table_catalog = current_database() "
            "and table_type = 'BASE TABLE' and not starts_with(table_name, '_') order by all",
        )
        return [f"{schema}/{table}" for schema, table in found if schema in READER_LAYERS]

    def _is_by_day(self, asset: str) -> bool:
        contract = self.contracts.get(asset)
        is_by_day = asset == VERDICTS or (contract is not None and contract.published_as != "table")
        return is_by_day and can_be_searched(self.folder)

    def _daily_files(self, asset: str) -> DailyFiles:
        if asset == VERDICTS:
            return VerdictFiles(self.connection, self.folder, self.key)
        contract = self.contracts[asset]
        kind = MonthlyFiles if contract.published_as == "monthly_files" else DailyFiles
        return kind(self.connection, self.folder, contract, self.key)

    def _files(self) -> set[str]:
        return {name for (name,) in rows(self.connection, "select distinct file from lineage.published_days")}

    def _settings(self) -> dict[str, str]:
        """Under which views find their files, and many small tables are copied with the least work.

        DuckDB looks at a view's files when it makes the view, so it must know where they are, as readers must. One
        thread: shared by several, a copy took three quarters more processor time and was no faster. The log is not
        written first, but the file itself. And texts are not packed by FSST, which took a seventh of a publication and
        saved a sixth of the file.
        """
        wanted = {"threads": "1", "wal_autocheckpoint": "1MB", "disabled_compression_methods": "fsst"}
        return wanted | ({"file_search_path": str(self.folder)} if can_be_searched(self.folder) else {})

    def _create_view(self, asset: str, files: dict[date, str]) -> None:
        name = f"_snapshot.{table_name(asset)}"
        rows(self.connection, f"create view {name} as {self._daily_files(asset).view_sql(files.values())}")
        rows(self.connection, f"comment on view {name} is {literal(_COMMENT)}")

    def _copy(self, asset: str, withheld: set[str]) -> None:
        listed = _shown(self.connection, self.contracts, withheld, *_place(asset))
        name = table_name(asset)
        select = f"select {', '.join(listed)} from {name}"
        rows(self.connection, f"create table _snapshot.{name} as {select}", self.key.bound(listed))

    def _create_lineage_views(self) -> None:
        here = str(value(self.connection, "select current_database()"))
        try:
            rows(self.connection, "use _snapshot")
            for view, select in LINEAGE_VIEWS.items():
                rows(self.connection, f"create view lineage.{view} as {select}")
        finally:
            rows(self.connection, f"use {quoted(here)}")


@contextmanager
def _set(connection: Connection, wanted: Mapping[str, str]) -> Iterator[None]:
    """DuckDB's settings as wanted, and afterwards as they were."""
    before = {name: value(connection, f"select current_setting('{name}')") for name in wanted}
    for name, setting in wanted.items():
        rows(connection, f"set {name} = {literal(setting)}")
    try:
        yield
    finally:
        for name, setting in before.items():
            rows(connection, f"set {name} = {literal(str(setting or ''))}")


def _place(asset: str) -> tuple[str, str]:
    schema, _, table = asset.partition("/")
    return schema, table


def _shown(
    connection: Connection, contracts: dict[str, Contract], withheld: set[str], schema: str, table: str
) -> list[str]:
    columns = list(columns_of(connection, f"{quoted(schema)}.{quoted(table)}"))
    contract = contracts.get(f"{schema}/{table}")
    if contract is not None:
        return published_columns(contract, columns)
    if schema != "quarantine":
        return [quoted(name) for name in columns]
    hidden = "true" if table in withheld else "false"
    if table == "repairs":
        hidden = f"dataset in ({_listed(withheld)})" if withheld else "false"
    personal = _listed({name for each in contracts.values() for name in personal_names(each)})
    return [f"{_shown_quarantine(name, hidden, personal)} as {quoted(name)}" for name in columns]


def _shown_quarantine(name: str, hidden: str, personal: str) -> str:
    """Raw text and found values are withheld where `hidden`; a reason quotes the value of the column it begins with."""
    if name in ("raw_text", "found"):
        return f"case when not ({hidden}) then {quoted(name)} end"
    if name not in ("reason", "reasons") or hidden == "false" or not personal:
        return quoted(name)
    column = "split_part({0}, ':', 1)"
    told = f"case when {hidden} and {column} in ({personal}) then {column} || ': value withheld' else {{0}} end"
    if name == "reason":
        return told.format(quoted(name))
    return f"list_transform({quoted(name)}, lambda each: {told.format('each')})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(names))


def _withheld(connection: Connection, contracts: dict[str, Contract]) -> set[str]:
    """Datasets whose raw text may hold a person: their own, and those fed by files that may hold one.

    A source of which nobody said so far counts as one.
    """
    personal = {each.name for each in contracts.values() if each.layer == "clean" and personal_names(each)}
    sql = """select distinct mine.dataset from lineage.feeds mine join lineage.feeds theirs
        on theirs.source = mine.source
        where theirs.may_hold_persons is not false or theirs.dataset in (select unnest($personal::varchar[]))"""
    return personal | {row[0] for row in rows(connection, sql, {"personal": sorted(personal)})}


def _version(name: str) -> int:
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"published/{POINTER} names {name!r}, expected snapshot-<number>.duckdb; publish again")
    return int(found[1])


def _switch(home: Home, name: str) -> None:
    half = home.published / f"{POINTER}.tmp"
    half.write_text(name + "\n", encoding="utf-8")
    flush(half)
    half.replace(home.published / POINTER)
    flush(home.published)


def _clean_up(home: Home, current: str | None) -> bool:
    """Delete what a crash left: half-built files, and snapshots that the pointer never reached; whether it left any."""
    newest = _version(current) if current else 0
    found = False
    for path in home.published.iterdir():
        named = _NAME.fullmatch(path.name)
        if path.name.startswith("building-") or (named and int(named[1]) > newest):
            path.unlink(missing_ok=True)
            found = True
    return found


def _delete_old(home: Home, version: int) -> None:
    for path in home.published.iterdir():
        named = _NAME.fullmatch(path.name)
        if named and int(named[1]) <= version - KEPT:
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Delete the files of days that none of the kept snapshots names; they know better than a ledger that was lost."""
    wanted: set[str] = set()
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name):
            with open_file(path) as snapshot:
                if table_exists(snapshot, "lineage", "published_days"):  # older ones have no files of days
                    sql = "select file from lineage.published_days where until_version is null"
                    wanted |= {name for (name,) in rows(snapshot, sql)}
    sweep(folder, wanted)
