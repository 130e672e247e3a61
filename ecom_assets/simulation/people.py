"""Who the customers are and when they buy again: BG/NBD on the shop's operational clock.

A customer buys at a gamma-distributed rate and drops out after a purchase with a beta-distributed probability
(Fader, Hardie and Lee 2005). Both are equal to two independent Poisson processes: purchases that are followed
by another, with rate x (1 - p), and the last one, after an exponential time of rate x p. So the buyers of any day
follow from rates and days of death alone, without the days before.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ecom_assets.simulation.config import SimulationConfig
from ecom_assets.simulation.plan import Plan
from ecom_assets.simulation.streams import Floats, Ints, pick, stream

WINDOW = 30  # days that share one list of candidates; a plan's horizon is a multiple of it
GENDERS = ("female", "male", "")
FIRST_NAMES = (
    ("Anna", "Lena", "Marie", "Sophie", "Julia", "Laura", "Emma", "Clara", "Nina", "Eva", "Lisa", "Sarah", "Ida"),
    ("Paul", "Max", "Jonas", "Felix", "Lukas", "Tom", "David", "Simon", "Noah", "Ben", "Jan", "Leon", "Erik"),
    ("Alex", "Kim", "Robin", "Sam", "Charlie", "Toni", "Sascha", "Luca", "Mika", "Jo", "Chris", "Andrea", "Uli"),
)
LAST_NAMES = (
    "Bauer", "Becker", "Braun", "Fischer", "Fuchs", "Gruber", "Hahn", "Huber", "Jansen", "Keller", "Klein", "Koch",
    "Lang", "Maier", "Martin", "Meyer", "Novak", "Petit", "Richter", "Schmidt", "Smith", "Wagner", "Weber", "Wolf",
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """Every known customer up to the horizon, in order of sign-up; an index is a customer."""

    cohort: NDArray[np.int32]  # day number of the first order
    starts: Ints  # first customer of each day, from the history's first day on; one more at the end
    rate: Floats  # purchases per operational day
    dropout: Floats
    death_day: NDArray[np.int32]  # day number of the last purchase, beyond the horizon where it is later
    gender: NDArray[np.int8]
    birth_year: NDArray[np.int16]
    country: NDArray[np.int8]
    deaths: Ints  # customers in order of their day of death
    death_starts: Ints
    history: int

    def cohort_of(self, day_number: int) -> Ints:
        """Customers who sign up and buy for the first time on a day."""
        k = day_number + self.history
        return np.arange(self.starts[k], self.starts[k + 1])

    def last_buyers(self, day_number: int) -> Ints:
        """Customers who buy on a day for the last time, their first purchase aside."""
        k = day_number + self.history
        return self.deaths[self.death_starts[k] : self.death_starts[k + 1]]


def make_people(config: SimulationConfig, seed: int, plan: Plan, first_year: int) -> People:
    """All customers of a plan's horizon."""
    setting = config.customers
    counts = stream(seed, "people.count").poisson(plan.new_customers)
    starts = np.concatenate([[0], np.cumsum(counts)])
    n, days = int(starts[-1]), len(counts)
    k = np.repeat(np.arange(days), counts)
    rate = stream(seed, "people.rate").gamma(setting.r, 1 / (setting.alpha_weeks * 7), n)
    dropout = stream(seed, "people.dropout").beta(setting.a, setting.b, n)
    years = np.clip((k - plan.history) / 365, 0, None)
    dropout = np.clip(dropout * (1 + setting.dropout_drift_per_year * years), 1e-9, 1)
    life = stream(seed, "people.life").standard_exponential(n) / np.maximum(rate * dropout, 1e-12)
    death_k = np.searchsorted(plan.clock, plan.clock[k + 1] + life, side="right") - 1
    death_day = np.minimum(death_k, days).astype(np.int32) - plan.history
    order = np.argsort(death_day, kind="stable")
    edges = np.searchsorted(death_day[order], np.arange(days + 1) - plan.history)
    u = stream(seed, "people.gender").random(n)
    gender = np.where(u < 0.06, 2, np.where(u < 0.06 + 0.94 * setting.female_share, 0, 1))
    age = np.clip(18 + stream(seed, "people.age").gamma(3.2, 7.5, n), 18, 90)
    shares = np.array([c.share for c in config.countries.values()])
    country = pick(stream(seed, "people.country").random(n), shares)
    return People(
        cohort=(k - plan.history).astype(np.int32), starts=starts, rate=rate, dropout=dropout, death_day=death_day,
        gender=gender.astype(np.int8), birth_year=(first_year - age).astype(np.int16), country=country.astype(np.int8),
        deaths=order, death_starts=edges, history=plan.history,
    )  # fmt: skip


class Buyers:
    """Draws the returning customers of a day."""

    def __init__(self, people: People, plan: Plan, seed: int) -> None:
        self.people, self.plan, self.seed = people, plan, seed
        self._window = lru_cache(maxsize=4)(self._make_window)

    def _make_window(self, window: int) -> tuple[Ints, Floats]:
        first = window * WINDOW
        people = self.people
        signed_up = people.starts[min(first + WINDOW + people.history, len(people.starts) - 1)]
        candidates = np.flatnonzero(people.death_day[:signed_up] >= first)
        return candidates, np.cumsum(people.rate[candidates] * (1 - people.dropout[candidates]))

    def returning(self, day_number: int) -> Ints:
        """Customers who buy again on a day, one entry a purchase."""
        candidates, weights = self._window(day_number // WINDOW)
        last = self.people.last_buyers(day_number)
        if not len(candidates):
            return last
        k = self.plan.index(day_number)
        rng = stream(self.seed, "buyers.returning", day_number)
        count = rng.poisson((self.plan.clock[k + 1] - self.plan.clock[k]) * weights[-1])
        found = candidates[
            np.searchsorted(weights, rng.random(count) * weights[-1], side="right").clip(max=len(weights) - 1)
        ]
        alive = (self.people.cohort[found] < day_number) & (self.people.death_day[found] > day_number)
        return np.concatenate([last, found[alive]])

    def some(self, day_number: int, uniforms: Floats) -> Ints:
        """Known customers for purchases that an incident adds; -1 where there is none yet."""
        candidates, weights = self._window(day_number // WINDOW)
        if not len(candidates):
            return np.full(len(uniforms), -1)
        found = candidates[np.searchsorted(weights, uniforms * weights[-1], side="right").clip(max=len(weights) - 1)]
        return np.where(self.people.cohort[found] < day_number, found, -1)
