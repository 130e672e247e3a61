"""What was true: incidents as they were, and the difference that each made against the shop's twin without it.

Only scoring reads it; detectors and models must not.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecom_assets.simulation.calendar import DAY_S, Clock
from ecom_assets.simulation.incidents import Incident
from ecom_assets.simulation.landing import csv_bytes, write_if_changed
from ecom_assets.simulation.recorded import SALES

if TYPE_CHECKING:
    from ecom_assets.simulation.simulator import Simulator

AFTERMATH_DAYS = 14  # days after an incident's end over which its difference is stated


def incident_table(incidents: Sequence[Incident], clock: Clock) -> pa.Table:
    """One row an incident; `scope` is 'device=mobile;channel=email', empty for the whole shop; times in UTC."""

    def at(day: float) -> datetime:
        whole = int(np.floor(day))
        second = np.array([min(int((day - whole) * DAY_S), DAY_S - 1)])
        return datetime.fromtimestamp(int(clock.utc(whole, second)[0]), tz=UTC)

    return pa.table(
        {
            "incident_id": pa.array([i.incident_id for i in incidents], pa.string()),
            "kind": pa.array([i.kind for i in incidents], pa.string()),
            "is_data_fault": pa.array([i.is_data_fault for i in incidents], pa.bool_()),
            "scope": pa.array([";".join(f"{d}={m}" for d, m in i.scope) for i in incidents], pa.string()),
            "starts_at": pa.array([at(i.start) for i in incidents], pa.timestamp("s", "UTC")),
            "ends_at": pa.array([at(i.end) for i in incidents], pa.timestamp("s", "UTC")),
            "first_date": pa.array([clock.day(i.days.start) for i in incidents], pa.date32()),
            "last_date": pa.array([clock.day(i.days.stop - 1) for i in incidents], pa.date32()),
            "size": pa.array([i.size for i in incidents], pa.float64()),
            "shape": pa.array([i.shape for i in incidents], pa.string()),
            "is_scheduled": pa.array([i.is_scheduled for i in incidents], pa.bool_()),
            "overlaps": pa.array([i.overlaps for i in incidents], pa.bool_()),
        }
    )


def day_sums(tables: dict[str, pa.Table]) -> dict[str, float]:
    """The sums of a day that twins are compared by: orders, gross amount, sessions, refunds, delivery."""
    orders, items = tables["orders"], tables["order_items"]
    product = items.filter(pc.equal(items["line_type"], "product"))
    worth = pc.multiply(_floats(product, "unit_price_amount"), _floats(product, "quantity"))
    worth = pc.multiply(worth, _floats(product, "fx_rate"))
    refunds = tables["refunds"]
    returned = pc.multiply(_floats(refunds, "goods_amount"), _floats(refunds, "fx_rate"))
    days = pc.days_between(orders["ordered_at"], orders["delivered_at"])
    sums = {
        "orders": float(orders.num_rows),
        "orders_with_session": float(orders.num_rows - orders["session_id"].null_count),
        "gross_amount": _total(worth),
        "sessions": _total(tables["website_traffic"]["sessions"]),
        "spend_amount": _total(_floats(tables["marketing_spend"], "spend_amount")),
        "refunded_goods_amount": _total(returned),
        "delivery_days": _total(days),
    }
    return {name: round(value, 2) for name, value in sums.items()}


def _floats(table: pa.Table, column: str) -> pa.ChunkedArray:
    return pc.cast(table[column], pa.float64())


def _total(values: pa.ChunkedArray) -> float:
    return float(pc.sum(values).as_py() or 0)


def twin_difference(simulator: "Simulator", incident_id: str, last_day: date | None = None) -> pa.Table:
    """Business date, measure, with and without the incident; over its days and two weeks more.

    Raises:
        KeyError: where the shop has no such incident.
    """
    found = [i for i in simulator.incidents if i.incident_id == incident_id]
    if not found:
        known = ", ".join(i.incident_id for i in simulator.incidents) or "none"
        raise KeyError(f"no incident {incident_id!r}; there are {known}")
    twin, incident = simulator.twin(incident_id), found[0]
    rows: list[tuple[date, str, float, float]] = []
    for number in range(incident.days.start, incident.days.stop + AFTERMATH_DAYS):
        day = simulator.world(number).clock.day(number)
        if number < 0 or (last_day is not None and day > last_day):
            continue
        was, would = day_sums(simulator.recorded(day, SALES)), day_sums(twin.recorded(day, SALES))
        rows += [(day, name, was[name], would[name]) for name in was if was[name] != would[name]]
    return pa.table(
        {
            "incident_id": pa.array([incident_id] * len(rows), pa.string()),
            "business_date": pa.array([row[0] for row in rows], pa.date32()),
            "measure": pa.array([row[1] for row in rows], pa.string()),
            "with_incident": pa.array([row[2] for row in rows], pa.float64()),
            "without_incident": pa.array([row[3] for row in rows], pa.float64()),
        }
    )


def write_truth(simulator: "Simulator", folder: Path, last_day: date | None = None) -> list[Path]:
    """Write the incidents and their differences; a late file has none, its rows come all the same."""
    folder.mkdir(parents=True, exist_ok=True)
    table = simulator.truth(last_day)
    differences = [simulator.twin_difference(name, last_day) for name in table["incident_id"].to_pylist()]
    paths = [folder / "incidents.csv", folder / "twin_differences.csv"]
    write_if_changed(paths[0], csv_bytes(table))
    if differences:
        write_if_changed(paths[1], csv_bytes(pa.concat_tables(differences)))
    return paths if differences else paths[:1]
