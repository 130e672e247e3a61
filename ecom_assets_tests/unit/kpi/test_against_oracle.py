"""Every KPI table, cell by cell, against the plain-Python computation, on shops that hypothesis makes."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_assets.contracts import kpi_contracts
from ecom_assets.sql import PARAMETERS
from ecom_assets_tests.factories import fetch
from ecom_assets_tests.unit.kpi.oracle_tables import Oracle
from ecom_assets_tests.unit.kpi.shops import TestShop, build_order, keyed, kpi_query, sales_tables, warehouse_of

CHANNELS = ("direct", "email", "paid_search", "unknown")
DEVICES = ("desktop", "mobile")
PRODUCTS = ("A", "B", "C", None, "not in the catalogue")
LINE_TYPES = ("product", "product", "product", "shipping", "discount", "gift_card", "other")
CUSTOMERS = (None, "c1", "c2", "c3", "not in the table")
# Around a change of summer time, a month's end and a year's end: where days are easily miscounted.
STARTS = (date(2025, 3, 28), date(2025, 1, 30), date(2024, 12, 30), date(2025, 10, 25))

cents = st.integers(0, 5000).map(lambda value: Decimal(value) / 100)
odd_prices = st.integers(-500, 99999).map(lambda value: Decimal(value) / 1000)


@st.composite
def shops(draw: st.DrawFn) -> TestShop:
    """A shop of some days, with all that makes KPIs go wrong: gaps, guests, voids, orphans, missing costs."""
    zone = draw(st.sampled_from(("UTC", "Europe/Berlin", "America/St_Johns")))
    start = draw(st.sampled_from(STARTS))
    days = [start + timedelta(days=n) for n in range(draw(st.integers(1, 5)))]
    days += [start + timedelta(days=n) for n in draw(st.sets(st.integers(20, 70), max_size=3))]
    shop = TestShop(days=tuple(days), time_zone=zone)
    shop.history_complete_from = draw(st.sampled_from((None, days[0], days[-1], date(2030, 1, 1))))
    has_cost = draw(st.booleans())
    for product in ("A", "B", "C"):
        category = {"A": "toys", "B": "toys", "C": None}[product]
        cost = draw(cents) if has_cost and draw(st.booleans()) else None
        shop.add("products", product_id=product, product_name=product.lower(), category=category, unit_cost_amount=cost)
    for number, customer in enumerate(("c1", "c2", "c3")):
        shop.add(
            "customers",
            customer_id=customer,
            birth_year=draw(st.sampled_from((None, 1950, 1990, 2007, 2010))),
            gender=draw(st.sampled_from((None, " Female", "male", ""))),
            country=("DE", "DE", "unknown")[number],
            acquisition_channel=draw(st.sampled_from(("email", "unknown"))),
        )
    moments = st.sampled_from(days).flatmap(
        lambda day: st.integers(0, 86399).map(lambda s: datetime(day.year, day.month, day.day) + timedelta(seconds=s))
    )
    for _ in range(draw(st.integers(0, 12))):
        add_order(draw, shop, _inside(shop, draw(moments)), has_cost)
    known_orders = [order["order_id"] for order in shop.rows["orders"]]
    for _ in range(draw(st.integers(0, 6))):
        shop.add(
            "refunds",
            order_id=draw(st.sampled_from([None, "gone", *known_orders])),
            line_number=draw(st.sampled_from((None, 1, 1))),
            product_id=draw(st.sampled_from((None, None, *PRODUCTS))),
            customer_id=draw(st.sampled_from(CUSTOMERS)),
            refunded_at=draw(moments),
            kind=draw(st.sampled_from(("return", "cancellation", "adjustment", "chargeback", "other"))),
            goods_amount=draw(cents),
            shipping_amount=draw(cents),
            tax_amount=draw(cents),
        )
    if draw(st.booleans()):
        for day, channel, device in draw(
            st.sets(st.tuples(st.sampled_from(days), st.sampled_from(CHANNELS), st.sampled_from(DEVICES)), max_size=8)
        ):
            shop.add(
                "website_traffic", traffic_date=day, channel=channel, device=device, sessions=draw(st.integers(0, 9))
            )
    if draw(st.booleans()):
        for day, channel, campaign in draw(
            st.sets(
                st.tuples(st.sampled_from(days), st.sampled_from(CHANNELS), st.sampled_from(("none", "x"))), max_size=5
            )
        ):
            shop.add("marketing_spend", spend_date=day, channel=channel, campaign_id=campaign, spend_amount=draw(cents))
    return shop


def _inside(shop: TestShop, moment: datetime) -> datetime:
    """Moved onto an accepted shop-local day: clean holds no orders of other days."""
    day = Oracle(TestShop(days=shop.days, time_zone=shop.time_zone)).local(moment).date()
    return moment if day in shop.days else datetime.combine(shop.days[0], datetime.min.time()) + timedelta(hours=12)


def add_order(draw: st.DrawFn, shop: TestShop, ordered_at: datetime, has_cost: bool) -> None:
    lines = [
        {
            "product_id": draw(st.sampled_from(PRODUCTS)),
            "line_type": draw(st.sampled_from(LINE_TYPES)),
            "quantity": draw(st.integers(-1, 4)),
            "unit_price_amount": draw(odd_prices),
            "unit_cost_amount": draw(cents) if has_cost and draw(st.booleans()) else None,
            "discount_amount": draw(st.sampled_from((Decimal(0), Decimal("0.5")))),
        }
        for _ in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    shop.order(
        *lines,
        ordered_at=ordered_at,
        customer_id=draw(st.sampled_from(CUSTOMERS)),
        session_id=draw(st.sampled_from((None, "s1", "s2", "s3"))),
        status=draw(st.sampled_from(("paid", "paid", "paid", "other", "pending", "failed", "void"))),
        placed_by=draw(st.sampled_from(("web", "web", "pos"))),
        channel=draw(st.sampled_from(CHANNELS)),
        device=draw(st.sampled_from(DEVICES)),
        country=draw(st.sampled_from(("DE", "unknown"))),
        discount_amount=draw(st.sampled_from((Decimal(0), Decimal("1.25")))),
        shipping_amount=draw(cents),
        tax_amount=draw(cents),
    )


def assert_same_cells(name: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Equal keys, equal columns, every cell equal; a Fraction is the true value of a rounded column."""
    columns = {column.name: column for column in kpi_contracts()[name].columns}
    have, want = keyed(name, found), keyed(name, expected)
    assert have.keys() == want.keys(), f"{name}: rows {sorted(map(str, have.keys() ^ want.keys()))}"
    for key, row in have.items():
        assert row.keys() == want[key].keys() == columns.keys(), f"{name}: columns"
        for column, value in row.items():
            true = want[key][column]
            if isinstance(true, Fraction) and value is not None:
                step = {"money": Fraction(1, 100), "rate": Fraction(1, 10**8), "double": Fraction(0)}[
                    columns[column].type
                ]
                slack = Fraction(1, 10**12) * max(1, abs(true))
                assert abs(Fraction(value) - true) <= step / 2 + slack, (
                    f"{name} {key} {column}: {value}, not {float(true)}"
                )
            else:
                assert value == true, f"{name} {key} {column}: {value!r}, not {true!r}"


def check_all(shop: TestShop) -> None:
    connection = warehouse_of(shop)
    oracle = Oracle(shop)
    for name in sales_tables():
        expected = oracle.sales if name == "order_values" else getattr(oracle, name)()
        assert_same_cells(name, fetch(connection, f"kpi.{name}"), expected)
    assert_reconciled(connection)


def assert_reconciled(connection: Any) -> None:
    for name in sales_tables():
        for reconciliation in kpi_contracts()[name].reconciliations:
            connection.execute(f"create or replace temp view _staged as select * from kpi.{name}")
            gaps = connection.execute(reconciliation.query).fetchall()
            broken = [(day, gap) for day, gap in gaps if gap is None or float(gap) > reconciliation.tolerance]
            assert not broken, f"{name} {reconciliation.name}: {broken}"


@given(shops())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_cell_of_every_table_equals_the_plain_computation(shop: TestShop) -> None:
    check_all(shop)


def test_a_shop_without_anything_has_empty_tables_and_no_error() -> None:
    connection = warehouse_of(TestShop(days=()))
    assert [name for name in sales_tables() if fetch(connection, f"kpi.{name}")] == []


def test_accepted_days_without_a_row_of_anything() -> None:
    check_all(TestShop(days=(date(2025, 3, 3), date(2025, 3, 4))))


@pytest.mark.parametrize("name", sales_tables())
def test_columns_are_those_of_the_contract_in_name_type_and_order(name: str) -> None:
    connection = warehouse_of(TestShop(days=()))
    described = connection.execute(f"describe kpi.{name}").fetchall()
    assert [(row[0], row[1]) for row in described] == [(c.name, c.sql_type) for c in kpi_contracts()[name].columns]


@pytest.mark.parametrize("name", sales_tables())
def test_whole_tables_need_only_settings_of_the_shop(name: str) -> None:
    assert kpi_query(name).parameters() <= PARAMETERS.keys() - {"from_day", "to_day"}


def test_tables_are_built_after_what_they_read() -> None:
    order = [name for name in build_order() if name in sales_tables()]
    assert sorted(order) == sorted(sales_tables())
    assert order.index("order_values") < order.index("sales_by_segment") < order.index("daily_revenue")
