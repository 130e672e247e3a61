"""What is sold: products and categories."""

from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset(
    "kpi/product_performance",
    requires=["clean/order_items", "kpi/order_values", "kpi/usual_prices"],
    uses=["clean/orders", "clean/products", "clean/refunds"],
)
def product_performance(shop: Shop) -> Query:
    """One row per product: units, revenue, refunds and margin."""
    return Query("kpi/product_performance")


@table_asset("kpi/category_performance", requires=["kpi/product_performance"])
def category_performance(shop: Shop) -> Query:
    """One row per category: the sums of its products."""
    return Query("kpi/category_performance")
