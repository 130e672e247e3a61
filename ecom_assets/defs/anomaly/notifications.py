"""What is known of deliveries, and what people are told."""

import re
from typing import Any

from ecom_assets.contracts import contract, dataset_contracts
from ecom_assets.metrics import TOTAL, catalogue
from ecom_assets.orchestration.rows import Charts, Frame
from ecom_assets.orchestration.table_asset import table_asset, version_of_code
from ecom_assets.quality.evidence import evidence_sql
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

_DAILY = [each.asset for each in dataset_contracts().values() if each.partitioned_by]
EVIDENCE = Query("anomaly/evidence", text=evidence_sql(dataset_contracts().values()))


@table_asset(
    "anomaly/evidence",
    requires=["clean/orders"],
    uses=[asset for asset in _DAILY if asset != "clean/orders"],
    code_version=EVIDENCE.code_version,
)
def evidence(shop: Shop) -> Query:
    """One row per day and dataset.

    Whether and when it came, with how many rows, and what its checks found: refused and missing days too.
    """
    return EVIDENCE


def _columns() -> dict[str, list[str]]:
    """The columns that every watched metric is summed from, as lists of equal length."""
    found = []
    for metric in catalogue().metrics.values():
        asset = catalogue().sources[metric.source][TOTAL].table.replace(".", "/")
        words = re.findall(r"\w+", f"{metric.numerator} {metric.denominator or ''}")
        found += [(metric.name, asset, word) for word in dict.fromkeys(words) if word in contract(asset).by_name]
    return {
        name: list(column)
        for name, column in zip(("metrics", "assets", "columns"), zip(*found, strict=True), strict=True)
    }


def _drawn(rows: Any) -> dict[str, bytes]:
    from ecom_assets.reports.alarms import notifications_png

    return notifications_png(rows)


NOTIFICATION_QUERIES = {
    "causes": Query("anomaly/all_causes", text="select * from anomaly.causes"),
    "missing_plans": Query("anomaly/all_missing_plans", text="select * from anomaly.missing_plans"),
    "deliveries": Query(
        "anomaly/all_evidence", text="select * exclude (_is_late), _is_late as is_late from anomaly.evidence"
    ),
    "newest_day": Query("anomaly/newest_day", text="select max(business_date) as business_date from kpi.daily_metrics"),
    "metric_datasets": Query("anomaly/metric_datasets", _columns()),
    "labels": Query("anomaly/labels", text="select * from lineage.labels order by labelled_at, notification_id"),
    "snoozes": Query("anomaly/snoozes", text="select * from lineage.snoozes order by all"),
}


@table_asset(
    "anomaly/notifications",
    requires=["anomaly/causes", "anomaly/missing_plans", "anomaly/evidence", "kpi/daily_metrics"],
    kinds=("python", "pandas"),
    code_version=f"{version_of_code('anomalies')} {Query('anomaly/metric_datasets').code_version}",
    plot=Charts(Query("anomaly/newest_notifications"), _drawn),
)
def notifications(shop: Shop) -> Frame:
    """One row per notification.

    What people are told, one a cause: whether it was planned, is a change of the business or a fault in the data, with
    the reasons, and what people said of it.
    """
    from ecom_assets.anomalies.notifications import shop_notifications

    also = {name: query for name, query in NOTIFICATION_QUERIES.items() if name != "causes"}
    return Frame(NOTIFICATION_QUERIES["causes"], shop_notifications, also)
