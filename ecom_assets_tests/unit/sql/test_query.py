"""What a Query reads from its own text; nothing is executed."""

from pathlib import Path

import pytest

from ecom_assets.sql import FOLDER, MissingSqlError, Query, query_names

SALES = """
-- a comment that names clean.nothing and $nothing
with source as (
    select * from clean.orders where business_date in (
        select business_date from lineage.accepted_days where asset = 'clean/orders'
    )
),
lines as (
    select source.order_id, items.quantity * items.unit_price_amount as amount, 'it''s $not_me -- nor me' as note
    from source
    join clean.order_items as items using (store_id, order_id)
    where exists (select 1 from clean.refunds as refunds where refunds.order_id = source.order_id)
),
final as (
    select order_id, sum(amount) as gross_amount, $currency as currency, count(*) as lines, min(note) as note
    from lines
    group by order_id
)
select * from final
"""
SCHEMA = {
    "clean/orders": {"business_date": "DATE", "store_id": "VARCHAR", "order_id": "VARCHAR"},
    "clean/order_items": {
        "store_id": "VARCHAR",
        "order_id": "VARCHAR",
        "quantity": "BIGINT",
        "unit_price_amount": "DECIMAL(18,4)",
    },
    "clean/refunds": {"order_id": "VARCHAR"},
}


def test_tables_are_assets_of_every_scope_and_neither_ctes_nor_bookkeeping() -> None:
    assert Query("x", text=SALES).tables() == {"clean/orders", "clean/order_items", "clean/refunds"}


def test_bookkeeping_tables_are_no_assets() -> None:
    text = (
        "select * from raw.orders where key not in (select key from raw.moved_keys) and 1 in (from quarantine.orders)"
    )
    assert Query("x", text=text).tables() == {"raw/orders"}


def test_a_cte_may_bear_the_name_of_a_table() -> None:
    assert Query("x", text="with orders as (select * from kpi.orders) select * from orders").tables() == {"kpi/orders"}


def test_parameters_outside_text_and_comments() -> None:
    assert Query("x", text=SALES).parameters() == {"currency"}


def test_bind_gives_only_what_the_sql_names() -> None:
    bound = Query("x", text=SALES).bind({"currency": "EUR", "time_zone": "UTC"})
    assert bound.params == {"currency": "EUR"}


def test_bind_names_what_is_missing() -> None:
    with pytest.raises(KeyError, match=r"no value for \$currency; known are time_zone"):
        Query("kpi/x", text=SALES).bind({"time_zone": "UTC"})


def test_column_lineage_leads_through_ctes_to_assets() -> None:
    assert Query("x", text=SALES).columns(SCHEMA) == {
        "order_id": [("clean/orders", "order_id")],
        "gross_amount": [("clean/order_items", "quantity"), ("clean/order_items", "unit_price_amount")],
        "currency": [],
        "lines": [],
        "note": [],
    }


def test_code_version_ignores_layout_and_comments_only() -> None:
    version = Query("x", text="select a, 'b  c' as d from clean.t").code_version
    assert Query("x", text="select a, -- why\n\n  'b  c' as d\nfrom clean.t /* end */\n").code_version == version
    assert Query("x", text="select a, 'b c' as d from clean.t").code_version != version
    assert Query("x", text="select a, 'b  c' as e from clean.t").code_version != version


def test_a_missing_file_is_named_with_what_there_is() -> None:
    with pytest.raises(MissingSqlError, match=r"kpi/no_such_table: no file sql/kpi/no_such_table.sql"):
        _ = Query("kpi/no_such_table").sql


def test_query_names_are_the_files() -> None:
    assert set(query_names("kpi")) == {f"kpi/{Path(file).stem}" for file in (FOLDER / "kpi").glob("*.sql")}
    assert query_names("no_such_layer") == ()


def test_queries_are_hashable_whatever_they_bind() -> None:
    assert len({Query("x", {"a": [1]}), Query("x", {"a": [1]})}) == 1
