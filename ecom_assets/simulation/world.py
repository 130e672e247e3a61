"""One shop: its plan, people, products and incidents, and the day's intents, kept while they are asked for again."""

from collections.abc import Callable
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ecom_assets.simulation.calendar import Clock
from ecom_assets.simulation.config import SimulationConfig
from ecom_assets.simulation.incidents import Incident, draw_incidents
from ecom_assets.simulation.people import Buyers, People, make_people
from ecom_assets.simulation.plan import Plan, make_plan
from ecom_assets.simulation.products import Products, make_products
from ecom_assets.simulation.streams import Floats, Ints, pick, stream
from ecom_assets.simulation.walk import add_rate_for

EVENT_DAYS = 2  # steps of visits are many and wanted for their own day
STEP = 360  # days by which the horizon grows; a multiple of people.WINDOW
NUMBERS = 1_000_000_000  # numbers a day, the upper half for what incidents add
ADDED = 1_000_000  # numbers a day that each incident has for itself
KEPT_DAYS = 96  # refunds look back 60 days, stock another 21
_SINCE = date(2000, 1, 1)


class World:
    """A shop's state of knowledge up to a horizon. Everything in it follows from config, seed and first day."""

    def __init__(
        self, config: SimulationConfig, seed: int, clock: Clock, horizon: int, without: frozenset[str], currency: str
    ) -> None:
        self.config, self.seed, self.clock, self.currency = config, seed, clock, currency
        self.horizon = horizon
        self.plan: Plan = make_plan(config, seed, clock, horizon)
        self.people: People = make_people(config, seed, self.plan, clock.first_day.year)
        self.products: Products = make_products(config, seed, horizon)
        self.buyers = Buyers(self.people, self.plan, seed)
        self.incidents: tuple[Incident, ...] = tuple(
            incident for incident in draw_incidents(config, seed, clock, horizon) if incident.incident_id not in without
        )
        self.channels, self.devices = tuple(config.traffic.channels), tuple(config.traffic.devices)
        self.countries, self.categories = tuple(config.countries), tuple(config.catalogue.categories)
        self._kept: dict[str, Callable[[int], Any]] = {}

    def kept(self, name: str, make: Callable[["World", int], Any], day: int, days: int = KEPT_DAYS) -> Any:
        """`make(world, day)`, remembered for the last `days` that were asked for."""
        if name not in self._kept:
            self._kept[name] = lru_cache(maxsize=days)(lambda number: make(self, number))
        return self._kept[name](day)

    def base(self, day: int) -> Any:
        """The intents of a day without incidents."""
        from ecom_assets.simulation.orders import base_intents

        return self.kept("base", base_intents, day)

    def number(self, day: int, ordinal: Ints, block: int = 0) -> Ints:
        """Numbers of a day's entities: the same whatever else happens that day."""
        first = (self.clock.day(day) - _SINCE).days * NUMBERS
        return first + ordinal + (NUMBERS // 2 + (block - 1) * ADDED if block else 0)

    @cached_property
    def hour_shares(self) -> Floats:
        """Share of each hour in a day's sessions and orders."""
        hours = np.array(self.config.traffic.hours)
        return hours / hours.sum()

    def wall_time(self, u_hour: Floats, u_second: Floats) -> Ints:
        """Local seconds since midnight by the shop's hours."""
        return (pick(u_hour, self.hour_shares) * 3600 + u_second * 3600).astype(np.int64)

    def cell_mask(self, incident: Incident) -> Floats:
        """1 for the channels and devices (rows and columns) that an incident is confined to, else 0."""
        mask = np.ones((len(self.channels), len(self.devices)))
        channel, device = incident.member("channel"), incident.member("device")
        if channel is not None:
            mask *= (np.array(self.channels) == channel)[:, None]
        if device is not None:
            mask *= (np.array(self.devices) == device)[None, :]
        return mask

    @cached_property
    def add_rate(self) -> float:
        """Rate at which viewed products are put into the cart, by the abandonment that is set."""
        return add_rate_for(self.config.traffic.conversion_rate, self.config.behaviour.abandonment_rate)

    def in_scope(self, incident: Incident, channel: Ints, device: Ints, country: Ints | None = None) -> np.ndarray:
        """Which sessions or orders an incident reaches by channel, device and country."""
        reached = np.ones(len(channel), dtype=bool)
        for names, found, dimension in (
            (self.channels, channel, "channel"),
            (self.devices, device, "device"),
            (self.countries, country, "country"),
        ):
            member = incident.member(dimension)
            if member is not None and found is not None:
                reached &= found == names.index(member)
        return reached

    def product_mask(self, incident: Incident) -> np.ndarray | None:
        """The products that an incident is confined to, None for all."""
        member = incident.member("category")
        return None if member is None else self.products.category == self.categories.index(member)

    @cached_property
    def currencies(self) -> tuple[str, ...]:
        """The shop's currency, then the foreign ones."""
        return (self.currency, *(name for name in self.config.currencies if name != self.currency))

    @cached_property
    def fx_rates(self) -> dict[str, Floats]:
        """Shop currency for one unit of each foreign currency, by day from the history's start; six places."""
        days = len(self.plan.level)
        made = {}
        for name, rate in self.config.currencies.items():
            if name == self.currency:
                continue
            steps = stream(self.seed, f"fx.{name}").standard_normal(days) * 0.003
            walk, value = np.empty(days), 0.0
            for k, step in enumerate(steps.tolist()):
                value = 0.995 * value + step
                walk[k] = value
            made[name] = np.round(rate * np.exp(walk), 6)
        return made
