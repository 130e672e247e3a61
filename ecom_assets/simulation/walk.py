"""How a visitor moves through the shop: a Markov walk over pages and actions, conditioned on how the visit ends.

One chain says how people move. Whether a visit ends in an order is decided elsewhere (customers, stock, incidents),
so its walk is drawn from the chain given that end: Doob's h-transform, P(i, j) h(j) / h(i), with h the chance of an
order from each state. Funnel counts therefore equal orders, and the walk is still the chain's.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ecom_assets.simulation.streams import Floats, Ints, mixed

HOME, LIST, SEARCH, PRODUCT, ADD, CART, REMOVE, SHIPPING, PAYMENT, THANKS, WISH, EXIT = range(12)
STATES = 12
BROWSING, BUYING, MACHINE = range(3)
LONGEST = 60  # steps after which any visit ends
GRID = 4096  # resolution of transition chances

_START = {HOME: 0.40, LIST: 0.25, SEARCH: 0.0, PRODUCT: 0.35}
_CHAIN: dict[int, dict[int, float]] = {
    HOME: {LIST: 0.36, SEARCH: 0.14, PRODUCT: 0.08, EXIT: 0.42},
    LIST: {PRODUCT: 0.46, LIST: 0.12, HOME: 0.03, SEARCH: 0.05, EXIT: 0.34},
    SEARCH: {PRODUCT: 0.50, LIST: 0.10, SEARCH: 0.08, EXIT: 0.32},
    PRODUCT: {ADD: 0.10, PRODUCT: 0.20, LIST: 0.20, SEARCH: 0.05, HOME: 0.03, EXIT: 0.42},
    ADD: {CART: 0.58, PRODUCT: 0.20, LIST: 0.12, EXIT: 0.10},
    CART: {SHIPPING: 0.60, PRODUCT: 0.08, LIST: 0.08, REMOVE: 0.06, EXIT: 0.18},
    REMOVE: {LIST: 0.5, EXIT: 0.5},
    SHIPPING: {PAYMENT: 0.72, CART: 0.05, EXIT: 0.23},
    PAYMENT: {THANKS: 0.80, PAYMENT: 0.06, EXIT: 0.14},
    THANKS: {EXIT: 1.0},
}
_MACHINE = {LIST: {PRODUCT: 0.6, LIST: 0.2, EXIT: 0.2}, PRODUCT: {PRODUCT: 0.55, LIST: 0.2, EXIT: 0.25}}


def chain(add_rate: float) -> tuple[Floats, Floats]:
    """Transition chances between states, and those of the first page; products are added at `add_rate`."""
    moves = np.zeros((STATES, STATES))
    for state, targets in _CHAIN.items():
        for target, chance in targets.items():
            moves[state, target] = chance
    others = moves[PRODUCT].sum() - moves[PRODUCT, ADD]
    moves[PRODUCT] *= (1 - add_rate) / others
    moves[PRODUCT, ADD] = add_rate
    moves[WISH, EXIT] = moves[EXIT, EXIT] = 1.0
    start = np.zeros(STATES)
    for state, chance in _START.items():
        start[state] = chance
    return moves, start


def chance_of(moves: Floats, goal: int) -> Floats:
    """The chance of ever reaching a state from each state."""
    inner = [s for s in range(STATES) if s not in (goal, EXIT)]
    system = np.eye(len(inner)) - moves[np.ix_(inner, inner)]
    found = np.zeros(STATES)
    found[inner] = np.linalg.solve(system, moves[inner, goal])
    found[goal] = 1.0
    return found


@lru_cache(maxsize=8)
def add_rate_for(conversion: float, abandonment: float) -> float:
    """The rate at which viewed products are added that leaves the stated share of carts without an order."""
    wanted = conversion / (1 - conversion) * abandonment / (1 - abandonment)
    low, high = 1e-5, 0.6
    for _ in range(50):
        rate = (low + high) / 2
        moves, start = chain(rate)
        carts, orders = float(start @ chance_of(moves, ADD)), float(start @ chance_of(moves, THANKS))
        without_order = (carts - orders) / (1 - orders)
        low, high = (rate, high) if without_order < wanted else (low, rate)
    return (low + high) / 2


@lru_cache(maxsize=8)
def _grid(add_rate: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Next state by kind, state and position in the grid; first state by kind and position."""
    moves, start = chain(add_rate)
    buying = moves.copy()
    buying[:, REMOVE] = 0  # what a buyer takes out again is left out, so that the cart is the order
    h = chance_of(buying, THANKS)
    tables, firsts = [], []
    for weight in (1 - chance_of(moves, THANKS), h):
        base = moves if weight is not h else buying
        with np.errstate(divide="ignore", invalid="ignore"):
            tables.append(np.nan_to_num(base * weight / np.where(weight > 0, weight, 1)[:, None]))
        firsts.append(start * weight)
    machine = np.zeros((STATES, STATES))
    for state, targets in _MACHINE.items():
        for target, chance in targets.items():
            machine[state, target] = chance
    tables.append(machine)
    firsts.append(np.eye(STATES)[LIST] * 0.5 + np.eye(STATES)[PRODUCT] * 0.5)
    tables[BUYING][THANKS] = np.eye(STATES)[EXIT]
    return np.stack([_spread(t) for t in tables]), np.stack([_spread(f[None, :])[0] for f in firsts])


def _spread(rows: Floats) -> NDArray[np.uint8]:
    """Chances as a grid of states; rows that lead nowhere lead out."""
    spread = np.full((len(rows), GRID), EXIT, dtype=np.uint8)
    places = (np.arange(GRID) + 0.5) / GRID
    for index, row in enumerate(rows):
        if row.sum() > 0:
            spread[index] = np.searchsorted(np.cumsum(row) / row.sum(), places, side="right").clip(max=STATES - 1)
    return spread


@dataclass(frozen=True)
class Steps:
    """Steps of many walks one after another: whose they are, in which state, and where each walk begins."""

    session: Ints
    state: NDArray[np.uint8]
    starts: Ints  # one more than there are sessions


def walk(seed: int, number: Ints, kind: Ints, add_rate: float) -> Steps:
    """A walk for each session, drawn by its number alone."""
    table, first = _grid(add_rate)
    flat = table.reshape(-1)
    state = first[kind, _place(seed, 0, number)].astype(np.int64)
    alive = np.arange(len(number))
    rounds: list[tuple[Ints, Ints]] = []
    for step in range(1, LONGEST + 1):
        rounds.append((alive, state))
        following = flat[(kind[alive] * STATES + state) * GRID + _place(seed, step, number[alive])]
        going = following != EXIT
        alive, state = alive[going], following[going].astype(np.int64)
        if not len(alive):
            break
    length = np.zeros(len(number), dtype=np.int64)
    for step, (who, _) in enumerate(rounds):
        length[who] = step + 1
    starts = np.concatenate([[0], np.cumsum(length)])
    states = np.empty(starts[-1], dtype=np.uint8)
    for step, (who, where) in enumerate(rounds):
        states[starts[who] + step] = where
    return Steps(np.repeat(np.arange(len(number)), length), states, starts)


def _place(seed: int, step: int, number: Ints) -> Ints:
    return (mixed(seed, f"walk.{step}", number) >> np.uint64(52)).astype(np.int64)
