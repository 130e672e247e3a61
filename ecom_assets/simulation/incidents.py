"""What goes wrong, or unexpectedly well: incidents with their truth. What they do to rows stands with the rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecom_assets.simulation.calendar import DAY_S, Clock, campaigns_of_year
from ecom_assets.simulation.config import Scheduled, SimulationConfig
from ecom_assets.simulation.streams import Floats, stream

YEAR = 365
MAX_DAYS = 28


@dataclass(frozen=True)
class Kind:
    """How incidents of one kind are drawn: fault or business, technical or commercial, where they can strike."""

    is_data_fault: bool
    is_technical: bool
    scopes: tuple[str, ...]
    members: tuple[str, ...] = ()
    always_scoped: bool = False
    whole_days: bool = False


KINDS: dict[str, Kind] = {
    "flash_sale": Kind(False, False, ("category", "device"), whole_days=True),
    "payment_outage": Kind(False, True, ("device", "channel")),
    "checkout_slowdown": Kind(False, True, ("device", "channel")),
    "ad_channel_paused": Kind(False, False, ("channel", "device"), ("paid_search", "paid_social", "affiliate"), True),
    "price_mistake": Kind(False, False, ("category", "device"), always_scoped=True),
    "stock_out": Kind(False, False, ("category",), always_scoped=True, whole_days=True),
    "bot_wave": Kind(False, True, ("channel", "device"), ("direct", "referral", "organic_search"), True),
    "viral_mention": Kind(False, False, ("channel", "device"), ("organic_social", "referral", "direct"), True),
    "delivery_strike": Kind(False, False, ("country",), whole_days=True),
    "tracking_loss": Kind(True, True, ("device", "channel")),
    "duplicate_delivery": Kind(True, True, ("dataset",), ("orders", "session_tracking"), True, True),
    "late_file": Kind(
        True, True, ("dataset",), ("orders", "order_items", "session_tracking", "clickstream"), True, True
    ),
    "currency_mix_up": Kind(True, False, ("country", "channel"), whole_days=True),
    "truncated_file": Kind(
        True, True, ("dataset",), ("orders", "order_items", "session_tracking", "clickstream"), True, True
    ),
}


@dataclass(frozen=True)
class Incident:
    """One incident. `start` and `end` are local days and fractions since the shop's first midnight.

    `size` is the share at its scope that it takes away, adds or spoils; `ordinal` keys its random streams and
    is the same in a shop from which another incident was taken out.
    """

    ordinal: int
    incident_id: str
    kind: str
    scope: tuple[tuple[str, str], ...]
    start: float
    end: float
    size: float
    shape: str
    is_scheduled: bool
    overlaps: bool

    @property
    def is_data_fault(self) -> bool:
        """Whether the business went on as always and only its records are wrong."""
        return KINDS[self.kind].is_data_fault

    @property
    def days(self) -> range:
        """Day numbers that it touches."""
        return range(int(np.floor(self.start)), int(np.ceil(self.end - 1e-9)))

    def member(self, dimension: str) -> str | None:
        """The member of a dimension that it is confined to, None for all."""
        return dict(self.scope).get(dimension)

    def effect(self, day_number: int, wall_s: NDArray[Any]) -> Floats:
        """Its strength, 0 to `size`, at local seconds since midnight of a day."""
        span = self.end - self.start
        progress = (day_number + np.asarray(wall_s) / DAY_S - self.start) / span
        inside = (progress >= 0) & (progress < 1)
        if self.shape == "ramp":
            form = progress
        elif self.shape == "decay":
            form = np.exp(-3 * progress.clip(0, 1))
        elif self.shape == "intermittent":
            form = (np.floor(progress * 8) % 2 == 0).astype(np.float64)
        else:
            form = np.ones_like(progress)
        return np.where(inside, self.size * form, 0.0)


def draw_incidents(config: SimulationConfig, seed: int, clock: Clock, horizon: int) -> tuple[Incident, ...]:
    """All incidents that start before `horizon`, the scheduled ones first. A longer horizon only appends."""
    made = [_scheduled(number, item, clock) for number, item in enumerate(config.incidents.scheduled)]
    if stream(seed, "incidents.none").random() < config.incidents.none_share:
        return tuple(made)
    for year in range(-(-horizon // YEAR)):
        for incident in _of_year(config, seed, clock, year, len(made)):
            made.append(incident)
    return tuple(made)


def _scheduled(number: int, item: Scheduled, clock: Clock) -> Incident:
    day = clock.number(item.starts) if isinstance(item.starts, date) else item.starts
    start = day + item.start_hour / 24
    scope = tuple((str(dimension), member) for dimension, member in item.scope.items())
    if not scope and KINDS[item.kind].always_scoped:
        kind = KINDS[item.kind]
        scope = ((kind.scopes[0], kind.members[0]),) if kind.members else ()
    return Incident(number, f"I0-{number:02d}", item.kind, scope, start, start + item.hours / 24, item.size,
                    item.shape, True, False)  # fmt: skip


def _of_year(config: SimulationConfig, seed: int, clock: Clock, year: int, first: int) -> Iterator[Incident]:
    rng = stream(seed, "incidents", year)
    counts = {
        False: int(rng.poisson(config.incidents.business_per_year)),
        True: int(rng.poisson(config.incidents.data_faults_per_year)),
    }
    starts: list[float] = [
        clock.number(c.real_start)
        for calendar_year in (clock.day(year * YEAR).year, clock.day((year + 1) * YEAR).year)
        for c in campaigns_of_year(config, seed, calendar_year)
        if year * YEAR <= clock.number(c.real_start) < (year + 1) * YEAR
    ]
    number = 0
    for is_fault, count in counts.items():
        names = [name for name, kind in KINDS.items() if kind.is_data_fault == is_fault]
        for _ in range(count):
            own = stream(seed, "incident", year, number)
            incident = _drawn(config, own, names, year, number, first + number, starts)
            starts.append(incident.start)
            yield incident
            number += 1


def _drawn(
    config: SimulationConfig, rng: np.random.Generator, names: list[str], year: int, number: int, ordinal: int,
    starts: list[float],
) -> Incident:  # fmt: skip
    u = rng.random(10)
    name = names[int(u[0] * len(names))]
    kind = KINDS[name]
    overlaps = bool(u[1] < config.incidents.overlap_share and starts)
    start = starts[int(u[2] * len(starts))] if overlaps else year * YEAR + u[2] * YEAR
    normal = float(rng.standard_normal())
    days = 0.25 * np.exp(1.2 * normal) if kind.is_technical else 4 * np.exp(0.8 * normal)
    days = float(np.clip(days, 1 / 24, MAX_DAYS))
    if kind.whole_days:
        start, days = float(np.floor(start)), float(np.ceil(days))
    shape = ("step", "ramp", "decay", "intermittent")[int(np.searchsorted([0.5, 0.7, 0.9], u[3], side="right"))]
    start = float(start)
    size = float(np.exp(np.log(0.05) + u[4] * (np.log(0.80) - np.log(0.05))))
    scope = _scope(config, kind, u[5:])
    return Incident(ordinal, f"I{year + 1}-{number:02d}", name, scope, start, start + days, size,
                    "step" if kind.is_data_fault and kind.whole_days else shape, False, overlaps)  # fmt: skip


def _scope(config: SimulationConfig, kind: Kind, u: Floats) -> tuple[tuple[str, str], ...]:
    """Whole shop 30 %, one member 50 %, a pair 20 %, as far as the kind allows."""
    if u[0] < 0.3 and not kind.always_scoped:
        return ()
    members = {
        "channel": tuple(config.traffic.channels),
        "device": tuple(config.traffic.devices),
        "category": tuple(config.catalogue.categories),
        "country": tuple(config.countries),
    }
    first = kind.scopes[0] if len(kind.scopes) == 1 or kind.always_scoped or u[1] < 0.5 else kind.scopes[1]
    choices = kind.members if kind.members and first == kind.scopes[0] else members[first]
    scope = [(first, choices[int(u[2] * len(choices))])]
    others = [dimension for dimension in kind.scopes if dimension != first]
    if u[0] >= 0.8 and others:
        choices = members[others[0]]
        scope.append((others[0], choices[int(u[3] * len(choices))]))
    return tuple(scope)


def touching(incidents: tuple[Incident, ...], day_number: int, *kinds: str) -> list[Incident]:
    """Incidents of some kinds that touch a day."""
    return [i for i in incidents if i.kind in kinds and i.days.start <= day_number < i.days.stop]
