"""Columns of the KPI tables can be followed to the columns that they are made of."""

import pytest

from ecom_assets.contracts import dataset_contracts, kpi_contracts
from ecom_assets_tests.factories import table_columns
from ecom_assets_tests.unit.kpi.shops import kpi_query, sales_tables

SCHEMA = {c.asset: table_columns(c) for c in (*dataset_contracts().values(), *kpi_contracts().values())}
# Counts of rows and names of cycles are made of no column.
MADE_OF_ROWS = {
    "order_values": {"customer_order_number"},
    "usual_prices": {"order_lines"},
    "sales_by_segment": {"orders", "refunds", "attributed_orders"},
    "daily_revenue": {"business_date"},  # the spine of accepted days, which is bookkeeping
    "monthly_revenue": {"days"},
    "sales_seasonality": {"cycle", "position", "position_name", "days", "orders", "orders_per_day", "orders_index"},
    "product_performance": {"order_lines"},
    "customer_demographics": {"orders"},
    "cohort_retention": {"age_months"},
    "daily_metrics": {"metric", "dimension"},
}


def origins(table: str, column: str) -> set[tuple[str, str]]:
    """All columns of datasets that a KPI column is made of, table by table."""
    found: set[tuple[str, str]] = set()
    for asset, name in kpi_query(table).columns(SCHEMA)[column]:
        layer, _, upstream = asset.partition("/")
        found |= origins(upstream, name) if layer == "kpi" else {(asset, name)}
    return found


@pytest.mark.parametrize("name", sales_tables())
def test_every_column_has_its_origins(name: str) -> None:
    lineage = kpi_query(name).columns(SCHEMA)
    assert list(lineage) == [column.name for column in kpi_contracts()[name].columns]
    assert {column for column, found in lineage.items() if not found} == MADE_OF_ROWS.get(name, set())
    for found in lineage.values():
        assert all(column in SCHEMA[asset] for asset, column in found)


def test_a_months_gross_leads_to_quantity_price_and_kind_of_line() -> None:
    assert {("clean/order_items", name) for name in ("quantity", "unit_price_amount", "line_type")} <= origins(
        "monthly_revenue", "gross_amount"
    )


def test_refunds_lead_to_refunds_alone() -> None:
    assert {asset for asset, _ in origins("daily_revenue", "refund_amount")} == {"clean/refunds"}
