"""Small charts of forecasts and of forecasters, as PNG. Reads no tables and forecasts nothing."""

import io
from typing import TYPE_CHECKING, Any

from ecom_assets.metrics import metrics

if TYPE_CHECKING:  # definitions load this module, and need no pandas for that
    import pandas as pd
    from matplotlib.figure import Figure

_INK, _BAND, _QUIET = "#3b5bdb", "#748ffc", "#868e96"
_SIZE, _DPI = (7.6, 4.2), 90
_MODELS = ("champion", "ensemble", "theta", "prophet", "boosting", "seasonal_naive")


def forecast_chart(rows: "pd.DataFrame") -> dict[str, bytes]:
    """History, expectation and intervals of up to four metrics, each in a panel of its own; none without forecasts.

    Args:
        rows: metric, business_date, actual, mean, lower_80, upper_80, lower_95, upper_95.
    """
    if rows["mean"].notna().sum() == 0:
        return {}
    known = metrics()
    names = [name for name in known if name in set(rows["metric"])][:4]
    figure = _figure()
    panels = figure.subplots(-(-len(names) // 2), min(len(names), 2), squeeze=False)
    for name, axes in zip(names, panels.flat, strict=False):
        _forecast_panel(axes, rows[rows["metric"] == name])
        label, unit = known[name].label, known[name].unit
        is_told = unit == "share" or unit == label.lower()
        axes.set_title(label if is_told else f"{label}, {unit}", fontsize=9, loc="left")
        if known[name].unit == "share":
            axes.yaxis.set_major_formatter("{x:.1%}")
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    panels.flat[0].legend(frameon=False, fontsize=7, loc="upper left", ncols=3)
    return {"forecast": _png(figure)}


def _forecast_panel(axes: Any, rows: "pd.DataFrame") -> None:
    from matplotlib.dates import ConciseDateFormatter

    came, said = rows[rows["actual"].notna()], rows[rows["mean"].notna()]
    axes.plot(came["business_date"], came["actual"], color=_QUIET, linewidth=1.1, label="came")
    axes.fill_between(said["business_date"], said["lower_95"], said["upper_95"], color=_BAND, alpha=0.22, lw=0)
    axes.fill_between(said["business_date"], said["lower_80"], said["upper_80"], color=_BAND, alpha=0.42, lw=0,
                      label="80 %, 95 %")  # fmt: skip
    axes.plot(said["business_date"], said["mean"], color=_INK, linewidth=1.4, label="expected")
    top = max(rows["actual"].max(), rows["upper_95"].max())
    axes.set_ylim(min(0.0, rows["lower_95"].min()), 1.15 * top if top > 0 else None)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False))


def accuracy_chart(rows: "pd.DataFrame") -> dict[str, bytes]:
    """Each model's error as a share of the seasonal naive forecast's: a dot a series, a bar for the mean.

    Args:
        rows: model, is_champion, coverage_80, relative_mase; one row a series and model.
    """
    known = rows[rows["relative_mase"].notna()]
    if known.empty:
        return {}
    figure = _figure()
    axes = figure.subplots()
    models = [name for name in _MODELS if name in set(known["model"])]
    right = min(known["relative_mase"].max(), 2.5)
    for place, model in enumerate(models):
        own = known[known["model"] == model]
        axes.scatter(own["relative_mase"].clip(upper=right), [place] * len(own), s=14, color=_BAND, alpha=0.5, lw=0)
        mean = own["relative_mase"].mean()
        axes.plot([mean, mean], [place - 0.3, place + 0.3], color=_INK, linewidth=2.2)
        axes.text(1.02, place, _words(own, mean), transform=axes.get_yaxis_transform(), fontsize=7, va="center")
    axes.axvline(1.0, color=_QUIET, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(models)), [name.replace("_", " ") for name in models])
    axes.invert_yaxis()
    axes.set_title("Error in the back-tests ÷ that of seasonal naive, by series and on average", fontsize=9, loc="left")
    return {"accuracy": _png(figure)}


def _words(own: "pd.DataFrame", mean: float) -> str:
    words = [f"{mean:.2f}"]
    chosen = int(own["is_champion"].sum())
    words += [f"champion of {chosen}"] if chosen else []
    covered = own["coverage_80"].mean()
    words += [f"80 % held {covered:.0%}"] if covered == covered else []
    return "\n".join(words)


def _figure() -> "Figure":
    # The Figure class alone: pyplot looks for a display and keeps every figure of a long-lived process.
    from matplotlib.figure import Figure

    return Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for axes in figure.axes:
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure)
    made = io.BytesIO()
    figure.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()
