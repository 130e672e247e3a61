"""Runs that the command starts: load what is new, write the days to do, rebuild what depends on them, publish.

The same jobs, ops and history as in Dagster's UI, in this process and under one writer's lock. What the report
says is taken from the outcomes of the writes, not from Dagster's events.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from ecom_assets.contracts import dataset_contracts
from ecom_assets.orchestration.days import DayRange, days_between, joined
from ecom_assets.orchestration.dead_runs import end_dead_runs
from ecom_assets.orchestration.runner import Runner
from ecom_assets.orchestration.session import Progress, Session, session
from ecom_assets.orchestration.shop import PROJECT, ShopContext

if TYPE_CHECKING:
    from ecom_assets.quality import Verdict
    from ecom_assets.warehouse import Outcome, Restatement, Snapshot

BRIDGE_DAYS = 3  # writing a few days again costs less than another run


@dataclass(frozen=True)
class RunReport:
    """What came of it. A day counts as accepted where every table of the day was, as missing where orders were.

    `refusals` says why, one line a table; `seconds` is where the time went: imports, load, sql, judging, swap,
    event_log, publish and total. `snapshot` is None where nothing changed, so that the one before still stands.
    """

    run_ids: tuple[str, ...]
    accepted_days: tuple[date, ...]
    refused_days: tuple[date, ...]
    missing_days: tuple[date, ...]
    refusals: tuple[str, ...]
    refused_files: tuple[tuple[str, str], ...]
    failed_checks: tuple[tuple[str, "Verdict"], ...]
    errors: tuple[str, ...]
    lines_used: int
    lines_quarantined: int
    restatements: tuple["Restatement", ...]
    notes: tuple[str, ...]
    snapshot: "Snapshot | None"
    files_over_limit: tuple[tuple[str, str], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether everything that came in was accepted."""
        return not (self.refusals or self.refused_files or self.files_over_limit or self.errors)


def execute(
    context: ShopContext,
    from_day: date | None = None,
    to_day: date | None = None,
    on_progress: Progress | None = None,
    simulate: DayRange | None = None,
    purpose: str = "ecom run",
) -> RunReport:
    """Bring the warehouse up to what lies in the landing folder, and publish.

    Args:
        context: the shop.
        from_day: with `to_day`, write these days again; one alone is open towards the other end of what there is.
        to_day: see `from_day`. Without either, every day that the files touched since it was last written.
        on_progress: told (asset, "started" | "finished" | "failed") as the work goes on.
        simulate: first let the simulated shop write the landing files of these days.
        purpose: what a second writer is told.

    Raises:
        LockedError: another process is writing; nothing was done.
    """
    started = time.perf_counter()
    with _runner(context, purpose, on_progress) as runner:
        opened = runner.opened
        if simulate:
            runner.run("daily_refresh", runner.keys("landing", "raw"), simulate)
        else:
            runner.load()
        days = _asked_days(opened, from_day, to_day)
        runner.write(joined(days, BRIDGE_DAYS))
        if not opened.is_published:
            opened.publish()
        opened.seconds["event_log"] = getattr(runner.instance.event_log_storage, "seconds", 0.0)
        opened.seconds["total"] = time.perf_counter() - started
        return report(opened, runner.run_ids, runner.errors)


def tell(context: ShopContext, change: Callable[["Session"], None], purpose: str) -> RunReport:
    """Change what people say of notifications, make anomaly/notifications anew by it, and publish.

    What detectors learn from labels they learn with the next day.

    Args:
        context: the shop.
        change: makes the change; where it raises, nothing else is done.
        purpose: what a second writer is told.

    Raises:
        LockedError: another process is writing; nothing was done.
    """
    with _runner(context, purpose) as runner:
        opened = runner.opened
        change(opened)
        opened.is_published = False
        runner.run("backfill", [key for key in runner.keys("anomaly") if key.path[-1] == "notifications"])
        opened.publish()
        return report(opened, runner.run_ids, runner.errors)


@contextmanager
def _runner(context: ShopContext, purpose: str, on_progress: Progress | None = None) -> Iterator[Runner]:
    """Whoever holds the writer's lock: runs that were killed are over for Dagster too."""
    with exported(context), session(context, purpose, on_progress) as opened, open_instance() as instance:
        end_dead_runs(instance)
        yield Runner(opened, instance)


def _asked_days(opened: Session, from_day: date | None, to_day: date | None) -> list[date]:
    from ecom_assets.warehouse.days import last_day_over

    if from_day is None and to_day is None:
        return opened.warehouse.days_to_do(opened.as_of)
    shop = opened.context.shop
    last = last_day_over(shop, opened.as_of)
    return days_between(max(from_day or shop.first_day, shop.first_day), min(to_day or last, last))


def report(opened: Session, run_ids: Sequence[str], errors: Sequence[str]) -> RunReport:
    """What came of everything that the session wrote."""
    daily = [outcome for outcome in opened.outcomes if outcome.asset in _daily_assets()]
    refused = {day for outcome in daily for day in outcome.refused_days}
    accepted = {day for outcome in daily for day in outcome.accepted_days}
    missing = {day for outcome in daily if outcome.asset == "clean/orders" for day in outcome.missing_days}
    for outcome in opened.outcomes:
        opened.seconds["sql"] = opened.seconds.get("sql", 0.0) + outcome.stage_seconds
        opened.seconds["judging"] = opened.seconds.get("judging", 0.0) + outcome.judge_seconds
        opened.seconds["swap"] = opened.seconds.get("swap", 0.0) + outcome.swap_seconds
    return RunReport(
        run_ids=tuple(run_ids),
        accepted_days=tuple(sorted(accepted - refused)),
        refused_days=tuple(sorted(refused)),
        missing_days=tuple(sorted(missing)),
        refusals=tuple(_refusals(opened.outcomes)),
        refused_files=tuple(opened.refused_files()),
        files_over_limit=tuple(opened.files_over_limit()),
        failed_checks=tuple((outcome.asset, verdict) for outcome in opened.outcomes for verdict in outcome.failed()),
        errors=tuple(errors),
        lines_used=sum(receipt.rows_used for receipt in opened.receipts),
        lines_quarantined=sum(receipt.rows_quarantined for receipt in opened.receipts),
        restatements=tuple(each for outcome in opened.outcomes for each in outcome.restatements),
        notes=(*opened.notes, *_refused_before(opened, refused)),
        snapshot=opened.snapshot,
        seconds=dict(opened.seconds),
    )


def _refused_before(opened: Session, refused: Collection[date]) -> Iterator[str]:
    """What is said of refused days that this run had nothing new for: they are no better for that."""
    sql = """select count(distinct business_date) from lineage.days where state = 'refused'
        and asset in (select unnest($assets::varchar[])) and business_date not in (select unnest($refused::date[]))"""
    bound = {"assets": sorted(_daily_assets()), "refused": list(refused)}
    ((days,),) = opened.connection.execute(sql, bound).fetchall()
    if days:
        yield f"{days:,} day{'s' if days > 1 else ''} refused by an earlier run: `ecom status` says which and why"


def _daily_assets() -> set[str]:
    return {contract.asset for contract in dataset_contracts().values() if contract.partitioned_by}


def _refusals(outcomes: Iterable["Outcome"]) -> Iterator[str]:
    for outcome in outcomes:
        for day, reason in sorted(outcome.reasons.items(), key=lambda item: str(item[0])):
            yield f"{outcome.asset} {day or 'as a whole'}: {reason}"


@contextmanager
def exported(context: ShopContext) -> Iterator[None]:
    """The shop in this process's environment, where definitions and runs look for it."""
    values: dict[str, str] = {
        "ECOM_HOME": str(context.home.root),
        "ECOM_SHOP": str(context.shop_file),
        "ECOM_LANDING": str(context.landing),
    }
    before: dict[str, Any] = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of the exported shop: the history that the UI shows."""
    with dg.DagsterInstance.from_config(str(PROJECT)) as instance:
        yield instance
