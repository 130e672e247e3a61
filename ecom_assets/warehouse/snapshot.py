"""The published snapshot: an immutable, versioned DuckDB file that readers open, named by a pointer file.

A snapshot is built under another name, flushed to disk and renamed; then the pointer is replaced. A crash at any
moment leaves the pointer on a whole snapshot. It costs a copy of the reader-facing tables; a fresh file is also
what makes a deleted value really gone, for DuckDB keeps deleted rows in the old one.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep

import duckdb

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.settings import Home
from ecom_assets.warehouse.connection import Connection, columns_of, connect, rows
from ecom_assets.warehouse.ddl import LINEAGE_VIEWS
from ecom_assets.warehouse.personal import HashKey, hash_key, personal_names, published_columns
from ecom_assets.warehouse.records import now

KEPT = 10
POINTER = "current"
_NAME = re.compile(r"snapshot-(\d{8})\.duckdb")
_WITHHELD_SCHEMAS = ("raw", "main", "temp")
_TRIES = 50


class NoSnapshotError(RuntimeError):
    """Nothing was published yet."""


@dataclass(frozen=True)
class Snapshot:
    """One published snapshot; `seconds` and `size_bytes` are what it cost."""

    version: int
    path: Path
    published_at: datetime
    seconds: float
    size_bytes: int


def publish(connection: Connection, home: Home, contracts: Iterable[Contract], run_id: str = "") -> Snapshot:
    """Copy the reader-facing tables into a new snapshot and switch readers to it.

    Every schema but raw is reader-facing, lineage and quarantine with them, so that a failed run can be explained.
    Call it while holding `writer_lock`, outside a transaction.

    Args:
        connection: the warehouse.
        home: where snapshots lie.
        contracts: of the tables; they say how personal columns appear.
        run_id: the run that publishes.
    """
    started, at = perf_counter(), now()
    home.published.mkdir(parents=True, exist_ok=True)
    current = _pointed_at(home)
    _clean_up(home, current)
    version = (_version(current) if current else 0) + 1
    path = home.published / f"snapshot-{version:08d}.duckdb"
    half = home.published / f"building-{version:08d}.duckdb"
    rows(connection, f"attach '{str(half).replace(chr(39), chr(39) * 2)}' as _snapshot")
    try:
        _fill(connection, {each.asset: each for each in contracts}, hash_key(home), (version, at, run_id))
    finally:
        rows(connection, "detach _snapshot")
    _flush(half)
    half.replace(path)
    _flush(home.published)
    _switch(home, path.name)
    _delete_old(home, version)
    return Snapshot(version, path, at, perf_counter() - started, path.stat().st_size)


def open_snapshot(home: Home) -> Connection:
    """A read-only connection to the newest snapshot; it keeps a consistent view however long it is open.

    Raises:
        NoSnapshotError: nothing was published in this home.
    """
    for _ in range(_TRIES):
        name = _pointed_at(home)
        if name is None:
            raise NoSnapshotError(f"{home.root}: nothing is published yet; run `ecom run` or `ecom demo` first")
        try:
            return connect(home.published / name, read_only=True)
        except duckdb.IOException:
            # Ten publications between reading the pointer and opening the file: the pointer has moved on.
            if _pointed_at(home) == name:
                raise
            sleep(0.02)
    raise NoSnapshotError(f"{home.published}: the pointer moved {_TRIES} times while a snapshot was being opened")


def _fill(
    connection: Connection, contracts: dict[str, Contract], key: HashKey, identity: tuple[int, datetime, str]
) -> None:
    withheld = _withheld(connection, contracts)
    found = rows(
        connection,
        "select table_schema, table_name from information_schema.tables where table_catalog = current_database() "
        "and table_type = 'BASE TABLE' and not starts_with(table_name, '_') order by all",
    )
    tables = [(schema, table) for schema, table in found if schema not in _WITHHELD_SCHEMAS]
    for schema in sorted({schema for schema, _ in tables}):
        rows(connection, f"create schema _snapshot.{quoted(schema)}")
    for schema, table in tables:
        name = f"{quoted(schema)}.{quoted(table)}"
        listed = ", ".join(_shown(connection, contracts, withheld, schema, table))
        bound = {"inner": key.inner, "outer": key.outer} if "$inner" in listed else None
        if bound and "$outer" not in listed:
            bound = None
        rows(connection, f"create table _snapshot.{name} as select {listed} from {name}", bound)
    rows(
        connection,
        "create table _snapshot.lineage.snapshot as select ? as version, ?::timestamp as published_at, ? as run_id",
        list(identity),
    )
    here = str(rows(connection, "select current_database()")[0][0])
    try:
        rows(connection, "use _snapshot")
        for view, select in LINEAGE_VIEWS.items():
            rows(connection, f"create view lineage.{view} as {select}")
    finally:
        rows(connection, f"use {quoted(here)}")


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
    """Datasets whose raw text may hold a person: their own, and those fed by the same files as such a one."""
    personal = {each.name for each in contracts.values() if each.layer == "clean" and personal_names(each)}
    sql = """select distinct mine.dataset from lineage.feeds mine join lineage.feeds theirs
        on theirs.source = mine.source where theirs.dataset in (select unnest($personal::varchar[]))"""
    return personal | {row[0] for row in rows(connection, sql, {"personal": sorted(personal)})}


def _pointed_at(home: Home) -> str | None:
    try:
        return (home.published / POINTER).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def _version(name: str) -> int:
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"published/{POINTER} names {name!r}, expected snapshot-<number>.duckdb; publish again")
    return int(found[1])


def _switch(home: Home, name: str) -> None:
    half = home.published / f"{POINTER}.tmp"
    half.write_text(name + "\n", encoding="utf-8")
    _flush(half)
    half.replace(home.published / POINTER)
    _flush(home.published)


def _clean_up(home: Home, current: str | None) -> None:
    """Delete what a crash left: half-built files, and snapshots that the pointer never reached."""
    newest = _version(current) if current else 0
    for path in home.published.iterdir():
        named = _NAME.fullmatch(path.name)
        if path.name.startswith("building-") or (named and int(named[1]) > newest):
            path.unlink(missing_ok=True)


def _delete_old(home: Home, version: int) -> None:
    for path in home.published.iterdir():
        named = _NAME.fullmatch(path.name)
        if named and int(named[1]) <= version - KEPT:
            path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on disk. Folders cannot be flushed on Windows."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
