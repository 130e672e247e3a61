"""What detectors look at, what each of them says, what they say together, and what moved together."""

from typing import Any

from ecom_assets.metrics import metrics
from ecom_assets.orchestration.rows import Charts, Frames
from ecom_assets.orchestration.table_asset import table_asset, table_group, version_of_code
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

ECHO_DAYS = 7  # as long as an event may echo after its end
MIN_DAYS = 60
MIN_CASES = 20
DISCOUNTS = "discount_rate"  # not judged: it tells detectors of promotions that stand on no calendar

_WATCHED = [metric for metric in metrics().values() if metric.watched]
_SERIES = Query(
    "anomaly/watched_series",
    {
        "metrics": [*(metric.name for metric in _WATCHED), DISCOUNTS],
        "trust_metrics": [metric.trusted_when.metric if metric.trusted_when else None for metric in _WATCHED] + [None],
        "trust_minimums": [metric.trusted_when.at_least if metric.trusted_when else None for metric in _WATCHED]
        + [None],
    },
)
COVERAGE = Query(
    "anomaly/coverage",
    {
        "metrics": [*(metric.name for metric in _WATCHED), DISCOUNTS],
        "is_judged": [True] * len(_WATCHED) + [False],
        "min_days": MIN_DAYS,
        "min_cases": MIN_CASES,
    },
)
_PLANS = Query("anomaly/plans", {"quiet_days": ECHO_DAYS})
_DELIVERIES = Query("anomaly/deliveries", text="select * exclude (_is_late), _is_late as is_late from anomaly.evidence")
QUERIES = {"daily": _SERIES, "plans": _PLANS, "deliveries": _DELIVERIES}
_MADE_BY = ("anomalies", "forecasting")
_DETECTORS = ("anomaly/zscore", "anomaly/isolation_forest", "anomaly/forecast_residual")


@table_asset(
    "anomaly/coverage",
    requires=["kpi/daily_metrics"],
    code_version=f"{COVERAGE.code_version} {COVERAGE.params}",
)
def coverage(shop: Shop) -> Query:
    """One row per series of a watched metric.

    Which series the detectors look at, and why they leave the others out.
    """
    return COVERAGE


def _alarms(rows: Any) -> dict[str, bytes]:
    from ecom_assets.reports.alarms import alarms_png

    return alarms_png(rows)


@table_group(
    "detect_anomalies",
    {
        **dict.fromkeys(_DETECTORS, ()),
        "anomaly/consensus": _DETECTORS,
        "anomaly/events": ["anomaly/consensus"],
        "anomaly/causes": ["anomaly/consensus"],
        "anomaly/notification_members": ["anomaly/causes"],
        "anomaly/missing_plans": ["anomaly/consensus"],
    },
    requires=["kpi/daily_metrics", "anomaly/evidence", "anomaly/coverage"],
    uses=["clean/campaigns", "forecast/expectations"],
    code_version=f"{_SERIES.code_version} {_SERIES.params} {_PLANS.code_version} {version_of_code(*_MADE_BY)}",
    charts={"anomaly/consensus": Charts(Query("anomaly/newest_alarms"), _alarms)},
)
def detection(shop: Shop) -> Frames:
    """Every watched series judged by the days before each day, by three detectors and by what they say together."""
    from ecom_assets.anomalies.tables import shop_tables  # scikit-learn takes a second or two to import

    return Frames(QUERIES, shop_tables)
