"""A shop's daily measures straight from its state: what its files would sum up to, without making any file.

A day is what stands at 06:00 on the next: rows that come late are missing, orders that are still pending do not
count, and a day whose orders or lines come late is unknown. Of what the warehouse makes of the same files it leaves
out broken rows (0.1 to 0.5 %), the last touch of direct orders (attribution is by an order's own channel) and all
datasets of single sessions. Only scoring reads it.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np

from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.landing import file_delay, late_days
from ecom_assets.simulation.sales import KEPT, LONGEST_RETURN_DAYS, PAID, Sales, _demand, sales_of
from ecom_assets.simulation.sessions import RECOVERY_DAYS, sessions_of, tracked
from ecom_assets.simulation.streams import Floats, Ints, hashed, stream
from ecom_assets.simulation.tables import LINES, REFUND_KINDS, _currency, _tracked_orders
from ecom_assets.simulation.usual_prices import usual_prices
from ecom_assets.simulation.world import World

MEASURES = (
    "orders", "valued_orders", "gross_amount", "discount_amount", "ordered_amount", "cost_amount", "web_orders",
    "tracked_orders", "converted_sessions", "new_customers", "sessions", "spend_amount", "comparable_amount",
    "usual_amount", "refund_amount",
)  # fmt: skip
LINE_MEASURES = ("gross_amount", "discount_amount", "cost_amount", "comparable_amount", "usual_amount")
AT = {name: place for place, name in enumerate(MEASURES)}
ALTERS_SESSIONS = (
    "flash_sale", "viral_mention", "bot_wave", "ad_channel_paused", "tracking_loss", "duplicate_delivery",
)  # fmt: skip
MADE_OF = {
    # which late extracts leave a measure of the day unknown, beside those of orders and their lines
    "sessions": ("website_traffic",), "spend_amount": ("marketing_spend",),
}  # fmt: skip
_ADJUSTMENT = REFUND_KINDS.index("adjustment")


@dataclass(frozen=True)
class Segments:
    """The columns of the sums: the whole shop, then the members of each dimension."""

    names: tuple[tuple[str, str], ...]
    first: dict[str, int]

    @classmethod
    def of(cls, world: World) -> "Segments":
        """The segments of a shop, ("total", "all") first."""
        names, first = [("total", "all")], {}
        for dimension, members in (
            ("channel", (*world.channels, "other")),
            ("device", (*world.devices, "unknown")),
            ("country", world.countries),
            ("category", world.categories),
        ):
            first[dimension] = len(names)
            names += [(dimension, member) for member in members]
        return cls(tuple(names), first)


@dataclass(frozen=True)
class DaySums:
    """Measures of a day, [measure, segment], and refunds that its orders bring: [days after, segment].

    `rows`: what lineage would say of its files, by dataset: (rows, repeated rows, local hour of the last).
    """

    sums: Floats
    refunds: Floats
    rows: dict[str, tuple[float, float, float]]


def without(world: World, *incidents: str) -> World:
    """The same shop without some incidents, sharing all that incidents do not touch."""
    world.base(0)
    _demand(world, 0)
    usual_prices(world, 0)
    twin = copy(world)
    twin.incidents = tuple(i for i in world.incidents if i.incident_id not in incidents)
    twin._kept = {name: world._kept[name] for name in ("base", "demand", "usual_prices")}
    return twin


def day_sums(world: World, day: int, first_seen: Ints | None = None) -> DaySums:
    """Sums of one day as recorded and landed; `first_seen` is the day of each customer's first order, known so far."""
    sales = sales_of(world, day)
    segments = Segments.of(world)
    order, lines, rows = _delivered(world, sales)
    sums = np.zeros((len(MEASURES), len(segments.names)))
    keys = _order_segments(world, sales, segments)
    counts = (sales.first_status == PAID) & (late_days(world, "orders", sales.intents.number) == 0)
    money = _line_money(world, sales)
    refunds = np.zeros((LONGEST_RETURN_DAYS + 1, len(segments.names)))
    for copy_number in range(2):
        counted = order[copy_number] & counts
        shown = lines[copy_number] & counted[sales.intents.line_order]
        _add_orders(world, day, sales, sums, keys, counted, shown, money, first_seen, copy_number)
        category = segments.first["category"] + world.products.category[sales.intents.product]
        for name in LINE_MEASURES:
            sums[AT[name]] += np.bincount(category[shown], money[name][shown], len(segments.names))
    _add_refunds(world, day, sales, refunds, keys, segments, money)
    by_cell, people = _session_cells(world, day)
    sums[AT["sessions"]] += _of_cells(by_cell, segments)
    sums[AT["spend_amount"]] += _spend(world, day, people, segments)
    sums[AT["ordered_amount"]] = sums[AT["gross_amount"]] - sums[AT["discount_amount"]]
    return DaySums(sums, refunds, rows)


def _delivered(world: World, sales: Sales) -> tuple[np.ndarray, np.ndarray, dict[str, tuple[float, float, float]]]:
    """Which orders and lines came, [first or second time, order or line], after doubled and truncated deliveries."""
    intents, day = sales.intents, sales.day
    n, m = len(intents), len(intents.product)
    order, lines = np.zeros((2, n), bool), np.zeros((2, m), bool)
    order[0], lines[0] = sales.fate == KEPT, sales.served
    for incident in touching(world.incidents, day, "duplicate_delivery"):
        if incident.member("dataset") == "orders":
            again = hashed(world.seed, f"again.{incident.ordinal}", intents.number) < incident.size
            order[1] |= order[0] & again
            lines[1] |= lines[0] & again[intents.line_order]
    times = {"orders": intents.wall_s, "order_items": intents.wall_s[intents.line_order]}
    ties = {"orders": intents.number, "order_items": intents.number[intents.line_order] * LINES + intents.line_number}
    rows = {}
    for dataset, came in (("orders", order), ("order_items", lines)):
        for incident in touching(world.incidents, day, "truncated_file"):
            if incident.member("dataset") == dataset:
                _cut(came, np.lexsort((ties[dataset], times[dataset])), incident.size)
        last = times[dataset][came[0]].max() / 3600 if came[0].any() else 0.0
        rows[dataset] = (float(came.sum()), float(came[1].sum()), float(last))
    return order, lines, rows


def _cut(came: np.ndarray, by_time: Ints, size: float) -> None:
    """Takes the last `size` of a delivery away: what came a second time stands at its end."""
    listed = [(copy_number, at) for copy_number in range(2) for at in by_time[came[copy_number][by_time]].tolist()]
    for copy_number, at in listed[round(len(listed) * (1 - size)) :]:
        came[copy_number, at] = False


def _order_segments(world: World, sales: Sales, segments: Segments) -> list[Ints]:
    intents = sales.intents
    channel = np.where(intents.channel < 0, len(world.channels), intents.channel)
    device = np.where(intents.channel < 0, len(world.devices), intents.device)
    first = segments.first
    return [
        np.zeros(len(intents), dtype=np.int64), first["channel"] + channel, first["device"] + device,
        first["country"] + intents.country,
    ]  # fmt: skip


def _line_money(world: World, sales: Sales) -> dict[str, Floats]:
    """Amounts of each line in the shop's currency, as recorded; order discounts stand apart.

    Comparable and usual are both sums of the price index: at today's and at usual prices, 0 where none is usual.
    """
    intents = sales.intents
    spoiled = _currency(world, sales, faults=True).spoiled
    of_line = spoiled[intents.line_order] / 100
    gross = sales.price * intents.quantity * of_line
    usual = usual_prices(world, sales.day)[intents.product]
    return {
        "gross_amount": gross,
        "comparable_amount": np.where(np.isfinite(usual), gross, 0.0),
        "usual_amount": np.nan_to_num(usual) * intents.quantity / 100,
        "discount_amount": sales.line_discount * of_line,
        "cost_amount": sales.cost * intents.quantity * of_line,
        "order_discount": sales.discount * spoiled / 100,
        "spoiled": spoiled,
    }


def _add_orders(
    world: World, day: int, sales: Sales, sums: Floats, keys: list[Ints], counted: np.ndarray, shown: np.ndarray,
    money: dict[str, Floats], first_seen: Ints | None, copy_number: int,
) -> None:  # fmt: skip
    intents, n = sales.intents, len(sales.intents)
    if not counted.any():
        return
    by_order: dict[str, Floats] = {
        name: np.bincount(intents.line_order[shown], money[name][shown], n).astype("float64") for name in LINE_MEASURES
    }
    by_order["discount_amount"] = by_order["discount_amount"] + money["order_discount"]
    web = intents.channel >= 0
    lossy = touching(world.incidents, day, "tracking_loss")
    seen = web & _tracked_orders(world, day, n) if lossy else web
    values = {
        "orders": np.ones(n), "valued_orders": (by_order["gross_amount"] > 0) * 1.0, **by_order,
        "web_orders": web * 1.0, "tracked_orders": seen * 1.0,
    }  # fmt: skip
    if copy_number == 0:  # the second copy of an order is of the same session and of a known customer
        values["converted_sessions"] = seen * 1.0
        if first_seen is not None:
            values["new_customers"] = _first_orders(intents.customer, counted, first_seen, day)
    for name, value in values.items():
        for key in keys:
            sums[AT[name]] += np.bincount(key[counted], value[counted], sums.shape[1])


def _first_orders(customer: Ints, counted: np.ndarray, first_seen: Ints, day: int) -> Floats:
    """1 for the orders that are the first ever seen of their customers."""
    known = np.flatnonzero(counted & (customer >= 0))
    fresh = known[first_seen[customer[known]] >= day]
    first = np.zeros(len(customer))
    _, position = np.unique(customer[fresh], return_index=True)
    first[fresh[position]] = 1.0
    return first


def _add_refunds(
    world: World, day: int, sales: Sales, refunds: Floats, keys: list[Ints], segments: Segments,
    money: dict[str, Floats],
) -> None:  # fmt: skip
    intents = sales.intents
    lines = np.flatnonzero((sales.refund_day >= 0) & (sales.refund_kind != _ADJUSTMENT))
    if not len(lines):
        return
    order = intents.line_order[lines]
    paid = sales.price * intents.quantity - sales.line_discount
    worth = paid[lines]
    whole = np.bincount(intents.line_order, np.where(sales.served, paid, 0), len(intents))
    goods = (worth - sales.discount[order] * worth / np.maximum(whole[order], 1)) * money["spoiled"][order] / 100
    after = sales.refund_day[lines] - day
    number = intents.number[order] * LINES + intents.line_number[lines]
    linked = (hashed(world.seed, "refunds.link", number) >= world.config.refunds.unlinked_share) & (day >= 0)
    width = refunds.shape[1]
    for place, key in enumerate(keys):
        chosen = linked | (place == 0)
        flat = after[chosen] * width + key[order][chosen]
        refunds += np.bincount(flat, goods[chosen], refunds.size).reshape(refunds.shape)
    category = segments.first["category"] + world.products.category[intents.product[lines]]
    refunds += np.bincount(after * width + category, goods, refunds.size).reshape(refunds.shape)


def _session_cells(world: World, day: int) -> tuple[Floats, Floats]:
    """Sessions that website_traffic counts, [channel, device], and people by channel, seen or not.

    A day that no incident can alter is counted without making its sessions, which takes a tenth of the time.
    """
    shape = (len(world.channels), len(world.devices))
    if touching(world.incidents, day, *ALTERS_SESSIONS):
        sessions = sessions_of(world, day)
        seen = ~sessions.is_bot & tracked(world, day, sessions)
        times = np.ones(len(sessions))
        for incident in touching(world.incidents, day, "duplicate_delivery"):
            if incident.member("dataset") == "session_tracking":
                times += hashed(world.seed, f"again.{incident.ordinal}", sessions.number) < incident.size
        cell = (sessions.channel * shape[1] + sessions.device)[seen]
        people = np.bincount(sessions.channel[~sessions.is_machine], minlength=shape[0]).astype("float64")
        return np.bincount(cell, times[seen], shape[0] * shape[1]).reshape(shape).astype("float64"), people
    came = human_sessions(world, day)
    return came, came.sum(axis=1)


def human_sessions(world: World, day: int) -> Floats:
    """Sessions of people, [channel, device], on a day on which no incident adds or takes any."""
    shape = (len(world.channels), len(world.devices))
    k = world.plan.index(day)
    expected = world.plan.sessions[k] * (1 - world.plan.conversion[k])
    counts = stream(world.seed, "sessions.count", day).poisson(expected).ravel().astype("float64")
    intents = sales_of(world, day).intents
    came = intents.channel >= 0
    counts += np.bincount((intents.channel * shape[1] + intents.device)[came], minlength=len(counts))
    share = world.config.behaviour.recovered_share
    for later in range(1, RECOVERY_DAYS + 1):
        other = world.base(day + later)
        turn = other.draws[:, 15] / share if share else np.ones(len(other))
        left = (turn < 1) & (1 + np.floor(RECOVERY_DAYS * turn**2) == later) & (other.channel >= 0)
        counts += np.bincount((other.channel * shape[1] + other.device)[left], minlength=len(counts))
    return counts.reshape(shape)


def _of_cells(by_cell: Floats, segments: Segments) -> Floats:
    made = np.zeros(len(segments.names))
    made[0] = by_cell.sum()
    made[segments.first["channel"] :][: by_cell.shape[0]] = by_cell.sum(axis=1)
    made[segments.first["device"] :][: by_cell.shape[1]] = by_cell.sum(axis=0)
    return made


def _spend(world: World, day: int, by_channel: Floats, segments: Segments) -> Floats:
    """Advertising by channel, in the shop's currency: the sums of `shopkeeping.marketing_spend`."""
    rng, today = stream(world.seed, "spend", day).random((len(world.channels), 3)), world.clock.day(day)
    settings = list(world.config.traffic.channels.values())
    paid = [i for i, c in enumerate(settings) if c.cost_per_click]
    spent = np.zeros(len(world.channels))
    for campaign in world.plan.campaigns:
        if campaign.planned_spend and campaign.is_live(today):
            channel = world.channels.index(campaign.channel) if campaign.channel else paid[0]
            spent[channel] += campaign.planned_spend / len(campaign.lift) * (0.85 + 0.3 * rng[channel, 2])
    for channel in paid:
        spent[channel] += by_channel[channel] * 1.06 * settings[channel].cost_per_click * (0.9 + 0.2 * rng[channel, 0])
    made = np.zeros(len(segments.names))
    made[0] = spent.sum()
    made[segments.first["channel"] :][: len(spent)] = spent
    return made


def unknown_measures(world: World, day: int) -> tuple[str, ...]:
    """Measures of a day that cannot be known at 06:00 on the next, because an extract is late."""
    if any(file_delay(world, dataset, day) for dataset in ("orders", "order_items")):
        return MEASURES
    return tuple(
        name for name, datasets in MADE_OF.items() if any(file_delay(world, dataset, day) for dataset in datasets)
    )
