"""Verbs that work on any file with a time and a value column: anomalies detect, forecast. They need no shop."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ecom_assets.cli import show
from ecom_assets.cli.show import Format

if TYPE_CHECKING:
    import pandas as pd

    from ecom_assets.anomalies.detect import Detected
    from ecom_assets.forecasting.one_call import SeriesForecast
    from ecom_assets.forecasting.series import History


def detect(path: Path, time: str | None, value: str | None, points: bool, format: Format) -> None:
    """Print the events found in the series, or with `points` every moment with what was expected of it.

    Raises:
        typer.BadParameter: the file holds no such series; its words.
    """
    history = _read(path, time, value)
    from ecom_assets.anomalies.detect import detect_series

    with show.errors().status(f"Looking for anomalies in {len(history):,} steps …"):
        found = detect_series(history)
    print_frame(found.points if points else found.events, format)
    show.errors().print(_looked_at(found), style="dim", soft_wrap=True)


def _looked_at(found: "Detected") -> str:
    """What was judged: only of that it can be said that nothing was out of the ordinary."""
    steps, judged = len(found.points), found.points["time"][found.is_judged]
    if judged.empty:
        return f"Nothing could be judged: of {steps:,} steps none has enough known ones before it."
    quiet = "; nothing in them is out of the ordinary" if found.events.empty else ""
    return f"{len(judged):,} of {steps:,} steps were judged, from {judged.iloc[0]} on{quiet}."


def forecast(path: Path, time: str | None, value: str | None, horizon: int, format: Format) -> None:
    """Print what is expected of the next `horizon` steps, with 80 % and 95 % intervals.

    How wrong the forecaster was in back-tests goes to standard error.

    Raises:
        typer.BadParameter: the file holds no such series; its words.
    """
    history = _read(path, time, value)
    from ecom_assets.forecasting.models import default_forecasters
    from ecom_assets.forecasting.one_call import forecast_series

    words = "Comparing forecasters on the past …"
    with show.errors().status(words) as status:
        said = forecast_series(
            history, horizon, default_forecasters(),
            on_origin=lambda done, of: status.update(f"{words} {done} of {of} origins"),
        )  # fmt: skip
    print_frame(said.forecast, format)
    show.errors().print(_how_good(said), style="dim")


def _how_good(said: "SeriesForecast") -> str:
    """One line on the champion's back-tests beside the baseline's."""
    if said.accuracy.empty:
        return "The series is too short for back-tests: nothing is known of how good this forecast is."
    measures = said.accuracy.set_index("model")
    own, naive = measures.loc[said.champion], measures.loc["seasonal_naive"]
    coverage = float(own["coverage_80"])
    held = "" if math.isnan(coverage) else f"; the 80 % intervals held {coverage:.0%}"
    return (
        f"Chosen of {len(measures)} forecasters at {own['origins']:.0f} earlier times: {said.champion}, off by "
        f"{own['mae']:.4g} on average (what was one season ago: {naive['mae']:.4g}){held}."
    )


def _read(path: Path, time: str | None, value: str | None) -> "History":
    from ecom_assets.forecasting.series import regular
    from ecom_assets.ingestion.series_file import read_series

    try:
        read = read_series(path, time, value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for warning in read.warnings:
        show.errors().print(warning)
    try:
        return regular(read.frame)
    except ValueError as error:
        raise typer.BadParameter(f"{path}: {error}") from error


def print_frame(frame: "pd.DataFrame", format: Format) -> None:
    """Print the rows of a frame as a table, CSV or JSON."""
    names = [str(name) for name in frame.columns]
    frame = _with_days(frame) if format == Format.table else frame
    rows = ([_value(value) for value in row] for row in frame.itertuples(index=False, name=None))
    show.print_rows(names, rows, format)


def _with_days(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Times as days where all of them are midnights: what a person reads; a pipe gets the same type for any series."""
    times = frame.select_dtypes("datetime")
    return frame.assign(**{name: times[name].dt.date for name in times
                           if (times[name].dropna() == times[name].dropna().dt.normalize()).all()})  # fmt: skip


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
