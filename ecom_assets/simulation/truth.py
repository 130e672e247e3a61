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
from ecom_assets.simulation.sales import LONGEST_RETURN_DAYS

if TYPE_CHECKING:
    from ecom_assets.simulation.simulator import Simulator
    from ecom_assets.simulation.world import World

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
    paths = [
        folder / name for name in ("incidents.csv", "twin_differences.csv", "series_effects.csv", "quiet_series.csv")
    ]
    write_if_changed(paths[0], csv_bytes(table))
    if not differences or last_day is None:
        return paths[:1]
    write_if_changed(paths[1], csv_bytes(pa.concat_tables(differences)))
    for path, each in zip(paths[2:], series_effects(simulator, last_day), strict=True):
        write_if_changed(path, csv_bytes(each))
    return paths


EFFECT_DAYS = 3  # days of an incident of which every series is stated: what it is sized and matched by
QUIET_DAYS = 112  # days in a row, as free of incidents as can be, from which the noise of a series is taken


def series_effects(simulator: "Simulator", last_day: date) -> tuple[pa.Table, pa.Table]:
    """Every watched series of an incident's first days with and without it, and a stretch without any incident.

    As they stand at 06:00 of the next day, made by `series` and `behaviour_series` without any file. The shop's sums
    take 4 ms a day, its sessions 40 ms a day at 300 orders a day, so only those of the days that are stated are made.

    Returns:
        incident_id, time, metric, dimension, member ("" for the whole), with_incident, without_incident; and time,
        metric, dimension, member, value of the twin without any incident.
    """
    from ecom_assets.simulation.behaviour_series import day_values
    from ecom_assets.simulation.series import Segments, day_sums, without
    from ecom_assets.simulation.watched import day_metrics, stacked_sums

    days = (last_day - simulator.first_day).days + 1
    world = simulator.world(days)
    segments, incidents = Segments.of(world), [i for i in world.incidents if i.days.start < days]
    still = without(world, *(i.incident_id for i in incidents))
    seen = np.full(len(world.people.cohort), np.iinfo(np.int64).max)
    made, quiet = {}, {}
    for day in range(-LONGEST_RETURN_DAYS, days):
        touched = any(day in i.days for i in incidents)
        made[day] = day_sums(world, day, seen)
        quiet[day] = day_sums(still, day, seen) if touched else made[day]
        if day >= 0:
            customers = world.base(day).customer
            seen[customers[customers >= 0]] = np.minimum(seen[customers[customers >= 0]], day)
    actual, calm = stacked_sums(world, made, days, segments), stacked_sums(world, quiet, days, segments)
    first = _quiet_stretch(incidents, days)
    rows: list[tuple] = []
    for day in range(first, min(first + QUIET_DAYS, days)):
        values = {**day_metrics(calm[day], world, segments), **day_values(still, day, False)}
        rows += [(world.clock.day(day), *key, value) for key, value in values.items()]
    changed: list[tuple] = []
    for incident in incidents:
        twin = without(world, incident.incident_id)
        for day in list(incident.days)[:EFFECT_DAYS]:
            if not 0 <= day < days:
                continue
            sums = actual[day] + day_sums(twin, day, seen_before(world, seen, day)).sums - made[day].sums
            would = {**day_metrics(sums, world, segments), **day_values(twin, day, False)}
            was = {**day_metrics(actual[day], world, segments), **day_values(world, day, False)}
            keys = [key for key in was if key in would and abs(was[key] - would[key]) > 1e-9]
            changed += [(incident.incident_id, world.clock.day(day), *key, was[key], would[key]) for key in keys]
    names = ["time", "metric", "dimension", "member"]
    return (
        _rows(["incident_id", *names, "with_incident", "without_incident"], changed),
        _rows([*names, "value"], rows),
    )


def seen_before(world: "World", seen: np.ndarray, day: int) -> np.ndarray:
    """First orders as far as they were known on a day: who ordered first on it or later is not known yet."""
    return np.where(seen >= day, np.iinfo(np.int64).max, seen)


def _quiet_stretch(incidents: Sequence[Incident], days: int) -> int:
    """The first day of the stretch of `QUIET_DAYS` that the fewest incidents touch."""
    touched = np.zeros(days)
    for incident in incidents:
        touched[max(incident.days.start, 0) : max(incident.days.stop, 0)] += 1
    width = min(QUIET_DAYS, days)
    sums = np.convolve(touched, np.ones(width), "valid")
    return int(np.argmin(sums))


def _rows(names: list[str], rows: list[tuple]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})
