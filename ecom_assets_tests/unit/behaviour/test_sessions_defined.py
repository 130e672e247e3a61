"""Sessions and the funnel, each definition at its edge, worked by hand."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ecom_assets_tests.unit.behaviour import reference
from ecom_assets_tests.unit.behaviour.small_shop import DAYS, Row, small_shop
from ecom_assets_tests.unit.behaviour.tables import SESSION_INPUTS, WITHOUT_SESSION_TABLE, Tables

DAY = date(2025, 3, 5)
NOON = datetime(2025, 3, 5, 12)


def event(seconds: float, event_type: str, **row: Any) -> Row:
    moment = NOON + timedelta(seconds=seconds)
    stated = {
        "business_date": DAY,
        "event_id": f"e{seconds}{event_type}{row}",
        "occurred_at": moment,
        "device": "mobile",
    }
    return {**stated, "event_type": event_type, "page_path": "/", **row}


def session(session_id: str, **row: Any) -> Row:
    return {"business_date": DAY, "session_id": session_id, "started_at": NOON, **row}


@pytest.fixture
def tables() -> Tables:
    tables = Tables()
    for asset in SESSION_INPUTS:
        tables.accept(asset, [DAY, DAY + timedelta(days=1)])
    return tables


class TestBounce:
    def bounces(self, tables: Tables, *events: Row, **tracked: Any) -> bool:
        tables.add("clean/session_tracking", [session("s", page_views=1, **tracked)])
        if events:
            tables.add("clean/clickstream", [{**one, "session_id": "s"} for one in events])
        [row] = tables.rows("kpi/sessions")
        return bool(row["is_bounce"])

    def test_one_page_view_and_nothing_else(self, tables: Tables) -> None:
        assert self.bounces(tables, event(0, "page_view"))

    def test_the_product_view_of_the_page_is_no_other_event(self, tables: Tables) -> None:
        assert self.bounces(tables, event(0, "page_view"), event(0, "product_view", product_id="p"))

    def test_a_click_ends_it(self, tables: Tables) -> None:
        assert not self.bounces(tables, event(0, "page_view"), event(1, "click"))

    def test_a_second_page_ends_it(self, tables: Tables) -> None:
        assert not self.bounces(tables, event(0, "page_view"), event(1, "page_view"))

    def test_an_order_without_consent_ends_it(self, tables: Tables) -> None:
        tables.add(
            "clean/orders",
            [{"business_date": DAY, "order_id": "o", "session_id": "s", "ordered_at": NOON, "status": "paid"}],
        )
        assert not self.bounces(tables)


class TestSilence:
    def sessions(self, tables: Tables, *events: Row, datasets: list[str] = WITHOUT_SESSION_TABLE) -> list[Row]:
        tables.add("clean/clickstream", events)
        found = tables.rows("kpi/sessions", datasets=datasets)
        return sorted(found, key=lambda row: row["started_at"])

    def test_thirty_minutes_are_not_yet_silence(self, tables: Tables) -> None:
        events = [event(0, "page_view", visitor_id="v"), event(1800, "page_view", visitor_id="v")]
        [row] = self.sessions(tables, *events)
        assert (row["duration_s"], row["page_views"]) == (1800, 2)

    def test_a_moment_more_is(self, tables: Tables) -> None:
        events = [event(0, "page_view", visitor_id="v"), event(1800.001, "page_view", visitor_id="v")]
        assert [row["duration_s"] for row in self.sessions(tables, *events)] == [0, 0]

    def test_events_of_the_same_moment_stay_together_whatever_their_order(self, tables: Tables) -> None:
        events = [event(9000, kind, visitor_id="v") for kind in ("page_view", "click", "add_to_cart")]
        first, second = self.sessions(tables, event(0, "page_view", visitor_id="v"), *events)
        assert (first["page_views"], second["clicks"], second["has_cart"]) == (1, 1, True)

    def test_midnight_cuts(self, tables: Tables) -> None:
        late, early = event(0, "page_view", visitor_id="v"), event(5, "page_view", visitor_id="v")
        early["business_date"] = DAY + timedelta(days=1)
        assert [row["business_date"] for row in self.sessions(tables, late, early)] == [DAY, DAY + timedelta(days=1)]

    def test_people_are_kept_apart_and_customers_stand_in_for_visitors(self, tables: Tables) -> None:
        found = self.sessions(
            tables, event(0, "page_view", visitor_id="v"), event(1, "page_view", customer_id="c"), event(2, "page_view")
        )
        assert [(row["visitor_id"], row["customer_id"]) for row in found] == [("v", None), (None, "c")]

    def test_ids_of_the_clickstream_come_first(self, tables: Tables) -> None:
        found = self.sessions(
            tables,
            event(0, "page_view", session_id="s", visitor_id="v"),
            event(4000, "page_view", session_id="s", visitor_id="v"),
        )
        assert [row["session_id"] for row in found] == ["s"]

    def test_a_shop_with_a_session_table_derives_none(self, tables: Tables) -> None:
        assert (
            self.sessions(
                tables, event(0, "page_view", visitor_id="v"), datasets=["session_tracking", *WITHOUT_SESSION_TABLE]
            )
            == []
        )

    def test_pages_of_one_moment_are_ordered_by_name(self, tables: Tables) -> None:
        events = [event(0, "page_view", visitor_id="v", page_path=path) for path in ("/b", "/a")]
        [row] = self.sessions(tables, *events)
        assert (row["entry_page"], row["exit_page"]) == ("/a", "/b")

    def test_a_whole_shop_agrees_with_plain_python(self, tables: Tables) -> None:
        shop = small_shop(5)
        for one in shop.clickstream:
            one["session_id"] = None
            one["visitor_id"] = one["visitor_id"] if int(one["event_id"][1:]) % 9 else None
        shop.session_tracking.clear()
        for asset in SESSION_INPUTS:
            tables.accept(asset, set(DAYS) - {DAY, DAY + timedelta(days=1)})
        tables.add("clean/clickstream", shop.clickstream)
        tables.add("clean/orders", shop.orders)
        tables.build("kpi/sessions", datasets=WITHOUT_SESSION_TABLE)
        names = ["business_date", "session_id", "started_at", "ended_at", "page_views", "clicks", "has_cart",
                 "entry_page", "exit_page", "has_purchase", "is_bounce", "is_start", "visitor_id",
                 "customer_id"]  # fmt: skip
        found = tables.connection.execute(f"select {', '.join(names)} from kpi.sessions").fetchall()
        expected = reference.sessions(shop, has_session_table=False)
        assert sorted(found, key=str) == sorted((tuple(row[name] for name in names) for row in expected), key=str)
        assert any(row["session_id"].startswith("c") for row in expected), "a customer without a visitor"

    def test_a_click_belongs_to_the_session_begun_last(self, tables: Tables) -> None:
        events = [event(0, "page_view", visitor_id="v"), event(5000, "page_view", visitor_id="v")]
        events += [event(at, "click", visitor_id="v", element="buy") for at in (10, 20, 5010)]
        tables.add("clean/clickstream", events)
        tables.build("kpi/sessions", datasets=WITHOUT_SESSION_TABLE)
        rows = tables.rows("kpi/click_engagement", datasets=WITHOUT_SESSION_TABLE)
        [total] = [row for row in rows if row["dimension"] == "all"]
        assert (total["clicks"], total["clicking_sessions"], total["sessions"]) == (3, 2, 2)


class TestFunnel:
    def funnel(self, tables: Tables) -> Row:
        tables.build("kpi/sessions")
        [row] = tables.rows("kpi/purchase_funnel")
        return row

    def test_a_later_step_passes_all_earlier_ones(self, tables: Tables) -> None:
        tables.add("clean/session_tracking", [session("s", device="mobile")])
        tables.add("clean/clickstream", [event(0, "payment_attempt", session_id="s")])
        row = self.funnel(tables)
        steps = ("view", "cart", "checkout", "payment", "purchase")
        assert [row[f"{step}_sessions"] for step in steps] == [1, 1, 1, 1, 0]

    @pytest.mark.parametrize(
        ("status", "purchases"), [("paid", 1), ("other", 1), ("failed", 0), ("pending", 0), ("void", 0)]
    )
    def test_an_order_that_is_no_sale_is_no_purchase(self, tables: Tables, status: str, purchases: int) -> None:
        tables.add("clean/session_tracking", [session("s")])
        tables.add("clean/clickstream", [event(0, "purchase", session_id="s", order_id="o")])
        order = {"business_date": DAY, "order_id": "o", "session_id": "s", "ordered_at": NOON, "status": status}
        tables.add("clean/orders", [order])
        assert self.funnel(tables)["purchase_sessions"] == purchases

    def test_two_orders_of_a_session_are_one_purchase(self, tables: Tables) -> None:
        tables.add("clean/session_tracking", [session("s")])
        tables.add("clean/clickstream", [event(at, "purchase", session_id="s", order_id=f"o{at}") for at in (1, 2)])
        assert self.funnel(tables)["purchase_sessions"] == 1

    def test_bots_are_left_out(self, tables: Tables) -> None:
        tables.add("clean/session_tracking", [session("s"), session("bot", is_bot=True)])
        tables.add("clean/clickstream", [event(0, "click", session_id=one, element="x") for one in ("s", "bot")])
        row = self.funnel(tables)
        clicks = [row["clicks"] for row in tables.rows("kpi/click_engagement") if row["dimension"] == "all"]
        assert (row["sessions"], clicks) == (1, [1])


class TestDaysWithoutAll:
    def days(self, tables: Tables, datasets: list[str]) -> list[date]:
        tables.add("clean/session_tracking", [session("a"), session("b", business_date=DAY + timedelta(days=2))])
        tables.accept("clean/session_tracking", [DAY + timedelta(days=2)])
        return sorted(row["business_date"] for row in tables.rows("kpi/sessions", datasets=datasets))

    def test_a_day_is_left_out_until_all_that_the_shop_has_was_accepted(self, tables: Tables) -> None:
        assert self.days(tables, ["session_tracking", "clickstream", "orders"]) == [DAY]

    def test_what_the_shop_does_not_have_is_not_waited_for(self, tables: Tables) -> None:
        assert self.days(tables, ["session_tracking"]) == [DAY, DAY + timedelta(days=2)]
