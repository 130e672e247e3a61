"""What visitors do agrees exactly, row by row, across every table that tells of it."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets_tests.unit.simulation.shops import days, rows_by, shop

DAYS = days(20, 21)


@pytest.fixture(scope="module")
def simulator():
    return shop(orders_per_day=70)


@pytest.fixture(scope="module")
def tables(simulator):
    return {day: simulator.day(day) for day in DAYS}


@pytest.fixture(scope="module")
def events(tables):
    """Events of the first day by session, in order."""
    by_session = defaultdict(list)
    for event in tables[DAYS[0]]["clickstream"].to_pylist():
        by_session[event["session_id"]].append(event)
    return by_session


def column(tables, dataset, name):
    return [value for value in tables[DAYS[0]][dataset][name].to_pylist() if value is not None]


@pytest.mark.parametrize("dataset", sorted(dataset_contracts()))
def test_tables_have_their_contracts_columns_keys_and_words(tables, dataset):
    contract, table = dataset_contracts()[dataset], tables[DAYS[0]][dataset]
    assert table.column_names == [c.name for c in contract.input_columns]
    keys = list(zip(*(table[name].to_pylist() for name in contract.key), strict=True))
    assert len(set(keys)) == len(keys)
    for c in contract.input_columns:
        if c.required:
            assert table[c.name].null_count == 0
        if c.values:
            assert set(table[c.name].to_pylist()) - {None} <= set(c.values)


def test_references_hold_exactly(tables):
    sessions = set(column(tables, "session_tracking", "session_id"))
    for dataset in ("clickstream", "page_load_times", "api_logs", "cart_abandonment", "orders"):
        assert set(column(tables, dataset, "session_id")) <= sessions
    assert set(column(tables, "clickstream", "session_id")) == sessions
    customers = set(column(tables, "customers", "customer_id"))
    for dataset in ("session_tracking", "clickstream", "cart_abandonment", "user_feedback", "support_tickets"):
        assert set(column(tables, dataset, "customer_id")) <= customers
    products = set(column(tables, "products", "product_id"))
    for dataset in ("clickstream", "user_feedback"):
        assert set(column(tables, dataset, "product_id")) <= products
    campaigns = set(column(tables, "campaigns", "campaign_id"))
    assert set(column(tables, "session_tracking", "campaign_id")) <= campaigns


def test_every_order_with_a_session_is_one_purchase_at_its_time_and_the_reverse(tables, events):
    orders = [o for o in tables[DAYS[0]]["orders"].to_pylist() if o["session_id"]]
    bought = {e["order_id"]: e for of in events.values() for e in of if e["event_type"] == "purchase"}
    assert len(orders) > 40
    assert set(bought) == {order["order_id"] for order in orders}
    sessions = rows_by(tables[DAYS[0]]["session_tracking"], "session_id")
    for order in orders:
        event, session = bought[order["order_id"]], sessions[order["session_id"],]
        assert event["session_id"] == order["session_id"]
        assert order["ordered_at"] == event["occurred_at"].replace(microsecond=0)
        assert (session["channel"], session["device"]) == (order["channel"], order["device"])
        assert session["customer_id"] == order["customer_id"]
        assert session["exit_page"] == "/checkout/thanks"


def test_the_cart_of_a_buyer_is_the_order_line_by_line(tables, events):
    lines = defaultdict(Counter)
    for line in tables[DAYS[0]]["order_items"].to_pylist():
        if line["product_id"]:
            lines[line["order_id"]][line["product_id"]] += 1
    for of in events.values():
        order = next((e["order_id"] for e in of if e["event_type"] == "purchase"), None)
        if order:
            kinds = [e["event_type"] for e in of]
            assert Counter(e["product_id"] for e in of if e["event_type"] == "add_to_cart") == lines[order]
            assert "remove_from_cart" not in kinds
            assert kinds.index("add_to_cart") < kinds.index("checkout_start") < kinds.index("payment_attempt")


def test_a_session_is_its_events(tables, events):
    for session in tables[DAYS[0]]["session_tracking"].to_pylist():
        of = events[session["session_id"]]
        times = [e["occurred_at"] for e in of]
        assert session["page_views"] == sum(e["event_type"] == "page_view" for e in of)
        assert (session["started_at"], session["ended_at"]) == (times[0], max(times))
        pages = [e["page_path"] for e in of if e["event_type"] == "page_view"]
        assert (session["entry_page"], session["exit_page"]) == (pages[0], pages[-1])
        assert {e["visitor_id"] for e in of} == {session["visitor_id"]}
        ordered = sorted(times)
        assert all(b - a < timedelta(minutes=30) for a, b in pairwise(ordered))
        assert {t.astimezone(ZoneInfo("Europe/Berlin")).date() for t in times} == {DAYS[0]}


def test_website_traffic_is_the_sum_of_sessions_that_are_no_bots(tables):
    counted, viewed = Counter(), Counter()
    for session in tables[DAYS[0]]["session_tracking"].to_pylist():
        if not session["is_bot"]:
            counted[session["channel"], session["device"]] += 1
            viewed[session["channel"], session["device"]] += session["page_views"]
    for row in tables[DAYS[0]]["website_traffic"].to_pylist():
        cell = row["channel"], row["device"]
        assert (row["sessions"], row["page_views"]) == (counted.pop(cell), viewed[cell])
        assert 0 < row["visitors"] <= row["sessions"]
    assert not counted


def test_a_cart_is_abandoned_where_something_stayed_in_it_and_nothing_was_bought(tables, events):
    expected = {}
    for name, of in events.items():
        kinds = Counter(e["event_type"] for e in of)
        if kinds["add_to_cart"] > kinds["remove_from_cart"] and not kinds["purchase"]:
            steps = (kinds["payment_attempt"] and "payment") or (kinds["checkout_start"] and "shipping") or "cart"
            expected[name] = (steps, min(e["occurred_at"] for e in of if e["event_type"] == "add_to_cart"))
    carts = rows_by(tables[DAYS[0]]["cart_abandonment"], "session_id")
    assert {key[0]: (row["last_step"], row["created_at"]) for key, row in carts.items()} == expected
    assert all(row["items"] > 0 and row["cart_amount"] > 0 for row in carts.values())


def test_recovered_carts_name_an_order_of_the_same_customer_within_a_week(simulator, tables):
    orders = {}
    for day in days(20, 28):
        orders |= rows_by(simulator.day(day, ["orders"])["orders"], "order_id")
    recovered = [c for day in DAYS for c in tables[day]["cart_abandonment"].to_pylist() if c["recovered_order_id"]]
    assert len(recovered) >= 3
    for cart in recovered:
        order = orders[cart["recovered_order_id"],]
        assert order["customer_id"] == cart["customer_id"]
        assert timedelta(0) < order["ordered_at"] - cart["abandoned_at"] < timedelta(days=8)


def test_nobody_without_consent_has_a_visitor_id(tables):
    shown = tables[DAYS[0]]["clickstream"].to_pylist()
    assert all((event["visitor_id"] is not None) == event["is_consented"] for event in shown)
    silent = sum(not event["is_consented"] for event in shown) / len(shown)
    assert 0.03 < silent < 0.35


def test_machines_neither_click_nor_buy_nor_measure(tables, events):
    bots = {s["session_id"] for s in tables[DAYS[0]]["session_tracking"].to_pylist() if s["is_bot"]}
    assert bots
    assert {e["event_type"] for name in bots for e in events[name]} == {"page_view", "product_view"}
    assert not bots & set(column(tables, "page_load_times", "session_id"))


def test_feedback_and_tickets_follow_what_they_are_about(simulator):
    orders, feedback, tickets = {}, [], []
    for day in days(0, 33):
        orders |= rows_by(simulator.day(day, ["orders"])["orders"], "order_id")
    for day in days(30, 33):
        found = simulator.day(day, ["user_feedback", "support_tickets"])
        feedback += found["user_feedback"].to_pylist()
        tickets += found["support_tickets"].to_pylist()
    assert len(feedback) > 15
    assert len(tickets) > 8
    for row in feedback:
        if row["order_id"]:
            order = orders[row["order_id"],]
            assert row["customer_id"] == order["customer_id"]
            assert row["submitted_at"].date() >= order["delivered_at"].date()
    for row in tickets:
        if row["order_id"]:
            assert row["opened_at"].date() >= orders[row["order_id"],]["ordered_at"].date()
        assert row["first_response_at"] > row["opened_at"]
        assert row["resolved_at"] is None or row["resolved_at"] > row["first_response_at"]
        assert (row["status"] in ("solved", "closed")) == (row["resolved_at"] is not None)
