"""Small pictures of series with what was expected of them and the days that alarmed. Reads no tables."""

import io
from typing import TYPE_CHECKING, Any

from ecom_assets.guard.texts import chart_literal

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _DPI = 7.2, 1.75, 80
_VALUE, _EXPECTED, _ALARM = "#1f3a93", "#868e96", "#c92a2a"


def alarms_png(rows: "pd.DataFrame") -> dict[str, bytes]:
    """One panel a series: value, expected, limits, and marks on the days that alarmed; empty without rows.

    Args:
        rows: business_date, metric, dimension, member, value, expected, lower, upper, is_anomaly.
    """
    panels = []
    for _, days in rows.groupby(["metric", "dimension", "member"], sort=False):
        panels.append((_name(days.iloc[0]), days, days["is_anomaly"].astype(bool)))
    return {"newest alarms": _drawn(panels)} if panels else {}


def notifications_png(rows: "pd.DataFrame") -> dict[str, bytes]:
    """One panel a notification: the series that it is named after, with the event's days marked; empty without rows.

    Args:
        rows: notification_id, start_date, end_date, verdict, severity, the series and its days, as `alarms_png`.
    """
    panels = []
    for _, days in rows.groupby("notification_id", sort=False):
        first = days.iloc[0]
        inside = (days["business_date"] >= first["start_date"]) & (days["business_date"] <= first["end_date"])
        said = f"{first['severity']}, {str(first['verdict']).replace('_', ' ')}"
        panels.append((f"{_name(first)} – {said} ({first['notification_id']})", days, inside))
    return {"newest notifications": _drawn(panels)} if panels else {}


def scorecard_png(rows: "pd.DataFrame") -> dict[str, bytes]:
    """Precision and recall of each detector over the incidents that were to be seen; empty where there were none.

    Args:
        rows: of anomaly/detector_scorecard.
    """
    from matplotlib.figure import Figure

    said = rows[(rows["stratum"] == "clear") & (rows["incidents"] > 0)]
    if said.empty:
        return {}
    said = said.sort_values("f1", na_position="first")
    figure = Figure(figsize=(_WIDTH, 0.6 + 0.3 * len(said)), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    places = range(len(said))
    axes.hlines(places, 0, said["f1"].fillna(0).astype("float64"), color=_EXPECTED, linewidth=5, alpha=0.4, label="F1")
    axes.plot(said["precision"].astype("float64"), places, "o", color=_VALUE, markersize=4, label="precision")
    axes.plot(said["recall"].astype("float64"), places, "D", color=_ALARM, markersize=4, label="recall")
    axes.set_yticks(places, [name.replace("_", " ").replace("+", " + ") for name in said["detector"]], fontsize=7)
    axes.set_xlim(-0.02, 1.02)
    axes.set_title(f"{said['incidents'].iloc[0]:.0f} clear incidents of the scored days", fontsize=8.5, loc="left")
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=6.5, frameon=False, loc="lower right")
    return {"detectors": _png(figure)}


def _name(row: "pd.Series") -> str:
    words = str(row["metric"]).replace("_", " ")
    return words if row["dimension"] == "total" else f"{words}, {row['dimension']} {row['member'].replace('_', ' ')}"


def _drawn(panels: list[tuple[str, Any, Any]]) -> bytes:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure  # pyplot would look for a display and keep every figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT * len(panels) + 0.35), dpi=_DPI, layout="constrained")
    for axes, (title, days, marked) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        at, value = days["business_date"], days["value"].astype("float64")
        lower, upper = days["lower"].astype("float64"), days["upper"].astype("float64")
        axes.fill_between(at, lower, upper, color=_EXPECTED, alpha=0.18, linewidth=0, label="would not alarm")
        axes.plot(at, days["expected"].astype("float64"), color=_EXPECTED, linewidth=1, label="expected")
        axes.plot(at, value, color=_VALUE, linewidth=1.3, label="measured")
        axes.plot(at[marked], value[marked], "o", color=_ALARM, markersize=4, label="marked days")
        _within(axes, value)
        axes.set_title(chart_literal(title), fontsize=8.5, loc="left")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.xaxis.get_offset_text().set_fontsize(7)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=7, frameon=False, ncols=4, loc="outside lower center")
    return _png(figure)


def _png(figure: "Figure") -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    return image.getvalue()


def _within(axes: Any, value: "pd.Series") -> None:
    """The scale is the values': limits of a wild first week would flatten them."""
    known = value.dropna()
    if known.empty:
        return
    low, high = min(float(known.min()), 0.0 if known.min() >= 0 else float(known.min())), float(known.max())
    room = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - (0 if low == 0 else room), high + room)
