"""How a DuckDB file is opened, and small helpers that every statement uses. No tables are named here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ecom_assets.quality.hashing import quoted

Connection = duckdb.DuckDBPyConnection


def connect(path: Path | str, read_only: bool = False) -> Connection:
    """An open connection to the DuckDB file `path`, set as `configure` says."""
    return configure(duckdb.connect(str(path), read_only=read_only))


def configure(connection: Connection) -> Connection:
    """Set what must be set on any connection: timestamps are naive UTC, so no machine's zone may show.

    Memory and threads are left to the user (DuckDB takes most of the memory and every core). The log is worked into
    the file less often than after every 16 MB: that took 6 s each time while 20 million events were written.
    """
    connection.execute("set TimeZone = 'UTC'").fetchall()
    connection.execute("set wal_autocheckpoint = '256MB'").fetchall()
    return connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit what is done inside, or roll all of it back when it raises."""
    connection.execute("begin").fetchall()
    try:
        yield
    except BaseException:
        connection.execute("rollback").fetchall()
        raise
    connection.execute("commit").fetchall()


def rows(connection: Connection, sql: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> list[tuple]:
    """Every row that `sql` yields. Results are always read to the end: DuckDB 2.0 locks on unread ones."""
    return connection.execute(sql, params).fetchall() if params else connection.execute(sql).fetchall()


def value(connection: Connection, sql: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
    """The first column of the first row, None where there is no row."""
    found = rows(connection, sql, params)
    return found[0][0] if found else None


def table_name(asset: str) -> str:
    """The SQL name of an asset's table: 'clean/orders' is clean.orders."""
    layer, _, name = asset.partition("/")
    return f"{quoted(layer)}.{quoted(name)}"


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(connection: Connection, relation: str, params: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Column names and types of a table or SELECT, in order, without running it."""
    return {row[0]: row[1] for row in rows(connection, f"describe {relation}", params)}


def table_exists(connection: Connection, schema: str, table: str) -> bool:
    """Whether `schema.table` is a table or view of the open database."""
    sql = (
        "select 1 from information_schema.tables where table_schema = ? and table_name = ? "
        "and table_catalog in (current_database(), 'temp')"
    )
    return bool(rows(connection, sql, [schema, table]))


def day_ranges(days: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Sorted distinct days joined into inclusive ranges, so that one statement serves a run of days."""
    ranges: list[tuple[Any, Any]] = []
    for day in sorted(set(days)):
        if ranges and (day - ranges[-1][1]).days == 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
