"""A day's orders as they came to be: stock, prices, discounts, payment, delivery and what is sent back.

Money is in cents of the shop's currency here. What an incident does to an order is decided by the order's own
draws, so that all others are untouched.
"""

from dataclasses import dataclass

import numpy as np

from ecom_assets.simulation.calendar import DAY_S
from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.orders import Intents, all_intents
from ecom_assets.simulation.streams import Floats, Ints, stream
from ecom_assets.simulation.world import World

KEPT, NEVER_CAME, AT_PRODUCT, AT_CHECKOUT, AT_PAYMENT = range(5)
PAID, FAILED, PENDING, VOID = range(4)
RETURN, CANCELLATION, CHARGEBACK, ADJUSTMENT = range(4)
LONGEST_RETURN_DAYS = 60
LATE_SHARE = 0.06
_LOSSES = {"ad_channel_paused": NEVER_CAME, "checkout_slowdown": AT_CHECKOUT, "payment_outage": AT_PAYMENT}


@dataclass(frozen=True)
class Sales:
    """Intents of a day and what became of them. Arrays by order, then by line; times in seconds after `wall_s`."""

    intents: Intents
    fate: Ints  # KEPT, or the step at which the order was lost
    first_status: Ints
    status: Ints
    discount: Ints
    shipping: Ints
    tax: Ints
    gift_wrap: np.ndarray
    shipped_after_s: Ints  # 0 where never
    delivered_after_s: Ints
    promised_days: Ints
    settled_day: Ints  # day number on which the source sends the order again, complete
    available: np.ndarray  # lines that found stock, also those of lost orders
    served: np.ndarray  # lines that are part of a kept order
    price: Ints
    cost: Ints
    line_discount: Ints
    refund_day: Ints  # by line, -1 where it is kept
    refund_kind: Ints

    @property
    def day(self) -> int:
        """Day number of the orders."""
        return self.intents.day


def sales_of(world: World, day: int) -> Sales:
    """The orders of a day, from the shop's state and the incidents that reach them."""
    return world.kept("sales", _make_sales, day)


def stock_at_open(world: World, day: int) -> Ints:
    """Units of each product on the shelf when a day begins, its delivery included."""
    start = world.products.cycle_start(day)
    stock = np.zeros(len(start), dtype=np.int64)
    mean_units = 1 / (1 - world.config.orders.more_lines_rate) / (1 - world.config.orders.more_units_rate)
    season = world.plan.clock  # the plan's clock ticks by season; a buyer expects what the month before brought
    for first in range(int(start.min()), day + 1):
        begun = start == first
        if not begun.any():
            continue
        k = world.plan.index(first)
        pace = (season[k] - season[max(k - 28, 0)]) / min(28, max(k, 1))
        daily = float(world.plan.level[k]) * mean_units * max(pace, 0.5)
        stock[begun] = world.products.stock_target(first, daily)[begun]
    for earlier in range(int(start.min()), day):
        stock -= np.where(start <= earlier, _demand(world, earlier), 0)
    return np.maximum(stock, 0)


def _demand(world: World, day: int) -> Ints:
    return world.kept("demand", _make_demand, day)


def _make_demand(world: World, day: int) -> Ints:
    intents = world.base(day)
    units = np.bincount(intents.product, weights=intents.quantity, minlength=len(world.products.weight))
    return units.astype(np.int64)


def _make_sales(world: World, day: int) -> Sales:
    intents = all_intents(world, day)
    available = _served(world, intents)
    fate = _fate(world, intents, available)
    served = available & (fate == KEPT)[intents.line_order]
    price, cost, line_discount = _prices(world, intents)
    u = intents.draws
    goods = _by_order(intents, np.where(served, price * intents.quantity - line_discount, 0))
    setting = world.config.orders
    discount = np.where(u[:, 8] < setting.coupon_share, np.rint(goods * setting.coupon_rate), 0).astype(np.int64)
    free = goods - discount >= setting.free_shipping_from * 100
    shipping = np.where(free, 0, round(setting.shipping_amount * 100)).astype(np.int64)
    countries = list(world.config.countries.values())
    tax_rate = np.array([c.tax_rate for c in countries])[intents.country]
    tax = np.rint((goods - discount + shipping) * tax_rate).astype(np.int64)
    first_status, status = _status(world, u[:, 9])
    shipped, delivered, promised, late = _delivery(world, intents)
    refund_day, refund_kind, cancelled = _refunds(world, intents, status, delivered, late)
    ships = (status == PAID) & ~cancelled
    shipped, delivered = np.where(ships, shipped, 0), np.where(ships, delivered, 0)
    settled = day + (intents.wall_s + delivered) // DAY_S
    settled = np.where(ships, settled, np.where(first_status != status, day + 2, day))
    return Sales(
        intents, fate, first_status, status, discount, shipping, tax, u[:, 10] < setting.gift_wrap_share, shipped,
        delivered, promised, settled, available, served, price, cost, line_discount,
        np.where(served, refund_day, -1), refund_kind,
    )  # fmt: skip


def _by_order(intents: Intents, of_lines: Ints) -> Ints:
    return np.bincount(intents.line_order, weights=of_lines, minlength=len(intents)).astype(np.int64)


def _served(world: World, intents: Intents) -> np.ndarray:
    """Lines that find stock, in order of time; what an incident adds is bought in beside the plan."""
    served = np.ones(len(intents.product), dtype=bool)
    stock = stock_at_open(world, intents.day)
    planned = intents.block[intents.line_order] == 0
    short = np.flatnonzero(planned & (_demand(world, intents.day) > stock)[intents.product])
    if len(short):
        ranked = short[np.lexsort((intents.wall_s[intents.line_order[short]], intents.product[short]))]
        product, units = intents.product[ranked], intents.quantity[ranked]
        running = np.cumsum(units)
        first = np.concatenate([[True], product[1:] != product[:-1]])
        before = np.maximum.accumulate(np.where(first, running - units, 0))
        served[ranked] = running - before <= stock[product]
    for incident in touching(world.incidents, intents.day, "stock_out"):
        strength = incident.effect(intents.day, intents.wall_s)[intents.line_order]
        mask = world.product_mask(incident)
        reached = np.ones(len(served), bool) if mask is None else mask[intents.product]
        served &= ~(reached & (_line_uniforms(world, incident.ordinal, intents) < strength))
    return served


def order_uniforms(world: World, ordinal: int, intents: Intents) -> Floats:
    """One uniform an order that belongs to an incident: who is hit by it."""
    made = np.empty(len(intents))
    for block in np.unique(intents.block):
        mine = intents.block == block
        made[mine] = stream(world.seed, "hit.orders", ordinal, intents.day, int(block)).random(int(mine.sum()))
    return made


def _line_uniforms(world: World, ordinal: int, intents: Intents) -> Floats:
    made, of_line = np.empty(len(intents.product)), intents.block[intents.line_order]
    for block in np.unique(of_line):
        mine = of_line == block
        made[mine] = stream(world.seed, "hit.lines", ordinal, intents.day, int(block)).random(int(mine.sum()))
    return made


def _fate(world: World, intents: Intents, served: np.ndarray) -> Ints:
    empty = np.bincount(intents.line_order, weights=served, minlength=len(intents)) == 0
    fate = np.where(empty, AT_PRODUCT, KEPT)
    for incident in touching(world.incidents, intents.day, *_LOSSES):
        hit = world.in_scope(incident, intents.channel, intents.device, intents.country) & (intents.channel >= 0)
        hit &= order_uniforms(world, incident.ordinal, intents) < incident.effect(intents.day, intents.wall_s)
        # Of two losses the earlier step holds, so that the order in which incidents are listed is of no matter.
        step = _LOSSES[incident.kind]
        fate = np.where(hit & ((fate == KEPT) | (fate > step)), step, fate)
    return fate


def _prices(world: World, intents: Intents) -> tuple[Ints, Ints, Ints]:
    day, line_order = intents.day, intents.line_order
    price = world.products.price(day, intents.product)
    today = world.clock.day(day)
    rate = np.zeros(len(price))
    channel = intents.channel[line_order]
    for campaign in world.plan.campaigns:
        if campaign.discount_rate and campaign.is_live(today):
            reached = channel == world.channels.index(campaign.channel) if campaign.channel else channel >= 0
            rate = np.where(reached, np.maximum(rate, campaign.discount_rate), rate)
    for incident in touching(world.incidents, day, "flash_sale", "price_mistake"):
        strength = incident.effect(day, intents.wall_s)[line_order]
        mask = world.product_mask(incident)
        reached = world.in_scope(incident, intents.channel, intents.device)[line_order] & (strength > 0)
        reached &= True if mask is None else mask[intents.product]
        if incident.kind == "flash_sale":
            rate = np.where(reached, np.maximum(rate, 0.1 + 0.2 * incident.size), rate)
        else:
            price = np.where(reached, np.maximum(np.rint(price * (1 - strength)), 1), price).astype(np.int64)
    cost = world.products.cost(day, intents.product)
    return price, cost, np.rint(price * intents.quantity * rate).astype(np.int64)


def _status(world: World, u: Floats) -> tuple[Ints, Ints]:
    setting = world.config.orders
    pending = u < setting.pending_share
    failed = ~pending & (u < setting.pending_share + setting.failed_share)
    void = u < setting.pending_share * setting.void_of_pending
    return (
        np.where(pending, PENDING, np.where(failed, FAILED, PAID)),
        np.where(void, VOID, np.where(failed, FAILED, PAID)),
    )


def _delivery(world: World, intents: Intents) -> tuple[Ints, Ints, Ints, np.ndarray]:
    """Seconds to dispatch and delivery, days promised, and which orders come later than that."""
    countries = list(world.config.countries.values())
    u, country = intents.draws, intents.country
    transit = np.array([c.transit_days for c in countries])[country]
    promised = np.array([c.promised_days for c in countries])[country]
    shipped = 4 * 3600 + u[:, 11] * 30 * 3600
    days = transit * (0.6 + 0.6 * u[:, 12])
    days += np.where(u[:, 13] < LATE_SHARE, 2 + u[:, 13] / LATE_SHARE * 4, 0)
    for incident in touching(world.incidents, intents.day, "delivery_strike"):
        strength = incident.effect(intents.day, intents.wall_s)
        hit = world.in_scope(incident, intents.channel, intents.device, country)
        own = order_uniforms(world, incident.ordinal, intents)
        hit &= own < strength
        days += np.where(hit, 3 + 6 * own / np.maximum(strength, 1e-9), 0)
    delivered = shipped + days * DAY_S
    late = (intents.wall_s + delivered) // DAY_S > promised
    return shipped.astype(np.int64), delivered.astype(np.int64), promised, late


def _refunds(
    world: World, intents: Intents, status: Ints, delivered: Ints, late: np.ndarray
) -> tuple[Ints, Ints, np.ndarray]:
    """Day and kind of each line's refund, -1 where there is none, and which orders were cancelled before dispatch."""
    setting, u, of_line = world.config.refunds, intents.draws, intents.line_order
    # Three quarters of the lines of a returned order come back; a late one is returned half as often again.
    chance = np.minimum(setting.refund_rate / 0.75 * np.where(late, 1.5, 1.0), 0.95)
    comes_back = (u[:, 14] < chance) & (status == PAID)
    turn = u[:, 14] / chance
    cancelled = comes_back & (turn < 0.10)
    draws = np.empty((len(of_line), 2))
    blocks = intents.block[of_line]
    for block in np.unique(blocks):
        mine = blocks == block
        own = stream(world.seed, "refunds.draws", intents.day, int(block))
        draws[mine] = own.random((int(mine.sum()), 2))
    lag = setting.lag_median_days * np.exp(setting.lag_sigma * _normal(draws[:, 1]))
    arrived = (intents.wall_s + delivered) // DAY_S
    lag = np.clip(np.maximum(np.ceil(lag), (arrived + 1)[of_line]), 1, LONGEST_RETURN_DAYS)
    back = comes_back[of_line] & (cancelled[of_line] | (draws[:, 0] < 0.75))
    day = intents.day + np.where(cancelled[of_line], 1, lag).astype(np.int64)
    kind = np.where(
        turn < 0.10, CANCELLATION, np.where(turn < 0.13, CHARGEBACK, np.where(turn < 0.15, ADJUSTMENT, RETURN))
    )
    return np.where(back, day, -1), kind[of_line], cancelled


def _normal(u: Floats) -> Floats:
    """Standard normal quantiles, cut at one in a million."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(u, 1e-6, 1 - 1e-6)))
