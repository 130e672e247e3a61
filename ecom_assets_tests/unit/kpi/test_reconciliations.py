"""Each reconciliation of a KPI contract holds on a good table and names the day of a spoilt one."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from ecom_assets.contracts import kpi_contracts
from ecom_assets_tests.unit.kpi.shops import TestShop, sales_tables, warehouse_of

DAY = date(2025, 3, 3)
MONTH = date(2025, 3, 1)

# table, reconciliation, how one cent or one row goes wrong, the day that must be named
FAULTS = [
    ("daily_revenue", "sales_equal_clean_orders_and_items_to_the_cent", "set gross_amount = gross_amount + 0.01", DAY),
    ("daily_revenue", "sales_equal_clean_orders_and_items_to_the_cent", "set discount_amount = 0", DAY),
    ("daily_revenue", "sales_equal_clean_orders_and_items_to_the_cent", "set other_amount = other_amount - 0.01", DAY),
    ("daily_revenue", "sales_equal_clean_orders_and_items_to_the_cent", "set orders = orders + 1", DAY),
    ("daily_revenue", "refunds_equal_clean_refunds_to_the_cent", "set refund_amount = refund_amount + 0.01", DAY),
    ("daily_revenue", "refunds_equal_clean_refunds_to_the_cent", "set other_refund_amount = 0", DAY),
    ("daily_revenue", "every_accepted_day_has_its_row", "delete", DAY),
    ("sales_by_segment", "orders_equal_clean_orders", "set orders = 0", DAY),
    ("channel_performance", "channels_add_up_to_daily_revenue", "set net_amount = net_amount + 0.01", DAY),
    ("channel_performance", "channels_add_up_to_daily_revenue", "set attributed_amount = 0", DAY),
    ("channel_performance", "channels_add_up_to_daily_revenue", "delete", DAY),
    ("monthly_revenue", "months_add_up_daily_revenue", "set total_sales_amount = total_sales_amount + 0.01", MONTH),
    ("monthly_revenue", "months_add_up_daily_revenue", "delete", MONTH),
    ("sales_seasonality", "each_cycle_adds_up_to_daily_revenue", "set orders = orders + 1 where cycle = 'hour'", None),
    ("sales_seasonality", "each_cycle_adds_up_to_daily_revenue", "delete", None),
    ("product_performance", "products_add_up_to_daily_revenue", "set discount_amount = 0", DAY),
    ("category_performance", "categories_add_up_to_daily_revenue", "set items = items + 1", DAY),
    ("customer_demographics", "segments_add_up_to_daily_revenue", "set net_amount = net_amount - 0.01", None),
    ("daily_metrics", "totals_equal_daily_revenue", "set numerator = 0 where metric = 'net_amount'", DAY),
    ("daily_metrics", "members_add_up_to_totals", "set numerator = 0 where dimension = 'channel'", DAY),
    ("daily_metrics", "members_add_up_to_totals", "set denominator = 9 where dimension = 'device'", DAY),
]


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    shop = TestShop(days=(DAY, DAY + timedelta(days=1)))
    shop.add("products", product_id="A", category="toys")
    for day in shop.days:
        noon = datetime(day.year, day.month, day.day, 12)
        line = {"product_id": "A", "unit_price_amount": Decimal("10.01"), "discount_amount": Decimal("0.5")}
        shop.order(line, ordered_at=noon, customer_id="ann", discount_amount=Decimal(1), shipping_amount=Decimal(3))
        shop.add("refunds", refunded_at=noon, goods_amount=Decimal("2.5"), shipping_amount=Decimal(1))
        shop.add("website_traffic", traffic_date=day, sessions=5)
    return warehouse_of(shop)


def gaps(warehouse: duckdb.DuckDBPyConnection, table: str, reconciliation: str, fault: str = "") -> dict[date, float]:
    """Days with a gap above the tolerance in a copy of the table into which `fault` was put."""
    warehouse.execute(f"create or replace temp table _staged as select * from kpi.{table}")
    day = "month_start_date" if table == "monthly_revenue" else "business_date"
    if fault:
        names = [column.name for column in kpi_contracts()[table].columns]
        of_day = f"{day} = '{MONTH if table == 'monthly_revenue' else DAY}'" if day in names else "true"
        verb = "delete from _staged" if fault == "delete" else f"update _staged {fault}"
        warehouse.execute(f"{verb} {'and' if ' where ' in fault else 'where'} {of_day}")
    stated = next(r for r in kpi_contracts()[table].reconciliations if r.name == reconciliation)
    found = warehouse.execute(stated.query)
    assert [column[0] for column in found.description] == ["business_date", "gap"]
    return {when: float(gap) for when, gap in found.fetchall() if float(gap) > stated.tolerance}


@pytest.mark.parametrize(("table", "reconciliation", "fault", "day"), FAULTS)
def test_a_fault_is_found_on_its_day(
    warehouse: duckdb.DuckDBPyConnection, table: str, reconciliation: str, fault: str, day: date | None
) -> None:
    found = gaps(warehouse, table, reconciliation, fault)
    assert list(found) == [day or DAY + timedelta(days=1)]


def test_every_reconciliation_holds_on_good_tables_and_is_spoilt_above(warehouse: duckdb.DuckDBPyConnection) -> None:
    stated = {(name, r.name) for name in sales_tables() for r in kpi_contracts()[name].reconciliations}
    assert stated == {(table, name) for table, name, _, _ in FAULTS}
    assert {pair: gaps(warehouse, *pair) for pair in stated} == {pair: {} for pair in stated}


@pytest.mark.parametrize("name", sales_tables())
def test_rules_hold_and_required_columns_are_filled(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    contract = kpi_contracts()[name]
    for rule in contract.rules:
        broken = warehouse.execute(f"select count(*) from kpi.{name} where not ({rule.expression})").fetchall()
        assert broken == [(0,)], rule.name
    for column in contract.required_columns:
        empty = warehouse.execute(f'select count(*) from kpi.{name} where "{column}" is null').fetchall()
        assert empty == [(0,)], column
    assert set(contract.key) <= set(contract.required_columns)
