"""Carts that were filled and left, with the order that some of them became within a week."""

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import columns
from ecom_assets.simulation.events import session_columns
from ecom_assets.simulation.sales import KEPT, sales_of
from ecom_assets.simulation.sessions import RECOVERY_DAYS
from ecom_assets.simulation.tables import Rows, table
from ecom_assets.simulation.visits import visits_of
from ecom_assets.simulation.walk import ADD, CART, PAYMENT, REMOVE, SHIPPING, STATES
from ecom_assets.simulation.world import World

LAST_STEPS = ("cart", "shipping", "payment")
_TOUCHES = np.zeros(STATES, dtype=bool)
_TOUCHES[[ADD, CART, REMOVE, SHIPPING, PAYMENT]] = True


def cart_abandonment(world: World, day: int, faults: bool, complete: bool = True) -> Rows:
    """One row a cart left on a day; `complete` ones know the order that they became."""
    visits, of = visits_of(world, day), session_columns(world, day, faults)
    sessions, state, session = visits.sessions, visits.state, visits.session
    sign = np.where(state == ADD, 1, np.where(state == REMOVE, -1, 0))
    units = np.bincount(session, weights=sign * visits.units, minlength=len(sessions)).astype(np.int64)
    price = world.products.price(day, np.maximum(visits.product, 0)) * visits.units
    worth = np.bincount(session, weights=sign * price, minlength=len(sessions)).astype(np.int64)
    left = np.flatnonzero((units > 0) & (sessions.order < 0))
    created = np.full(len(sessions), np.iinfo(np.int64).max)
    first = np.flatnonzero(state == ADD)
    np.minimum.at(created, session[first], visits.at_ms[first])
    touched = np.zeros(len(sessions), dtype=np.int64)
    last = np.flatnonzero(_TOUCHES[state])
    np.maximum.at(touched, session[last], visits.at_ms[last])
    reached = np.zeros(len(sessions), dtype=np.int64)
    for depth, deeper in ((1, SHIPPING), (2, PAYMENT)):
        reached[session[state == deeper]] = depth
    order, settled = _recovered(world, day, left)
    hidden = of.customer_hidden[left]
    made = {
        "cart_id": columns.ids("B", sessions.number[left]),
        "session_id": columns.chosen(of.session_id, left, ~of.recorded[left]),
        "customer_id": columns.chosen(of.customer_id, left, hidden),
        "created_at": columns.timestamps_ms(world.clock.utc_ms(day, created[left])),
        "abandoned_at": columns.timestamps_ms(world.clock.utc_ms(day, touched[left])),
        "last_step": columns.chosen(pa.array(LAST_STEPS), reached[left]),
        "cart_amount": columns.money(worth[left]),
        "items": pa.array(units[left]),
        "device": columns.chosen(pa.array(world.devices), sessions.device[left]),
        "channel": columns.chosen(pa.array(world.channels), sessions.channel[left]),
        "recovered_order_id": columns.ids("O", order, (order < 0) | (not complete)),
    }
    return Rows(table("cart_abandonment", made, len(left)), sessions.number[left], settled)


def _recovered(world: World, day: int, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the order that each cart became, -1 for none, and the day on which the shop knows."""
    sessions = visits_of(world, day).sessions
    later, basket = sessions.later[left], sessions.basket[left]
    order = np.full(len(left), -1)
    for days in range(1, RECOVERY_DAYS + 1):
        mine = np.flatnonzero(later == days)
        if len(mine):
            sales = sales_of(world, day + days)
            kept = mine[sales.fate[basket[mine]] == KEPT]
            order[kept] = sales.intents.number[basket[kept]]
    return order, np.where(order >= 0, day + later, day)
