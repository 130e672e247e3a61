"""The metric catalogue: every metric named once, and the long table that is generated from it.

Nothing here runs SQL. How a change of a metric decomposes is computed elsewhere, from the numerators and
denominators of kpi/daily_metrics.
"""

from ecom_assets.metrics.catalogue import (
    ALL,
    TOTAL,
    Catalogue,
    CatalogueError,
    Metric,
    Origin,
    Trust,
    catalogue,
    metric,
    metrics,
    parse_catalogue,
)
from ecom_assets.metrics.long_table import NOT_SPLIT, daily_metrics_sql

__all__ = [
    "ALL",
    "NOT_SPLIT",
    "TOTAL",
    "Catalogue",
    "CatalogueError",
    "Metric",
    "Origin",
    "Trust",
    "catalogue",
    "daily_metrics_sql",
    "metric",
    "metrics",
    "parse_catalogue",
]
