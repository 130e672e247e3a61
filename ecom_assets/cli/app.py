"""The verbs of the `ecom` command: what each takes and which folder does it.

Heavy folders are imported inside the verb that needs them, so that `ecom --help` answers at once.
"""

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ecom_assets.cli.show import Format


class FileFormat(StrEnum):
    """Of simulated files."""

    csv = "csv"
    parquet = "parquet"


class Partition(StrEnum):
    """How simulated files are divided."""

    date = "date"


class Label(StrEnum):
    """What a notification was."""

    expected = "expected"
    false_alarm = "false_alarm"
    confirmed = "confirmed"
    none = "none"


app = typer.Typer(
    name="ecom",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"must be a day of the calendar, written like 2026-01-31, found {text!r}") from None


FromDay = Annotated[date | None, typer.Option("--from", parser=_day, metavar="DAY", help="first day to write again")]
ToDay = Annotated[date | None, typer.Option("--to", parser=_day, metavar="DAY", help="last day, inclusive")]
ShopFile = Annotated[
    Path | None, typer.Option("--shop", metavar="FILE", help="the shop's settings; else as before, or shop.yaml")
]
Landing = Annotated[Path | None, typer.Option("--landing", metavar="DIR", help="where the files lie; else as before")]
SeriesFile = Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet with a time and a value column")]
TimeColumn = Annotated[str | None, typer.Option("--time", metavar="COL", help="column of the times; else guessed")]
ValueColumn = Annotated[str | None, typer.Option("--value", metavar="COL", help="column of the values; else guessed")]
Printed = Annotated[Format, typer.Option("--format", "-f", help="csv guards text like =1+1, csv-raw does not")]


@app.callback(invoke_without_command=True)
def ecom(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="say the version and end")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an error")] = False,
) -> None:
    """An online shop's analytics, from landing files to a day's trusted numbers.

    Its state lies below the folder that ECOM_HOME names, by default ./data.
    """
    if version:
        from ecom_assets import __version__

        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            from ecom_assets.cli.menu import menu

            menu()
        else:
            typer.echo(context.get_help())


@app.command()
def demo(
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="days since it opened; 180 if new")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="another seed is another shop")] = None,
    orders_per_day: Annotated[float | None, typer.Option(min=1, help="its size; 300 if new")] = None,
) -> None:
    """Simulate a shop up to yesterday and run it.

    Ends with the sales of its last day. Called again it adds the days that have passed since.
    """
    from ecom_assets.cli.demo import demo

    demo(days, seed, orders_per_day)


@app.command()
def run(from_day: FromDay = None, to_day: ToDay = None, shop: ShopFile = None, landing: Landing = None) -> None:
    """Load what is new and update every table.

    Without days: every day that the files hold. What is refused is named, and ends the command with 1.
    """
    from ecom_assets.cli.work import run

    run(from_day, to_day, shop, landing)


@app.command()
def status() -> None:
    """Days, rows, checks, what was refused and why."""
    from ecom_assets.cli.status import status

    status()


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="a statement, or - to read it from standard input")],
    format: Printed = Format.table,
    seconds: Annotated[
        float, typer.Option(min=1, max=86_400, envvar="ECOM_QUERY_SECONDS", help="most time it may take")
    ] = 300,
    memory: Annotated[str | None, typer.Option(envvar="ECOM_QUERY_MEMORY", help="most memory, such as 4GB")] = None,
) -> None:
    """Ask the published tables in SQL: SELECT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.

    Such as: ecom query "select * from kpi.daily_revenue order by business_date"
    """
    from ecom_assets.cli.reading import query

    query(sys.stdin.read() if sql == "-" else sql, format, seconds, memory)


@app.command()
def quarantine(
    dataset: Annotated[str | None, typer.Argument(metavar="DATASET", help="such as orders; none: all")] = None,
    rows: Annotated[int, typer.Option(min=0, help="how many rows of the dataset to show")] = 20,
    format: Printed = Format.table,
) -> None:
    """Input lines that were not used, and why."""
    from ecom_assets.cli.reading import quarantine

    quarantine(dataset, rows, format)


@app.command()
def lineage(
    name: Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="such as kpi.daily_revenue.net_amount")],
) -> None:
    """From a table or column up to its files."""
    from ecom_assets.cli.reading import lineage

    lineage(name)


@app.command()
def analyze(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="such as orders, sessions or api-logs")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="also write the charts there, PNG and SVG")] = None,
) -> None:
    """What a domain's tables say, in words, tables and charts."""
    from ecom_assets.cli.analysis import analyze

    analyze(domain, out)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="folder for the files")],
    format: Annotated[FileFormat, typer.Option(help="of the files")] = FileFormat.csv,
    partition_by: Annotated[Partition | None, typer.Option(help="one file a dataset and day")] = None,
    days: Annotated[int, typer.Option(min=1, help="how many days")] = 30,
    customers: Annotated[int | None, typer.Option(min=1, help="about how many customers in the end")] = None,
    sessions_per_day: Annotated[float | None, typer.Option(min=1, help="about how many visits of people")] = None,
    events: Annotated[int | None, typer.Option(min=1, help="about how many clicks in all; instead of visits")] = None,
    seed: Annotated[int, typer.Option(min=0, help="another seed is another shop")] = 7,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="in place of simulation.yaml")] = None,
) -> None:
    """Write sample data: the datasets of a simulated shop as files."""
    from ecom_assets.cli.analysis import simulate

    simulate(out, format.value, partition_by=partition_by and partition_by.value, days=days, customers=customers,
             sessions_per_day=sessions_per_day, events=events, seed=seed, config=config)  # fmt: skip


anomalies = typer.Typer(help="Find what is out of the ordinary.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(anomalies, name="anomalies")


@anomalies.command()
def detect(
    file: SeriesFile,
    time: TimeColumn = None,
    value: ValueColumn = None,
    points: Annotated[bool, typer.Option("--points", help="every moment, not only the events")] = False,
    format: Printed = Format.table,
) -> None:
    """Anomalies of any daily or hourly series."""
    from ecom_assets.cli.series import detect

    detect(file, time, value, points, format)


@anomalies.command("list")
def listed(
    open: Annotated[bool, typer.Option("--open", help="only those that are not over")] = False,
    format: Printed = Format.table,
) -> None:
    """What was found in the shop, newest first, with verdict and label."""
    from ecom_assets.cli.labels import listed

    listed(open, format)


@anomalies.command()
def label(
    notification: Annotated[str, typer.Argument(metavar="ID", help="as listed; its first digits are enough")],
    said: Annotated[Label, typer.Argument(metavar="LABEL", help="expected, false_alarm, confirmed, or none to undo")],
    note: Annotated[str | None, typer.Option(help="why, in your own words")] = None,
) -> None:
    """Say what a notification was.

    Days of what was expected count as planned once it is over; a false alarm raises the bar of its series.
    """
    from ecom_assets.cli.labels import label

    label(notification, None if said == Label.none else said.value, note)


@anomalies.command()
def snooze(
    notification: Annotated[str | None, typer.Argument(metavar="ID", help="as listed")] = None,
    until: Annotated[date | None, typer.Option(parser=_day, metavar="DAY", help="last silent day")] = None,
    metric: Annotated[str | None, typer.Option(help="instead of one: all that are named after this metric")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="tell of it again")] = False,
) -> None:
    """Tell nobody of a notification or metric for a while."""
    from ecom_assets.cli.labels import snooze

    snooze(notification, metric, until, undo)


@anomalies.command()
def score(
    truth: Annotated[Path | None, typer.Option(metavar="DIR", help="in place of the home's truth folder")] = None,
    format: Printed = Format.table,
) -> None:
    """How good the detectors are on this shop, where its truth is known."""
    from ecom_assets.cli.scoring import score

    score(truth, format)


@app.command()
def forecast(
    file: SeriesFile,
    time: TimeColumn = None,
    value: ValueColumn = None,
    horizon: Annotated[int, typer.Option(min=1, max=1000, help="how many steps ahead")] = 28,
    format: Printed = Format.table,
) -> None:
    """Forecast any daily or hourly series, with intervals."""
    from ecom_assets.cli.series import forecast

    forecast(file, time, value, horizon, format)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="the next free one is taken if it is in use")] = 3000,
    host: Annotated[str, typer.Option(help="whom to serve; the UI has no password")] = "127.0.0.1",
    shop: ShopFile = None,
    landing: Landing = None,
) -> None:
    """Open Dagster's UI; Ctrl-C ends it."""
    from ecom_assets.cli.ui import ui

    ui(host, port, shop, landing)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    everything: Annotated[bool, typer.Option("--all", help="secret.key, labels and snoozes too")] = False,
) -> None:
    """Forget what was made here; asks first.

    Files that a shop brought are never touched. Without --all neither are secret.key, by which addresses are
    hashed, nor labels and snoozes, which the next run of the same shop takes again.
    """
    from ecom_assets.cli.reset import reset

    reset(yes, everything)
