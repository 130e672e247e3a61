"""A day's tables as the sources recorded them: the truth of the day, less what data faults did to it."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecom_assets.simulation import carts, events, services, shopkeeping, tables, voices
from ecom_assets.simulation.incidents import Incident, touching
from ecom_assets.simulation.streams import hashed
from ecom_assets.simulation.tables import Rows
from ecom_assets.simulation.world import World

SALES = ("marketing_spend", "website_traffic", "orders", "order_items", "refunds")
BEHAVIOUR = (
    "session_tracking", "clickstream", "cart_abandonment", "page_load_times", "api_logs", "user_feedback",
    "support_tickets",
)  # fmt: skip
DAILY = SALES + BEHAVIOUR
UPDATED = ("orders", "cart_abandonment", "support_tickets")  # rows that the source sends again, complete
_RESENT_WITH = {"orders": ("orders", "order_items"), "session_tracking": ("session_tracking",)}
_AGAIN = 1 << 61  # set in the entity number of a row that was delivered again under a new id
_MAKERS: dict[str, Callable[[World, int, bool], Rows]] = {
    "order_items": tables.order_items,
    "refunds": tables.refunds,
    "website_traffic": tables.website_traffic,
    "session_tracking": events.session_tracking,
    "clickstream": events.clickstream,
    "page_load_times": events.page_load_times,
    "api_logs": services.api_logs,
    "user_feedback": voices.user_feedback,
}
_MAKERS_OF_UPDATED: dict[str, Callable[[World, int, bool, bool], Rows]] = {
    "orders": tables.orders,
    "cart_abandonment": carts.cart_abandonment,
    "support_tickets": voices.support_tickets,
}


def day_rows(world: World, day: int, dataset: str, faults: bool, complete: bool = True) -> Rows:
    """One dataset's rows of a business day. `complete` ones of `UPDATED` know what became of them."""
    if dataset in _MAKERS_OF_UPDATED:
        rows = _MAKERS_OF_UPDATED[dataset](world, day, faults, complete)
    elif dataset == "marketing_spend":
        rows = shopkeeping.marketing_spend(world, day)
    else:
        rows = _MAKERS[dataset](world, day, faults)
    return _with_faults(world, day, dataset, rows) if faults else rows


def _with_faults(world: World, day: int, dataset: str, rows: Rows) -> Rows:
    for incident in touching(world.incidents, day, "duplicate_delivery"):
        if dataset in _RESENT_WITH.get(incident.member("dataset") or "", ()):
            rows = _delivered_again(world, dataset, rows, incident)
    for incident in touching(world.incidents, day, "truncated_file"):
        if dataset == incident.member("dataset"):
            rows = rows.only(np.arange(round(len(rows.number) * (1 - incident.size))))
    return rows


def _delivered_again(world: World, dataset: str, rows: Rows, incident: Incident) -> Rows:
    """A part of the orders or sessions comes a second time under new ids, as a retried export does."""
    order = rows.number // (tables.LINES if dataset == "order_items" else 1)
    again = rows.only(hashed(world.seed, f"again.{incident.ordinal}", order) < incident.size)
    key = "session_id" if dataset == "session_tracking" else "order_id"
    renamed = pc.binary_join_element_wise(again.table[key], "-2", "")
    table = again.table.set_column(again.table.column_names.index(key), key, renamed)
    settled = None if rows.settled is None or again.settled is None else np.concatenate([rows.settled, again.settled])
    return Rows(pa.concat_tables([rows.table, table]), np.concatenate([rows.number, again.number | _AGAIN]), settled)
