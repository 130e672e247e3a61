"""A small shop for tests: rows of the datasets, the days that were accepted, and its settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

import duckdb

from ecom_assets.contracts import kpi_contracts
from ecom_assets.metrics import daily_metrics_sql
from ecom_assets.sql import Query
from ecom_assets_tests.factories import accept_days, build, empty_warehouse, fetch, insert_rows, make_row

Rows = list[dict[str, Any]]
DATASETS = ("products", "customers", "orders", "order_items", "refunds", "website_traffic", "marketing_spend")


@dataclass
class TestShop:
    """Rows by dataset. A day is accepted where it is stated; nothing of other days is in clean orders."""

    __test__ = False

    days: tuple[date, ...]
    time_zone: str = "UTC"
    history_complete_from: date | None = None
    rows: dict[str, Rows] = field(default_factory=lambda: {name: [] for name in DATASETS})

    def add(self, dataset: str, **stated: Any) -> dict[str, Any]:
        """Adds a row and returns it."""
        row = make_row(dataset, **stated)
        self.rows[dataset].append(row)
        return row

    def order(self, *lines: dict[str, Any], **stated: Any) -> dict[str, Any]:
        """Adds an order and its lines, given as the columns that matter."""
        order = self.add("orders", **stated)
        for number, line in enumerate(lines, 1):
            key = {"store_id": order["store_id"], "order_id": order["order_id"], "line_number": number}
            self.add("order_items", **{**key, "ordered_at": order["ordered_at"], **line})
        return order

    def settings(self) -> dict[str, Any]:
        """The values that queries may bind."""
        return {"time_zone": self.time_zone, "history_complete_from": self.history_complete_from}


def kpi_query(name: str) -> Query:
    """The query of a KPI table, generated or from its file."""
    return Query(f"kpi/{name}", text=daily_metrics_sql() if name == "daily_metrics" else None)


@cache
def build_order() -> list[str]:
    """Names of the sales KPI tables, each after those that it reads."""
    reads = {name: {table for table in kpi_query(name).tables() if table.startswith("kpi/")} for name in sales_tables()}
    return [
        name.removeprefix("kpi/")
        for name in TopologicalSorter({f"kpi/{n}": r for n, r in reads.items()}).static_order()
    ]


def sales_tables() -> list[str]:
    """The KPI tables of this domain: those that orders feed."""
    return [
        "usual_prices", "order_values", "sales_by_segment", "daily_revenue", "channel_performance", "monthly_revenue",
        "sales_seasonality", "product_performance", "category_performance", "customer_demographics",
        "cohort_retention", "daily_metrics",
    ]  # fmt: skip


def warehouse_of(shop: TestShop, tables: list[str] | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse with the shop's clean tables and the KPI tables built from them."""
    connection = empty_warehouse()
    for dataset, rows in shop.rows.items():
        insert_rows(connection, dataset, rows, shop.time_zone)
    accept_days(connection, shop.days)
    for name in tables or [name for name in build_order() if name in sales_tables()]:
        build(connection, kpi_query(name), shop.settings())
    return connection


def needed_for(name: str) -> list[str]:
    """The tables that `name` is made of, itself last."""
    needed = {name}
    for candidate in reversed(build_order()):
        if candidate in needed:
            needed |= {
                table.removeprefix("kpi/") for table in kpi_query(candidate).tables() if table.startswith("kpi/")
            }
    return [candidate for candidate in build_order() if candidate in needed & set(sales_tables())]


def table_of(shop: TestShop, name: str) -> Rows:
    """The rows of one KPI table of the shop, in the order of their keys."""
    rows = fetch(warehouse_of(shop, needed_for(name)), f"kpi.{name}")
    return [row for _, row in sorted(keyed(name, rows).items())]


def row_where(rows: Rows, matches: Callable[[dict[str, Any]], bool] | None = None, **values: Any) -> dict[str, Any]:
    """The one row that has these values."""
    found = [row for row in rows if all(row[name] == value for name, value in values.items())]
    found = [row for row in found if matches is None or matches(row)]
    assert len(found) == 1, f"{len(found)} rows with {values}"
    return found[0]


def keyed(name: str, rows: Rows) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows by the key of the contract; a key that occurs twice fails."""
    key = kpi_contracts()[name].key
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows), f"{name}: key is not unique"
    return found
