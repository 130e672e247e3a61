"""The watched daily metrics of a simulated shop by series, from the sums of its days. Only scoring reads it."""

import numpy as np

from ecom_assets.simulation.landing import file_delay
from ecom_assets.simulation.sales import LONGEST_RETURN_DAYS
from ecom_assets.simulation.series import AT, MEASURES, DaySums, Segments, unknown_measures
from ecom_assets.simulation.streams import Floats
from ecom_assets.simulation.world import World

SALES_DIMENSIONS = ("channel", "device", "country")
METRICS: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    # metric: numerator, denominator (None: additive), dimensions beside the total
    "ordered_amount": ("ordered_amount", None, SALES_DIMENSIONS),
    "refund_amount": ("refund_amount", None, (*SALES_DIMENSIONS, "category")),
    "net_amount": ("net_amount", None, (*SALES_DIMENSIONS, "category")),
    "margin_amount": ("margin_amount", None, ("category",)),
    "orders": ("orders", None, SALES_DIMENSIONS),
    "sessions": ("sessions", None, ("channel", "device")),
    "new_customers": ("new_customers", None, SALES_DIMENSIONS),
    "average_order_value": ("ordered_amount", "valued_orders", SALES_DIMENSIONS),
    "conversion_rate": ("converted_sessions", "sessions", ("channel", "device")),
    "tracking_coverage_rate": ("tracked_orders", "web_orders", ("channel", "device")),
    "refund_rate": ("refund_amount", "gross_amount", (*SALES_DIMENSIONS, "category")),
    "price_index": ("comparable_amount", "usual_amount", (*SALES_DIMENSIONS, "category")),
    "spend_amount": ("spend_amount", None, ("channel",)),
    "return_on_ad_spend": ("paid_amount", "spend_amount", ("channel",)),
    "discount_rate": ("discount_amount", "gross_amount", (*SALES_DIMENSIONS, "category")),
}


def stacked_sums(world: World, made: dict[int, DaySums], days: int, segments: Segments) -> Floats:
    """[day, measure, segment] with refunds on their own days; unknown ones NaN."""
    stacked = np.zeros((days, len(MEASURES), len(segments.names)))
    for day in range(-LONGEST_RETURN_DAYS, days):
        if day >= 0:
            stacked[day] += made[day].sums
        for after in range(max(-day, 0), min(LONGEST_RETURN_DAYS, days - 1 - day) + 1):
            stacked[day + after, AT["refund_amount"]] += made[day].refunds[after]
    for day in range(days):
        hide_unknown(world, day, stacked[day])
    return stacked


def hide_unknown(world: World, day: int, sums: Floats) -> None:
    """Makes what a late extract leaves unknown NaN, in place."""
    for name in unknown_measures(world, day):
        sums[AT[name]] = np.nan
    if file_delay(world, "refunds", day):
        sums[AT["refund_amount"]] = 0.0  # the day's sales are whole without it, and it counts as nothing given back


def metrics_of(stacked: Floats, world: World, days: int) -> dict[str, Floats]:
    """Every metric as [day, segment]."""
    measures = {name: stacked[:, place] for name, place in AT.items()}
    measures["net_amount"] = measures["ordered_amount"] - measures["refund_amount"]
    measures["margin_amount"] = measures["net_amount"] - measures["cost_amount"]
    spends = measures["spend_amount"] > 0
    channels = slice(1, 1 + len(world.channels))
    paid = np.where(spends, measures["ordered_amount"], 0.0)
    paid[:, 0] = paid[:, channels].sum(axis=1)
    measures["paid_amount"] = paid
    made = {}
    for metric, (numerator, denominator, _) in METRICS.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            value = measures[numerator] / measures[denominator] if denominator else measures[numerator].copy()
        made[metric] = np.where(np.isfinite(value), value, np.nan)
    return made


def series_keys(segments: Segments) -> list[tuple[str, int, str, str]]:
    """Metric, segment, dimension ("" for the whole) and member of every series."""
    listed = []
    for metric, (_, _, dimensions) in METRICS.items():
        for place, (dimension, member) in enumerate(segments.names):
            if dimension == "total":
                listed.append((metric, place, "", ""))
            elif dimension in dimensions:
                listed.append((metric, place, dimension, member))
    return listed


def day_metrics(sums: Floats, world: World, segments: Segments) -> dict[tuple[str, str, str], float]:
    """Metric, dimension and member to value of one day, [measure, segment]; unknown ones are left out."""
    values = metrics_of(sums[None], world, 1)
    found = {
        (name, dimension, member): float(values[name][0, place])
        for name, place, dimension, member in series_keys(segments)
    }
    return {key: value for key, value in found.items() if np.isfinite(value)}
