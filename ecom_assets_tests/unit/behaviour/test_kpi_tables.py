"""Every KPI table, cell by cell, against the plain-Python computation on the same small shop."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ecom_assets.contracts import contract
from ecom_assets.metrics import daily_metrics_sql
from ecom_assets.sql import Query
from ecom_assets_tests.unit.behaviour import reference, reference_friction, reference_more
from ecom_assets_tests.unit.behaviour.small_shop import DAYS, Row, SmallShop, small_shop
from ecom_assets_tests.unit.behaviour.tables import PARAMETERS, Tables

CLEAN = ("session_tracking", "clickstream", "cart_abandonment", "page_load_times", "api_logs", "user_feedback",
         "support_tickets", "orders")  # fmt: skip
POLARITY = {"Great shop, excellent service!": 0.9, "Terrible, awful, the worst.": -0.9, "It is a box.": 0.0}
BUILT = ("kpi/sessions", "kpi/session_customers", "kpi/session_behavior", "kpi/click_engagement",
         "kpi/purchase_funnel", "kpi/active_users", "kpi/cart_abandonment", "kpi/page_speed", "kpi/api_health",
         "kpi/error_budget", "kpi/support_performance", "kpi/feedback_sentiment", "kpi/friction_exposure",
         "kpi/cost_of_friction")  # fmt: skip


def polarity_of(shop: SmallShop) -> dict[str, tuple[float, bool | None]]:
    judged: dict[str, tuple[float, bool | None]] = {}
    for piece in shop.user_feedback:
        if piece["feedback_text"] is not None:
            mood, stars = POLARITY[piece["feedback_text"]], piece["rating"]
            clear = None if stars in (None, 3) else (mood > 0.5 and stars < 3) or (mood < -0.5 and stars > 3)
            judged[piece["feedback_id"]] = (mood, clear)
    return judged


def revenue() -> list[Row]:
    days = [day for day in DAYS if day.day != 20]
    return [
        {"business_date": day, "ordered_amount": 100.0 + 7 * turn, "valued_orders": turn % 4}
        for turn, day in enumerate(days)
    ]


@pytest.fixture(scope="module")
def shop() -> SmallShop:
    return small_shop()


@pytest.fixture(scope="module")
def tables(shop: SmallShop) -> Tables:
    tables = Tables()
    for name, rows in shop.tables():
        tables.add(f"clean/{name}", rows)
    for name in CLEAN:
        tables.accept(f"clean/{name}", DAYS)
    tables.add(
        "kpi/feedback_polarity",
        (
            {"feedback_id": key, "business_date": DAYS[0], "polarity": mood, "is_contradiction": contradicts}
            for key, (mood, contradicts) in polarity_of(shop).items()
        ),
    )
    tables.add("kpi/daily_revenue", revenue())
    tables.build(*BUILT)
    return tables


@pytest.fixture(scope="module")
def visits(shop: SmallShop) -> list[Row]:
    return reference.sessions(shop)


def assert_same(tables: Tables, asset: str, expected: Iterable[Row], without: tuple[str, ...] = ()) -> None:
    """Compares the table with the expected rows in every column of the contract, by key."""
    stated = contract(asset)
    names = [column.name for column in stated.columns if column.name not in without]
    cells = tables.connection.execute(f"select {', '.join(names)} from {asset.replace('/', '.')}").fetchall()
    found = {_key(stated.key, row): row for row in (dict(zip(names, values, strict=True)) for values in cells)}
    wanted = {_key(stated.key, row): row for row in expected}
    assert len(found) == len(cells), f"{asset}: its key is not unique"
    assert found.keys() == wanted.keys()
    assert wanted
    for key, row in wanted.items():
        assert set(row) == set(names), f"{asset}: columns"
        for name in names:
            assert _plain(found[key][name]) == _close(row[name]), f"{asset} {key}: {name}"


def _key(key: tuple[str, ...], row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in key)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _close(value: Any) -> Any:
    if isinstance(value, bool | str | date | datetime) or value is None:
        return value
    return pytest.approx(float(value), rel=1e-6, abs=6e-3 if abs(value) > 1 else 1e-6)


def test_shop_holds_the_awkward_cases(shop: SmallShop, visits: list[Row]) -> None:
    assert sum(not visit["is_start"] for visit in visits) > 5, "sessions that went on past midnight"
    assert any(visit["is_bounce"] for visit in visits)
    assert any(order["status"] == "void" and order.get("session_id") for order in shop.orders)
    assert any(visit["is_bot"] and visit["has_purchase"] for visit in visits)
    assert any(row["is_stitched"] for row in reference.session_customers(visits))


def test_sessions(tables: Tables, visits: list[Row]) -> None:
    assert_same(tables, "kpi/sessions", visits)


def test_session_customers(tables: Tables, visits: list[Row]) -> None:
    assert_same(tables, "kpi/session_customers", reference.session_customers(visits))


def test_session_behavior(tables: Tables, visits: list[Row], shop: SmallShop) -> None:
    assert_same(tables, "kpi/session_behavior", reference.session_behavior(visits, shop))


def test_click_engagement(tables: Tables, visits: list[Row], shop: SmallShop) -> None:
    assert_same(tables, "kpi/click_engagement", reference.click_engagement(visits, shop))


def test_purchase_funnel(tables: Tables, visits: list[Row]) -> None:
    assert_same(tables, "kpi/purchase_funnel", reference.purchase_funnel(visits))


def test_active_users(tables: Tables, visits: list[Row]) -> None:
    assert_same(tables, "kpi/active_users", reference.active_users(visits, DAYS))


def test_cart_abandonment(tables: Tables, visits: list[Row], shop: SmallShop) -> None:
    funnel = reference.purchase_funnel(visits)
    assert_same(tables, "kpi/cart_abandonment", reference_more.cart_abandonment(shop, funnel, DAYS))


def test_page_speed(tables: Tables, shop: SmallShop) -> None:
    assert_same(tables, "kpi/page_speed", reference_more.page_speed(shop, PARAMETERS["lcp_apdex_ms"]))


def test_api_health(tables: Tables, shop: SmallShop) -> None:
    expected = reference_more.api_health(shop, PARAMETERS["api_apdex_ms"], PARAMETERS["availability_objective"])
    assert_same(tables, "kpi/api_health", expected)


def test_error_budget(tables: Tables, shop: SmallShop) -> None:
    expected = reference.error_budget(shop, DAYS, PARAMETERS["availability_objective"])
    assert_same(tables, "kpi/error_budget", expected)


def test_support_performance(tables: Tables, shop: SmallShop) -> None:
    assert_same(tables, "kpi/support_performance", reference_more.support_performance(shop, DAYS))


def test_feedback_sentiment(tables: Tables, shop: SmallShop) -> None:
    expected = reference_more.feedback_sentiment(shop, polarity_of(shop), DAYS)
    assert_same(tables, "kpi/feedback_sentiment", expected)


def test_friction_exposure(tables: Tables, visits: list[Row], shop: SmallShop) -> None:
    expected = reference_friction.friction_exposure(visits, shop, PARAMETERS["lcp_apdex_ms"])
    assert_same(tables, "kpi/friction_exposure", expected)


def test_cost_of_friction(tables: Tables, visits: list[Row], shop: SmallShop) -> None:
    exposure = reference_friction.friction_exposure(visits, shop, PARAMETERS["lcp_apdex_ms"])
    carts = reference_more.cart_abandonment(shop, reference.purchase_funnel(visits), DAYS)
    expected = reference_friction.cost_of_friction(exposure, revenue(), carts, DAYS)
    assert_same(tables, "kpi/cost_of_friction", expected, without=("counterfactual",))


@pytest.mark.parametrize("asset", BUILT)
def test_columns_are_those_of_the_contract(tables: Tables, asset: str) -> None:
    query = Query(asset).bind(PARAMETERS)
    described = tables.connection.execute(f"describe {query.sql}", dict(query.params)).fetchall()
    assert [(row[0], row[1]) for row in described] == [
        (column.name, column.sql_type) for column in contract(asset).columns
    ]


@pytest.fixture(scope="module")
def long_table(tables: Tables) -> dict[tuple[Any, ...], Row]:
    tables.connection.execute(f"create or replace temp table _staged as {daily_metrics_sql()}")
    cursor = tables.connection.execute("select * from _staged")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return {(row["business_date"], row["metric"], row["dimension"], row["member"]): row for row in rows}


def test_long_table_says_what_the_kpi_tables_say(long_table: dict[tuple[Any, ...], Row], tables: Tables) -> None:
    stated = {
        "bounce_rate": ("kpi.session_behavior", "bounce_rate", ("channel", "device", "country")),
        "session_duration_median_s": ("kpi.session_behavior", "duration_median_s", ("channel", "device", "country")),
        "cart_recovery_rate": ("kpi.cart_abandonment", "recovery_rate", ("step", "channel", "device")),
        "page_apdex_score": ("kpi.page_speed", "apdex_score", ("device", "country")),
        "lcp_p75_ms": ("kpi.page_speed", "lcp_p75_ms", ("device", "country")),
        "error_rate": ("kpi.api_health", "error_rate", ("service",)),
        "api_apdex_score": ("kpi.api_health", "apdex_score", ("service",)),
        "ticket_backlog": ("kpi.support_performance", "backlog", ("issue", "contact_channel")),
        "satisfaction_mean": ("kpi.support_performance", "satisfaction_mean", ("issue", "contact_channel")),
        "polarity_mean": ("kpi.feedback_sentiment", "polarity_mean", ("source",)),
    }
    for metric, (table, column, dimensions) in stated.items():
        listed = ", ".join(f"'{dimension}'" for dimension in ("all", *dimensions))
        cells = tables.connection.execute(
            f"select business_date, replace(dimension, 'all', 'total'), member, {column} from {table} "
            f"where dimension in ({listed}) and {column} is not null"
        ).fetchall()
        expected = {(day, metric, dimension, member): value for day, dimension, member, value in cells}
        found = {key: row["value"] for key, row in long_table.items() if key[1] == metric and row["value"] is not None}
        assert found.keys() == expected.keys(), metric
        for key, value in expected.items():
            assert found[key] == pytest.approx(float(value), abs=1e-4, rel=1e-6), key


def test_cart_abandonment_rate_is_one_wherever_it_stands(
    long_table: dict[tuple[Any, ...], Row], tables: Tables
) -> None:
    rates = tables.connection.execute(
        "select business_date, cart_abandonment_rate from kpi.cart_abandonment "
        "where dimension = 'all' and cart_abandonment_rate is not null"
    ).fetchall()
    assert rates
    for day, rate in rates:
        assert long_table[day, "cart_abandonment_rate", "total", "all"]["value"] == pytest.approx(float(rate), abs=1e-8)


@pytest.mark.usefixtures("long_table")
def test_members_of_the_long_table_add_up(tables: Tables) -> None:
    [reconciliation] = [
        one for one in contract("kpi/daily_metrics").reconciliations if one.name == "members_add_up_to_totals"
    ]
    gaps = tables.connection.execute(reconciliation.query).fetchall()
    assert len(gaps) >= len(DAYS)
    assert {gap for _, gap in gaps} == {0}
