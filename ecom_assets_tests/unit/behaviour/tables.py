"""An in-memory warehouse with the empty typed tables of the contracts, to put rows in and run queries on."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow
import yaml

from ecom_assets.contracts import LAYERS, Column, contract, dataset_contracts, table_contracts
from ecom_assets.quality.column_profile import column_profile_sql
from ecom_assets.sql import Query

Row = dict[str, Any]
SESSION_INPUTS = ("clean/session_tracking", "clean/clickstream", "clean/orders")
WITHOUT_SESSION_TABLE = ["clickstream", "orders"]

PARAMETERS: Mapping[str, Any] = {
    "from_day": date(2000, 1, 1),
    "to_day": date(2100, 1, 1),
    "time_zone": "Europe/Berlin",
    "datasets": ["session_tracking", "clickstream", "orders"],
    "lcp_apdex_ms": 2500.0,
    "api_apdex_ms": 500.0,
    "availability_objective": 0.99,
}


class Tables:
    """Rows in, rows out. Columns that a row does not name get the contract's default, else NULL."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for schema in ("clean", *LAYERS, "lineage"):
            self.connection.execute(f"create schema {schema}")
        self.connection.execute('create table lineage.accepted_days (asset text, business_date date, "rows" bigint)')
        for one in (*dataset_contracts().values(), *table_contracts().values()):
            columns = [f'"{column.name}" {column.sql_type}' for column in one.columns]
            if one.partitioned_by and "business_date" not in one.by_name:
                columns.insert(0, "business_date date")
            self.connection.execute(f'create table {one.layer}."{one.name}" ({", ".join(columns)})')

    def add(self, asset: str, rows: Iterable[Row]) -> None:
        """Puts rows into the table."""
        rows = list(rows)
        defaults = {column.name: _default(column) for column in contract(asset).columns if column.default is not None}
        names = list(dict.fromkeys([*defaults, *(name for row in rows for name in row)]))
        held = pyarrow.table({name: [row.get(name, defaults.get(name)) for row in rows] for name in names})
        self.connection.register("_held", held)
        self.connection.execute(f"insert into {asset.replace('/', '.')} by name select * from _held")

    def accept(self, asset: str, days: Iterable[date]) -> None:
        """Says that the asset's days were accepted."""
        for day in days:
            self.connection.execute("insert into lineage.accepted_days values (?, ?, 0)", [asset, day])

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """The rows that the query yields."""
        query = Query(name).bind({**PARAMETERS, **parameters})
        result = self.connection.execute(query.sql, dict(query.params))
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def profile(self) -> None:
        """Makes the profile table of every dataset."""
        self.connection.execute("create schema if not exists profile")
        for name, one in dataset_contracts().items():
            self.connection.execute(f"create or replace table profile.{name} as {column_profile_sql(one)}")

    def build(self, *names: str, **parameters: Any) -> None:
        """Fills the tables that the queries are named after, in the order given."""
        for name in names:
            query = Query(name).bind({**PARAMETERS, **parameters})
            self.connection.execute(f"insert into {name.replace('/', '.')} by name {query.sql}", dict(query.params))


def _default(column: Column) -> Any:
    return yaml.safe_load(str(column.default)) if column.type in ("boolean", "integer", "money") else column.default
