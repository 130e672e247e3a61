"""Verbs on what was found in the shop: anomalies list, label, snooze; and the lines that other verbs end with."""

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from ecom_assets.cli import show
from ecom_assets.cli.coverage import coverage, series_name
from ecom_assets.cli.show import Format

if TYPE_CHECKING:
    from ecom_assets.orchestration.session import Session
    from ecom_assets.warehouse.connection import Connection

_LISTED = (
    "notification_id", "raised_date", "end_date", "is_open", "metric", "dimension", "member", "direction", "value",
    "expected", "effect_rate", "severity", "verdict", "label", "muted_because", "evidence",
)  # fmt: skip
_SHOWN = 2


def listed(only_open: bool, format: Format) -> None:
    """Print every notification, or those that are open, newest first, and which series were looked at."""
    from ecom_assets.settings import Home
    from ecom_assets.warehouse import open_snapshot

    where = "where is_open" if only_open else ""
    with closing(open_snapshot(Home.from_environment())) as connection:
        _look_for_table(connection)
        found = connection.execute(
            f"select {', '.join(_LISTED)} from anomaly.notifications {where} order by raised_date desc, notification_id"
        ).fetchall()
        looked_at = coverage(connection)
    if format != Format.table:
        show.print_rows(_LISTED, found, format)
        show.errors().print(looked_at.line, soft_wrap=True, style="dim")
        return
    screen = show.console()
    for row in found:
        each = dict(zip(_LISTED, row, strict=True))
        screen.print(f"{each['notification_id']}  {_said(each)}", soft_wrap=True)
        screen.print(f"          {each['evidence']}", soft_wrap=True, style="dim")
    if not found:
        nothing_open = "Nothing is open." if only_open and looked_at.watched else looked_at.found_nothing
        screen.print(nothing_open, soft_wrap=True)
    for line in looked_at.lines():
        screen.print(line, soft_wrap=True, style="dim")


def label(beginning: str, said: str | None, note: str | None) -> None:
    """Keep what people say of a notification; None takes it back.

    Raises:
        typer.BadParameter: there is no such notification, or more than one begins so.
    """
    from ecom_assets.warehouse import labels

    notification = _found(beginning)

    def change(opened: "Session") -> None:
        labels.label(opened.connection, notification, said, note)

    _tell(change, "ecom anomalies label")
    words = f"labelled {said.replace('_', ' ')}" if said else "has no label any more"
    show.console().print(f"{notification} {words}.")


def snooze(beginning: str | None, metric: str | None, until: date | None, undo: bool) -> None:
    """Silence a notification or a metric until a day, or end the silence.

    Raises:
        typer.BadParameter: neither or both are named, there is no such one, no day is given, or it is over.
    """
    from ecom_assets.metrics import CatalogueError
    from ecom_assets.metrics import metric as known
    from ecom_assets.warehouse import labels

    if (beginning is None) == (metric is None):
        raise typer.BadParameter("name either a notification or --metric METRIC")
    if (until is None) != undo:
        raise typer.BadParameter("say --until DAY, or --undo to be told again")
    if until:
        _look_at_day(until)
    try:
        name = known(metric).name if metric else None
    except CatalogueError as error:
        raise typer.BadParameter(str(error)) from error
    notification = _found(beginning) if beginning else None

    def change(opened: "Session") -> None:
        labels.snooze(opened.connection, until, notification, name)

    _tell(change, "ecom anomalies snooze")
    words = f"is silent until {until}, inclusive" if until else "is told of again"
    show.console().print(f"{notification or name} {words}.")


def _look_at_day(until: date) -> None:
    from ecom_assets.orchestration.shop import ShopContext

    context = ShopContext.resolve()
    today = context.now().astimezone(context.shop.zone).date()
    if until < today:
        raise typer.BadParameter(f"--until {until} is over, today is {today}: say --undo to be told again")


def newest_alarms(connection: "Connection") -> list[str]:
    """One or two lines on what was found last and is told; none where nothing was, or nothing looks for it."""
    from ecom_assets.warehouse.connection import table_exists

    if not table_exists(connection, "anomaly", "notifications"):
        return []
    found = connection.execute(
        f"select {', '.join(_LISTED)} from anomaly.notifications where is_notified and label is null "
        "order by raised_date desc, notification_id"
    ).fetchall()
    rows = [dict(zip(_LISTED, row, strict=True)) for row in found]
    more = f" (and {len(rows) - _SHOWN} earlier: ecom anomalies list)" if len(rows) > _SHOWN else ""
    shown = [f"alarm    {_said(each)}" for each in rows[:_SHOWN]]
    return [*shown[:-1], f"{shown[-1]}{more}"] if shown else []


def _said(row: dict[str, Any]) -> str:
    """One notification in one line: since when, what, how far on the day that it was raised, what it is."""
    what = series_name(row["metric"], row["dimension"], row["member"])
    moved = row["direction"]
    if row["value"] is not None and row["expected"]:
        moved += f" {row['value'] / row['expected'] - 1:+.0%}"
    days = f"{row['raised_date']}" + ("" if row["end_date"] <= row["raised_date"] else f" to {row['end_date']}")
    said = [f"{row['severity']} {row['verdict'].replace('_', ' ')}", *(["open"] if row["is_open"] else [])]
    said += [row["label"].replace("_", " ")] if row["label"] else []
    said += [row["muted_because"]] if row["muted_because"] else []
    return f"{days}  {what} {moved}  ({', '.join(said)})"


def _look_for_table(connection: "Connection") -> None:
    from ecom_assets.warehouse.connection import table_exists

    if not table_exists(connection, "anomaly", "notifications"):
        raise typer.BadParameter("nothing was looked for yet; `ecom run` does")


def _found(beginning: str) -> str:
    """The notification's id, looked up in the snapshot: a wrong one is told before anything waits for the lock."""
    from ecom_assets.settings import Home
    from ecom_assets.warehouse import open_snapshot
    from ecom_assets.warehouse.labels import UnknownNotificationError, find_notification

    with closing(open_snapshot(Home.from_environment())) as connection:
        _look_for_table(connection)
        try:
            return find_notification(connection, beginning)
        except UnknownNotificationError as error:
            raise typer.BadParameter(str(error)) from error


def _tell(change: Any, purpose: str) -> None:
    from ecom_assets.orchestration.runs import tell
    from ecom_assets.orchestration.shop import ShopContext

    with show.errors().status("Keeping it …"):
        report = tell(ShopContext.resolve(), change, purpose)
    for fault in (*report.refusals, *report.errors):
        show.errors().print(fault, style="yellow", soft_wrap=True)
    if report.refusals or report.errors:
        raise typer.Exit(1)
