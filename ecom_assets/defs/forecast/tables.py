"""What is expected of the metrics that the catalogue marks for it, and how good the forecasters were."""

from functools import partial

from ecom_assets.forecasting.charts import accuracy_chart, forecast_chart
from ecom_assets.metrics import TOTAL, metrics
from ecom_assets.orchestration.rows import Charts, Frame
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

_PYTHON = ("python", "pandas")
_WANTED = [
    f"{name} by {dimension}"
    for name, metric in metrics().items()
    if metric.forecast
    for dimension in (TOTAL, *metric.forecast_by)
]
_SERIES = Query("forecast/series", {"wanted": _WANTED})
_MODELS = "seasonal naive, theta, prophet, boosting and their median 2"  # the number changes with what they say


@table_asset(
    "forecast/series",
    requires=["kpi/daily_metrics"],
    code_version=f"{_SERIES.code_version} {', '.join(_WANTED)}",
)
def series(shop: Shop) -> Query:
    """One row per day and series that is forecast.

    The metrics marked for it in the catalogue, in all and by the members of the dimensions in `forecast_by`.
    """
    return _SERIES


@table_asset(
    "forecast/backtests",
    requires=["forecast/series"],
    uses=["clean/campaigns"],
    kinds=_PYTHON,
    code_version=f"{Query('forecast/backtests').code_version} {_MODELS}",
)
def backtests(shop: Shop) -> Frame:
    """One row per series, model, origin and step.

    What each forecaster would have said at earlier days, and says of the next ones. Tests that are at most a week old
    stand; a series never tested gets six origins, every other one the full twelve. The job weekly_champions tests all
    of them.
    """
    from ecom_assets.forecasting.shop import back_tests

    return Frame(Query("forecast/backtests"), back_tests, tells=True)


@table_asset(
    "forecast/champions",
    requires=["forecast/backtests"],
    kinds=_PYTHON,
    plot=Charts(Query("forecast/champions_chart"), accuracy_chart),
    code_version=f"{Query('forecast/champions').code_version} 1",
)
def champions(shop: Shop) -> Frame:
    """One row per series and model.

    How good each forecaster was in the back-tests, and which one forecasts until the next.
    """
    from ecom_assets.forecasting.shop import champions

    return Frame(Query("forecast/champions"), champions)


@table_asset("forecast/expectations", requires=["forecast/series", "forecast/backtests"])
def expectations(shop: Shop) -> Query:
    """One row per day and series that is forecast.

    What the champion and Prophet had expected of the day before it came, and how far it lay from that.
    """
    return Query("forecast/expectations")


@table_asset(
    "forecast/forecasts",
    requires=["forecast/series", "forecast/backtests", "forecast/champions"],
    uses=["clean/campaigns"],
    kinds=_PYTHON,
    plot=Charts(Query("forecast/forecasts_chart"), forecast_chart),
    code_version=f"{Query('forecast/forecasts').code_version} {_MODELS} open days",
)
def forecasts(shop: Shop) -> Frame:
    """One row per series and day to come.

    The next 28 days by the champion of each series, with 80 % and 95 % intervals calibrated on its back-tests. Nothing
    is expected of days on which the shop is closed.
    """
    from ecom_assets.forecasting.shop import forecasts

    return Frame(Query("forecast/forecasts"), partial(forecasts, is_closed=shop.is_closed), tells=True)
