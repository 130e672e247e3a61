"""What customers asked for help with, and what they wrote."""

from ecom_assets.orchestration.rows import Frame
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


@table_asset("kpi/support_performance", requires=["clean/support_tickets"])
def support_performance(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Tickets opened, answered and resolved, the backlog, how long it took and how it was liked.
    """
    return Query("kpi/support_performance")


@table_asset(
    "kpi/feedback_polarity",
    requires=["clean/user_feedback"],
    kinds=("python", "pandas"),
    code_version=f"{Query('kpi/feedback_polarity').code_version} textblob lexicon, clear from .3",
)
def feedback_polarity(shop: Shop) -> Frame:
    """One row per piece of feedback that has a text.

    The mood of its words, and whether it contradicts the stars.
    """
    from ecom_assets.text import feedback_polarity as scored  # pandas takes half a second to import

    return Frame(Query("kpi/feedback_polarity"), scored)


@table_asset("kpi/feedback_sentiment", requires=["clean/user_feedback", "kpi/feedback_polarity"])
def feedback_sentiment(shop: Shop) -> Query:
    """One row per day, dimension and member.

    Stars and mood by source and rating, and the share of texts that contradict their stars.
    """
    return Query("kpi/feedback_sentiment")
