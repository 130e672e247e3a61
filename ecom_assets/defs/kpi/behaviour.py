"""What visitors did: sessions, clicks, the way to the purchase, and carts that were left on it."""

from ecom_assets.orchestration.rows import Plot
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset("kpi/sessions", requires_any=["clean/session_tracking", "clean/clickstream"], uses=["clean/orders"])
def sessions(shop: Shop) -> Query:
    """One row per session and day on which it was seen.

    Tracker, clickstream and orders put together once; made from silence where the shop has no session table.
    """
    return Query("kpi/sessions")


@table_asset("kpi/session_customers", requires=["kpi/sessions"])
def session_customers(shop: Shop) -> Query:
    """One row per session whose customer is known.

    A visitor's earlier sessions belong to the customer once he or she is known.
    """
    return Query("kpi/session_customers")


@table_asset("kpi/session_behavior", requires=["kpi/sessions"], uses=["clean/session_tracking", "clean/clickstream"])
def session_behavior(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Duration, pages and bounces by channel, device, country and entry page; entries, exits and drop-off by page.
    """
    return Query("kpi/session_behavior")


@table_asset("kpi/click_engagement", requires=["clean/clickstream", "kpi/sessions"], uses=["clean/session_tracking"])
def click_engagement(shop: Shop) -> Query:
    """One row per day, page and element, with totals of each.

    What was clicked, by how many sessions, most and least.
    """
    return Query("kpi/click_engagement")


@table_asset("kpi/purchase_funnel", requires=["kpi/sessions"])
def purchase_funnel(shop: Shop) -> Query:
    """One row per day, channel and device.

    From the first page to the purchase, and the share that goes on at each step.
    """
    return Query("kpi/purchase_funnel")


@table_asset("kpi/active_users", requires=["kpi/sessions"], plot=Plot("business_date", "active_users_28d"))
def active_users(shop: Shop) -> Query:
    """One row per day: distinct visitors of the day, and of the 7 and 28 days that end with it."""
    return Query("kpi/active_users")


@table_asset(
    "kpi/cart_abandonment",
    requires_any=["clean/cart_abandonment", "kpi/purchase_funnel"],
    uses=["clean/orders"],
)
def cart_abandonment(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Carts left and recovered, and their money, by step, device, channel, hour, weekday and value.
    """
    return Query("kpi/cart_abandonment")


@table_asset(
    "kpi/friction_exposure",
    requires=["kpi/sessions"],
    requires_any=["clean/page_load_times", "clean/api_logs"],
    uses=["clean/clickstream"],
)
def friction_exposure(shop: Shop) -> Query:
    """One row per day, device, step and kind of page.

    Who met slowness or errors, and who of them bought: what the cost of friction is compared from.
    """
    return Query("kpi/friction_exposure")


@table_asset(
    "kpi/cost_of_friction",
    requires=["kpi/friction_exposure", "kpi/daily_revenue"],
    uses=["kpi/cart_abandonment"],
)
def cost_of_friction(shop: Shop) -> Query:
    """One row per day and cause.

    Revenue lost to slowness, errors and abandonment, each against the counterfactual that it states.
    """
    return Query("kpi/cost_of_friction")
