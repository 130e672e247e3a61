"""Who wants to buy what on a day: intents of customers and guests, and what incidents add to them.

An intent becomes an order unless stock or an incident is in its way (`sales.py`). Every order lies in the session
of its cell (channel and device), at its local time; nothing of other days is needed.
"""

from dataclasses import dataclass, fields

import numpy as np

from ecom_assets.simulation.calendar import DAY_S
from ecom_assets.simulation.incidents import Incident, touching
from ecom_assets.simulation.products import group_of
from ecom_assets.simulation.streams import Floats, Ints, pick, stream
from ecom_assets.simulation.world import World

BASE = 0  # block of what happens without any incident; an incident's own block is its ordinal + 1
ORDER_DRAWS, LINE_DRAWS = 16, 4
ADDING = ("flash_sale", "price_mistake", "viral_mention")
MAX_LINES = 12


@dataclass(frozen=True)
class Intents:
    """Orders that would be placed on a day, and their lines. Positions in `line_order` count orders from 0."""

    day: int
    block: Ints
    number: Ints  # of order and session, unique in the shop
    customer: Ints  # -1 for a guest
    country: Ints
    channel: Ints  # -1 for orders from a marketplace, which have no session
    device: Ints
    wall_s: Ints
    draws: Floats  # [order, ORDER_DRAWS] uniforms that later steps use, each its own columns
    line_order: Ints
    line_number: Ints
    product: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.number)


def base_intents(world: World, day: int) -> Intents:
    """What would be bought on a day without any incident."""
    plan, config = world.plan, world.config
    k = plan.index(day)
    new = world.people.cohort_of(day)
    returning = world.buyers.returning(day)
    guests = stream(world.seed, "buyers.guests", day).poisson(plan.orders[k] * config.customers.guest_share)
    customer = np.concatenate([new, returning, np.full(guests, -1)]).astype(np.int64)
    draws = stream(world.seed, "orders.draws", day, BASE).random((len(customer), ORDER_DRAWS))
    cells = (plan.sessions[k] * plan.conversion[k]).ravel()
    cell = pick(draws[:, 0], cells)
    wall = world.wall_time(draws[:, 1], draws[:, 2])
    signed_cell, signed_wall = signups(world, day)
    cell[: len(new)], wall[: len(new)] = signed_cell, np.minimum(signed_wall + 120, DAY_S - 1)
    elsewhere = draws[:, 3] < config.orders.marketplace_share
    elsewhere[: len(new)] = False
    number = world.number(day, np.arange(len(customer)))
    return _with_lines(world, day, BASE, number, customer, cell, wall, elsewhere, draws, None)


def signups(world: World, day: int) -> tuple[Ints, Ints]:
    """Cell and local second in which each new customer of a day signs up; the first order follows."""
    k = world.plan.index(day)
    u = stream(world.seed, "people.signup", day).random((len(world.people.cohort_of(day)), 3))
    cells = (world.plan.sessions[k] * world.plan.conversion[k]).ravel()
    return pick(u[:, 0], cells), world.wall_time(u[:, 1], u[:, 2])


def added_intents(world: World, day: int, incident: Incident) -> Intents | None:
    """What an incident brings on top of a day, None where nothing."""
    k, hours = world.plan.index(day), world.hour_shares
    strength = incident.effect(day, np.arange(24) * 3600.0 + 1800)
    expected = world.plan.sessions[k] * world.plan.conversion[k] * world.cell_mask(incident)
    allowed = world.product_mask(incident)
    reach = 1.0 if allowed is None else float(world.products.popularity(day)[allowed].sum())
    # A price mistake sells more than it takes off the price; a mention brings people who buy half as often.
    pull = {"price_mistake": 1.5, "viral_mention": 0.5}.get(incident.kind, 1.0)
    rng = stream(world.seed, "added.count", incident.ordinal, day)
    count = int(rng.poisson(float(expected.sum() * (hours @ strength) * reach * pull)))
    if count == 0:
        return None
    block = incident.ordinal + 1
    draws = stream(world.seed, "orders.draws", day, block).random((count, ORDER_DRAWS))
    customer = np.where(draws[:, 4] < 0.5, -1, world.buyers.some(day, draws[:, 5]))
    hour = pick(draws[:, 1], hours * strength)
    wall = (hour * 3600 + draws[:, 2] * 3600).astype(np.int64)
    cell = pick(draws[:, 0], expected.ravel())
    number = world.number(day, np.arange(count), block)
    return _with_lines(world, day, block, number, customer, cell, wall, np.zeros(count, bool), draws, allowed)


def all_intents(world: World, day: int) -> Intents:
    """The intents of a day, base first, then each incident's own."""
    parts = [world.base(day)]
    for incident in touching(world.incidents, day, *ADDING):
        added = added_intents(world, day, incident)
        if added is not None:
            parts.append(added)
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Intents]) -> Intents:
    sizes = np.concatenate([[0], np.cumsum([len(part) for part in parts])])[:-1]
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Intents)
        if field.name not in ("day", "line_order")
    }
    shifted = np.concatenate([part.line_order + size for part, size in zip(parts, sizes, strict=True)])
    return Intents(day=parts[0].day, line_order=shifted, **joined)


def _with_lines(
    world: World, day: int, block: int, number: Ints, customer: Ints, cell: Ints, wall: Ints,
    elsewhere: np.ndarray, draws: Floats, allowed: np.ndarray | None,
) -> Intents:  # fmt: skip
    config, people = world.config, world.people
    devices = len(config.traffic.devices)
    known = customer >= 0
    shares = np.array([c.share for c in config.countries.values()])
    country = np.where(known, people.country[customer], pick(draws[:, 6], shares)).astype(np.int64)
    gender = np.where(known, people.gender[customer], 2).astype(np.int64)
    today = world.clock.day(day)
    age = np.where(known, today.year - people.birth_year[customer], 45)

    value = float(world.plan.order_value[world.plan.index(day)])
    more = np.clip(1 - (1 - config.orders.more_lines_rate) / value, 0.01, 0.9)
    lines = 1 + np.floor(np.log(np.maximum(draws[:, 7], 1e-12)) / np.log(more)).astype(np.int64)
    lines = np.minimum(lines, MAX_LINES)
    line_order = np.repeat(np.arange(len(number)), lines)
    starts = np.cumsum(lines) - lines
    line_number = np.arange(len(line_order)) - starts[line_order] + 1
    u = stream(world.seed, "lines.draws", day, block).random((len(line_order), LINE_DRAWS))
    group = group_of(gender, age, wall)[line_order]
    if allowed is None:
        product = world.products.choose(day, today.month, group, u[:, 0], u[:, 1])
    else:
        product = world.products.choose_within(day, allowed, u[:, 1])
    rate = config.orders.more_units_rate
    quantity = (
        1 + np.floor(np.log(np.maximum(u[:, 2], 1e-12)) / np.log(rate)).astype(np.int64) if rate else 1 + 0 * product
    )
    return Intents(
        day=day, block=np.full(len(number), block), number=number, customer=customer, country=country,
        channel=np.where(elsewhere, -1, cell // devices), device=np.where(elsewhere, -1, cell % devices),
        wall_s=wall, draws=draws, line_order=line_order, line_number=line_number, product=product,
        quantity=np.minimum(quantity, 9),
    )  # fmt: skip
