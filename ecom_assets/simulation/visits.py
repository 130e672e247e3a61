"""What the sessions of a day do, step by step: pages, products, times. Tables are made of it elsewhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecom_assets.simulation import walk
from ecom_assets.simulation.calendar import DAY_S
from ecom_assets.simulation.sales import AT_CHECKOUT, AT_PAYMENT, AT_PRODUCT, sales_of
from ecom_assets.simulation.sessions import AT_CART, Sessions, sessions_of
from ecom_assets.simulation.streams import Ints, mixed
from ecom_assets.simulation.walk import (
    ADD,
    BROWSING,
    BUYING,
    CART,
    MACHINE,
    PAYMENT,
    PRODUCT,
    REMOVE,
    SHIPPING,
    THANKS,
    WISH,
)
from ecom_assets.simulation.world import EVENT_DAYS, World

STEPS = 1000  # entity numbers of the steps of one session
SHOWS_PAGE = np.ones(walk.STATES, dtype=bool)
SHOWS_PAGE[[ADD, REMOVE, WISH]] = False
LONGEST_PAUSE_MS = 25 * 60_000  # below the half hour of silence that ends a session
_POPULARITY_GRID = 1 << 16


@dataclass(frozen=True)
class Visits:
    """Steps of a day's sessions, session by session. `bits` are random bits of each step for later choices."""

    sessions: Sessions
    session: Ints
    state: NDArray[np.uint8]
    starts: Ints
    product: Ints  # viewed, added or removed; -1 where none
    units: Ints  # of what is added or removed
    at_ms: Ints  # local milliseconds since midnight
    dwell_ms: Ints
    number: Ints  # of the step
    bits: NDArray[np.uint64]

    @property
    def page_views(self) -> Ints:
        """Pages shown in each session."""
        shown = np.concatenate([[0], np.cumsum(SHOWS_PAGE[self.state])])
        return shown[self.starts[1:]] - shown[self.starts[:-1]]


def visits_of(world: World, day: int) -> Visits:
    """The steps of every session of a day."""
    return world.kept("visits", _make_visits, day, EVENT_DAYS)


def _make_visits(world: World, day: int) -> Visits:
    sessions = sessions_of(world, day)
    kind = np.where(sessions.is_machine, MACHINE, np.where(sessions.basket >= 0, BUYING, BROWSING))
    steps = walk.walk(world.seed, sessions.number, kind, world.add_rate)
    baskets = _baskets(world, day, sessions)
    session, state = _fitted(sessions, steps, baskets)
    lengths = np.bincount(session, minlength=len(sessions))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    number = sessions.number[session] * STEPS + (np.arange(len(session)) - starts[session])
    bits = mixed(world.seed, "steps", number)
    product, units = _products(world, day, sessions, baskets, session, state, bits)
    dwell = _dwell(bits, state)
    return Visits(
        sessions, session, state, starts, product, units, _times(sessions, session, starts, dwell), dwell, number, bits
    )


@dataclass(frozen=True)
class _Baskets:
    """Lines that sessions put into their carts: where those of each session begin, and what they are."""

    first: Ints  # by session; equal to the next one's where a session has none
    product: Ints
    quantity: Ints

    @property
    def lines(self) -> Ints:
        return np.diff(self.first)


def _baskets(world: World, day: int, sessions: Sessions) -> _Baskets:
    counts = np.zeros(len(sessions), dtype=np.int64)
    parts: list[tuple[Ints, Ints, Ints]] = []
    for later in np.unique(sessions.later).tolist():
        mine = np.flatnonzero((sessions.basket >= 0) & (sessions.later == later))
        if not len(mine):
            continue
        intents = sales_of(world, day).intents if later == 0 else world.base(day + later)
        good = np.arange(len(intents.product))
        if later == 0:
            # What a lost order would have held is what was on the shelf; of an order without any, what was looked for.
            sales = sales_of(world, day)
            good = np.flatnonzero(sales.available | (sales.fate == AT_PRODUCT)[intents.line_order])
        owner = np.full(len(intents), -1)
        owner[sessions.basket[mine]] = mine
        lines = good[owner[intents.line_order[good]] >= 0]
        who = owner[intents.line_order[lines]]
        counts += np.bincount(who, minlength=len(sessions))
        parts.append((who, intents.product[lines], intents.quantity[lines]))
    first = np.concatenate([[0], np.cumsum(counts)])
    if not parts:
        return _Baskets(first, np.zeros(0, np.int64), np.zeros(0, np.int64))
    who, product, quantity = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(who, kind="stable")
    return _Baskets(first, product[order], quantity[order])


def _fitted(sessions: Sessions, steps: walk.Steps, baskets: _Baskets) -> tuple[Ints, NDArray[np.uint8]]:
    """Walks made to hold their baskets, one addition a line, and cut where their intents ended."""
    session, state = steps.session, steps.state.copy()
    buying = (sessions.basket >= 0)[session]
    added = buying & (state == ADD)
    running = np.cumsum(added)
    rank = running - np.concatenate([[0], running])[steps.starts[:-1]][session]
    wanted = baskets.lines
    state[added & (rank > wanted[session])] = WISH
    # Missing additions follow the first one, each after a look at its product.
    found = np.bincount(session[added], minlength=len(sessions))
    missing = np.maximum(wanted - found, 0)
    again = np.where(added & (rank == 1), 2 * missing[session], 0)
    repeated = np.repeat(np.arange(len(state)), again + 1)
    offset = np.arange(len(repeated)) - (np.cumsum(again + 1) - again - 1)[repeated]
    session, state = session[repeated], state[repeated]
    state[offset % 2 == 1] = PRODUCT
    return _cut(sessions, session, state)


def _cut(sessions: Sessions, session: Ints, state: NDArray[np.uint8]) -> tuple[Ints, NDArray[np.uint8]]:
    cut = sessions.cut[session]
    keep = ~((cut == AT_PAYMENT) & (state == THANKS))
    for fate, last, inclusive in ((AT_PRODUCT, ADD, False), (AT_CART, CART, True), (AT_CHECKOUT, SHIPPING, True)):
        concerned = cut == fate
        if not concerned.any():
            continue
        reached = np.cumsum(concerned & (state == last))
        lengths = np.bincount(session, minlength=len(sessions))
        before = np.concatenate([[0], reached])[np.cumsum(lengths) - lengths][session]
        count = reached - before
        keep &= ~concerned | (count == 0) | (inclusive & (count == 1) & (state == last))
    return session[keep], state[keep]


def _products(
    world: World, day: int, sessions: Sessions, baskets: _Baskets, session: Ints, state: NDArray[np.uint8],
    bits: NDArray[np.uint64],
) -> tuple[Ints, Ints]:  # fmt: skip
    position = (bits & np.uint64(_POPULARITY_GRID - 1)).astype(np.int64)
    viewed = world.kept("popular", _popular, day, 4)[position]
    product = np.where(state == PRODUCT, viewed, -1)
    units = np.where(state == ADD, 1, 0)
    index = np.arange(len(state))
    added = np.flatnonzero(state == ADD)
    with_basket = sessions.basket[session[added]] >= 0
    mine = added[with_basket]
    if len(mine):
        who = session[mine]
        start = np.concatenate([[True], who[1:] != who[:-1]])
        rank = np.arange(len(mine)) - np.maximum.accumulate(np.where(start, np.arange(len(mine)), 0))
        line = np.minimum(baskets.first[who] + rank, len(baskets.product) - 1)
        product[mine] = product[mine - 1] = baskets.product[line]
        units[mine] = baskets.quantity[line]
    others = added[~with_basket]
    product[others] = product[others - 1]
    wished = np.flatnonzero(state == WISH)
    product[wished] = product[wished - 1]
    removed = np.flatnonzero(state == REMOVE)
    if len(removed):
        last = np.maximum.accumulate(np.where(state == ADD, index, 0))[removed]
        product[removed], units[removed] = product[last], units[last]
    return product, units


def _popular(world: World, day: int) -> Ints:
    """Products by popularity, spread over a grid."""
    cumulative = np.cumsum(world.products.popularity(day))
    places = (np.arange(_POPULARITY_GRID) + 0.5) / _POPULARITY_GRID
    return np.searchsorted(cumulative, places, side="right").clip(max=len(cumulative) - 1)


_PACE = np.ones(walk.STATES)
_PACE[[ADD, REMOVE, WISH]] = 0.15
_PACE[[SHIPPING, PAYMENT]] = 1.6
_PACE[THANKS] = 0.05


def _dwell(bits: NDArray[np.uint64], state: NDArray[np.uint8]) -> Ints:
    """Milliseconds until the next step: Lomax with shape 2.5, a mean of 30 s on most pages, a heavy tail."""
    u = (bits >> np.uint64(32)).astype(np.float64) * 2.0**-32
    pause = 45_000 * ((1 - u) ** -0.4 - 1) * _PACE[state] + 1_500
    return np.minimum(pause, LONGEST_PAUSE_MS).astype(np.int64)


def _times(sessions: Sessions, session: Ints, starts: Ints, dwell: Ints) -> Ints:
    """When each step begins; a visit stays within its local day, and an order's last step is at the order's time."""
    running = np.concatenate([[0], np.cumsum(dwell)])
    since = running[:-1] - running[starts[:-1]][session]
    last = np.maximum(starts[1:] - 1, 0)
    length = np.where(starts[1:] > starts[:-1], since[last], 0) if len(since) else np.zeros(len(sessions), np.int64)
    ends = sessions.basket >= 0
    anchor = sessions.wall_s * 1000
    # A visit that would begin before midnight or end behind it is hurried, so that it stays on its day.
    room = np.where(ends, anchor, DAY_S * 1000 - 2000)
    hurry = np.minimum(1.0, room / np.maximum(length, 1))
    length = np.floor(length * hurry).astype(np.int64)
    begin = np.where(ends, anchor - length, np.minimum(anchor, DAY_S * 1000 - 2000 - length))
    spread = np.floor(since * hurry[session]).astype(np.int64)
    return np.maximum(begin, 0)[session] + spread
