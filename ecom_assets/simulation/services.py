"""Calls of the services behind the shop: what each step of a visit asks for, how long it takes, what fails."""

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import columns, walk
from ecom_assets.simulation.events import SLOTS, session_columns, slowdown
from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.sales import AT_CHECKOUT, AT_PAYMENT
from ecom_assets.simulation.sessions import Sessions
from ecom_assets.simulation.streams import hashed
from ecom_assets.simulation.tables import Rows, table
from ecom_assets.simulation.visits import visits_of
from ecom_assets.simulation.walk import ADD, CART, HOME, LIST, PAYMENT, PRODUCT, REMOVE, SEARCH, SHIPPING, THANKS
from ecom_assets.simulation.world import World

# service, endpoint, method, median milliseconds, chance of a server error, status of success
CALLS = (
    ("catalogue", "/api/home", "GET", 60, 0.0008, 200),
    ("catalogue", "/api/products", "GET", 75, 0.0008, 200),
    ("search", "/api/search", "GET", 120, 0.0020, 200),
    ("catalogue", "/api/product", "GET", 55, 0.0008, 200),
    ("inventory", "/api/stock", "GET", 40, 0.0005, 200),
    ("cart", "/api/cart", "POST", 80, 0.0010, 201),
    ("cart", "/api/cart", "GET", 60, 0.0010, 200),
    ("cart", "/api/cart", "DELETE", 70, 0.0010, 204),
    ("checkout", "/api/checkout", "POST", 180, 0.0020, 201),
    ("shipping", "/api/shipping-rates", "GET", 90, 0.0020, 200),
    ("payment", "/api/payment", "POST", 350, 0.0040, 201),
    ("orders", "/api/orders", "POST", 140, 0.0010, 201),
)
_CALLS_OF = np.full((walk.STATES, 2), -1)
for _state, _calls in {HOME: (0,), LIST: (1,), SEARCH: (2,), PRODUCT: (3, 4), ADD: (5,), CART: (6,), REMOVE: (7,),
                       SHIPPING: (8, 9), PAYMENT: (10,), THANKS: (11,)}.items():  # fmt: skip
    _CALLS_OF[_state, : len(_calls)] = _calls
_PAYMENT_CALL, _CHECKOUT_CALL = 10, 8
_BROWSING_CALLS = 5  # the first calls of the list are sampled
_LATENCY_SD = 0.45
_TAIL_SHARE, _TAIL_SHAPE = 0.01, 1.3


def failing(world: World, day: int, sessions: Sessions, kind: str, fate: int) -> np.ndarray:
    """Sessions whose calls an incident let fail: all whose order it took away, and as large a share of the others.

    Who bought met no such error, and who would have left at this step anyhow is hit as often as who would have bought.
    """
    hit = (sessions.cut == fate) & (sessions.later == 0)
    others = (sessions.order < 0) & ~hit
    for incident in touching(world.incidents, day, kind):
        own = hashed(world.seed, f"hit.calls.{incident.ordinal}", sessions.number)
        reached = world.in_scope(incident, sessions.channel, sessions.device)
        hit |= others & reached & (own < incident.effect(day, sessions.wall_s))
    return hit


def api_logs(world: World, day: int, faults: bool) -> Rows:
    """One row a logged call; checkout, cart and payment are logged in full, browsing by a sample."""
    from scipy.special import ndtri

    visits, of = visits_of(world, day), session_columns(world, day, faults)
    sessions = visits.sessions
    calls = _CALLS_OF[visits.state]
    turn = (visits.bits >> np.uint64(40) & np.uint64(0xFF)).astype(np.int64)
    logged = (calls >= _BROWSING_CALLS) | ((calls >= 0) & (turn < world.config.behaviour.api_sample * 256)[:, None])
    step, slot = np.nonzero(logged)
    call, who = calls[step, slot], visits.session[step]
    number = visits.number[step] * SLOTS + slot
    median, chance, success = (np.array([row[i] for row in CALLS], dtype=float) for i in (3, 4, 5))
    u = hashed(world.seed, "call", number)
    # A server error takes the first part of the uniform, a client error the next: both are rare.
    failed = u < chance[call]
    refused = ~failed & (u < chance[call] + 0.006)
    status = np.where(failed, 500, np.where(refused, np.where(call == _PAYMENT_CALL, 402, 404), success[call])).astype(
        np.int64
    )
    wait = median[call] * np.exp(_LATENCY_SD * ndtri(np.clip(hashed(world.seed, "call.wait", number), 1e-9, 1 - 1e-9)))
    tail = hashed(world.seed, "call.tail", number) / _TAIL_SHARE
    wait *= np.where(tail < 1, np.maximum(tail, 1e-3) ** (-1 / _TAIL_SHAPE), 1.0)
    wait *= slowdown(world, day, visits, step)
    out = (call == _PAYMENT_CALL) & failing(world, day, sessions, "payment_outage", AT_PAYMENT)[who]
    timed_out = (call == _CHECKOUT_CALL) & failing(world, day, sessions, "checkout_slowdown", AT_CHECKOUT)[who]
    status = np.where(out, 503, np.where(timed_out, 504, status))
    wait = np.where(out | timed_out, wait * 6, wait)
    at = visits.at_ms[step] + 20 * slot
    names = [columns.words_once(pa.array([row[i] for row in CALLS], pa.string())) for i in range(3)]
    made = {
        "request_id": columns.long_ids("Q", number),
        "occurred_at": columns.timestamps_ms(world.clock.utc_ms(day, at)),
        "service": columns.chosen(names[0], call),
        "endpoint": columns.chosen(names[1], call),
        "method": columns.chosen(names[2], call),
        "status_code": pa.array(status),
        "response_time_ms": pa.array(np.rint(np.clip(wait, 1, 60_000)).astype(np.int64)),
        "session_id": columns.chosen(of.session_id, who, ~of.recorded[who]),
    }
    return Rows(table("api_logs", made, len(step)), number)
