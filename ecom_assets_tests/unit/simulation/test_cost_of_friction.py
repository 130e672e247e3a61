"""What errors and slowness cost by `kpi.cost_of_friction`, against the orders that the twin without the incident has.

Only the errors of an incident take orders away in the simulated shop: those of every day hit buyers and others alike.
Slowness of every day is a little rarer among buyers, which the twin has too.
"""

from datetime import timedelta

import pyarrow as pa
import pytest

from ecom_assets.simulation import events
from ecom_assets_tests.unit.behaviour.tables import Tables
from ecom_assets_tests.unit.simulation.shops import FIRST, days, shop, with_incident

EVENTS = ("session_tracking", "clickstream", "orders", "page_load_times", "api_logs")
BEFORE = 14  # days of comparison before the incident


def friction(simulator, last):
    """Rows of kpi.cost_of_friction by day and cause; an order is worth 1."""
    tables = Tables()
    tables.connection.execute("set TimeZone = 'UTC'")
    for day in days(0, last):
        for name, table in simulator.day(day, EVENTS).items():
            dated = table.append_column("business_date", pa.array([day] * table.num_rows, pa.date32()))
            tables.connection.register("_day", dated)
            tables.connection.execute(f"insert into clean.{name} by name select * from _day")
    for name in EVENTS:
        tables.accept(f"clean/{name}", days(0, last))
    tables.add(
        "kpi/daily_revenue", [{"business_date": d, "ordered_amount": 1, "valued_orders": 1} for d in days(0, last)]
    )
    tables.build("kpi/sessions", "kpi/friction_exposure")
    return {(row["business_date"], row["cause"]): row for row in tables.rows("kpi/cost_of_friction")}


def sold(simulator, first, last):
    """Orders with a session that were paid, of some days."""
    count = 0
    for day in days(first, last):
        orders = simulator.day(day, ["orders"])["orders"].to_pylist()
        count += sum(order["session_id"] is not None and order["status"] == "paid" for order in orders)
    return count


def lost_to(found, cause, first, last):
    """Purchases lost to a cause on some days."""
    return sum(float(found[day, cause]["lost_purchases"]) for day in days(first, last))


@pytest.mark.parametrize(("kind", "is_slow"), [("payment_outage", False), ("checkout_slowdown", True)])
def test_the_cost_of_friction_is_that_of_the_orders_which_the_twin_has(kind, is_slow):
    simulator = shop(orders_per_day=300, settings=with_incident(kind, 0.6, day=BEFORE, hours=48))
    twin = simulator.twin(simulator.incidents[0].incident_id)
    lost = sold(twin, BEFORE, BEFORE + 1) - sold(simulator, BEFORE, BEFORE + 1)
    found = friction(simulator, BEFORE + 1)
    assert lost > 150
    assert lost_to(found, "errors", BEFORE, BEFORE + 1) == pytest.approx(lost, rel=0.2)
    every_day = lost_to(found, "slowness", 0, BEFORE - 1) / BEFORE
    of_incident = lost_to(found, "slowness", BEFORE, BEFORE + 1) - 2 * every_day
    # Of the pages that a slowdown of this size reaches, a tenth still take less than T and count as fast.
    assert of_incident == pytest.approx(lost if is_slow else 0, abs=0.2 * lost)


def test_errors_of_every_day_which_take_no_order_away_cost_about_nothing():
    found = friction(shop(orders_per_day=300), BEFORE)
    rows = [found[FIRST + timedelta(days=number), "errors"] for number in range(BEFORE + 1)]
    affected = sum(row["affected"] for row in rows)
    bought = sum(float(row["actual_purchases"]) for row in rows)
    lost = sum(float(row["lost_purchases"]) for row in rows)
    assert affected > 50
    assert abs(lost) < 3 * max(bought * (1 - bought / affected), 1) ** 0.5, "three standard deviations of who buys"


def test_slowness_that_takes_no_order_away_costs_about_nothing(monkeypatch):
    monkeypatch.setattr(events, "_BUYERS_SHIFT", 0.0)  # buyers wait as long as others
    simulator = shop(orders_per_day=300)
    found = friction(simulator, BEFORE)
    assert sum(found[day, "slowness"]["affected"] for day in days(0, BEFORE)) > 1000
    assert abs(lost_to(found, "slowness", 0, BEFORE)) < 0.01 * sold(simulator, 0, BEFORE)
