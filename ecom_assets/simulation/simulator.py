"""The simulator as others use it: a shop by day, its landing files, its incidents and their truth."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecom_assets.simulation import landing, shopkeeping, truth
from ecom_assets.simulation.calendar import Clock
from ecom_assets.simulation.columns import plain
from ecom_assets.simulation.config import SimulationConfig, load_config
from ecom_assets.simulation.incidents import Incident
from ecom_assets.simulation.people import WINDOW
from ecom_assets.simulation.plan import Plan, make_plan
from ecom_assets.simulation.recorded import DAILY, day_rows
from ecom_assets.simulation.workers import in_blocks
from ecom_assets.simulation.world import STEP, World


class Simulator:
    """One simulated shop. Equal arguments give equal bytes, whichever days are asked for and in which order.

    Args:
        config: a `SimulationConfig`, a YAML file, or settings that replace the default file's.
        seed: everything that is drawn is drawn from it.
        first_day: the first day that the shop's files tell of; it has customers and returns from before.
        time_zone: the shop's, for local days and hours.
        currency: the shop's; the amounts of the settings are in it.
        orders_per_day: level of the shop, where it should differ from the settings'.
        without: incidents to leave out, by id: the shop's twin, equal in all that they did not cause.
    """

    def __init__(
        self,
        config: SimulationConfig | Path | Mapping[str, Any] | None = None,
        seed: int = 7,
        first_day: date = date(2026, 1, 1),
        *,
        time_zone: str = "UTC",
        currency: str = "EUR",
        orders_per_day: float | None = None,
        without: str | Iterable[str] = (),
    ) -> None:
        if not isinstance(config, SimulationConfig):
            path, settings = (None, config) if isinstance(config, Mapping) else (config, None)
            config = load_config(path, seed, settings)
        if orders_per_day is not None:
            config = config.model_copy(update={"orders_per_day": float(orders_per_day)})
        self.config, self.seed, self.first_day = config, seed, first_day
        self.time_zone, self.currency = time_zone, currency
        self.without = frozenset([without] if isinstance(without, str) else without)
        self._clock = Clock(first_day, time_zone)
        self._world: World | None = None

    def world(self, day_number: int) -> World:
        """The shop's state, with a horizon beyond the day."""
        # Carts look a week ahead, and the buyers of that week come from one window of candidates.
        if self._world is None or day_number + 2 * WINDOW >= self._world.horizon:
            horizon = (day_number + 2 * WINDOW) // STEP * STEP + STEP
            self._world = World(self.config, self.seed, self._clock, horizon, self.without, self.currency)
        return self._world

    def plan_until(self, days: int) -> Plan:
        """What the shop expects of its first days, without making any of them."""
        return make_plan(self.config, self.seed, self._clock, days)

    def twin(self, without: str | Iterable[str]) -> "Simulator":
        """The same shop without some more incidents."""
        more = frozenset([without] if isinstance(without, str) else without)
        return Simulator(
            self.config, self.seed, self.first_day, time_zone=self.time_zone, currency=self.currency,
            without=self.without | more,
        )  # fmt: skip

    def day(self, day: date, datasets: Collection[str] | None = None) -> dict[str, pa.Table]:
        """What truly happened on a business day, every dataset or some; whole ones as they stand that day.

        Orders know how they were paid and delivered in the end; no row is broken, late or missing.

        Raises:
            ValueError: for a day before the shop's first.
        """
        return self._tables(day, datasets, faults=False)

    def recorded(self, day: date, datasets: Collection[str] | None = None) -> dict[str, pa.Table]:
        """Like `day`, as the sources recorded it: with the data faults among the incidents, without other mess."""
        return self._tables(day, datasets, faults=True)

    def _tables(self, day: date, datasets: Collection[str] | None, faults: bool) -> dict[str, pa.Table]:
        number = landing.day_numbers([day], self.first_day)[0]
        world = self.world(number)
        whole = {
            "products": lambda: shopkeeping.products(world, number),
            "customers": lambda: shopkeeping.customers(world, -world.plan.history, number),
            "campaigns": lambda: shopkeeping.campaigns(world, -world.plan.history, number),
        }
        return {
            name: plain((whole[name]() if name in whole else day_rows(world, number, name, faults)).table)
            for name in datasets or (*whole, *DAILY)
        }

    def write_landing(
        self,
        days: Iterable[date],
        folder: Path,
        progress: Callable[[int, int], None] | None = None,
        datasets: Collection[str] | None = None,
        workers: int = 1,
    ) -> list[Path]:
        """Write the files that arrive on the given days, as `landing` describes them; returns their paths.

        Writing a day again changes nothing; each file appears at once and whole. `progress` gets days done and in all.
        `datasets` confines it to some, for a shop that has no others; `workers` is how many processes may share many
        days, of which each starts the program's main module anew, as `multiprocessing` does.

        Raises:
            ValueError: for a day before the shop's first, or a dataset that no shop has.
        """
        numbers = landing.day_numbers(days, self.first_day)
        work = partial(_write_landing, self, folder, tuple(datasets) if datasets else None)
        written = in_blocks(work, numbers, workers, progress)
        return [path for block in written for path in block]

    def __reduce__(self) -> tuple[Any, ...]:
        """As its arguments: another process makes its own world."""
        more: dict[str, Any] = {"time_zone": self.time_zone, "currency": self.currency, "without": self.without}
        return partial(Simulator, self.config, self.seed, self.first_day, **more), ()

    def incidents_until(self, last_day: date) -> tuple[Incident, ...]:
        """Incidents that start on or before a day."""
        number = (last_day - self.first_day).days
        return tuple(i for i in self.world(number).incidents if i.start < number + 1)

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Incidents of the horizon made so far, at least the first year's."""
        return self.world(0).incidents if self._world is None else self._world.incidents

    def truth(self, last_day: date | None = None) -> pa.Table:
        """One row an incident: what, where, when, how much, and whether only the records are wrong."""
        chosen = self.incidents if last_day is None else self.incidents_until(last_day)
        return truth.incident_table(chosen, self._clock)

    def twin_difference(self, incident_id: str, last_day: date | None = None) -> pa.Table:
        """What an incident truly changed: sums of each day with it and without it, where they differ."""
        return truth.twin_difference(self, incident_id, last_day)

    def write_truth(self, folder: Path, last_day: date | None = None) -> list[Path]:
        """Write `incidents.csv` and `twin_differences.csv` into a folder that is no landing folder."""
        return truth.write_truth(self, folder, last_day)


def _write_landing(
    simulator: Simulator, folder: Path, datasets: Collection[str] | None, days: Sequence[int],
    progress: Callable[[int, int], None],
) -> list[Path]:  # fmt: skip
    return landing.write_landing(simulator.world, days, folder, progress, datasets)
