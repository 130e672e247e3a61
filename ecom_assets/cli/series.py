"""Verbs that work on any file with a time and a value column: anomalies detect, forecast. They need no shop."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ecom_assets.cli import show
from ecom_assets.cli.show import Format

if TYPE_CHECKING:
    import pandas as pd


def detect(path: Path, time: str | None, value: str | None, points: bool, format: Format) -> None:
    """Print the events found in the series, or with `points` every moment with what was expected of it.

    Raises:
        typer.BadParameter: the file holds no such series; its words.
    """
    frame = _read(path, time, value)
    from ecom_assets.anomalies.detect import detect

    with show.errors().status("Looking for anomalies …"):
        found = detect(frame)
    print_frame(found.points if points else found.events, format)
    if format == Format.table and not points and found.events.empty:
        show.console().print("Nothing in it is out of the ordinary.")


def forecast(path: Path, time: str | None, value: str | None, horizon: int, format: Format) -> None:
    """Print what is expected of the next `horizon` steps, with 80 % and 95 % intervals.

    Raises:
        typer.BadParameter: the file holds no such series; its words.
    """
    frame = _read(path, time, value)
    from ecom_assets.forecasting.one_call import forecast

    words = "Comparing forecasters on the past …"
    with show.errors().status(words) as status:
        expected = forecast(frame, horizon, on_origin=lambda done, of: status.update(f"{words} {done} of {of} origins"))
    print_frame(expected, format)


def _read(path: Path, time: str | None, value: str | None) -> "pd.DataFrame":
    from ecom_assets.ingestion.series_file import read_series

    try:
        read = read_series(path, time, value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for warning in read.warnings:
        show.errors().print(warning, markup=False)
    return read.frame


def print_frame(frame: "pd.DataFrame", format: Format) -> None:
    """Print the rows of a frame as a table, CSV or JSON."""
    names = [str(name) for name in frame.columns]
    rows = ([_value(value) for value in row] for row in frame.itertuples(index=False, name=None))
    show.print_rows(names, rows, format)


def _value(value: Any) -> Any:
    """What a person or a pipe reads: plain Python, empty where nothing is known, six digits of a float."""
    import pandas as pd

    if isinstance(value, list | tuple):
        return "; ".join(str(each) for each in value)
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return float(f"{value:.6g}") if isinstance(value, float) else getattr(value, "item", lambda: value)()
