"""Who came to the shop on a day: sessions that ended in an order, sessions that did not, and machines.

A session with a basket belongs to an intent to buy: of the day itself, or of one of the next seven days, which is
how a cart is left and bought after all. What a session does stands in `visits.py`.
"""

from dataclasses import dataclass, fields

import numpy as np

from ecom_assets.simulation.incidents import Incident, touching
from ecom_assets.simulation.sales import AT_CHECKOUT, AT_PAYMENT, KEPT, NEVER_CAME, sales_of
from ecom_assets.simulation.streams import Floats, Ints, hashed, pick, stream
from ecom_assets.simulation.world import ADDED, EVENT_DAYS, NUMBERS, World

BASE = 0
# First numbers of sessions without an order, of those that leave a cart, and of machines.
_BROWSING, _LEFT, _BOTS = NUMBERS // 100, NUMBERS // 5, NUMBERS // 5 * 2
AT_CART = 5  # a cart that was left on its page; further fates stand in `sales.py`
RECOVERY_DAYS = 7
_ADDED_BROWSING = ADDED // 10
KNOWN_SHARE = 0.12  # sessions without an order whose visitor is a customer
RETURNING_SHARE = 0.30  # others whose cookie was seen before
_BOT_CHANNELS = {"direct": 0.5, "organic_search": 0.3, "referral": 0.2}
UNSEEN_BOTS = 0.5  # share of a bot wave that no filter marks


@dataclass(frozen=True)
class Sessions:
    """Sessions of a day, machines included. `order` is the position of the intent it ended in, -1 for none."""

    number: Ints
    block: Ints
    channel: Ints
    device: Ints
    wall_s: Ints  # of the order, else of the start
    visitor: Ints
    customer: Ints  # who it is, whether the shop knows or not; -1 for strangers
    order: Ints
    basket: Ints  # position of the intent whose lines it puts into the cart, -1 for none
    cut: Ints  # where an intent ended: one of the fates of `sales.py`, or AT_CART
    later: Ints  # days after which the intent was placed as an order, 0 for the day itself
    is_machine: np.ndarray
    is_bot: np.ndarray  # marked as a machine by the tracker

    def __len__(self) -> int:
        return len(self.number)

    def only(self, chosen: np.ndarray) -> "Sessions":
        """The chosen sessions."""
        return Sessions(**{field.name: getattr(self, field.name)[chosen] for field in fields(Sessions)})


def sessions_of(world: World, day: int) -> Sessions:
    """Every session of a day, by number of block."""
    return world.kept("sessions", _make_sessions, day, EVENT_DAYS)


def tracked(world: World, day: int, sessions: Sessions) -> np.ndarray:
    """Which sessions the tracking records; a loss of tracking misses the others."""
    seen = np.ones(len(sessions), dtype=bool)
    for incident in touching(world.incidents, day, "tracking_loss"):
        hit = world.in_scope(incident, sessions.channel, sessions.device)
        hit &= _own(world, "hit.tracking", incident.ordinal, day, sessions) < incident.effect(day, sessions.wall_s)
        seen &= ~hit
    return seen


def _make_sessions(world: World, day: int) -> Sessions:
    parts = [_with_order(world, day), *_left_carts(world, day), _browsing(world, day), _machines(world, day)]
    for incident in touching(world.incidents, day, "flash_sale", "viral_mention", "bot_wave"):
        added = _added(world, day, incident)
        if added is not None:
            parts.append(added)
    joined = {field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Sessions)}
    sessions = Sessions(**joined)
    came = np.ones(len(sessions), dtype=bool)
    for incident in touching(world.incidents, day, "ad_channel_paused"):
        hit = world.in_scope(incident, sessions.channel, sessions.device) & (sessions.order < 0) & ~sessions.is_machine
        hit &= _own(world, "hit.sessions", incident.ordinal, day, sessions) < incident.effect(day, sessions.wall_s)
        came &= ~hit
    return sessions.only(came)


def _own(world: World, name: str, ordinal: int, day: int, sessions: Sessions) -> Floats:
    """One uniform a session that belongs to an incident, by the session's number."""
    return hashed(world.seed, f"{name}.{ordinal}", sessions.number)


def _with_order(world: World, day: int) -> Sessions:
    sales = sales_of(world, day)
    intents = sales.intents
    chosen = np.flatnonzero((intents.channel >= 0) & (sales.fate != NEVER_CAME))
    customer, number = intents.customer[chosen], intents.number[chosen]
    return _made(
        number, intents.block[chosen], intents.channel[chosen], intents.device[chosen], intents.wall_s[chosen],
        visitor=np.where(customer >= 0, customer, number), customer=customer,
        order=np.where(sales.fate[chosen] == KEPT, chosen, -1), basket=chosen, cut=sales.fate[chosen],
    )  # fmt: skip


def _left_carts(world: World, day: int) -> list[Sessions]:
    """Sessions in which those who will order within a week leave their cart for now."""
    made = []
    for later in range(1, RECOVERY_DAYS + 1):
        intents = world.base(day + later)
        share = world.config.behaviour.recovered_share
        turn = intents.draws[:, 15] / share if share else np.ones(len(intents))
        lag = 1 + np.floor(RECOVERY_DAYS * turn**2)
        chosen = np.flatnonzero((turn < 1) & (lag == later) & (intents.channel >= 0))
        number = world.number(day, _LEFT + later * (_LEFT // 20) + chosen)
        draws = stream(world.seed, "carts.left", day, later).random((len(chosen), 3))
        customer = intents.customer[chosen]
        step = np.array([AT_CART, AT_CHECKOUT, AT_PAYMENT])[np.searchsorted([0.55, 0.85], draws[:, 2], side="right")]
        made.append(
            _made(
                number, np.full(len(chosen), BASE), intents.channel[chosen], intents.device[chosen],
                world.wall_time(draws[:, 0], draws[:, 1]),
                visitor=np.where(customer >= 0, customer, intents.number[chosen]), customer=customer,
                basket=chosen, cut=step, later=np.full(len(chosen), later),
            )
        )  # fmt: skip
    return made


def _made(number: Ints, block: Ints, channel: Ints, device: Ints, wall_s: Ints, **more: np.ndarray) -> Sessions:
    nothing, no = np.full(len(number), -1), np.zeros(len(number), bool)
    rest = {"visitor": number, "customer": nothing, "order": nothing, "basket": nothing, "is_machine": no, "is_bot": no,
            "cut": np.zeros(len(number), np.int64), "later": np.zeros(len(number), np.int64)}  # fmt: skip
    return Sessions(number, block, channel, device, wall_s, **{**rest, **more})


def _browsing(world: World, day: int) -> Sessions:
    k = world.plan.index(day)
    expected = world.plan.sessions[k] * (1 - world.plan.conversion[k])
    counts = stream(world.seed, "sessions.count", day).poisson(expected).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    draws = stream(world.seed, "sessions.draws", day, BASE).random((len(cell), 4))
    wall = world.wall_time(draws[:, 0], draws[:, 1])
    return _visitors(world, day, BASE, world.number(day, _BROWSING + np.arange(len(cell))), cell, wall, draws)


def _visitors(world: World, day: int, block: int, number: Ints, cell: Ints, wall: Ints, draws: Floats) -> Sessions:
    """People who look and do not buy: new ones, ones whose cookie is known, and customers."""
    turn = draws[:, 2]
    customer = np.full(len(number), -1)
    known = turn < KNOWN_SHARE
    customer[known] = world.buyers.some(day, draws[known, 3])
    pool = 30 * world.config.orders_per_day / world.config.traffic.conversion_rate
    back = (turn >= KNOWN_SHARE) & (turn < KNOWN_SHARE + RETURNING_SHARE)
    visitor = np.where(back, 10**9 + (draws[:, 3] * pool).astype(np.int64), number)
    devices = len(world.devices)
    return _made(
        number, np.full(len(number), block), cell // devices, cell % devices, wall,
        visitor=np.where(customer >= 0, customer, visitor), customer=customer,
    )  # fmt: skip


def _machines(world: World, day: int) -> Sessions:
    share = world.config.mess.bot_share
    k = world.plan.index(day)
    expected = world.plan.sessions[k].sum() * share / (1 - share)
    count = int(stream(world.seed, "bots.count", day).poisson(expected))
    draws = stream(world.seed, "bots.draws", day, BASE).random((count, 3))
    weights = np.array([_BOT_CHANNELS.get(name, 0.0) for name in world.channels]) + 1e-9
    number = world.number(day, _BOTS + np.arange(count))
    wall = (draws[:, 1] * 86_400).astype(np.int64)  # machines do not sleep
    channel = pick(draws[:, 0], weights)
    return _made(
        number, np.full(count, BASE), channel, np.zeros(count, np.int64), wall,
        is_machine=np.ones(count, bool), is_bot=np.ones(count, bool),
    )  # fmt: skip


def _added(world: World, day: int, incident: Incident) -> Sessions | None:
    """Sessions without an order that an incident brings: people, or the machines of a bot wave."""
    k, hours = world.plan.index(day), world.hour_shares
    strength = incident.effect(day, np.arange(24) * 3600.0 + 1800)
    expected = (world.plan.sessions[k] * world.cell_mask(incident)).ravel()
    allowed = world.product_mask(incident)
    if allowed is not None:
        expected = expected * float(world.products.popularity(day)[allowed].sum())
    # People come for a sale in smaller numbers than they buy; a mention brings those who only look.
    pull = 0.4 if incident.kind == "flash_sale" else 1.0
    count = int(
        stream(world.seed, "added.sessions", incident.ordinal, day).poisson(expected.sum() * (hours @ strength) * pull)
    )
    if count == 0:
        return None
    block = incident.ordinal + 1
    draws = stream(world.seed, "sessions.draws", day, block).random((count, 4))
    wall = (pick(draws[:, 0], hours * strength) * 3600 + draws[:, 1] * 3600).astype(np.int64)
    cell = pick(stream(world.seed, "added.cells", day, block).random(count), expected)
    number = world.number(day, _ADDED_BROWSING + np.arange(count), block)
    if incident.kind != "bot_wave":
        return _visitors(world, day, block, number, cell, wall, draws)
    devices = len(world.devices)
    return _made(
        number, np.full(count, block), cell // devices, cell % devices, wall,
        is_machine=np.ones(count, bool), is_bot=draws[:, 2] >= UNSEEN_BOTS,
    )  # fmt: skip
