"""Verbs that look into the published snapshot: query, quarantine, lineage."""

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import typer

from ecom_assets.cli import show
from ecom_assets.cli.show import Format
from ecom_assets.settings import Home

if TYPE_CHECKING:
    from rich.console import Console

    from ecom_assets.warehouse.queries import Step

_FILES_SHOWN = 12


def query(sql: str, format: Format, seconds: float = 300, memory: str | None = None) -> None:
    """Print what `sql` yields on the snapshot, which nothing can change.

    Raises:
        typer.BadParameter: DuckDB does not accept the SQL, it does more than read, or `memory` is no amount.
        QueryLimitError: it took more time or memory than it may.
    """
    from ecom_assets.guard.statements import StatementError, check_question
    from ecom_assets.warehouse import QueryLimitError, TimeLimit, open_snapshot

    try:
        check_question(sql)
        connection = open_snapshot(Home.from_environment(), memory)
    except (StatementError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    with closing(connection):
        limit = TimeLimit(connection, seconds)
        try:
            found = limit.run(connection.execute, sql)
            names = [column[0] for column in found.description]
            show.print_rows(names, show.batches(lambda size: limit.run(found.fetchmany, size)), format)
        except QueryLimitError as error:
            raise QueryLimitError(f"{error}; --seconds and --memory allow it more") from error
        except duckdb.Error as error:
            raise typer.BadParameter(one_line(error)) from error


def one_line(error: duckdb.Error) -> str:
    """DuckDB's message without the picture of the statement that it adds below."""
    lines = [line.strip() for line in str(error).split("\nLINE ")[0].splitlines()]
    return " ".join(line for line in lines if line)


def quarantine(dataset: str | None, rows: int, format: Format) -> None:
    """Print reasons and how often they occurred, and for one dataset its rows with their place."""
    from ecom_assets.warehouse import open_snapshot
    from ecom_assets.warehouse.queries import quarantine_summary

    with closing(open_snapshot(Home.from_environment())) as connection:
        try:
            reasons = quarantine_summary(connection, dataset)
        except KeyError as error:
            raise typer.BadParameter(error.args[0]) from error
        if dataset is None or not rows:
            names = ["dataset", "reason", "rows", "first_file", "first_line"]
            show.print_rows(names, [tuple(getattr(reason, name) for name in names) for reason in reasons], format)
            return
        if format == Format.table:
            for reason in reasons:
                show.errors().print(f"{reason.rows:>8,}  {reason.reason}")
        quoted = dataset.replace('"', '""')
        found = connection.execute(
            f'select source_file, source_line, business_date, reasons, raw_text from quarantine."{quoted}" '
            "order by source_file, source_line limit ?",
            [rows],
        )
        lines = found.fetchall()
        show.print_rows([column[0] for column in found.description], lines, format)
        if format == Format.table and any(line[-1] is None for line in lines):
            show.errors().print(
                "Text that may tell of a person is withheld; file and line say where it is.", style="dim"
            )


def lineage(name: str) -> None:
    """Print the way from a table or column up to the files."""
    from ecom_assets.warehouse import open_snapshot
    from ecom_assets.warehouse.queries import lineage_walk

    with closing(open_snapshot(Home.from_environment())) as connection:
        try:
            steps = lineage_walk(connection, name)
        except KeyError as error:
            raise typer.BadParameter(error.args[0]) from error
    _print_steps(show.console(), steps)


def _print_steps(screen: "Console", steps: "list[Step]") -> None:
    files = [step for step in steps if step.kind == "file"]
    for step in steps:
        if step.kind != "file":
            screen.print(f"{'  ' * step.depth}{step.name}", end="")
            screen.print(f"  {step.detail}" if step.detail else "", style="dim")
    if not files:
        screen.print("No file feeds it yet.", style="dim")
        return
    screen.print(f"\n{len(files):,} files:")
    shown = files if len(files) <= 2 * _FILES_SHOWN else [*files[:_FILES_SHOWN], None, *files[-_FILES_SHOWN:]]
    for file in shown:
        line = f"  {file.name}  ({file.detail})" if file else f"  … {len(files) - 2 * _FILES_SHOWN:,} more …"
        screen.print(line)
