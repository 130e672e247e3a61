"""Sales by day, channel, month and season."""

from ecom_assets.orchestration.rows import Plot
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset("kpi/usual_prices", requires=["clean/order_items"])
def usual_prices(shop: Shop) -> Query:
    """One row per month and product sold in the month before.

    What a unit usually cost: the price index compares what is sold with it.
    """
    return Query("kpi/usual_prices")


@table_asset(
    "kpi/order_values",
    requires=["clean/orders", "clean/order_items", "kpi/usual_prices"],
    uses=["clean/products", "clean/refunds"],
)
def order_values(shop: Shop) -> Query:
    """One row per order that is a sale.

    What each order is worth, stated once: every other sales table reads it.
    """
    return Query("kpi/order_values")


@table_asset(
    "kpi/sales_by_segment",
    requires=["kpi/order_values"],
    uses=["clean/orders", "clean/order_items", "clean/refunds", "clean/website_traffic", "clean/marketing_spend"],
)
def sales_by_segment(shop: Shop) -> Query:
    """One row per day and segment of the shop.

    Sales, refunds, sessions and spend beside each other at the finest grain that KPIs are split by.
    """
    return Query("kpi/sales_by_segment")


@table_asset(
    "kpi/daily_revenue",
    requires=["kpi/order_values", "kpi/sales_by_segment"],
    uses=["clean/orders", "clean/order_items", "clean/refunds"],
    plot=Plot("business_date", "net_amount"),
)
def daily_revenue(shop: Shop) -> Query:
    """One row per day on which the shop's orders were accepted.

    Gross, discounts, refunds, net and total sales, cost and margin, orders, sessions, conversion and customers.
    """
    return Query("kpi/daily_revenue")


@table_asset("kpi/channel_performance", requires=["kpi/sales_by_segment", "kpi/daily_revenue"])
def channel_performance(shop: Shop) -> Query:
    """One row per day and channel in which anything happened.

    Sessions, conversion and revenue by the session's channel; return on spend by the last touch.
    """
    return Query("kpi/channel_performance")


@table_asset("kpi/monthly_revenue", requires=["kpi/daily_revenue"], plot=Plot("month_start_date", "net_amount"))
def monthly_revenue(shop: Shop) -> Query:
    """One row per month: the sums of its accepted days, and how many there are."""
    return Query("kpi/monthly_revenue")


@table_asset(
    "kpi/sales_seasonality",
    requires=["kpi/order_values"],
    uses=["clean/orders", "clean/order_items", "clean/refunds"],
)
def sales_seasonality(shop: Shop) -> Query:
    """One row per month of the year, weekday and hour of the day, by shop time.

    Orders and net sales as an index to their mean.
    """
    return Query("kpi/sales_seasonality")
