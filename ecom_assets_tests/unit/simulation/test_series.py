"""Sums of a shop's days against the tables that the simulator makes of the same days."""

from datetime import date

import duckdb
import numpy as np
import pytest

from ecom_assets.simulation import Simulator
from ecom_assets.simulation.landing import late_days
from ecom_assets.simulation.series import AT, Segments, day_sums, without

FIRST = date(2026, 3, 2)
SCHEDULED = [
    {"kind": "duplicate_delivery", "starts": 2, "hours": 24, "size": 0.3, "scope": {"dataset": "orders"}},
    {"kind": "truncated_file", "starts": 3, "hours": 24, "size": 0.4, "scope": {"dataset": "order_items"}},
    {"kind": "truncated_file", "starts": 4, "hours": 24, "size": 0.4, "scope": {"dataset": "orders"}},
    {"kind": "tracking_loss", "starts": 5, "hours": 20, "size": 0.5, "scope": {"device": "mobile"}},
    {"kind": "currency_mix_up", "starts": 6, "hours": 24, "size": 0.5, "scope": {"country": "DE"}},
    {"kind": "ad_channel_paused", "starts": 7, "hours": 24, "size": 0.6, "scope": {"channel": "paid_search"}},
    {"kind": "bot_wave", "starts": 8, "hours": 12, "size": 0.6, "scope": {"channel": "direct"}},
    {"kind": "flash_sale", "starts": 9, "hours": 24, "size": 0.5},
]
SETTINGS = {
    "orders_per_day": 80,
    "mess": {"late_row_rate": 0.0},
    "incidents": {"business_per_year": 0, "data_faults_per_year": 0, "scheduled": SCHEDULED},
}


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(SETTINGS, 11, FIRST)


def from_tables(simulator: Simulator, number: int) -> dict[str, float]:
    """The whole shop's sums of a day by SQL over its recorded tables; pending orders count as paid there."""
    day = simulator.world(number).clock.day(number)
    tables = simulator.recorded(day, ["orders", "order_items", "website_traffic", "marketing_spend"])
    found = {}
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        found["sessions"] = connection.sql("select sum(sessions) from website_traffic").fetchall()[0][0]
        found["spend_amount"] = connection.sql("select sum(spend_amount::double) from marketing_spend").fetchall()[0][0]
        found |= dict(
            zip(
                ("gross_amount", "cost_amount"),
                connection.sql(
                    """select sum(i.quantity * i.unit_price_amount::double * i.fx_rate::double),
                        sum(i.quantity * i.unit_cost_amount::double * i.fx_rate::double)
                    from order_items i
                    join (select distinct order_id from orders where status = 'paid') using (order_id)
                    where line_type = 'product'"""
                ).fetchall()[0],
                strict=True,
            )
        )
        found |= dict(
            zip(
                ("orders", "tracked_orders", "web_orders"),
                connection.sql(
                    """select count(*), count(session_id), count(*) filter (where placed_by = 'web')
                    from orders where status = 'paid'"""
                ).fetchall()[0],
                strict=True,
            )
        )
    return found


@pytest.fixture
def settled(monkeypatch):
    """Lets orders count that are still pending on the morning after, as the complete tables do."""
    from ecom_assets.simulation import sales

    made = sales._status
    monkeypatch.setattr(sales, "_status", lambda world, u: (made(world, u)[1], made(world, u)[1]))


@pytest.mark.parametrize("number", range(10))
def test_sums_are_those_of_the_recorded_tables(settled, number):
    simulator = Simulator(SETTINGS, 11, FIRST)
    sums = day_sums(simulator.world(number), number).sums[:, 0]
    for name, value in from_tables(simulator, number).items():
        assert sums[AT[name]] == pytest.approx(float(value), rel=2e-3), name


def test_members_add_up_to_the_whole(simulator):
    world = simulator.world(0)
    segments = Segments.of(world)
    sums = day_sums(world, 0, np.full(len(world.people.cohort), 10**9)).sums
    of = np.array([dimension for dimension, _ in segments.names])
    for dimension, measures in {
        "channel": ("orders", "gross_amount", "sessions", "spend_amount", "new_customers"),
        "device": ("orders", "gross_amount", "sessions"),
        "country": ("orders", "gross_amount", "new_customers"),
        "category": ("gross_amount", "cost_amount"),
    }.items():
        for measure in measures:
            assert sums[AT[measure], of == dimension].sum() == pytest.approx(sums[AT[measure], 0])


def test_a_twin_differs_where_its_incident_strikes_alone(simulator):
    world = simulator.world(0)
    twin = without(world, "I0-05")
    assert np.array_equal(day_sums(world, 0).sums, day_sums(twin, 0).sums)
    change = day_sums(world, 7).sums[:, 0] - day_sums(twin, 7).sums[:, 0]
    assert change[AT["sessions"]] < 0
    assert change[AT["orders"]] < 0
    assert change[AT["spend_amount"]] < 0


def test_late_rows_are_not_there_yet():
    late = Simulator({**SETTINGS, "mess": {"late_row_rate": 0.2}}, 11, FIRST)
    prompt = Simulator(SETTINGS, 11, FIRST)
    world = late.world(0)
    number = world.base(0).number
    missing = float(np.mean(late_days(world, "orders", number) > 0))
    ratio = day_sums(world, 0).sums[AT["orders"], 0] / day_sums(prompt.world(0), 0).sums[AT["orders"], 0]
    assert ratio == pytest.approx(1 - missing, abs=0.05)
    assert missing > 0.1
