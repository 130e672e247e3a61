"""The truth of the sales tables: references hold, money adds up, and rates are what the settings say."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets.simulation import load_config
from ecom_assets.simulation.calendar import Clock, black_friday, easter
from ecom_assets.simulation.sales import stock_at_open
from ecom_assets_tests.unit.simulation.shops import CLEAN, FIRST, SALES, days, rows_by, shop

FLAT = {
    **CLEAN,
    "growth": {"monthly_low": 0, "monthly_high": 0, "level_shifts_per_year": 0},
    "season": {"weekday_amplitude": 0.2, "year_peak": 1.0001, "promotions_per_year": 0},
    "noise": {"extra_sd": 0, "channel_sd": 0},
}


@pytest.fixture(scope="module")
def month():
    simulator = shop(orders_per_day=150)
    return simulator, {day: simulator.day(day, SALES) for day in days(0, 34)}


def test_every_table_has_the_columns_that_its_contract_takes(month):
    _, tables = month
    for name, table in tables[FIRST].items():
        assert table.column_names == [column.name for column in dataset_contracts()[name].input_columns]


def test_references_of_the_truth_hold_exactly(month):
    _, tables = month
    last = tables[days(34, 34)[0]]
    customers = set(last["customers"]["customer_id"].to_pylist())
    products = set(last["products"]["product_id"].to_pylist())
    campaigns = set(last["campaigns"]["campaign_id"].to_pylist()) | {"none"}
    orders, lines = {}, {}
    for day in tables.values():
        orders |= rows_by(day["orders"], "order_id")
        lines |= rows_by(day["order_items"], "order_id", "line_number")
    assert {key[0] for key in lines} == {key[0] for key in orders}
    assert {row["product_id"] for row in lines.values() if row["line_type"] == "product"} <= products
    assert {row["customer_id"] for row in orders.values() if row["customer_id"]} <= customers
    linked = unlinked = 0
    for day in tables.values():
        assert set(day["marketing_spend"]["campaign_id"].to_pylist()) <= campaigns
        for refund in day["refunds"].to_pylist():
            if refund["order_id"] is None:
                unlinked += 1
                continue
            linked += 1
            line = lines[refund["order_id"], refund["line_number"]]
            order = orders[refund["order_id"],]
            assert refund["product_id"] == line["product_id"]
            worth = line["quantity"] * line["unit_price_amount"] - line["discount_amount"]
            assert refund["goods_amount"] <= worth + (0 if refund["currency"] == "EUR" else Decimal("0.05"))
            assert refund["refunded_at"] > order["ordered_at"]
            assert order["status"] == "paid"
    assert linked > 100
    assert unlinked > 100  # most are of orders from before the first day


def test_orders_lie_on_their_business_date_in_the_shops_own_zone(month):
    _, tables = month
    for day, found in tables.items():
        local = {at.astimezone(ZoneInfo("Europe/Berlin")).date() for at in found["orders"]["ordered_at"].to_pylist()}
        assert local == {day}


def test_paid_amount_is_goods_less_discounts_plus_shipping_tax_and_fees(month):
    _, tables = month
    for found in tables.values():
        worth = defaultdict(Decimal)
        for line in found["order_items"].to_pylist():
            worth[line["order_id"]] += line["quantity"] * line["unit_price_amount"] - line["discount_amount"]
        for order in found["orders"].to_pylist():
            if order["paid_amount"] is None:
                assert order["status"] != "paid"
                continue
            due = worth[order["order_id"]] - order["discount_amount"] + order["shipping_amount"] + order["tax_amount"]
            # Amounts of foreign orders are rounded one by one.
            assert abs(due - order["paid_amount"]) <= (Decimal(0) if order["currency"] == "EUR" else Decimal("0.12"))


def test_sales_never_exceed_stock_between_two_deliveries():
    simulator = shop(
        orders_per_day=400, settings={**CLEAN, "catalogue": {"stock_cover_low": 0.2, "stock_cover_high": 0.5}}
    )
    world = simulator.world(40)
    sold, turned_away = 0, 0
    for number in range(20, 30):
        stock = stock_at_open(world, number)
        units = Counter()
        for line in simulator.day(days(number, number)[0], ["order_items"])["order_items"].to_pylist():
            if line["product_id"]:
                units[int(line["product_id"][1:])] += line["quantity"]
        assert all(count <= stock[product] for product, count in units.items())
        wanted = world.base(number)
        sold, turned_away = sold + sum(units.values()), turned_away + int(wanted.quantity.sum()) - sum(units.values())
    assert turned_away > 0.05 * sold


def test_level_conversion_devices_and_refunds_are_what_the_settings_say():
    settings = {**FLAT, "traffic": {"conversion_rate": 0.03, "mobile_drift_per_year": 0},
                "refunds": {"refund_rate": 0.12}}  # fmt: skip
    simulator = shop(orders_per_day=400, settings=settings)
    orders, sessions, by_device, refunded, sold = 0, 0, Counter(), 0.0, 0.0
    for day in days(70, 97):
        found = simulator.recorded(day, SALES)
        orders += found["orders"].num_rows
        for row in found["orders"].to_pylist():
            by_device["orders", row["device"]] += 1
        for row in found["website_traffic"].to_pylist():
            sessions += row["sessions"]
            by_device["sessions", row["device"]] += row["sessions"]
        items, refunds = found["order_items"].to_pylist(), found["refunds"].to_pylist()
        sold += sum(float(r["quantity"] * r["unit_price_amount"] * r["fx_rate"]) for r in items if r["product_id"])
        refunded += sum(float(row["goods_amount"] * row["fx_rate"]) for row in refunds)
    assert orders / 28 == pytest.approx(400, rel=0.05)
    assert orders * 0.97 / sessions == pytest.approx(0.03, rel=0.05)
    rates = {d: by_device["orders", d] / by_device["sessions", d] for d in ("mobile", "desktop")}
    assert rates["mobile"] / rates["desktop"] == pytest.approx(0.6, rel=0.06)
    assert refunded / sold == pytest.approx(0.12, rel=0.12)


def test_deliveries_follow_dispatch_and_about_six_in_a_hundred_are_late(month):
    _, tables = month
    late = known = 0
    for found in tables.values():
        for order in found["orders"].to_pylist():
            if order["delivered_at"]:
                assert order["ordered_at"] < order["shipped_at"] < order["delivered_at"]
                known += 1
                late += order["delivered_at"].date() > order["promised_date"]
    assert 0.02 < late / known < 0.12


def test_zipf_exponent_of_units_sold_is_the_one_set():
    simulator = shop(
        orders_per_day=3000,
        settings={
            **FLAT,
            "catalogue": {
                "zipf_exponent": 1.0,
                "stock_cover_low": 9,
                "stock_cover_high": 9,
                "launches_per_month": 0,
                "taste_drift": 0,
            },
        },
    )
    world = simulator.world(30)
    units = sum(np.bincount(world.base(day).product, minlength=240) for day in range(20))
    ranked = np.sort(units)[::-1][:60].astype(float)
    slope = np.polyfit(np.log(np.arange(1, 61)), np.log(ranked), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.12)


def test_moving_holidays_fall_where_the_calendar_says():
    assert [easter(year) for year in (2024, 2025, 2026)] == [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5)]
    assert [black_friday(year) for year in (2024, 2026)] == [date(2024, 11, 29), date(2026, 11, 27)]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Havana"])
def test_the_local_clock_agrees_with_zoneinfo(day, zone):
    clock, wall = Clock(day, zone), np.arange(0, 86_400, 600)
    found = clock.utc(0, wall)
    for second, at in zip(wall.tolist(), found.tolist(), strict=True):
        local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
        assert local.date() == day
        naive = datetime(day.year, day.month, day.day) + timedelta(seconds=second)
        exact = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
        if exact.replace(tzinfo=None) == naive and exact.fold == local.fold == 0:
            assert local.replace(tzinfo=None) == naive


def test_ranges_are_drawn_once_a_shop_and_stay_inside():
    drawn = [load_config(seed=seed).noise.extra_sd for seed in range(200)]
    assert len(set(drawn)) == 200
    assert 0.06 <= min(drawn) < 0.065
    assert 0.145 < max(drawn) <= 0.15
    assert load_config(seed=3) == load_config(seed=3)
