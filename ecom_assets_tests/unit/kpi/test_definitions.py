"""The definitions, each worked by hand on a shop of a few rows."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ecom_assets_tests.unit.kpi.shops import TestShop, row_where, table_of

MONDAY = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 12)


def money(text: str) -> Decimal:
    return Decimal(text)


def line(price: str, quantity: int = 1, **stated: Any) -> dict[str, Any]:
    return {"unit_price_amount": money(price), "quantity": quantity, **stated}


def week_shop(**settings: Any) -> TestShop:
    return TestShop(days=tuple(MONDAY + timedelta(days=n) for n in range(7)), **settings)


def daily(shop: TestShop, day: date = MONDAY) -> dict[str, Any]:
    return row_where(table_of(shop, "daily_revenue"), business_date=day)


def test_gross_discounts_net_and_total() -> None:
    shop = week_shop()
    shop.order(
        line("10.00", 3, discount_amount=money("2.00")),  # 30 gross, 2 off the line
        line("0.335", 2),  # 0.67: a price below a cent is kept
        line("4.90", line_type="shipping", discount_amount=money("0.90")),  # 4.00 of other lines
        line("-1.50", line_type="discount"),  # keeps its sign, no product, so no discount of net
        line("25.00", line_type="gift_card"),
        ordered_at=NOON,
        discount_amount=money("5.00"),
        shipping_amount=money("3.00"),
        tax_amount=money("6.00"),
    )
    shop.add(
        "refunds", refunded_at=NOON, goods_amount=money("7.00"), shipping_amount=money("1.00"), tax_amount=money("1.50")
    )
    shop.add("refunds", refunded_at=NOON, kind="adjustment", goods_amount=money("2.00"))
    row = daily(shop)
    assert row["gross_amount"] == money("30.67")
    assert row["discount_amount"] == money("7.00")
    assert row["ordered_amount"] == money("23.67")
    assert row["refund_amount"] == money("7.00")
    assert row["net_amount"] == money("16.67")
    assert row["other_amount"] == money("30.50")  # 4.00 − 1.50 + 25.00 + 3.00
    assert row["other_refund_amount"] == money("3.00")
    assert row["total_sales_amount"] == money("44.17")
    assert row["tax_amount"] == money("4.50")
    assert row["items"] == 5
    assert row["refunds"] == 2


@pytest.mark.parametrize(("status", "orders"), [("paid", 1), ("other", 1), ("pending", 0), ("failed", 0), ("void", 0)])
def test_orders_that_are_neither_pending_failed_nor_void_are_sales(status: str, orders: int) -> None:
    shop = week_shop()
    shop.order(line("10"), ordered_at=NOON, status=status, shipping_amount=money("5"))
    row = daily(shop)
    assert (row["orders"], row["gross_amount"], row["other_amount"]) == (orders, orders * 10, orders * 5)


def test_a_refund_counts_on_its_own_day_and_gross_never_shrinks() -> None:
    shop = week_shop()
    order = shop.order(line("40"), ordered_at=NOON)
    shop.add(
        "refunds",
        order_id=order["order_id"],
        kind="cancellation",
        goods_amount=money("40"),
        refunded_at=NOON + timedelta(days=2),
    )
    assert (daily(shop)["gross_amount"], daily(shop)["net_amount"]) == (40, 40)
    later = daily(shop, MONDAY + timedelta(days=2))
    assert (later["gross_amount"], later["net_amount"], later["orders"]) == (0, -40, 0)


def test_an_order_without_items_is_an_order_but_not_in_the_average() -> None:
    shop = week_shop()
    shop.order(ordered_at=NOON)
    shop.order(line("30"), ordered_at=NOON)
    row = daily(shop)
    assert (row["orders"], row["valued_orders"], row["average_order_value"]) == (2, 1, 30)


def test_average_order_value_is_unknown_without_orders_and_before_refunds() -> None:
    shop = week_shop()
    shop.order(line("10"), ordered_at=NOON, discount_amount=money("1"))
    shop.order(line("10"), ordered_at=NOON)
    shop.order(line("10"), ordered_at=NOON)
    shop.add("refunds", refunded_at=NOON, goods_amount=money("9"))
    assert daily(shop)["average_order_value"] == money("9.67")  # 29 ÷ 3
    assert daily(shop, MONDAY + timedelta(days=1))["average_order_value"] is None


def test_only_accepted_days_have_a_row() -> None:
    shop = TestShop(days=(MONDAY, MONDAY + timedelta(days=2)))
    shop.order(line("10"), ordered_at=NOON)
    shop.add("refunds", refunded_at=NOON + timedelta(days=1), goods_amount=money("5"))
    shop.add("website_traffic", traffic_date=MONDAY + timedelta(days=2), sessions=7)
    rows = table_of(shop, "daily_revenue")
    assert [row["business_date"] for row in rows] == [MONDAY, MONDAY + timedelta(days=2)]
    assert (rows[1]["orders"], rows[1]["net_amount"], rows[1]["sessions"], rows[1]["conversion_rate"]) == (0, 0, 7, 0)


def test_the_business_day_is_the_shops_own() -> None:
    shop = week_shop(time_zone="America/New_York")
    shop.order(line("10"), ordered_at=datetime(2025, 3, 5, 4, 59))  # 23:59 on the 4th in New York
    assert daily(shop, date(2025, 3, 4))["orders"] == 1
    hours = table_of(shop, "sales_seasonality")
    assert row_where(hours, cycle="hour", position=23)["orders"] == 1


def test_cost_is_at_sale_else_the_catalogues_and_unknown_where_one_line_has_none() -> None:
    shop = week_shop()
    shop.add("products", product_id="A", unit_cost_amount=money("4"))
    shop.order(line("10", 2, product_id="A", unit_cost_amount=money("3")), line("10", product_id="A"), ordered_at=NOON)
    assert (daily(shop)["cost_amount"], daily(shop)["margin_amount"]) == (10, 20)
    shop.order(line("10", product_id="B"), ordered_at=NOON)
    assert (daily(shop)["cost_amount"], daily(shop)["margin_amount"]) == (None, None)
    products = table_of(shop, "product_performance")
    assert row_where(products, product_id="A")["margin_amount"] == 20
    assert row_where(products, product_id="B")["margin_amount"] is None


def test_conversion_counts_sessions_once_and_every_session_with_an_order() -> None:
    shop = week_shop()
    shop.add("website_traffic", traffic_date=MONDAY, channel="email", device="mobile", sessions=8)
    for session in ("s1", "s1", "s2", None):
        shop.order(line("10"), ordered_at=NOON, session_id=session, channel="email", device="mobile")
    shop.order(line("10"), ordered_at=NOON, placed_by="pos")
    row = daily(shop)
    assert (row["converted_sessions"], row["conversion_rate"]) == (2, money("0.25"))
    assert row["orders_per_session"] == money("0.625")  # 5 orders, those of the till too: it serves decomposition
    assert (row["web_orders"], row["tracked_orders"], row["tracking_coverage_rate"]) == (4, 3, money("0.75"))


def test_a_session_that_buys_on_two_days_converted_on_the_first() -> None:
    shop = week_shop()
    for day in (0, 1):
        shop.add("website_traffic", traffic_date=MONDAY + timedelta(days=day), sessions=4)
        shop.order(line("10"), ordered_at=datetime(2025, 3, 3, 23, 59) + timedelta(minutes=2 * day), session_id="s1")
    rows = table_of(shop, "daily_revenue")
    assert [row["converted_sessions"] for row in rows[:2]] == [1, 0]


def test_what_was_not_measured_is_empty_and_never_zero() -> None:
    shop = week_shop()
    shop.order(line("10"), ordered_at=NOON)
    row = daily(shop)
    empty = ("sessions", "conversion_rate", "orders_per_session", "converted_sessions", "cost_amount", "margin_amount",
             "tracked_orders", "tracking_coverage_rate")  # fmt: skip
    assert [row[name] for name in empty] == [None] * len(empty)
    measured = {row["metric"] for row in table_of(shop, "daily_metrics")}
    assert "orders" in measured
    assert "tracking_coverage_rate" not in measured


@pytest.mark.parametrize("is_traffic_known", [True, False])
def test_tracking_covers_nothing_where_a_shop_knows_sessions_and_its_orders_of_a_day_name_none(
    is_traffic_known: bool,
) -> None:
    shop = week_shop()
    shop.order(line("10"), ordered_at=NOON)
    if is_traffic_known:
        shop.add("website_traffic", traffic_date=MONDAY + timedelta(days=1), sessions=100)
    else:
        shop.order(line("10"), ordered_at=NOON + timedelta(days=1), session_id="s1")
    row = daily(shop)
    assert (row["web_orders"], row["tracked_orders"], row["tracking_coverage_rate"]) == (1, 0, 0)


def test_orders_that_name_no_session_leave_conversion_unknown() -> None:
    shop = week_shop()
    shop.add("website_traffic", traffic_date=MONDAY, sessions=100)
    shop.order(line("10"), ordered_at=NOON)
    assert (daily(shop)["sessions"], daily(shop)["conversion_rate"]) == (100, None)


def test_new_and_returning_customers() -> None:
    shop = week_shop()
    shop.order(line("10"), ordered_at=NOON, customer_id="ann", status="failed")  # no sale, so not her first
    shop.order(line("10"), ordered_at=NOON + timedelta(days=1), customer_id="ann")
    shop.order(
        line("10"), ordered_at=NOON + timedelta(days=1, hours=1), customer_id="ann"
    )  # new once, and not returning
    shop.order(line("10"), ordered_at=NOON + timedelta(days=2), customer_id="ann")
    shop.order(line("10"), ordered_at=NOON + timedelta(days=2))  # a guest is neither
    rows = table_of(shop, "daily_revenue")
    assert [(row["new_customers"], row["returning_customers"]) for row in rows[:3]] == [(0, 0), (1, 0), (0, 1)]


def test_nobody_is_new_or_returning_before_history_is_complete() -> None:
    shop = week_shop(history_complete_from=MONDAY + timedelta(days=1))
    shop.order(line("10"), ordered_at=NOON, customer_id="ann")
    shop.order(line("10"), ordered_at=NOON + timedelta(days=1), customer_id="ann")
    shop.order(line("10"), ordered_at=NOON + timedelta(days=1), customer_id="bob")
    rows = table_of(shop, "daily_revenue")
    assert [(row["new_customers"], row["returning_customers"]) for row in rows[:2]] == [(None, None), (1, 1)]
    assert {row["cohort_start_date"] for row in table_of(shop, "cohort_retention")} == {date(2025, 3, 1)}
    orders = table_of(shop, "order_values")
    assert [row["is_first_order"] for row in sorted(orders, key=lambda row: row["order_id"])] == [None, False, True]


def attributed(shop: TestShop, order: dict[str, Any]) -> str:
    return row_where(table_of(shop, "order_values"), order_id=order["order_id"])["attributed_channel"]


@pytest.mark.parametrize(
    ("before", "gap", "expected"),
    [
        ("email", timedelta(days=30), "email"),
        ("email", timedelta(days=30, seconds=1), "direct"),
        ("unknown", timedelta(days=1), "direct"),
        ("direct", timedelta(days=1), "direct"),
    ],
)
def test_a_direct_order_goes_to_the_last_touch_of_thirty_days(before: str, gap: timedelta, expected: str) -> None:
    shop = TestShop(days=tuple(MONDAY - timedelta(days=n) for n in range(40)))
    shop.order(line("10"), ordered_at=NOON - gap, customer_id="ann", channel=before)
    order = shop.order(line("10"), ordered_at=NOON, customer_id="ann", channel="direct")
    assert attributed(shop, order) == expected


def test_the_last_touch_wins_and_other_peoples_do_not_count() -> None:
    shop = TestShop(days=tuple(MONDAY - timedelta(days=n) for n in range(10)))
    for days, channel, customer in (
        (5, "email", "ann"),
        (4, "affiliate", "ann"),
        (3, "direct", "ann"),
        (2, "display", "bob"),
    ):
        shop.order(line("10"), ordered_at=NOON - timedelta(days=days), customer_id=customer, channel=channel)
    order = shop.order(line("10"), ordered_at=NOON, customer_id="ann", channel="direct")
    guest = shop.order(line("10"), ordered_at=NOON, channel="direct")
    assert (attributed(shop, order), attributed(shop, guest)) == ("affiliate", "direct")


def test_return_on_ad_spend_and_acquisition_cost() -> None:
    shop = week_shop()
    shop.order(line("60"), ordered_at=NOON, customer_id="ann", channel="email", discount_amount=money("10"))
    shop.order(line("30"), ordered_at=NOON + timedelta(hours=1), customer_id="ann", channel="direct")
    shop.order(line("30"), ordered_at=NOON, customer_id="bob", channel="organic_search")
    shop.add("marketing_spend", spend_date=MONDAY, channel="email", campaign_id="a", spend_amount=money("15"))
    shop.add("marketing_spend", spend_date=MONDAY, channel="email", campaign_id="b", spend_amount=money("5"))
    rows = table_of(shop, "channel_performance")
    email = row_where(rows, channel="email")
    assert (email["orders"], email["attributed_orders"], email["attributed_amount"]) == (1, 2, 80)
    assert (email["spend_amount"], email["return_on_ad_spend"], email["acquisition_cost"]) == (20, 4, 20)
    free = row_where(rows, channel="organic_search")
    assert (free["spend_amount"], free["return_on_ad_spend"], free["acquisition_cost"]) == (None, None, None)
    assert row_where(rows, channel="direct")["attributed_orders"] == 0


def test_refunds_without_their_order_stand_in_unknown() -> None:
    shop = week_shop()
    order = shop.order(line("60"), ordered_at=NOON, channel="email", customer_id="ann")
    shop.add("refunds", order_id=order["order_id"], refunded_at=NOON, goods_amount=money("6"))
    shop.add("refunds", refunded_at=NOON, goods_amount=money("4"))
    rows = table_of(shop, "channel_performance")
    assert {row["channel"]: row["refund_amount"] for row in rows} == {"email": 6, "unknown": 4}


def test_products_and_categories_add_up_with_discounts_on_whole_orders() -> None:
    shop = week_shop()
    shop.add("products", product_id="A", product_name="Apple", category="fruit")
    order = shop.order(
        line("10", 2, product_id="A", discount_amount=money("1")),
        line("5"),
        ordered_at=NOON,
        discount_amount=money("3"),
    )
    shop.add("refunds", order_id=order["order_id"], line_number=1, refunded_at=NOON, goods_amount=money("4"))
    products = {row["product_id"]: row for row in table_of(shop, "product_performance")}
    assert {name: row["net_amount"] for name, row in products.items()} == {"A": 15, "unknown": 5, "order_level": -3}
    assert (products["A"]["product_name"], products["A"]["items"], products["A"]["refund_amount"]) == ("Apple", 2, 4)
    categories = {row["category"]: row["net_amount"] for row in table_of(shop, "category_performance")}
    assert categories == {"fruit": 15, "unknown": 5, "order_level": -3}


def test_the_price_index_compares_with_the_median_of_the_month_before() -> None:
    shop = TestShop(days=tuple(date(2025, 2, 1) + timedelta(days=n) for n in range(59)))
    shop.add("products", product_id="A", category="fruit")
    shop.add("products", product_id="B", category="nuts")
    for price in ("10", "10", "99", "11"):  # the lower of the middle two; one mistake moves nothing
        shop.order(line(price, product_id="A"), line("4", product_id="B"), ordered_at=datetime(2025, 2, 20, 12))
    shop.order(line("0.50", 100, product_id="B"), ordered_at=datetime(2025, 2, 28, 12))  # one line, however large
    assert {
        (row["month_start_date"], row["product_id"]): row["usual_price_amount"]
        for row in table_of(shop, "usual_prices")
    } == {
        (date(2025, 3, 1), "A"): 10,
        (date(2025, 3, 1), "B"): 4,
    }
    shop.order(
        line("12", 2, product_id="A", discount_amount=money("8")),  # dearer by a fifth; a discount is no price
        line("4", 1, product_id="B"),
        line("7", 5, product_id="NEW"),  # no usual price yet: in neither sum
        line("12", -1, product_id="A"),  # given back
        line("0", 1, product_id="A"),  # a gift
        line("3", 1),
        line("5", line_type="shipping"),
        ordered_at=NOON,
        channel="email",
        discount_amount=money("1"),
    )
    segment = row_where(table_of(shop, "sales_by_segment"), business_date=MONDAY, channel="email")
    assert (segment["comparable_amount"], segment["usual_amount"]) == (28, 24)
    categories = {
        row["category"]: row for row in table_of(shop, "category_performance") if row["business_date"] == MONDAY
    }
    assert {name: (row["comparable_amount"], row["usual_amount"]) for name, row in categories.items()} == {
        "fruit": (24, 20), "nuts": (4, 4), "unknown": (0, 0), "order_level": (0, 0),
    }  # fmt: skip
    index = {(row["dimension"], row["member"]): row["value"] for row in table_of(shop, "daily_metrics")
             if row["metric"] == "price_index" and row["business_date"] == MONDAY}  # fmt: skip
    assert index["total", "all"] == index["channel", "email"] == pytest.approx(28 / 24)
    assert (index["category", "fruit"], index["category", "nuts"]) == (1.2, 1)
    assert ("category", "unknown") not in index


def test_a_price_that_stays_changed_is_usual_two_months_later() -> None:
    shop = TestShop(days=tuple(date(2025, 1, 1) + timedelta(days=n) for n in range(90)))
    for day in shop.days:
        price = "10" if day < date(2025, 1, 20) else "12"
        shop.order(line(price, product_id="A"), ordered_at=datetime(day.year, day.month, day.day, 9))
    rows = [
        row for row in table_of(shop, "daily_metrics") if (row["metric"], row["dimension"]) == ("price_index", "total")
    ]
    by_month = {row["business_date"].month: row["value"] for row in rows}
    assert by_month == {1: None, 2: 1.2, 3: 1}  # of January nothing is known, and of a month of two prices the median


def test_months_are_complete_when_days_reach_both_ends() -> None:
    days = [date(2025, 1, 20) + timedelta(days=n) for n in range(80)]  # to 9 April
    shop = TestShop(days=tuple(days))
    for day, price in ((date(2025, 1, 25), "5"), (date(2025, 2, 10), "100"), (date(2025, 3, 10), "150")):
        shop.order(line(price), ordered_at=datetime(day.year, day.month, day.day, 9))
    rows = table_of(shop, "monthly_revenue")
    found = [(row["month_start_date"].month, row["days"], row["is_complete"], row["net_growth_rate"]) for row in rows]
    assert found == [(1, 12, False, None), (2, 28, True, None), (3, 31, True, money("0.5")), (4, 9, False, None)]


def test_seasonality_index_is_relative_to_the_mean_day() -> None:
    shop = TestShop(days=tuple(MONDAY + timedelta(days=n) for n in range(8)))  # two Mondays
    for day, orders in ((0, 2), (7, 4), (1, 2)):
        for _ in range(orders):
            shop.order(line("10"), ordered_at=NOON + timedelta(days=day))
    rows = table_of(shop, "sales_seasonality")
    monday, tuesday = (row_where(rows, cycle="weekday", position=n) for n in (1, 2))
    assert (monday["position_name"], monday["days"], monday["orders"], monday["orders_per_day"]) == ("Monday", 2, 6, 3)
    assert (monday["orders_index"], tuesday["orders_index"]) == (3, 2)  # the mean day has one order
    noon = row_where(rows, cycle="hour", position=12)
    assert (noon["orders_index"], noon["net_index"], noon["position_name"]) == (24, 24, "12:00")
    assert row_where(rows, cycle="hour", position=0)["orders_index"] == 0


def test_demographics_count_each_buyer_once_and_guests_apart() -> None:
    shop = week_shop()
    traits = {"country": "DE", "gender": "F", "acquisition_channel": "email"}
    shop.add("customers", customer_id="ann", birth_year=2000, **traits)
    shop.add("customers", customer_id="eve", birth_year=1991, **traits)
    shop.add("customers", customer_id="never bought", birth_year=1991, **traits)
    for customer in ("ann", "ann", "eve", None):
        shop.order(line("10"), ordered_at=NOON, customer_id=customer)
    shop.add("refunds", customer_id="ann", refunded_at=NOON, goods_amount=money("5"))
    rows = table_of(shop, "customer_demographics")
    young = row_where(rows, age_band="25-34")
    assert (young["country"], young["gender"], young["acquisition_channel"]) == ("DE", "f", "email")
    assert (young["customers"], young["orders"], young["net_amount"], young["average_order_value"]) == (2, 3, 25, 10)
    guests = row_where(rows, is_guest=True)
    assert (guests["customers"], guests["orders"], guests["net_amount"]) == (None, 1, 10)
    assert len(rows) == 2


def test_cohorts_by_calendar_month_with_unfinished_cells_empty() -> None:
    shop = TestShop(days=tuple(date(2025, 1, 1) + timedelta(days=n) for n in range(80)))  # to 21 March
    for customer, day in (("ann", (1, 31)), ("ann", (2, 1)), ("eve", (1, 5)), ("bob", (3, 2)), ("ann", (3, 3))):
        shop.order(line("10"), ordered_at=datetime(2025, *day, 12), customer_id=customer)
    rows = table_of(shop, "cohort_retention")
    names = ("customers", "active_customers", "retention_rate", "ordered_amount")
    cells = {(row["cohort_start_date"].month, row["age_months"]): tuple(row[name] for name in names) for row in rows}
    assert cells == {
        (1, 0): (2, 2, 1, 20),
        (1, 1): (2, 1, money("0.5"), 10),
        (1, 2): (2, None, None, None),
        (3, 0): (None, None, None, None),
    }


@pytest.mark.parametrize(("last_day", "finished"), [(date(2025, 1, 30), False), (date(2025, 1, 31), True)])
def test_a_month_is_finished_with_its_last_day(last_day: date, finished: bool) -> None:
    shop = TestShop(days=(date(2025, 1, 1), last_day))
    shop.order(line("10"), ordered_at=datetime(2025, 1, 1, 12), customer_id="ann")
    cell = row_where(table_of(shop, "cohort_retention"))
    assert (cell["is_finished"], cell["retention_rate"]) == (finished, 1 if finished else None)
    assert row_where(table_of(shop, "monthly_revenue"))["is_complete"] is finished
