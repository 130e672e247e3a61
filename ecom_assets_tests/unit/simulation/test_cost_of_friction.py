"""What errors cost, as `kpi.cost_of_friction` estimates it, against the orders that the twin without the incident has.

Only the errors of an incident take orders away in the simulated shop: those of every day hit buyers and others alike.
"""

from datetime import timedelta

import pyarrow as pa
import pytest

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


@pytest.mark.parametrize("kind", ["payment_outage", "checkout_slowdown"])
def test_the_cost_of_errors_is_that_of_the_orders_which_the_twin_has(kind):
    simulator = shop(orders_per_day=300, settings=with_incident(kind, 0.6, day=BEFORE, hours=48))
    twin = simulator.twin(simulator.incidents[0].incident_id)
    lost = sold(twin, BEFORE, BEFORE + 1) - sold(simulator, BEFORE, BEFORE + 1)
    found = friction(simulator, BEFORE + 1)
    estimated = sum(float(found[day, "errors"]["lost_purchases"]) for day in days(BEFORE, BEFORE + 1))
    assert lost > 150
    assert estimated == pytest.approx(lost, rel=0.2)


def test_errors_of_every_day_which_take_no_order_away_cost_about_nothing():
    found = friction(shop(orders_per_day=300), BEFORE)
    rows = [found[FIRST + timedelta(days=number), "errors"] for number in range(BEFORE + 1)]
    affected = sum(row["affected"] for row in rows)
    bought = sum(row["actual_purchases"] for row in rows)
    lost = sum(float(row["lost_purchases"]) for row in rows)
    assert affected > 50
    assert abs(lost) < 3 * max(bought * (1 - bought / affected), 1) ** 0.5, "three standard deviations of who buys"
