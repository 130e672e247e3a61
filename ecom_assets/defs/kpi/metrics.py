"""The long table of all metrics, generated from the catalogue."""

from ecom_assets.metrics import daily_metrics_sql
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

_QUERY = Query("kpi/daily_metrics", text=daily_metrics_sql(of_days=True))


@table_asset(
    "kpi/daily_metrics",
    requires=["kpi/daily_revenue", "kpi/sales_by_segment"],
    uses=[
        "kpi/channel_performance",
        "kpi/category_performance",
        "kpi/session_behavior",
        "kpi/click_engagement",
        "kpi/purchase_funnel",
        "kpi/active_users",
        "kpi/cart_abandonment",
        "kpi/page_speed",
        "kpi/api_health",
        "kpi/support_performance",
        "kpi/feedback_sentiment",
        "kpi/cost_of_friction",
    ],
    code_version=_QUERY.code_version,
)
def daily_metrics(shop: Shop) -> Query:
    """One row per day, metric, dimension and member.

    Every metric of the catalogue with its numerator and denominator: detectors, forecasts and reports read this.
    """
    return _QUERY
