"""How fast pages were and how the services behind them answered."""

from ecom_assets.orchestration.rows import Plot
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset("kpi/page_speed", requires=["clean/page_load_times"])
def page_speed(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Percentiles, Apdex and the slowest, by page, device and country.
    """
    return Query("kpi/page_speed")


@table_asset("kpi/api_health", requires=["clean/api_logs"])
def api_health(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Calls, errors, availability and response times by service and endpoint, and the day's error budget.
    """
    return Query("kpi/api_health")


@table_asset("kpi/error_budget", requires=["kpi/api_health"], plot=Plot("business_date", "error_budget_left_rate"))
def error_budget(shop: Shop) -> Query:
    """One row per day and service: what is left of the errors that the objective allows in 28 days."""
    return Query("kpi/error_budget")
