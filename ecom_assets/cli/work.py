"""The verb `run`, and how any run is followed and reported. What a run does is `orchestration.runs`."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ecom_assets.cli import log, show
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import Home, SettingsError, Shop

if TYPE_CHECKING:
    from rich.console import Console

    from ecom_assets.orchestration.runs import RunReport

_SHOWN = 12
# What a shop is asked about first, by what its sources can tell: one table a domain.
_TELLING = ("kpi.daily_revenue", "kpi.session_behavior", "kpi.api_health", "kpi.page_speed", "kpi.cart_abandonment",
            "kpi.support_performance", "kpi.feedback_sentiment", "clean.orders")  # fmt: skip


def run(from_day: date | None, to_day: date | None, shop: Path | None, landing: Path | None) -> None:
    """Bring the home up to what lies in the landing folder, and say what came of it.

    Simulated datasets first write the files of the days since, unless certain days are asked for.

    Raises:
        SettingsError: no shop is named, the settings are wrong, or no file is where they say.
        typer.Exit: with 1, something was refused or failed; each of it was named on standard error.
    """
    from ecom_assets.orchestration.runs import execute

    if from_day and to_day and to_day < from_day:
        raise typer.BadParameter(f"--to {to_day} lies before --from {from_day}")
    context = ShopContext.resolve(shop, landing)
    context.require_named()
    _look_at_days(context, from_day, to_day)
    _look_for_files(context)
    with progress() as on_progress:
        simulate = None if from_day or to_day else _days_to_simulate(context)
        report = execute(context, from_day, to_day, on_progress, simulate)
    keep_log(context.home, report)
    print_report(show.console(), report, context.shop)
    print_next(context)
    if not report.succeeded:
        raise typer.Exit(1)


def _look_at_days(context: ShopContext, from_day: date | None, to_day: date | None) -> None:
    """Say at once where none of the days can be written."""
    from ecom_assets.warehouse.days import last_day_over

    first, last = context.shop.first_day, last_day_over(context.shop, context.now())
    if from_day and from_day > last:
        raise typer.BadParameter(f"--from {from_day} lies after {last}, the last day of the shop that is over")
    if to_day and to_day < first:
        raise typer.BadParameter(f"--to {to_day} lies before {first}, the first day of the shop")


def _days_to_simulate(context: ShopContext) -> tuple[date, date] | None:
    if not context.shop.is_simulated:
        return None
    from ecom_assets.orchestration.simulating import newest_simulated_day
    from ecom_assets.warehouse.days import last_day_over

    newest = newest_simulated_day(context)
    first = newest + timedelta(days=1) if newest else context.shop.first_day
    last = last_day_over(context.shop, context.now())
    return (first, last) if first <= last else None


def _look_for_files(context: ShopContext) -> None:
    """Say at once where no file matches: a run over nothing would look like a success."""
    from ecom_assets.ingestion import discover, plan_sources

    plans = [plan for plan in plan_sources(context.shop, context.shop_file) if plan.source.kind == "files"]
    bare = [plan for plan in plans if not discover(plan, context.landing)]
    if not bare:
        return
    looked = ", ".join(f"{plan.name} ({plan.pattern})" for plan in bare)
    where = f"in {context.landing}" if context.landing.is_dir() else f"since there is no folder {context.landing}"
    if len(bare) == len(plans) and not context.shop.is_simulated:
        raise SettingsError(f"no file found for {looked} {where}; say where they lie with --landing DIR")
    show.errors().print(f"No file for {looked} {where}.", style="yellow")


@contextmanager
def progress() -> Iterator[Callable[[str, str], None]]:
    """A bar on a terminal, a line a table elsewhere; both on standard error."""
    screen = show.errors()
    if not screen.is_terminal:
        yield lambda asset, state: None if state == "started" else screen.print(f"{state:<8} {asset}")
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from ecom_assets.contracts import dataset_contracts, table_contracts

    with Progress(SpinnerColumn(), TextColumn("{task.description:<32}", markup=False), BarColumn(), TimeElapsedColumn(),
                  console=screen, transient=True) as bar:  # fmt: skip
        task = bar.add_task("starting", total=2 * len(dataset_contracts()) + len(table_contracts()) + 1)

        def on_progress(asset: str, state: str) -> None:
            if state == "started":
                bar.update(task, description=asset)
                return
            done = bar.tasks[0]  # several ranges write the same tables again: the bar never claims to be done early
            bar.update(task, advance=1, total=max(done.total or 1, done.completed + 2))

        yield on_progress


def keep_log(home: Home, report: "RunReport") -> None:
    """Note in the home's log what came of a run."""
    log.open_log(home.logs)
    log.note(
        f"{len(report.accepted_days)} days accepted, {len(report.refused_days)} refused, "
        f"{len(report.refused_files)} files refused, {len(report.errors)} errors, "
        f"{report.seconds.get('total', 0):.1f} s"
    )


def print_report(screen: "Console", report: "RunReport", shop: Shop) -> None:
    """What was used, accepted and published; what was refused goes to standard error."""
    late = [day for day in report.missing_days if not shop.is_closed(day)]
    screen.print(f"lines     {report.lines_used:,} used, {report.lines_quarantined:,} to quarantine")
    screen.print(f"days      {_counted(report.accepted_days)} accepted, {len(report.refused_days):,} refused, "
                 f"{len(late):,} not delivered")  # fmt: skip
    if report.restatements:
        screen.print(f"restated  {len(report.restatements):,} published numbers (lineage.restatements)")
    if report.snapshot:
        size = report.snapshot.size_bytes / 1e6
        screen.print(f"snapshot  {report.snapshot.version} published ({size:,.1f} MB), "
                     f"{report.seconds.get('total', 0):,.0f} s in all")  # fmt: skip
    for note in report.notes:
        screen.print(f"note      {note}")
    faults = [f"refused  {name}: {why}" for name, why in report.refused_files]
    faults += [f"partly   {name}: {why}" for name, why in report.files_over_limit]
    faults += [f"refused  {reason}" for reason in report.refusals]
    faults += [f"failed   {error}" for error in report.errors]
    for fault in faults[:_SHOWN]:
        show.errors().print(fault, style="yellow", soft_wrap=True)
    if len(faults) > _SHOWN:
        show.errors().print(f"… and {len(faults) - _SHOWN:,} more: `ecom status` names them", style="yellow")


def _counted(days: tuple[date, ...]) -> str:
    return f"{len(days):,} ({days[0]} to {days[-1]})" if len(days) > 1 else f"{len(days):,}"


def print_next(context: ShopContext) -> None:
    """Where to look next, as commands that work as they stand."""
    home = "" if context.home.root == Path("data").resolve() else f"ECOM_HOME={context.home.root} "
    screen = show.errors()
    screen.print("\nWhere to look next:")
    for words, what in (
        ("ui", "every table, check and run, in Dagster's UI"),
        ("status", "what stands, what was refused and why"),
        (f'query "select * from {_telling_table(context.home)}"', "any number, in SQL"),
    ):
        screen.print(f"  {home}{_command()} {words}", soft_wrap=True, end="")
        screen.print(f"   {what}", style="dim")


def _telling_table(home: Home) -> str:
    """A published table that has rows: the first of `_TELLING` that does, else a dataset; sales where none does."""
    from ecom_assets.warehouse import NoSnapshotError, open_snapshot

    try:
        with closing(open_snapshot(home)) as connection:
            found = connection.execute('select asset from lineage.table_status where "rows" > 0').fetchall()
        filled = sorted((name.replace("/", ".") for (name,) in found), key=lambda name: (name[:6] != "clean.", name))
    except NoSnapshotError:
        filled = []
    return next((table for table in _TELLING if table in filled), filled[0] if filled else _TELLING[0])


def _command() -> str:
    """How this very command can be called again: bare where it is on the path, else by where it lies."""
    called = Path(sys.argv[0])
    if called.name != "ecom" or shutil.which("ecom"):
        return "ecom"
    return os.path.relpath(called)
