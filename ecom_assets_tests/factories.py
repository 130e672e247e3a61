"""Rows and tables for tests, made from the contracts: state what a test is about, the rest is sane."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from ecom_assets.contracts import Column, Contract, contract, dataset_contracts, table_contracts
from ecom_assets.sql import Query

DAY = date(2025, 3, 3)  # a Monday
MOMENT = datetime(2025, 3, 3, 12)

# Columns that may each be missing, but not all of them: a row rule says so.
_SANE_TOGETHER: dict[str, dict[str, Any]] = {"user_feedback": {"rating": 5}}
_SANE: dict[str, Any] = {
    "text": "x",
    "boolean": False,
    "integer": 1,
    "money": Decimal("10"),
    "rate": Decimal("1"),
    "double": 0.5,
    "date": DAY,
    "timestamp": MOMENT,
}
_numbers = count(1)


def make_row(dataset: str, **stated: Any) -> dict[str, Any]:
    """A valid clean row of `dataset`: `stated` values, contract defaults, else something plausible.

    Keys that are not stated differ from call to call; columns that may be missing are empty.
    """
    wanted = contract(f"clean/{dataset}")
    unknown = sorted(stated.keys() - wanted.by_name.keys())
    if unknown:
        raise KeyError(f"{dataset} has no column {', '.join(unknown)}")
    stated = {**_SANE_TOGETHER.get(dataset, {}), **stated}
    return {column.name: stated.get(column.name, _sane_value(wanted, column)) for column in wanted.columns}


def _sane_value(wanted: Contract, column: Column) -> Any:
    if column.default is not None:
        return _parsed(column, column.default)
    if not column.required:
        return None
    if column.name in wanted.key and column.type in ("text", "integer"):
        number = next(_numbers)
        return number if column.type == "integer" else f"{column.name}-{number}"
    return column.values[0] if column.values else _SANE[column.type]


def _parsed(column: Column, text: str) -> Any:
    if column.type == "money":
        return Decimal(text)
    if column.type == "boolean":
        return text == "true"
    return int(text) if column.type == "integer" else text


def business_date(wanted: Contract, row: Mapping[str, Any], time_zone: str = "UTC") -> date:
    """The shop-local day of a row of a partitioned dataset."""
    assert wanted.partitioned_by is not None
    moment = row[wanted.partitioned_by]
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).date()
    return moment


def table_columns(wanted: Contract) -> dict[str, str]:
    """Names and DuckDB types of a table: of a partitioned dataset the day comes first."""
    columns = {column.name: column.sql_type for column in wanted.columns}
    day = {"business_date": "DATE"} if wanted.layer == "clean" and wanted.partitioned_by else {}
    return day | columns


def create_table(connection: duckdb.DuckDBPyConnection, wanted: Contract) -> None:
    """The empty, typed table of a contract."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in table_columns(wanted).items())
    connection.execute(f'create schema if not exists "{wanted.layer}"')
    connection.execute(f'create table "{wanted.layer}"."{wanted.name}" ({columns})')


def empty_warehouse() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with every clean table and every table made of them, empty, and no accepted day."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create schema kpi")
    connection.execute("create schema lineage")
    connection.execute('create table lineage.accepted_days (asset varchar, business_date date, "rows" bigint)')
    connection.execute("create table lineage.sales_days (business_date date)")
    for wanted in (*dataset_contracts().values(), *table_contracts().values()):
        create_table(connection, wanted)
    return connection


def insert_rows(
    connection: duckdb.DuckDBPyConnection, dataset: str, rows: Iterable[Mapping[str, Any]], time_zone: str = "UTC"
) -> None:
    """Puts rows of `make_row` into the clean table, each on its business date."""
    wanted = contract(f"clean/{dataset}")
    names = list(table_columns(wanted))
    listed = [
        [business_date(wanted, row, time_zone) if name == "business_date" else row[name] for name in names]
        for row in rows
    ]
    if listed:
        marks = ", ".join("?" for _ in names)
        connection.executemany(f'insert into clean."{dataset}" values ({marks})', listed)


def accept_days(connection: duckdb.DuckDBPyConnection, days: Iterable[date], asset: str = "clean/orders") -> None:
    """Marks days of `asset` as accepted; accepted orders stand for whole sales."""
    for day in days:
        connection.execute("insert into lineage.accepted_days values (?, ?, 0)", [asset, day])
        if asset == "clean/orders":
            connection.execute("insert into lineage.sales_days values (?)", [day])


def build(connection: duckdb.DuckDBPyConnection, query: Query, values: Mapping[str, Any]) -> None:
    """Creates the table that `query` is named after from its SELECT."""
    bound = query.bind(values)
    connection.execute(f"create or replace table {query.name.replace('/', '.')} as {bound.sql}", dict(bound.params))


def fetch(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """All rows of a table as dicts."""
    result = connection.execute(f"select * from {table}")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
