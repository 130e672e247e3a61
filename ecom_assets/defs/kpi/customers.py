"""Who buys: demographics, and who comes back."""

from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset(
    "kpi/customer_demographics",
    requires=["kpi/order_values", "clean/customers"],
    uses=["clean/orders", "clean/order_items", "clean/refunds"],
)
def customer_demographics(shop: Shop) -> Query:
    """One row per group of customers by age, gender and country."""
    return Query("kpi/customer_demographics")


@table_asset(
    "kpi/cohort_retention",
    requires=["kpi/order_values"],
    uses=["clean/orders", "clean/order_items", "clean/refunds"],
)
def cohort_retention(shop: Shop) -> Query:
    """One row per month of first order and month since.

    How many of the cohort's customers bought again; cells that are not over are empty.
    """
    return Query("kpi/cohort_retention")
