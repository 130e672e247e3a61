"""The behaviour, reliability and support assets on a small shop's own files, through Dagster to the snapshot."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets.orchestration.runs import RunReport, execute
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.warehouse import open_snapshot
from ecom_assets_tests.unit.behaviour import reference, reference_friction, reference_more
from ecom_assets_tests.unit.behaviour.small_shop import DAYS, Row, SmallShop, small_shop
from ecom_assets_tests.unit.behaviour.test_kpi_tables import assert_same

SHOP = f"""\
name: Visits
time_zone: Europe/Berlin
currency: EUR
first_day: {DAYS[0]}
last_day: {DAYS[-1]}
landing: landing
targets: {{availability_objective: 0.98, lcp_apdex_ms: 2000}}
sources:
"""


@pytest.fixture(scope="module")
def shop() -> SmallShop:
    shop = small_shop(3)
    shop.orders = [order for order in shop.orders if order["business_date"] in DAYS]
    for feedback in shop.user_feedback:  # a mood for every text is the business of `text`, whose tests know it
        feedback["feedback_text"] = feedback["feedback_text"] and "Excellent!"
    return shop


@pytest.fixture(scope="module")
def run(shop: SmallShop, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunReport, ShopContext]:
    folder = tmp_path_factory.mktemp("visits")
    items = [
        {"order_id": order["order_id"], "line_number": 1, "product_id": "p1", "ordered_at": order["ordered_at"],
         "quantity": 1, "unit_price_amount": 25} for order in shop.orders
    ]  # fmt: skip
    rows = {**dict(shop.tables()), "order_items": items, "products": [{"product_id": "p1"}]}
    for name, of_table in rows.items():
        write_csv(folder / "landing" / name / f"{name}.csv", name, of_table)
    listed = "".join(f'  {name}: {{kind: files, path: "{name}/*.csv"}}\n' for name in rows)
    (folder / "shop.yaml").write_text(SHOP + listed)
    context = ShopContext.resolve(folder / "shop.yaml", environ={"ECOM_HOME": str(folder / "data")})
    return execute(context), context


def write_csv(path: Path, dataset: str, rows: list[Row]) -> None:
    known = [column.name for column in dataset_contracts()[dataset].input_columns]
    names = [name for name in known if any(name in row for row in rows)]
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def _text(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


class Published:
    """What a reader sees."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, sql: str) -> list[Row]:
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@pytest.fixture(scope="module")
def published(run: tuple[RunReport, ShopContext]) -> Iterator[Published]:
    connection = open_snapshot(run[1].home)
    yield Published(connection)
    connection.close()


def test_everything_is_accepted(run: tuple[RunReport, ShopContext]) -> None:
    report, _ = run
    assert report.errors == ()
    assert report.refusals == ()
    assert report.lines_quarantined == 0
    assert set(report.accepted_days) == set(DAYS), "of one table at least"


def days_of(rows: list[Row]) -> set[date]:
    return {row["business_date"] for row in rows}


def test_kpi_tables_are_those_of_plain_python(published: Published, shop: SmallShop) -> None:
    complete = [
        day
        for day in DAYS
        if all(day in days_of(rows) for rows in (shop.session_tracking, shop.clickstream, shop.orders))
    ]
    assert 0 < len(complete) < len(DAYS), "a day on which nothing was ordered"
    visits = [visit for visit in reference.sessions(shop) if visit["business_date"] in complete]
    with_carts = days_of(shop.cart_abandonment)
    either = sorted({*complete, *with_carts})
    funnel = reference.purchase_funnel(visits)
    exposure = reference_friction.friction_exposure(visits, shop, 2000)
    carts = reference_more.cart_abandonment(shop, funnel, either, with_carts)
    revenue = published.rows(
        "select business_date, ordered_amount::double as ordered_amount, valued_orders from kpi.daily_revenue"
    )
    moods = {
        piece["feedback_id"]: (1.0, None if piece["rating"] in (None, 3) else piece["rating"] < 3)
        for piece in shop.user_feedback
        if piece["feedback_text"]
    }
    expected = {
        "kpi/sessions": visits,
        "kpi/session_customers": reference.session_customers(visits),
        "kpi/session_behavior": reference.session_behavior(visits, shop),
        "kpi/click_engagement": reference.click_engagement(visits, shop),
        "kpi/purchase_funnel": funnel,
        "kpi/active_users": reference.active_users(visits, complete),
        "kpi/cart_abandonment": carts,
        "kpi/page_speed": reference_more.page_speed(shop, 2000),
        "kpi/api_health": reference_more.api_health(shop, 500, 0.98),
        "kpi/error_budget": reference.error_budget(shop, DAYS, 0.98),
        "kpi/support_performance": reference_more.support_performance(shop, sorted(days_of(shop.support_tickets))),
        "kpi/feedback_sentiment": reference_more.feedback_sentiment(shop, moods, sorted(days_of(shop.user_feedback))),
        "kpi/friction_exposure": exposure,
    }
    for asset, rows in expected.items():
        assert_same(published, asset, rows)
    friction = reference_friction.cost_of_friction(exposure, revenue, carts, complete)
    assert_same(published, "kpi/cost_of_friction", friction, without=("counterfactual",))


def test_every_dataset_of_the_shop_has_its_profile(published: Published, shop: SmallShop) -> None:
    for name, rows in shop.tables():
        profile = {row["column_name"]: row for row in published.rows(f"select * from profile.{name}")}
        contract = dataset_contracts()[name]
        assert profile.keys() == contract.by_name.keys()
        days = set(DAYS[-contract.profile_days :]) if contract.profile_days else set(DAYS)
        looked_at = [row for row in rows if row["business_date"] in days]
        key = profile[contract.key[-1]]
        assert (key["row_count"], key["distinct_count"], key["duplicate_count"]) == (len(looked_at), len(looked_at), 0)


def test_assets_whose_datasets_the_shop_lacks_are_left_out(run: tuple[RunReport, ShopContext]) -> None:
    import dagster as dg

    from ecom_assets.orchestration.binding import kept_keys
    from ecom_assets.orchestration.metadata import key_of

    def spec(name: str, **needs: list[str]) -> dg.AssetSpec:
        return dg.AssetSpec(key_of(name), metadata=needs)

    specs = [
        spec("clean/clickstream"),
        spec("kpi/sessions", requires_any=["clean/session_tracking", "clean/clickstream"]),
    ]
    assert key_of("kpi/sessions") in kept_keys(specs)
    assert key_of("kpi/sessions") not in kept_keys(specs[1:])
