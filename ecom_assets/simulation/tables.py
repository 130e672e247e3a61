"""A day's sales tables in contract columns, as they happened or as faulty sources recorded them.

Rows carry their entity's number, so that later choices about rows (late, broken, sent again) are each row's own.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecom_assets.contracts import dataset_contracts
from ecom_assets.simulation import columns
from ecom_assets.simulation.calendar import EPOCH
from ecom_assets.simulation.incidents import Incident, touching
from ecom_assets.simulation.sales import KEPT, LONGEST_RETURN_DAYS, Sales, sales_of
from ecom_assets.simulation.sessions import sessions_of, tracked
from ecom_assets.simulation.streams import Floats, Ints, hashed, stream
from ecom_assets.simulation.visits import visits_of
from ecom_assets.simulation.world import World

STATUSES = ("paid", "failed", "pending", "void")
REFUND_KINDS = ("return", "cancellation", "chargeback", "adjustment")
LINES = 16  # entity numbers of the lines of one order
_DUE = (
    "number", "order", "line", "product", "customer", "kind", "goods", "shipping", "tax", "currency", "rate", "linked",
)  # fmt: skip
WRAPPING = 15  # line number of gift wrapping
# What a hundred of the shop's currency become where another currency's numbers are filed under its name.
_MIX_UPS = (11.3, 4.3, 1.19, 0.86)


@dataclass(frozen=True)
class Rows:
    """A table and its rows' entity numbers; `settled` says on which day the source sends a row again, complete."""

    table: pa.Table
    number: Ints
    settled: Ints | None = None

    def only(self, chosen: np.ndarray) -> "Rows":
        """The chosen rows, by mask or position."""
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        settled = None if self.settled is None else self.settled[chosen]
        return Rows(self.table.take(pa.array(chosen)), self.number[chosen], settled)


def table(dataset: str, made: dict[str, pa.Array], count: int) -> pa.Table:
    """The columns that a file of the dataset can bring, in contract order; those not made are empty."""
    names = [column.name for column in dataset_contracts()[dataset].input_columns]
    return pa.table({name: made.get(name, pa.nulls(count, pa.string())) for name in names})


@dataclass(frozen=True)
class _Currency:
    """What currency each order is kept in, and how home cents become its own."""

    index: Ints  # into the shop's currencies
    rate: Floats
    spoiled: Floats

    def amounts(self, cents: Ints, order: Ints | slice = slice(None)) -> pa.Array:
        return columns.money(self.cents(cents, order))

    def cents(self, cents: Ints, order: Ints | slice = slice(None)) -> Ints:
        return np.rint(cents / self.rate[order] * self.spoiled[order]).astype(np.int64)


def _currency(world: World, sales: Sales, faults: bool) -> _Currency:
    countries = list(world.config.countries.values())
    intents = sales.intents
    names = [world.currency if c.currency in (None, world.currency) else str(c.currency) for c in countries]
    k = world.plan.index(sales.day)
    by_country = np.array([1.0 if n == world.currency else float(world.fx_rates[n][k]) for n in names])
    spoiled = np.ones(len(intents))
    if faults:
        for incident in touching(world.incidents, sales.day, "currency_mix_up"):
            hit = world.in_scope(incident, intents.channel, intents.device, intents.country)
            own = hashed(world.seed, f"hit.currency.{incident.ordinal}", intents.number)
            hit &= own < incident.effect(sales.day, intents.wall_s)
            spoiled = np.where(hit, mix_up_factor(world, incident), spoiled)
    index = np.array([world.currencies.index(name) for name in names])
    return _Currency(index[intents.country], by_country[intents.country], spoiled)


def mix_up_factor(world: World, incident: Incident) -> float:
    """What the amounts that a currency mix-up reaches are multiplied by."""
    return _MIX_UPS[int(stream(world.seed, "mix_up", incident.ordinal).random() * len(_MIX_UPS))]


def orders(world: World, day: int, faults: bool, complete: bool = True) -> Rows:
    """Orders of a day by time: as first sent, or `complete` with payment and delivery as they turned out."""
    sales = sales_of(world, day)
    intents, currency = sales.intents, _currency(world, sales, faults)
    chosen = np.flatnonzero(sales.fate == KEPT)
    chosen = chosen[np.lexsort((intents.number[chosen], intents.wall_s[chosen]))]
    at = world.clock.utc(day, intents.wall_s)
    goods = _goods(sales)
    paid = goods - sales.discount + sales.shipping + sales.tax + sales.gift_wrap * _wrap_cents(world)
    unpaid = (sales.status if complete else sales.first_status) != 0
    unshipped = sales.shipped_after_s == 0 if complete else np.ones(len(intents), bool)
    elsewhere = intents.channel < 0
    no_session = elsewhere.copy()
    if faults:
        no_session |= ~_tracked_orders(world, day, len(intents))
    channel = np.where(elsewhere, len(world.channels), intents.channel)
    device = np.where(elsewhere, len(world.devices), intents.device)
    n = len(intents)
    made = {
        "store_id": columns.constant("main", n),
        "order_id": columns.ids("O", intents.number),
        "customer_id": columns.ids("K", intents.customer, intents.customer < 0),
        "session_id": columns.ids("S", intents.number, no_session),
        "ordered_at": columns.timestamps(at),
        "status": columns.words(STATUSES, sales.status if complete else sales.first_status),
        "placed_by": columns.words(("web", "marketplace"), elsewhere.astype(np.int64)),
        "channel": columns.words((*world.channels, "other"), channel),
        "device": columns.words((*world.devices, "unknown"), device),
        "country": columns.words(world.countries, intents.country),
        "currency": columns.words(world.currencies, currency.index),
        "fx_rate": columns.rates(currency.rate),
        "discount_amount": currency.amounts(sales.discount),
        "shipping_amount": currency.amounts(sales.shipping),
        "tax_amount": currency.amounts(sales.tax),
        "paid_amount": columns.money(currency.cents(paid), unpaid),
        "promised_date": columns.dates((world.clock.day(day) - EPOCH).days + sales.promised_days),
        "shipped_at": columns.timestamps(at + sales.shipped_after_s, unshipped),
        "delivered_at": columns.timestamps(at + sales.delivered_after_s, unshipped),
    }
    return Rows(table("orders", made, n), intents.number, sales.settled_day).only(chosen)


def _goods(sales: Sales) -> Ints:
    intents = sales.intents
    worth = np.where(sales.served, sales.price * intents.quantity - sales.line_discount, 0)
    return np.bincount(intents.line_order, weights=worth, minlength=len(intents)).astype(np.int64)


def _wrap_cents(world: World) -> int:
    return round(world.config.orders.gift_wrap_amount * 100)


def _tracked_orders(world: World, day: int, count: int) -> np.ndarray:
    sessions = sessions_of(world, day)
    seen = np.ones(count, dtype=bool)
    lost = sessions.order[(sessions.order >= 0) & ~tracked(world, day, sessions)]
    seen[lost] = False
    return seen


def order_items(world: World, day: int, faults: bool) -> Rows:
    """Order lines of a day: what was bought, and gift wrapping as a fee."""
    sales = sales_of(world, day)
    intents, currency = sales.intents, _currency(world, sales, faults)
    lines = np.flatnonzero(sales.served)
    wrapped = np.flatnonzero(sales.gift_wrap & (sales.fate == KEPT))
    order = np.concatenate([intents.line_order[lines], wrapped])
    number = np.concatenate([intents.line_number[lines], np.full(len(wrapped), WRAPPING)])
    is_fee = number == WRAPPING

    def joined(of_lines: Ints, of_fee: int) -> Ints:
        return np.concatenate([of_lines[lines], np.full(len(wrapped), of_fee)])

    cost = joined(sales.cost, round(_wrap_cents(world) * 0.3))
    made = {
        "store_id": columns.constant("main", len(order)),
        "order_id": columns.ids("O", intents.number[order]),
        "line_number": pa.array(number),
        "product_id": columns.ids("P", joined(intents.product, 0), is_fee),
        "line_type": columns.words(("product", "fee"), is_fee.astype(np.int64)),
        "ordered_at": columns.timestamps(world.clock.utc(day, intents.wall_s)[order]),
        "quantity": pa.array(joined(intents.quantity, 1)),
        "unit_price_amount": currency.amounts(joined(sales.price, _wrap_cents(world)), order),
        "unit_cost_amount": currency.amounts(cost, order),
        "discount_amount": currency.amounts(joined(sales.line_discount, 0), order),
        "currency": columns.words(world.currencies, currency.index[order]),
        "fx_rate": columns.rates(currency.rate[order]),
    }
    rows = Rows(table("order_items", made, len(order)), intents.number[order] * LINES + number)
    return rows.only(np.lexsort((rows.number, intents.wall_s[order])))


def refunds(world: World, day: int, faults: bool) -> Rows:
    """Refunds paid on a day, for orders of the 60 days before it; those from before the first day name no order."""
    name = "refunds.recorded" if faults else "refunds"
    parts = []
    for earlier in range(day - LONGEST_RETURN_DAYS, day):
        due, starts = world.kept(name, _refunds_recorded if faults else _refunds_true, earlier)
        after = day - earlier
        if starts[after] < starts[after + 1]:
            parts.append(due[starts[after] : starts[after + 1]])
    due = np.concatenate(parts) if parts else np.empty((0, len(_DUE)), dtype=np.int64)
    (number, order, line, product, customer, kind, goods, shipping, tax, currency, rate, linked) = due.T
    wall = 9 * 3600 + (hashed(world.seed, "refunds.hour", number) * 9 * 3600).astype(np.int64)
    by_time = np.lexsort((number, wall))
    unlinked = linked == 0
    made = {
        "store_id": columns.constant("main", len(due)),
        "refund_id": columns.ids("R", number),
        "order_id": columns.ids("O", order, unlinked),
        "line_number": pa.array(line, mask=unlinked),
        "product_id": columns.ids("P", product),
        "customer_id": columns.ids("K", customer, customer < 0),
        "refunded_at": columns.timestamps(world.clock.utc(day, wall)),
        "is_date_estimated": pa.array(np.zeros(len(due), bool)),
        "kind": columns.words(REFUND_KINDS, kind),
        "goods_amount": columns.money(goods),
        "shipping_amount": columns.money(shipping),
        "tax_amount": columns.money(tax),
        "currency": columns.words(world.currencies, currency),
        "fx_rate": columns.rates(rate / 1e6),
    }
    return Rows(table("refunds", made, len(due)), number).only(by_time)


def _refunds_true(world: World, day: int) -> tuple[Ints, Ints]:
    return _refunds_of_orders(world, day, faults=False)


def _refunds_recorded(world: World, day: int) -> tuple[Ints, Ints]:
    return _refunds_of_orders(world, day, faults=True)


def _refunds_of_orders(world: World, day: int, faults: bool) -> tuple[Ints, Ints]:
    """What comes back of a day's orders, columns `_DUE`, and where the rows of each number of days after begin."""
    sales = sales_of(world, day)
    intents, currency = sales.intents, _currency(world, sales, faults)
    lines = np.flatnonzero(sales.refund_day >= 0)
    lines = lines[np.argsort(sales.refund_day[lines], kind="stable")]
    starts = np.searchsorted(sales.refund_day[lines] - day, np.arange(LONGEST_RETURN_DAYS + 2))
    order = intents.line_order[lines]
    worth = sales.price[lines] * intents.quantity[lines] - sales.line_discount[lines]
    whole = np.maximum(_goods(sales)[order], 1)
    number = intents.number[order] * LINES + intents.line_number[lines]
    # A cancelled order gives its shipping back once, with its first line.
    first = np.concatenate([[True], order[1:] != order[:-1]]) if len(lines) else np.zeros(0, bool)
    shipping = np.where((sales.refund_kind[lines] == 1) & first, sales.shipping[order], 0)
    linked = (hashed(world.seed, "refunds.link", number) >= world.config.refunds.unlinked_share) & (day >= 0)
    due = (
        number, intents.number[order], intents.line_number[lines], intents.product[lines], intents.customer[order],
        sales.refund_kind[lines], currency.cents(worth - sales.discount[order] * worth // whole, order),
        currency.cents(shipping, order), currency.cents(sales.tax[order] * worth // whole, order),
        currency.index[order], np.rint(currency.rate[order] * 1e6), linked,
    )  # fmt: skip
    return np.stack([np.asarray(part).astype(np.int64) for part in due], axis=1), starts


def website_traffic(world: World, day: int, faults: bool) -> Rows:
    """Sessions of a day by channel and device, machines that the tracker knows left out."""
    visits = visits_of(world, day)
    sessions = visits.sessions
    seen = ~sessions.is_bot
    times = np.ones(len(sessions), dtype=np.int64)
    if faults:
        seen &= tracked(world, day, sessions)
        # Sessions that are delivered again under new ids are counted again.
        for incident in touching(world.incidents, day, "duplicate_delivery"):
            if incident.member("dataset") == "session_tracking":
                times += hashed(world.seed, f"again.{incident.ordinal}", sessions.number) < incident.size
    devices = len(world.devices)
    cell = (sessions.channel * devices + sessions.device)[seen]
    cells = len(world.channels) * devices
    count = np.bincount(cell, weights=times[seen], minlength=cells).astype(np.int64)
    views = np.bincount(cell, weights=(visits.page_views * times)[seen], minlength=cells).astype(np.int64)
    who = np.unique(cell.astype(np.int64) << 52 | sessions.visitor[seen])
    visitors = np.bincount(who >> 52, minlength=cells)
    shown = np.flatnonzero(count)
    made = {
        "traffic_date": columns.dates(np.full(len(shown), (world.clock.day(day) - EPOCH).days)),
        "channel": columns.words(world.channels, shown // devices),
        "device": columns.words(world.devices, shown % devices),
        "visitors": pa.array(visitors[shown]),
        "sessions": pa.array(count[shown]),
        "page_views": pa.array(views[shown]),
    }
    return Rows(table("website_traffic", made, len(shown)), world.number(day, shown))
