"""A small shop, a landing folder and a staging connection."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_assets.contracts import contract
from ecom_assets.ingestion import Receipt, Staged, clean_select, discover, plan_sources, stage_files
from ecom_assets.settings import Shop


def make_shop(source: str = "orders", zone: str = "Europe/Berlin", **how: Any) -> Shop:
    return Shop(
        name="test",
        time_zone=zone,
        currency="EUR",
        first_day=date(2024, 1, 1),
        sources={source: {"kind": "files", "path": "**/*", **how}},
    )


def utc_connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class Bench:
    """Stages files that are given as bytes or text by name, and looks at what came of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.connection = utc_connection()

    def stage(self, files: dict[str, bytes | str], shop: Shop | None = None) -> Staged:
        self.shop = shop or make_shop()
        for name, content in files.items():
            path = self.landing / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        (self.plan,) = plan_sources(self.shop, self.folder / "shop.yaml")
        return stage_files(self.connection, self.plan, discover(self.plan, self.landing), self.shop)

    def receipt(self, content: bytes | str, name: str = "a.csv", shop: Shop | None = None) -> Receipt:
        (receipt,) = self.stage({name: content}, shop).receipts
        return receipt

    def rows(self, sql: str, values: Any = None) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def staged(self, columns: str, dataset: str = "orders") -> list[tuple]:
        return self.rows(f"select {columns} from _staged_{dataset} order by _source_file, _source_line")

    def rejects(self) -> list[tuple[int, str, list[str]]]:
        return self.rows("select source_line, raw_text, reasons from _rejects order by source_file, source_line")

    def repairs(self) -> list[tuple]:
        return self.rows("select source_line, column_name, found, reason from _repairs order by all")

    def to_raw(self, *datasets: str) -> None:
        self.rows("create schema if not exists raw")
        self.rows("create table if not exists raw.moved_keys (dataset varchar, key_hash ubigint)")
        self.rows("create schema if not exists clean")
        columns = ", ".join(f"{one.name} {one.sql_type}" for one in contract("clean/orders").columns)
        self.rows(f"create table if not exists clean.orders (business_date date, {columns})")
        for dataset in datasets:
            self.rows(f"create or replace table raw.{dataset} as from _staged_{dataset}")

    def clean(self, dataset: str, columns: str, days: tuple[date, date] = (date(2000, 1, 1), date(2099, 1, 1))) -> Any:
        made = contract(f"clean/{dataset}")
        sql = clean_select(made, self.shop)
        values = {"from_day": days[0], "to_day": days[1]} if made.partitioned_by else {}
        return self.rows(f"select {columns} from ({sql}) order by _source_file, _source_line", values)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def read() -> Callable[..., Any]:
    """Types one text by a contract column of orders, or another dataset's, in a shop's zone."""
    from ecom_assets.ingestion.row_sql import RowSql

    connection = utc_connection()

    def typed(text: str | None, column: str, dataset: str = "orders", zone: str = "Europe/Berlin") -> Any:
        rows = RowSql(contract(f"clean/{dataset}"), make_shop(zone=zone))
        texts = ", ".join(f"{'$text' if one.name == column else 'null'}::varchar as {one.name}" for one in rows.columns)
        select = rows.select(f"(select {texts})")
        sql = f"select {column}, _is_unreadable_{column} from ({select})"
        (value, is_unreadable) = connection.execute(sql, {"text": text}).fetchall()[0]
        return "unreadable" if is_unreadable else value

    return typed
