"""The long table that is generated from the catalogue."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ecom_assets.metrics import Catalogue, catalogue, daily_metrics_sql, metrics, parse_catalogue
from ecom_assets.sql import Query
from ecom_assets_tests.unit.kpi.shops import TestShop, row_where, table_of

DAY = date(2025, 3, 3)


@pytest.fixture
def events() -> duckdb.DuckDBPyConnection:
    """A table of measured loads as another domain would bring it, its totals in rows of page 'all'."""
    connection = duckdb.connect()
    connection.execute("create schema kpi")
    connection.execute(
        """create table kpi.speed as select * from (values
            (date '2025-03-03', 'all', 'mobile', 900, 3),
            (date '2025-03-03', 'all', 'desktop', 400, 4),
            (date '2025-03-03', '/cart', 'mobile', 950, 1),
            (date '2025-03-04', 'all', 'mobile', null, 0)
        ) as loads (business_date, page_path, device, p95_ms, loads)"""
    )
    connection.execute(
        "create view kpi.speed_of_days as select date '2025-03-03' as business_date, 700 as p95_ms, 7 as loads"
    )
    return connection


def speed(**entries: dict[str, Any]) -> Catalogue:
    common = {"label": "x", "description": "x.", "unit": "ms", "source": "speed", "good": "down", "owner": "team:it"}
    source = {
        "total": {"table": "kpi.speed_of_days"},
        "device": {"table": "kpi.speed", "member": "device", "where": "page_path = 'all'"},
    }
    return parse_catalogue(
        {
            "sources": {"speed": source},
            "metrics": {name: {**common, "dimensions": ["device"], **entry} for name, entry in entries.items()},
        }
    )


def test_a_new_metric_is_one_entry(events: duckdb.DuckDBPyConnection) -> None:
    sql = daily_metrics_sql(speed(loads={"kind": "additive", "numerator": "loads"}))
    found = sorted(events.execute(sql).fetchall())
    assert found == [
        (DAY, "loads", "device", "desktop", Decimal(4), None, 4.0),
        (DAY, "loads", "device", "mobile", Decimal(3), None, 3.0),
        (DAY, "loads", "total", "all", Decimal(7), None, 7.0),
    ]


def test_what_does_not_add_up_has_a_value_and_no_numerator(events: duckdb.DuckDBPyConnection) -> None:
    sql = daily_metrics_sql(speed(p95_load_time_ms={"kind": "quantile", "numerator": "p95_ms"}))
    found = {row[3]: row[4:] for row in events.execute(sql).fetchall()}
    assert found == {"all": (None, None, 700.0), "mobile": (None, None, 900.0), "desktop": (None, None, 400.0)}


def test_tables_are_those_of_the_sources_in_use() -> None:
    named = {origin.table for origins in catalogue().sources.values() for origin in origins.values()}
    assert Query("kpi/daily_metrics", text=daily_metrics_sql()).tables() == {table.replace(".", "/") for table in named}
    tables = Query(
        "x", text=daily_metrics_sql(speed(loads={"kind": "additive", "numerator": "loads", "dimensions": []}))
    )
    assert tables.tables() == {"kpi/speed_of_days"}


def shop_of_two_channels() -> TestShop:
    shop = TestShop(days=(DAY, DAY + timedelta(days=1)))
    for channel, device, price, orders in (("email", "mobile", "10", 3), ("direct", "desktop", "25", 1)):
        shop.add("website_traffic", traffic_date=DAY, channel=channel, device=device, sessions=10 * orders)
        for number in range(orders):
            shop.order(
                {"unit_price_amount": Decimal(price)},
                ordered_at=datetime(2025, 3, 3, 9 + number),
                channel=channel,
                device=device,
                session_id=f"{channel}{number}",
                country="DE",
            )
    return shop


def test_ratios_are_sums_over_sums() -> None:
    rows = table_of(shop_of_two_channels(), "daily_metrics")
    values = {
        (row["dimension"], row["member"]): (row["numerator"], row["denominator"], row["value"])
        for row in rows
        if row["metric"] == "average_order_value" and row["business_date"] == DAY
    }
    assert values == {
        ("total", "all"): (55, 4, 13.75),
        ("channel", "email"): (30, 3, 10.0),
        ("channel", "direct"): (25, 1, 25.0),
        ("device", "mobile"): (30, 3, 10.0),
        ("device", "desktop"): (25, 1, 25.0),
        ("country", "DE"): (55, 4, 13.75),
    }


def test_sessions_times_orders_times_value_is_what_was_ordered() -> None:
    rows = table_of(shop_of_two_channels(), "daily_metrics")
    total: Callable[[str], dict[str, Any]] = lambda name: row_where(  # noqa: E731
        rows, metric=name, dimension="total", business_date=DAY
    )
    product = total("sessions")["value"] * total("orders_per_session")["value"] * total("average_order_value")["value"]
    assert product == pytest.approx(total("ordered_amount")["value"]) == 55


def test_visits_have_no_country_and_unknown_values_no_row() -> None:
    rows = table_of(shop_of_two_channels(), "daily_metrics")
    assert {row["member"] for row in rows if row["dimension"] == "country"} == {"DE"}
    assert not [
        row
        for row in rows
        if row["metric"] in ("sessions", "margin_amount", "spend_amount") and row["business_date"] > DAY
    ]
    quiet = row_where(rows, metric="orders", dimension="total", business_date=DAY + timedelta(days=1))
    assert quiet["value"] == 0
    empty = row_where(rows, metric="average_order_value", dimension="total", business_date=DAY + timedelta(days=1))
    assert (empty["numerator"], empty["denominator"], empty["value"]) == (0, 0, None)


def test_every_sales_metric_of_the_catalogue_occurs() -> None:
    shop = shop_of_two_channels()
    shop.add("marketing_spend", spend_date=DAY, channel="email", spend_amount=Decimal(5))
    shop.add("products", product_id="A", unit_cost_amount=Decimal(1))
    for line in shop.rows["order_items"]:
        line["product_id"] = "A"
    sales = {name for name, entry in metrics().items() if entry.source in ("sales", "prices", "advertising")}
    assert {row["metric"] for row in table_of(shop, "daily_metrics")} == sales
