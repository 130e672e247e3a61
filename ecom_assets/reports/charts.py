"""Charts as PNG and SVG files, the same bytes for the same numbers. Reads no tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecom_assets.guard.texts import chart_literal
from ecom_assets.reports.analysis import Analysis, Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = (9.0, 4.5)
_DPI = 110
_MOST_BARS = 20


def write_charts(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes each chart of `analysis` as PNG and SVG into `folder`, which is made; the files written."""
    import matplotlib as mpl  # takes half a second to import

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # Ids in an SVG are salted by chance and files are dated unless one says otherwise.
    with mpl.rc_context({"svg.hashsalt": analysis.domain, "svg.fonttype": "none"}):
        for chart in analysis.charts:
            figure = draw(chart)
            for ending, when in (("png", {"Software": None}), ("svg", {"Date": None})):
                path = folder / f"{analysis.domain}-{chart.name}.{ending}"
                figure.savefig(path, dpi=_DPI, metadata=when)
                written.append(path)
    return written


def draw(chart: Chart) -> "Figure":
    """The chart as a matplotlib figure that belongs to no window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    if chart.kind == "line":
        _lines(axes, chart)
    elif chart.kind == "bar":
        _bars(axes, chart)
    else:
        _columns(axes, chart)
    axes.set_title(chart.title, loc="left")
    if len(chart.series) > 1:
        axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if not any(value is not None for values in chart.series.values() for value in values):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center")
    return figure


def _lines(axes: Any, chart: Chart) -> None:
    for name, values in chart.series.items():
        marker = "o" if len(chart.x) < 3 else None  # a line of one day cannot be seen
        axes.plot(chart.x, [float("nan") if value is None else value for value in values], label=name, marker=marker)
    axes.set_ylabel(chart.y_label)
    axes.margins(x=0.01)
    axes.tick_params(axis="x", rotation=30)


def _bars(axes: Any, chart: Chart) -> None:
    """One horizontal bar a member, the first on top."""
    members = [chart_literal(str(member)) for member in chart.x[:_MOST_BARS]]
    [(_, values)] = chart.series.items()
    axes.barh(range(len(members)), [value or 0 for value in values[:_MOST_BARS]])
    axes.set_yticks(range(len(members)), members)
    axes.invert_yaxis()
    axes.set_xlabel(chart.y_label)


def _columns(axes: Any, chart: Chart) -> None:
    """Groups of columns in the order of x: hours, weekdays, steps."""
    width = 0.8 / max(len(chart.series), 1)
    for number, (name, values) in enumerate(chart.series.items()):
        places = [place + (number - (len(chart.series) - 1) / 2) * width for place in range(len(chart.x))]
        axes.bar(places, [value or 0 for value in values], width, label=name)
    axes.set_xticks(range(len(chart.x)), [chart_literal(str(member)) for member in chart.x], rotation=30)
    axes.set_ylabel(chart.y_label)
