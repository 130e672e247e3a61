"""What is on sale: products, their popularity by Zipf's law, who prefers what, prices, and planned stock."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ecom_assets.simulation.config import SimulationConfig
from ecom_assets.simulation.streams import Floats, Ints, pick, pick_by_row, stream

_ADJECTIVES = ("Classic", "Nordic", "Compact", "Premium", "Light", "Soft", "Smart", "Rustic", "Modern", "Mini")
_NOUNS = {
    "Home": ("Lamp", "Cushion", "Blanket", "Vase", "Clock", "Mirror"),
    "Kitchen": ("Pan", "Knife Set", "Kettle", "Bowl", "Mug", "Grinder"),
    "Garden": ("Planter", "Shears", "Lantern", "Bird Feeder", "Hose", "Parasol"),
    "Toys": ("Puzzle", "Train", "Board Game", "Teddy", "Blocks", "Kite"),
    "Fashion": ("Scarf", "Sweater", "Bag", "Belt", "Jacket", "Sneakers"),
    "Sports": ("Mat", "Bottle", "Backpack", "Racket", "Helmet", "Gloves"),
    "Electronics": ("Headphones", "Speaker", "Charger", "Keyboard", "Webcam", "Watch"),
    "Stationery": ("Notebook", "Pen Set", "Planner", "Folder", "Stickers", "Ink"),
}
_AGE_EDGES = (30, 45, 60)
GROUPS = 3 * 4 * 2  # gender, age band, evening or not
_CYCLES = (7, 10, 14, 21)  # days between deliveries to the warehouse


@dataclass(frozen=True)
class Products:
    """The catalogue of a shop up to a horizon; an index is a product. Money in cents."""

    config: SimulationConfig
    seed: int
    category: Ints
    weight: Floats
    launched: Ints  # day number
    retired: Ints  # day number from which it is off sale
    base_price: Ints
    cost_share: Floats
    repriced_on: Ints  # day of the year, counted from the first day, on which its price rises

    def __hash__(self) -> int:
        return id(self)

    def price(self, day_number: int, product: Ints) -> Ints:
        """List price on a day."""
        rises = (day_number - self.repriced_on[product]) // 365 - (
            self.launched[product] - self.repriced_on[product]
        ) // 365
        euros = self.base_price[product] / 100 * (1 + self.config.catalogue.yearly_price_rise) ** np.maximum(rises, 0)
        return (np.maximum(np.rint(euros), 1) * 100).astype(np.int64) - 1

    def cost(self, day_number: int, product: Ints) -> Ints:
        """What one unit costs the shop on a day."""
        return np.rint(self.price(day_number, product) * self.cost_share[product]).astype(np.int64)

    def on_sale(self, day_number: int) -> np.ndarray:
        """Which products can be bought on a day."""
        return (self.launched <= day_number) & (day_number < self.retired)

    def popularity(self, day_number: int) -> Floats:
        """Share of each product in what is bought on a day, preferences of groups aside."""
        weights = self.weight * self.on_sale(day_number)
        return weights / weights.sum()

    def changes_on(self, day_number: int) -> np.ndarray:
        """Which products are launched, retired or repriced on a day."""
        live = (self.launched <= day_number) & (day_number <= self.retired)
        repriced = (day_number - self.repriced_on) % 365 == 0
        return live & (repriced | (self.launched == day_number) | (self.retired == day_number))

    def choose(self, day_number: int, month: int, group: Ints, u_category: Floats, u_product: Floats) -> Ints:
        """One product for each uniform pair, by the preferences of the buyer's group, the season and Zipf."""
        shares, by_category, cumulative = _choice(self, day_number, month)
        category = pick_by_row(u_category, shares, group)
        position = np.searchsorted(cumulative, category + u_product * (1 - 1e-12), side="right")
        return by_category[np.minimum(position, len(by_category) - 1)]

    def choose_within(self, day_number: int, allowed: np.ndarray, uniforms: Floats) -> Ints:
        """Products among the `allowed` ones, by popularity alone."""
        weights = self.popularity(day_number) * allowed
        return pick(uniforms, weights if weights.sum() else allowed.astype(float))

    def stock_target(self, day_number: int, daily_units: float) -> Ints:
        """Units on the shelf after the delivery that a day's cycle began with, by expected units sold a day."""
        wanted = daily_units * self.popularity(day_number) * self.cycle_days * self._cover
        return np.ceil(wanted + 3 * np.sqrt(wanted) + 2).astype(np.int64)

    @cached_property
    def _cover(self) -> Floats:
        low, high = self.config.catalogue.stock_cover_low, self.config.catalogue.stock_cover_high
        return low + (high - low) * stream(self.seed, "stock.cover").random(len(self.weight))

    @cached_property
    def _phase(self) -> Ints:
        return (stream(self.seed, "stock.phase").random(len(self.weight)) * self.cycle_days).astype(np.int64)

    @cached_property
    def cycle_days(self) -> Ints:
        """Days between two deliveries of each product."""
        return np.array(_CYCLES)[(stream(self.seed, "stock.cycle").random(len(self.weight)) * len(_CYCLES)).astype(int)]

    def cycle_start(self, day_number: int) -> Ints:
        """Day number of each product's last delivery, that day included."""
        return day_number - (day_number - self._phase) % self.cycle_days

    def names(self) -> list[str]:
        """Name of each product as shown to customers."""
        kinds = list(self.config.catalogue.categories)
        made = []
        for index, category in enumerate(self.category.tolist()):
            nouns = _NOUNS.get(kinds[category], (kinds[category],))
            noun = nouns[(index // len(_ADJECTIVES)) % len(nouns)]
            made.append(f"{_ADJECTIVES[index % len(_ADJECTIVES)]} {noun} {index + 1}")
        return made


def make_products(config: SimulationConfig, seed: int, horizon: int) -> Products:
    """Products that stand in the catalogue from the history's start to `horizon`."""
    setting = config.catalogue
    gap = 30 / setting.launches_per_month if setting.launches_per_month else float("inf")
    later = int(horizon // gap) if gap < float("inf") else 0
    n, start = setting.products + later, -config.customers.history_days
    first = np.arange(n) < setting.products
    shares = np.array([c.share for c in setting.categories.values()])
    category = pick(stream(seed, "products.category").random(n), shares)
    u = stream(seed, "products.rank").random(n)
    rank = np.ceil(u * setting.products)
    rank[first] = np.argsort(np.argsort(u[first])) + 1
    launched = np.where(first, start - 30, (np.arange(n) - setting.products + 1) * min(gap, 1e6)).astype(np.int64)
    ends = stream(seed, "products.end").random(n)
    # A tenth of the catalogue leaves it within four years; the best sellers stay.
    leaves = (stream(seed, "products.leaves").random(n) < 0.1) & (rank > setting.products / 10)
    retired = np.where(leaves, np.maximum(launched, 0) + 60 + (ends * 1400).astype(np.int64), 10**6)
    medians = np.array([c.median_price for c in setting.categories.values()])[category]
    price = medians * np.exp(setting.price_sigma * stream(seed, "products.price").standard_normal(n))
    spread = setting.cost_share_high - setting.cost_share_low
    return Products(
        config, seed, category, rank**-setting.zipf_exponent, launched, retired,
        np.maximum(np.rint(price), 3).astype(np.int64) * 100 - 1,
        setting.cost_share_low + spread * stream(seed, "products.cost").random(n),
        (stream(seed, "products.repriced").random(n) * 365).astype(np.int64),
    )  # fmt: skip


def group_of(gender: Ints, age: Ints, wall_s: Ints) -> Ints:
    """Number of a buyer's taste group: gender, age band, and whether it is evening (from 18:00)."""
    band = np.digitize(age, _AGE_EDGES)
    return (gender * 4 + band) * 2 + (wall_s >= 18 * 3600)


@lru_cache(maxsize=64)
def _choice(products: Products, day_number: int, month: int) -> tuple[Floats, Ints, Floats]:
    """Cumulative category shares by group, products sorted by category, and their place in it."""
    popularity = products.popularity(day_number)
    kinds = products.config.catalogue.categories.values()
    mass = np.bincount(products.category, weights=popularity, minlength=len(kinds))
    turn = stream(products.seed, "tastes").random(len(kinds))
    taste = np.exp(products.config.catalogue.taste_drift * np.sin(2 * np.pi * (day_number / 500 + turn)))
    shares = np.empty((GROUPS, len(kinds)))
    for group in range(GROUPS):
        gender, band, evening = group // 8, group // 2 % 4, group % 2
        for column, kind in enumerate(kinds):
            liked = (kind.female**0.5, kind.female**-0.5, 1.0)[gender] * float(np.exp(kind.age_tilt * (band - 1) / 2))
            near = np.cos(2 * np.pi * (month - kind.peak_month) / 12)
            shares[group, column] = liked * (kind.evening if evening else 1) * np.exp(kind.season * near)
    shares = shares * mass * taste
    cumulative = np.cumsum(shares, axis=1)
    by_category = np.argsort(products.category, kind="stable")
    inside = popularity[by_category]
    running = np.cumsum(inside)
    before = np.concatenate([[0], np.cumsum(mass)])[products.category[by_category]]
    place = products.category[by_category] + (running - before) / np.maximum(
        mass[products.category[by_category]], 1e-300
    )
    return cumulative / cumulative[:, -1:], by_category, place
