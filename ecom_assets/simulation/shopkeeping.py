"""Tables that the shop keeps itself: catalogue, customers, campaigns, and what advertising cost."""

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import columns
from ecom_assets.simulation.calendar import EPOCH
from ecom_assets.simulation.orders import signups
from ecom_assets.simulation.people import FIRST_NAMES, GENDERS, LAST_NAMES
from ecom_assets.simulation.sales import stock_at_open
from ecom_assets.simulation.sessions import sessions_of
from ecom_assets.simulation.streams import Ints, hashed, stream
from ecom_assets.simulation.tables import Rows, table
from ecom_assets.simulation.world import World

STOCK_WEEKDAY = 0  # the whole catalogue with its stock is written on Mondays, changes on the day they happen


def products(world: World, day: int, chosen: np.ndarray | None = None) -> Rows:
    """The catalogue at the start of a day, launched products only; or the `chosen` ones of it."""
    goods = world.products
    shown = goods.launched <= day
    index = np.flatnonzero(shown if chosen is None else shown & chosen)
    names = goods.names()
    launched = np.maximum(goods.launched[index], -world.plan.history) + (world.clock.first_day - EPOCH).days
    made = {
        "product_id": columns.ids("P", index),
        "product_name": pa.array([names[i] for i in index.tolist()], pa.string()),
        "category": columns.words(world.categories, goods.category[index]),
        "unit_price_amount": columns.money(_shown_price(world, day)[index]),
        "unit_cost_amount": columns.money(goods.cost(day, index)),
        "stock_units": pa.array(stock_at_open(world, day)[index]),
        "launched_date": columns.dates(launched),
        "is_active": pa.array(goods.on_sale(day)[index]),
    }
    return Rows(table("products", made, len(index)), index)


def _shown_price(world: World, day: int) -> Ints:
    return world.products.price(day, np.arange(len(world.products.weight)))


def products_of_day(world: World, day: int) -> Rows | None:
    """What the source writes on a day: everything on the first and on Mondays, else what changed."""
    if day == 0 or world.clock.day(day).weekday() == STOCK_WEEKDAY:
        return products(world, day)
    changed = world.products.changes_on(day)
    return products(world, day, changed) if changed.any() else None


def customers(world: World, first: int, last: int) -> Rows:
    """Customers who signed up from day `first` to day `last`."""
    people, index, when, cell = world.people, [], [], []
    for day in range(first, last + 1):
        signed_cell, wall = signups(world, day)
        index.append(people.cohort_of(day))
        when.append(world.clock.utc(day, wall))
        cell.append(signed_cell)
    who, at = np.concatenate(index), np.concatenate(when)
    n, gender, country = len(who), people.gender[who].astype(np.int64), people.country[who].astype(np.int64)
    firsts = [name for names in FIRST_NAMES for name in names]
    given = gender * 13 + (hashed(world.seed, "people.first", who) * 13).astype(np.int64)
    family = (hashed(world.seed, "people.last", who) * len(LAST_NAMES)).astype(np.int64)
    cities = [list(c.cities) for c in world.config.countries.values()]
    offsets = np.cumsum([0, *map(len, cities)])
    size = np.diff(offsets)[country]
    city = offsets[country] + (hashed(world.seed, "people.city", who) ** 2 * size).astype(np.int64)
    untold = hashed(world.seed, "people.untold", who)
    first_name, last_name = columns.words(firsts, given), columns.words(LAST_NAMES, family)
    join = pa.compute.binary_join_element_wise
    lower = pa.compute.utf8_lower
    made = {
        "customer_id": columns.ids("K", who),
        "email": join(lower(first_name), ".", lower(last_name), columns.ids("", who), "@example.com", ""),
        "full_name": join(first_name, last_name, " "),
        "birth_year": pa.array(people.birth_year[who].astype(np.int64), mask=untold < 0.08),
        "gender": columns.words(GENDERS, gender, gender == 2),
        "city": columns.words([name for names in cities for name in names], city),
        "country": columns.words(world.countries, country),
        "acquisition_channel": columns.words(world.channels, np.concatenate(cell) // len(world.devices)),
        "signed_up_at": columns.timestamps(at),
        "has_marketing_consent": pa.array(
            hashed(world.seed, "people.consent", who) < world.config.customers.consent_share
        ),
    }
    return Rows(table("customers", made, n), who)


def campaigns(world: World, first: int, last: int) -> Rows:
    """Registered campaigns that the calendar announced from day `first` to day `last`."""
    start, end = world.clock.day(first), world.clock.day(last)
    shown = [c for c in world.plan.campaigns if c.is_registered and start <= c.announced <= end]
    made = {
        "campaign_id": pa.array([c.campaign_id for c in shown], pa.string()),
        "campaign_name": pa.array([c.campaign_name for c in shown], pa.string()),
        "kind": pa.array([c.kind for c in shown], pa.string()),
        "channel": pa.array([c.channel for c in shown], pa.string()),
        "starts_date": pa.array([c.starts for c in shown], pa.date32()),
        "ends_date": pa.array([c.ends for c in shown], pa.date32()),
        "discount_rate": pa.array([c.discount_rate for c in shown], pa.float64()),
        "planned_spend_amount": columns.money(np.array([round(c.planned_spend * 100) for c in shown], dtype=np.int64)),
    }
    return Rows(table("campaigns", made, len(shown)), np.arange(len(shown)))


def marketing_spend(world: World, day: int) -> Rows:
    """What each advertising channel cost on a day: clicks are its sessions and a little more."""
    sessions, today = sessions_of(world, day), world.clock.day(day)
    by_channel = np.bincount(sessions.channel[~sessions.is_machine], minlength=len(world.channels))
    rng = stream(world.seed, "spend", day).random((len(world.channels), 3))
    rows: list[tuple[int, str, int, int, int]] = []
    paid = [i for i, c in enumerate(world.config.traffic.channels.values()) if c.cost_per_click]
    extra = dict.fromkeys(range(len(world.channels)), 0.0)
    for campaign in world.plan.campaigns:
        if not campaign.planned_spend or not campaign.is_live(today):
            continue
        channel = world.channels.index(campaign.channel) if campaign.channel else paid[0]
        spent = campaign.planned_spend / len(campaign.lift) * (0.85 + 0.3 * rng[channel, 2])
        if campaign.is_registered:
            rows.append((channel, campaign.campaign_id, *_bought(world, channel, spent, rng[channel, 1])))
        else:
            extra[channel] += spent
    for channel in paid:
        setting = list(world.config.traffic.channels.values())[channel]
        spent = by_channel[channel] * 1.06 * setting.cost_per_click * (0.9 + 0.2 * rng[channel, 0]) + extra[channel]
        rows.append((channel, "none", *_bought(world, channel, spent, rng[channel, 1])))
    rows.sort(key=lambda row: (row[0], row[1]))
    n = len(rows)
    made = {
        "spend_date": columns.dates(np.full(n, (today - EPOCH).days)),
        "channel": pa.array([world.channels[row[0]] for row in rows], pa.string()),
        "campaign_id": pa.array([row[1] for row in rows], pa.string()),
        "spend_amount": columns.money(np.array([row[2] for row in rows], dtype=np.int64)),
        "currency": columns.constant(world.currency, n),
        "fx_rate": columns.rates(np.ones(n)),
        "impressions": pa.array([row[4] for row in rows], pa.int64()),
        "clicks": pa.array([row[3] for row in rows], pa.int64()),
    }
    return Rows(table("marketing_spend", made, n), world.number(day, np.arange(n)))


def _bought(world: World, channel: int, spent: float, u: float) -> tuple[int, int, int]:
    """Cents, clicks and impressions of a sum spent on a channel."""
    setting = list(world.config.traffic.channels.values())[channel]
    price = setting.cost_per_click or 0.3
    clicks = round(spent / price)
    return round(spent * 100), clicks, round(clicks / setting.click_rate * (0.9 + 0.2 * u))
