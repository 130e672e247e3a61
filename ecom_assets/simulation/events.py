"""Tables of what visitors did: sessions and events, as the tracker keeps them, and what they waited for.

Events come session by session, as a collector flushes them, not in order of time.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import columns, walk
from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.sessions import Sessions, tracked
from ecom_assets.simulation.streams import Floats, Ints, hashed
from ecom_assets.simulation.tables import Rows, table
from ecom_assets.simulation.visits import SHOWS_PAGE, Visits, visits_of
from ecom_assets.simulation.walk import ADD, CART, HOME, LIST, PAYMENT, PRODUCT, REMOVE, SEARCH, SHIPPING, THANKS, WISH
from ecom_assets.simulation.world import EVENT_DAYS, World

EVENT_TYPES = (
    "page_view", "click", "product_view", "add_to_cart", "remove_from_cart", "checkout_start", "payment_attempt",
    "purchase",
)  # fmt: skip
EVENT_NAMES = (
    "PageView",
    "Click",
    "ViewContent",
    "AddToCart",
    "RemoveFromCart",
    "InitiateCheckout",
    "AddPaymentInfo",
    "Purchase",
)
SLOTS = 4  # entity numbers of the events, or calls, of one step
_VIEW, _CLICK, _LOOK, _ADD, _REMOVE, _CHECKOUT, _PAY, _BUY = range(8)
_SECOND_MS = 200  # what follows a page view is recorded this much later
_CLICK_SHARE = 0.5

_EVENTS = np.full((walk.STATES, 2), -1)
for _state in (HOME, LIST, SEARCH, CART, PRODUCT, SHIPPING, PAYMENT, THANKS):
    _EVENTS[_state, 0] = _VIEW
for _state, _event in ((PRODUCT, _LOOK), (SHIPPING, _CHECKOUT), (PAYMENT, _PAY), (THANKS, _BUY)):
    _EVENTS[_state, 1] = _event
for _state, _event in ((ADD, _ADD), (REMOVE, _REMOVE), (WISH, _CLICK)):
    _EVENTS[_state, 0] = _event
_COUNT = (_EVENTS >= 0).sum(axis=1)

_ELEMENTS = (
    "home-logo", "category-menu", "search-box", "product-card", "add-to-cart-button", "cart-icon", "remove-link",
    "checkout-button", "pay-button", "order-button", "wishlist-heart",
)  # fmt: skip
_STATIC_PATHS = ("/", "/search", "/cart", "/checkout/shipping", "/checkout/payment", "/checkout/thanks")
_PATH_OF = np.full(walk.STATES, -1)
for _position, _state in enumerate((HOME, SEARCH, CART, SHIPPING, PAYMENT, THANKS)):
    _PATH_OF[_state] = _position
_SOURCES = {
    "direct": (None, None), "organic_search": ("google", "organic"), "paid_search": ("google", "cpc"),
    "paid_social": ("facebook", "paid_social"), "organic_social": ("instagram", "social"),
    "email": ("newsletter", "email"),
    "referral": ("partner-blog.example", "referral"), "affiliate": ("vouchers.example", "affiliate"),
    "display": ("adnetwork.example", "display"),
}  # fmt: skip


@dataclass(frozen=True)
class SessionColumns:
    """What tables of events repeat of each session of a day."""

    session_id: pa.Array
    visitor_id: pa.Array
    visitor_hidden: np.ndarray
    customer_id: pa.Array
    customer_hidden: np.ndarray
    country: Ints
    recorded: np.ndarray  # by the tracker, where faults are wanted


def session_columns(world: World, day: int, faults: bool) -> SessionColumns:
    """Ids and country of a day's sessions; without consent nobody is known but who buys."""
    return world.kept(
        "columns.faults" if faults else "columns", _with_loss if faults else _without_loss, day, EVENT_DAYS
    )


def _with_loss(world: World, day: int) -> SessionColumns:
    return _session_columns(world, day, True)


def _without_loss(world: World, day: int) -> SessionColumns:
    return _session_columns(world, day, False)


def _session_columns(world: World, day: int, faults: bool) -> SessionColumns:
    sessions = visits_of(world, day).sessions
    silent = hashed(world.seed, "consent", sessions.visitor) < world.config.mess.no_consent_share
    logged_in = hashed(world.seed, "login", sessions.number) < world.config.behaviour.logged_in_share
    known = (sessions.customer >= 0) & ((sessions.basket >= 0) | (logged_in & ~silent))
    shares = np.cumsum([c.share for c in world.config.countries.values()])
    country = np.searchsorted(shares, hashed(world.seed, "country", sessions.visitor) * shares[-1], side="right")
    country = np.where(sessions.customer >= 0, world.people.country[sessions.customer], country)
    recorded = tracked(world, day, sessions) if faults else np.ones(len(sessions), dtype=bool)
    return SessionColumns(
        session_id=columns.ids("S", sessions.number),
        visitor_id=columns.words_once(columns.ids("V", sessions.visitor)),
        visitor_hidden=silent,
        customer_id=columns.words_once(columns.ids("K", sessions.customer)),
        customer_hidden=~known,
        country=country.astype(np.int64),
        recorded=recorded,
    )


def paths(world: World) -> pa.Array:
    """Every page of the shop."""
    categories = [f"/category/{name.lower()}" for name in world.categories]
    return pa.array([*_STATIC_PATHS, *categories, *(f"/product/P{i}" for i in range(len(world.products.weight)))])


def path_of(world: World, visits: Visits, step: Ints) -> Ints:
    """Index into `paths` of the page of each step, or of the page on which an action happens."""
    state = visits.state[step]
    first_category = len(_STATIC_PATHS)
    category = (visits.bits[step] >> np.uint64(16) & np.uint64(0xFFFF)) % np.uint64(len(world.categories))
    found = np.where(state == LIST, first_category + category.astype(np.int64), _PATH_OF[state])
    on_product = np.isin(state, (PRODUCT, ADD, WISH))
    found = np.where(on_product, first_category + len(world.categories) + visits.product[step], found)
    return np.where(state == REMOVE, _PATH_OF[CART], found)


def clickstream(world: World, day: int, faults: bool) -> Rows:
    """One row an event of a day's sessions."""
    visits, of = visits_of(world, day), session_columns(world, day, faults)
    state, sessions = visits.state, visits.sessions
    index = np.arange(len(state))
    last = np.zeros(len(state), dtype=bool)
    last[visits.starts[1:][visits.starts[1:] > visits.starts[:-1]] - 1] = True
    turn = (visits.bits >> np.uint64(24) & np.uint64(0xFF)).astype(np.int64)
    clicked = ~last & SHOWS_PAGE[state] & (turn < _CLICK_SHARE * 256) & ~sessions.is_machine[visits.session]
    count = np.where(of.recorded[visits.session], _COUNT[state] + clicked, 0)
    step = np.repeat(index, count)
    slot = np.arange(len(step)) - (np.cumsum(count) - count)[step]
    base, of_state = _COUNT[state[step]], state[step]
    event = np.where(slot < base, _EVENTS[of_state, np.minimum(slot, 1)], _CLICK)
    following = visits.state[np.minimum(step + 1, len(state) - 1)]
    element = np.where(slot < base, of_state, following)
    at = visits.at_ms[step] + np.where(slot >= base, visits.dwell_ms[step] * 7 // 10, slot * _SECOND_MS)
    who = visits.session[step]
    n, has_product = len(step), (event == _LOOK) | (event == _ADD) | (event == _REMOVE) | (of_state == WISH)
    number = visits.number[step] * SLOTS + slot
    made = {
        "event_id": columns.long_ids("E", number),
        "session_id": columns.chosen(of.session_id, who),
        "visitor_id": columns.chosen(of.visitor_id, who, of.visitor_hidden[who]),
        "customer_id": columns.chosen(of.customer_id, who, of.customer_hidden[who]),
        "occurred_at": columns.timestamps_ms(world.clock.utc_ms(day, at)),
        "event_type": columns.chosen(pa.array(EVENT_TYPES), event),
        "event_name": columns.chosen(pa.array(EVENT_NAMES), event),
        "page_path": columns.chosen(paths(world), path_of(world, visits, step)),
        "element": columns.chosen(pa.array(_ELEMENTS), np.minimum(element, WISH), (event != _CLICK) & (event != _ADD)),
        "product_id": columns.chosen(_product_ids(world), np.maximum(visits.product[step], 0), ~has_product),
        "order_id": columns.chosen(_order_ids(sessions), who, event != _BUY),
        "device": columns.chosen(pa.array(world.devices), sessions.device[who]),
        "is_consented": pa.array(~of.visitor_hidden[who]),
    }
    return Rows(table("clickstream", made, n), number)


def _product_ids(world: World) -> pa.Array:
    return columns.ids("P", np.arange(len(world.products.weight)))


def _order_ids(sessions: Sessions) -> pa.Array:
    return columns.ids("O", sessions.number)


def session_tracking(world: World, day: int, faults: bool) -> Rows:
    """One row a session of a day."""
    visits, of = visits_of(world, day), session_columns(world, day, faults)
    shown = np.flatnonzero(of.recorded)
    sessions, first, last = visits.sessions.only(shown), visits.starts[:-1][shown], visits.starts[1:][shown] - 1
    pages = np.maximum.accumulate(np.where(SHOWS_PAGE[visits.state], np.arange(len(visits.state)), 0))
    begin = visits.at_ms[first]
    end = visits.at_ms[last] + np.where(_COUNT[visits.state[last]] > 1, _SECOND_MS, 0)
    views = visits.page_views[shown]
    campaign, has_campaign = _campaigns(world, day, sessions.channel)
    sources, mediums = zip(*(_SOURCES.get(name, (name, name)) for name in world.channels), strict=True)
    country = of.country[shown]
    every_path = paths(world)
    made = {
        "session_id": of.session_id.take(pa.array(shown)),
        "visitor_id": columns.chosen(of.visitor_id, shown, of.visitor_hidden[shown]),
        "customer_id": columns.chosen(of.customer_id, shown, of.customer_hidden[shown]),
        "started_at": columns.timestamps_ms(world.clock.utc_ms(day, begin)),
        "ended_at": columns.timestamps_ms(world.clock.utc_ms(day, end)),
        "channel": columns.chosen(pa.array(world.channels), sessions.channel),
        "source": columns.words(sources, sessions.channel),
        "medium": columns.words(mediums, sessions.channel),
        "campaign_id": columns.chosen(campaign, sessions.channel, ~has_campaign),
        "device": columns.chosen(pa.array(world.devices), sessions.device),
        "country": columns.chosen(pa.array(world.countries), country),
        "entry_page": columns.chosen(every_path, path_of(world, visits, first)),
        "exit_page": columns.chosen(every_path, path_of(world, visits, pages[last])),
        "page_views": pa.array(views),
        "is_engaged": pa.array((views >= 2) & (end - begin >= 10_000)),
        "is_bot": pa.array(sessions.is_bot),
    }
    return Rows(table("session_tracking", made, len(shown)), sessions.number)


def _campaigns(world: World, day: int, channel: Ints) -> tuple[pa.Array, np.ndarray]:
    """The registered campaign that runs on each channel, where one does."""
    today, running = world.clock.day(day), ["" for _ in world.channels]
    for campaign in world.plan.campaigns:
        if campaign.channel in world.channels and campaign.is_registered and campaign.is_live(today):
            running[world.channels.index(campaign.channel)] = campaign.campaign_id
    return columns.words_once(pa.array(running)), np.array([bool(name) for name in running])[channel]


_LOAD_MS = np.zeros(walk.STATES)
_LOAD_MS[[HOME, LIST, SEARCH, PRODUCT, CART, SHIPPING, PAYMENT, THANKS]] = (900, 1100, 1300, 1200, 900, 1000, 1150, 800)
_DEVICE_SLOWNESS = {"desktop": 1.0, "mobile": 1.5, "tablet": 1.3}
_CHECKOUT_STATES = (CART, SHIPPING, PAYMENT)
SLOWDOWN = 8.0  # by how much waiting grows with the strength of a checkout slowdown
# Who waits longer buys less: at this shift between buyers' and others' log waiting times (standard deviation .35) the
# log odds of an order fall by .12 / .35^2, about one, for each e-fold of waiting.
_BUYERS_SHIFT, _SESSION_SD, _LOAD_SD = 0.12, 0.35, 0.35
_TAIL_SHARE, _TAIL_SHAPE = 0.015, 1.6


def slowdown(world: World, day: int, visits: Visits, step: Ints) -> Floats:
    """Factor on the waiting time of each step by slowdowns of the checkout; 1 on other steps."""
    factor = np.ones(len(step))
    for incident in touching(world.incidents, day, "checkout_slowdown"):
        sessions, who = visits.sessions, visits.session[step]
        hit = world.in_scope(incident, sessions.channel, sessions.device)[who] & np.isin(
            visits.state[step], _CHECKOUT_STATES
        )
        # Judged at the hour of the order, as the order's own fate is.
        factor += np.where(hit, SLOWDOWN * incident.effect(day, sessions.wall_s)[who], 0.0)
    return factor


def slowness(world: World, sessions: Sessions) -> Floats:
    """How slow each session's connection is against the mean."""
    from scipy.special import ndtri

    normal = ndtri(np.clip(hashed(world.seed, "slowness", sessions.number), 1e-9, 1 - 1e-9))
    device = np.array([_DEVICE_SLOWNESS.get(name, 1.0) for name in world.devices])[sessions.device]
    return np.asarray(
        device
        * np.exp(_SESSION_SD * normal - np.where((sessions.basket >= 0) & (sessions.later == 0), _BUYERS_SHIFT, 0.0))
    )


def page_load_times(world: World, day: int, faults: bool) -> Rows:
    """One row a measured page load: a sample of the pages that people saw."""
    from scipy.special import ndtri

    visits, of = visits_of(world, day), session_columns(world, day, faults)
    sessions = visits.sessions
    measured = (visits.bits >> np.uint64(8) & np.uint64(0xFF)).astype(
        np.int64
    ) < world.config.behaviour.page_load_sample * 256
    measured &= SHOWS_PAGE[visits.state] & (of.recorded & ~sessions.is_machine)[visits.session]
    step = np.flatnonzero(measured)
    number, who = visits.number[step], visits.session[step]
    load = _LOAD_MS[visits.state[step]] * slowness(world, sessions)[who] * slowdown(world, day, visits, step)
    load *= np.exp(_LOAD_SD * ndtri(np.clip(hashed(world.seed, "load", number), 1e-9, 1 - 1e-9)))
    load *= np.exp(0.04 * ndtri(float(hashed(world.seed, "load.day", world.number(day, np.zeros(1, np.int64)))[0])))
    tail = hashed(world.seed, "load.tail", number) / _TAIL_SHARE
    load *= np.where(tail < 1, np.maximum(tail, 1e-4) ** (-1 / _TAIL_SHAPE), 1.0)
    load = np.clip(load, 80, 120_000)
    share = hashed(world.seed, "load.share", number)
    made = {
        "load_id": columns.long_ids("W", number),
        "session_id": columns.chosen(of.session_id, who),
        "occurred_at": columns.timestamps_ms(world.clock.utc_ms(day, visits.at_ms[step])),
        "page_path": columns.chosen(paths(world), path_of(world, visits, step)),
        "device": columns.chosen(pa.array(world.devices), sessions.device[who]),
        "country": columns.chosen(pa.array(world.countries), of.country[who]),
        "ttfb_ms": pa.array(np.rint(load * (0.12 + 0.14 * share)).astype(np.int64)),
        "lcp_ms": pa.array(np.rint(load * (0.60 + 0.25 * share)).astype(np.int64)),
        "load_time_ms": pa.array(np.rint(load).astype(np.int64)),
    }
    return Rows(table("page_load_times", made, len(step)), number)
