"""Lets the simulated shop write the landing files of a run's days, and its truth beside them.

What is simulated, and how, is `simulation`'s business; from the files on, nothing tells them from a real shop's.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ecom_assets.orchestration.metadata import key_of
from ecom_assets.orchestration.session import Session
from ecom_assets.orchestration.shop import ShopContext

if TYPE_CHECKING:
    from ecom_assets.simulation import Simulator


def write_landing(
    context: dg.AssetExecutionContext, session: Session, datasets: Sequence[str]
) -> Iterator[dg.MaterializeResult[None]]:
    """Write the files that arrive on the run's days, then yield a materialization for each simulated dataset.

    The truth of the incidents goes into a folder of its own, never into the landing folder: only scoring reads it.
    """
    from ecom_assets.simulation import Simulator

    home, shop = session.context.home, session.context.shop
    days = [date.fromisoformat(key) for key in context.partition_keys]
    simulator = Simulator(shop.simulation, shop.seed, shop.first_day, time_zone=shop.time_zone, currency=shop.currency)
    session.progress("landing/simulated", "started")
    with session.timed("simulate"):
        workers = os.cpu_count() or 1
        written = simulator.write_landing(days, session.context.landing, datasets=datasets, workers=workers)
        if _tells_something_new(simulator, days) or not home.truth.is_dir():
            simulator.write_truth(home.truth, max(days))
    session.progress("landing/simulated", "finished")
    for dataset in datasets:
        files = [path for path in written if path.parent.name == dataset]
        yield dg.MaterializeResult(asset_key=key_of(f"landing/{dataset}"), metadata=_numbers(files))


def newest_simulated_day(context: ShopContext) -> date | None:
    """The newest day of which simulated files lie in the landing folder; None where there are none."""
    simulated = [name for name, source in context.shop.sources.items() if source.kind == "simulated"]
    files = [path for name in simulated for path in (context.landing / name).glob("*_????-??-??.*")]
    return max((date.fromisoformat(path.name.split(".")[0][-10:]) for path in files), default=None)


def _tells_something_new(simulator: "Simulator", days: Sequence[date]) -> bool:
    """Whether an incident, or what it leaves behind, reaches into the days: its twins cost seconds to simulate."""
    from ecom_assets.simulation.truth import AFTERMATH_DAYS

    first = (min(days) - simulator.first_day).days
    return any(each.days.stop + AFTERMATH_DAYS > first for each in simulator.incidents_until(max(days)))


def _numbers(files: Sequence[Path]) -> dict[str, int]:
    return {"files": len(files), "size_bytes": sum(path.stat().st_size for path in files)}
