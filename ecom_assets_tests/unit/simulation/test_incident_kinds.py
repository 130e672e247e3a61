"""Each kind of incident on one seed, with and without: what must change, what may, and nothing outside its reach."""

from datetime import timedelta

import pytest

from ecom_assets.simulation import KINDS
from ecom_assets_tests.unit.simulation.shops import days, rows_by, shop, with_incident

DAY = 6
EVENTS = {"session_tracking", "clickstream", "website_traffic", "page_load_times", "api_logs"}
SOLD = {"orders", "order_items", "cart_abandonment"}
KEY = {"orders": "order_id", "session_tracking": "session_id", "website_traffic": "channel", "refunds": "refund_id"}
# kind: scope, datasets that change on the day in the recorded tables, further ones that may.
CASES = {
    "flash_sale": ({"category": "Toys"}, {"orders", "order_items", *EVENTS}, {"cart_abandonment", "marketing_spend"}),
    "payment_outage": ({"device": "mobile"}, {*SOLD, *EVENTS}, set()),
    "checkout_slowdown": ({"device": "desktop"}, {*SOLD, *EVENTS}, set()),
    "ad_channel_paused": ({"channel": "paid_search"}, {*SOLD, *EVENTS, "marketing_spend"}, set()),
    "price_mistake": (
        {"category": "Kitchen"}, {"orders", "order_items", *EVENTS}, {"cart_abandonment", "marketing_spend"},
    ),
    "stock_out": ({"category": "Home"}, {"orders", "order_items", *EVENTS}, {"cart_abandonment"}),
    "bot_wave": ({"channel": "direct"}, EVENTS - {"page_load_times"}, set()),
    "viral_mention": ({"channel": "referral"}, {"orders", "order_items", *EVENTS}, {"cart_abandonment"}),
    "delivery_strike": ({"country": "DE"}, {"orders"}, set()),
    "tracking_loss": ({"device": "mobile"}, {"orders", *EVENTS}, {"cart_abandonment"}),
    "duplicate_delivery": ({"dataset": "orders"}, {"orders", "order_items"}, set()),
    "late_file": ({"dataset": "orders"}, set(), set()),
    "currency_mix_up": ({"country": "AT"}, {"orders", "order_items"}, set()),
    "truncated_file": ({"dataset": "order_items"}, {"order_items"}, set()),
}  # fmt: skip
TAKING_ORDERS = {"payment_outage", "checkout_slowdown", "ad_channel_paused", "stock_out"}
VOICES = {"user_feedback", "support_tickets", "refunds"}  # change on later days, by what the day brought


@pytest.fixture(scope="module")
def twin():
    return shop(orders_per_day=90)


@pytest.fixture(scope="module")
def twin_days(twin):
    return {day: twin.recorded(day) for day in days(DAY - 1, DAY + 1)}


def test_every_kind_has_its_case():
    assert set(CASES) == set(KINDS)


@pytest.mark.parametrize("kind", CASES)
def test_an_incident_is_seen_where_its_cause_says_so_and_nowhere_else(kind, twin, twin_days):
    scope, must, may = CASES[kind]
    simulator = shop(orders_per_day=90, settings=with_incident(kind, 0.8, DAY, **scope))
    assert [(i.kind, dict(i.scope)) for i in simulator.incidents] == [(kind, scope)]
    before, on, after = (simulator.recorded(day) for day in days(DAY - 1, DAY + 1))
    first, then, last = days(DAY - 1, DAY + 1)
    # A cart left on the day before is not bought after all where its order was lost.
    early = {name for name in before if not before[name].equals(twin_days[first][name])}
    assert early <= ({"cart_abandonment"} if kind in TAKING_ORDERS else set())
    assert all(
        before[name].drop(["recovered_order_id"]).equals(twin_days[first][name].drop(["recovered_order_id"]))
        for name in early
    )
    changed = {name for name in on if not on[name].equals(twin_days[then][name])}
    assert must <= changed
    # The question that a customer would have asked on the day of an order goes with the order.
    assert changed - must <= may | ({"support_tickets"} if kind in TAKING_ORDERS else set())
    still = {name for name in after if not after[name].equals(twin_days[last][name])}
    assert still <= VOICES
    if KINDS[kind].is_data_fault:
        clean = simulator.day(then)
        assert {name for name in clean if not clean[name].equals(twin.day(then)[name])} == set()
    for dataset in ("orders", "session_tracking"):
        for row in _changed_rows(on[dataset], twin_days[then][dataset], KEY[dataset]):
            for dimension in scope:
                if dimension in row and kind != "duplicate_delivery":
                    assert row[dimension] == scope[dimension]


def _changed_rows(table, other, key):
    these, those = rows_by(table, key), rows_by(other, key)
    return [row for k, row in {**those, **these}.items() if these.get(k) != those.get(k)]


def recorded_with(kind, twin_days, size=0.8, **scope):
    simulator = shop(orders_per_day=90, settings=with_incident(kind, size, DAY, **scope))
    return simulator.recorded(days(DAY, DAY)[0]), twin_days[days(DAY, DAY)[0]]


def test_a_payment_outage_fails_the_payments_of_the_orders_it_takes(twin_days):
    on, quiet = recorded_with("payment_outage", twin_days, device="mobile")
    lost = set(quiet["orders"]["session_id"].to_pylist()) - set(on["orders"]["session_id"].to_pylist())
    failed = {
        c["session_id"] for c in on["api_logs"].to_pylist() if c["service"] == "payment" and c["status_code"] == 503
    }
    assert lost <= failed
    bought = set(on["orders"]["session_id"].to_pylist())
    others = [row for row in on["session_tracking"].to_pylist() if row["session_id"] in failed - lost]
    assert {row["device"] for row in others} == {"mobile"}, "who would have left is hit as well"
    assert not bought & failed
    assert len(lost) > 10
    carts = {c["session_id"]: c["last_step"] for c in on["cart_abandonment"].to_pylist()}
    assert {carts[session] for session in lost} == {"payment"}


def test_a_slow_checkout_is_slow_on_its_pages_and_services(twin_days):
    on, quiet = recorded_with("checkout_slowdown", twin_days, device="desktop")

    def mean(table, value, keep):
        found = [row[value] for row in table.to_pylist() if keep(row)]
        return sum(found) / len(found)

    def slow_page(row):
        return row["device"] == "desktop" and row["page_path"].startswith("/checkout")

    def other_page(row):
        return row["device"] == "mobile" or row["page_path"].startswith("/product")

    loads = on["page_load_times"], quiet["page_load_times"]
    assert mean(loads[0], "load_time_ms", slow_page) > 3 * mean(loads[1], "load_time_ms", slow_page)
    assert mean(loads[0], "load_time_ms", other_page) == pytest.approx(
        mean(loads[1], "load_time_ms", other_page), rel=0.1
    )


def test_a_price_mistake_lowers_prices_of_its_category_alone(twin_days):
    on, quiet = recorded_with("price_mistake", twin_days, category="Kitchen")
    kind = {p["product_id"]: p["category"] for p in quiet["products"].to_pylist()}
    key = ("order_id", "line_number")
    was, now = rows_by(quiet["order_items"], *key), rows_by(on["order_items"], *key)
    cut = [
        kind[row["product_id"]]
        for k, row in now.items()
        if k in was and row["unit_price_amount"] < was[k]["unit_price_amount"]
    ]
    assert set(cut) == {"Kitchen"}
    assert {kind[row["product_id"]] for k, row in now.items() if k not in was and row["product_id"]} == {"Kitchen"}


def test_a_stock_out_takes_lines_of_its_category_alone(twin_days):
    on, quiet = recorded_with("stock_out", twin_days, category="Home")
    kind = {p["product_id"]: p["category"] for p in quiet["products"].to_pylist()}
    key = ("order_id", "line_number")
    was, now = rows_by(quiet["order_items"], *key), rows_by(on["order_items"], *key)
    gone = [row for k, row in was.items() if k not in now and row["product_id"]]
    assert {kind[row["product_id"]] for row in gone} == {"Home"}
    assert set(now) <= set(was)


def test_half_of_a_bot_wave_is_marked_and_the_rest_counts_as_traffic(twin_days):
    on, quiet = recorded_with("bot_wave", twin_days, channel="direct")
    known = set(quiet["session_tracking"]["session_id"].to_pylist())
    wave = [row for row in on["session_tracking"].to_pylist() if row["session_id"] not in known]
    marked = sum(row["is_bot"] for row in wave)
    assert marked / len(wave) == pytest.approx(0.5, abs=0.06)
    sessions = [sum(t["website_traffic"]["sessions"].to_pylist()) for t in (on, quiet)]
    assert sessions[0] - sessions[1] == len(wave) - marked


def test_lost_tracking_hides_sessions_and_leaves_orders(twin_days):
    on, quiet = recorded_with("tracking_loss", twin_days, device="mobile")
    gone = set(quiet["session_tracking"]["session_id"].to_pylist()) - set(
        on["session_tracking"]["session_id"].to_pylist()
    )
    mobile = [s for s in quiet["session_tracking"].to_pylist() if s["device"] == "mobile"]
    assert len(gone) / len(mobile) == pytest.approx(0.8, abs=0.04)
    drop = [row["order_id"] for row in on["orders"].to_pylist()]
    assert drop == [row["order_id"] for row in quiet["orders"].to_pylist()]
    assert on["api_logs"].num_rows == quiet["api_logs"].num_rows


def test_a_strike_delays_parcels_and_brings_tickets_and_low_ratings_later(twin):
    simulator = shop(orders_per_day=90, settings=with_incident("delivery_strike", 0.8, DAY, hours=72))
    late = [
        row["delivered_at"].date() - row["promised_date"] > timedelta(0)
        for row in simulator.day(days(DAY, DAY)[0], ["orders"])["orders"].to_pylist()
        if row["delivered_at"]
    ]
    assert sum(late) / len(late) > 0.5

    def voices(of):
        tickets = low = 0
        for day in days(DAY + 3, DAY + 20):
            found = of.day(day, ["support_tickets", "user_feedback"])
            tickets += found["support_tickets"]["issue"].to_pylist().count("delivery")
            low += sum(stars <= 2 for stars in found["user_feedback"]["rating"].to_pylist())
        return tickets, low

    with_it, without = voices(simulator), voices(twin)
    assert with_it[0] > without[0] + 20
    assert with_it[1] > without[1] + 10


def test_an_outage_brings_payment_tickets_and_angry_words_in_the_next_days(twin):
    simulator = shop(orders_per_day=90, settings=with_incident("payment_outage", 0.9, DAY, hours=48))
    after = [simulator.day(day, VOICES) for day in days(DAY, DAY + 5)]
    quiet = [twin.day(day, VOICES) for day in days(DAY, DAY + 5)]

    def count(tables):
        return sum(t["support_tickets"]["issue"].to_pylist().count("payment") for t in tables)

    assert count(after) >= 10
    assert count(quiet) == 0
    words = [
        f["feedback_text"]
        for t in after
        for f in t["user_feedback"].to_pylist()
        if f["feedback_text"] and not f["order_id"]
    ]
    assert any("payment" in text.lower() or "pay" in text.lower() for text in words)


def test_a_currency_mix_up_multiplies_amounts_and_no_counts(twin_days):
    on, quiet = recorded_with("currency_mix_up", twin_days, country="AT")
    was, now = rows_by(quiet["orders"], "order_id"), rows_by(on["orders"], "order_id")
    assert set(was) == set(now)
    factors = {
        round(now[k]["paid_amount"] / was[k]["paid_amount"], 1)
        for k in was
        if was[k]["paid_amount"] and now[k] != was[k]
    }
    assert len(factors) == 1
    assert factors != {1}


def test_doubled_and_truncated_files_have_the_stated_size(twin_days):
    on, quiet = recorded_with("duplicate_delivery", twin_days, 0.5, dataset="orders")
    assert on["orders"].num_rows / quiet["orders"].num_rows == pytest.approx(1.5, abs=0.15)
    assert {row.removesuffix("-2") for row in on["orders"]["order_id"].to_pylist()} == set(
        quiet["orders"]["order_id"].to_pylist()
    )
    on, quiet = recorded_with("truncated_file", twin_days, 0.5, dataset="order_items")
    assert on["order_items"].equals(quiet["order_items"].slice(0, round(quiet["order_items"].num_rows * 0.5)))
