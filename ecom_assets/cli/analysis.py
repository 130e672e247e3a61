"""Verbs for those who want files or a summary: simulate, analyze."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import typer

from ecom_assets.cli import show
from ecom_assets.settings import Home


def analyze(domain: str, out: Path | None) -> None:
    """Print what a domain's published tables say; with `out` write its charts there as PNG and SVG.

    Raises:
        typer.BadParameter: no such domain, or nothing of it is published.
    """
    from ecom_assets.reports import NothingToAnalyzeError, UnknownDomainError, analyze, write_charts
    from ecom_assets.warehouse import open_snapshot

    with closing(open_snapshot(Home.from_environment())) as connection:
        try:
            found = analyze(connection, domain)
        except (UnknownDomainError, NothingToAnalyzeError) as error:
            raise typer.BadParameter(str(error)) from error
    screen = show.console()
    screen.print(found.title, style="bold")
    for sentence in found.sentences:
        screen.print(sentence)
    for table in found.tables:
        screen.print()
        screen.print(table.title, style="bold")
        screen.print(show.table(table.columns, table.rows))
    if out is not None:
        for path in write_charts(found, out):
            screen.print(f"wrote {path}", soft_wrap=True)


def simulate(out: Path, format: Literal["csv", "parquet"], **wishes: Any) -> None:
    """Write a simulated shop's datasets into `out`.

    Raises:
        typer.BadParameter: the wishes contradict each other, or the settings file is not right; its words.
    """
    from rich.progress import Progress

    from ecom_assets.simulation import ConfigError, simulate_files

    with Progress(console=show.errors(), transient=True) as bar:
        task = bar.add_task("days", total=wishes["days"])
        try:
            written = simulate_files(
                out, format, progress=lambda done, of: bar.update(task, completed=done, total=of),
                workers=os.cpu_count() or 1, **wishes,
            )  # fmt: skip
        except (ValueError, ConfigError) as error:
            raise typer.BadParameter(str(error)) from error
    screen = show.console()
    screen.print(show.table(["dataset", "rows"], written.rows.items()))
    screen.print(f"{len(written.paths):,} files in {out}", soft_wrap=True)
