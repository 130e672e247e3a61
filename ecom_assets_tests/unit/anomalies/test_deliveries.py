"""What was wrong with deliveries, in words: by hand."""

import pandas as pd
import pytest

from ecom_assets.anomalies.deliveries import said_of_deliveries

DAY = pd.Timestamp("2026-05-10")
DATASETS = pd.DataFrame(
    [("orders", "order_items"), ("orders", "orders"), ("refund_amount", "refunds")], columns=["metric", "dataset"]
)


def delivery(dataset: str = "orders", day: pd.Timestamp = DAY, **stated) -> dict:
    return {
        "business_date": day, "dataset": dataset, "state": "accepted", "is_missing": False, "is_late": False,
        "failed_check_names": None, **stated,
    }  # fmt: skip


def said(*deliveries: dict, metric: str = "orders", days: int = 1) -> tuple:
    cause = {"notification_id": "a", "start_date": DAY, "end_date": DAY + pd.Timedelta(days=days - 1), "metric": metric}
    columns = list(delivery())
    found = said_of_deliveries(pd.DataFrame([cause]), pd.DataFrame(list(deliveries), columns=columns), DATASETS)
    return tuple(found.iloc[0])


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, None),
        ({"is_missing": True, "state": "missing"}, "orders 2026-05-10 did not come"),
        ({"state": "refused", "failed_check_names": "key_is_unique"}, "orders 2026-05-10 was refused (key_is_unique)"),
        ({"state": "refused"}, "orders 2026-05-10 was refused (held with another day)"),
        ({"is_late": True}, "orders 2026-05-10 came late or again"),
        ({"failed_check_names": "amount_is_in_range"}, "orders 2026-05-10 failed amount_is_in_range"),
    ],
)
def test_a_delivery_that_was_not_as_it_should_be_is_named(stated, words):
    assert said(delivery(**stated)) == ("a", "order_items, orders", words)


def test_only_the_metrics_own_datasets_and_first_days_count():
    late = {"is_late": True}
    assert said(delivery("refunds", **late))[2] is None
    assert said(delivery(day=DAY - pd.Timedelta(days=1), **late))[2] is None
    third, fourth = DAY + pd.Timedelta(days=2), DAY + pd.Timedelta(days=3)
    assert (
        said(delivery(day=third, **late), delivery(day=fourth, **late), days=9)[2]
        == "orders 2026-05-12 came late or again"
    )


def test_a_metric_of_unknown_origin_has_none():
    assert said(delivery(is_late=True), metric="ratings") == ("a", None, None)
