"""Deliveries beside the days before, and the verdicts that follow: by hand."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.deliveries import beside_usual, judged

DAYS = pd.date_range("2026-03-02", periods=70)  # from a Monday on
LAST = DAYS[-1]
DATASETS = pd.DataFrame(
    [("orders", "orders"), ("orders", "order_items"), ("sessions", "website_traffic"), ("refund_amount", "refunds")],
    columns=["metric", "dataset"],
)


def deliveries(dataset: str = "orders", **last) -> pd.DataFrame:
    """Seventy days: 100 rows a weekday, 50 a Saturday or Sunday, the last row at 23:30; the last day as stated."""
    rows = np.where(DAYS.dayofweek < 5, 100, 50)
    table = pd.DataFrame(
        {
            "business_date": DAYS, "dataset": dataset, "state": "accepted", "is_missing": False, "is_late": False,
            "rows": rows, "repeated_rows": 0.0, "quarantined_rows": 1, "failed_checks": 0, "failed_check_names": None,
            "missing_checks": 0, "last_event_hour": 23.5,
        }
    )  # fmt: skip
    for name, value in last.items():
        table[name] = table[name].astype("object")
        table.loc[table.index[-1], name] = value
    return table


def daily(**changed: float) -> pd.DataFrame:
    parts = []
    for metric, usual in (("tracking_coverage_rate", 0.9), ("average_order_value", 60.0)):
        value = np.full(len(DAYS), usual)
        value[-1] = changed.get(metric, usual)
        parts.append(pd.DataFrame({"business_date": DAYS, "metric": metric, "dimension": "total", "member": "all",
                                   "value": value}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def verdict(metric: str, *tables: pd.DataFrame, planned: bool = False, **changed: float) -> dict:
    cause = {"notification_id": "a", "start_date": LAST, "end_date": LAST, "metric": metric, "dimension": "total",
             "member": "all", "is_planned": planned}  # fmt: skip
    known = pd.concat(tables, ignore_index=True)
    return judged(pd.DataFrame([cause]), known, daily(**changed), DATASETS).iloc[0].to_dict()


def test_the_volume_is_compared_with_the_same_weekday():
    beside = beside_usual(deliveries(rows=25)).set_index("business_date")
    assert DAYS[-1].dayofweek == 6
    assert beside.loc[LAST, "volume_change_rate"] == pytest.approx(-0.5)
    assert beside["volume_change_rate"].iloc[28:-1].abs().max() == 0
    assert np.isnan(beside["volume_change_rate"].iloc[0]), "nothing is usual on the first day"


def test_rates_are_those_beyond_the_usual():
    beside = beside_usual(deliveries(quarantined_rows=50, repeated_rows=10, last_event_hour=18.0)).iloc[-1]
    assert beside["quarantined_rate"] == pytest.approx(0.5 - 1 / 51), "on nine days in ten it is at most 1 of 51"
    assert beside["duplicate_rate"] == pytest.approx(0.2)
    assert beside["last_hours_missing"] == pytest.approx(5.5)


def test_a_check_that_always_fails_says_nothing():
    table = deliveries().assign(failed_checks=1)
    assert beside_usual(table)["failed_checks"].iloc[-1] == 0
    assert beside_usual(deliveries(failed_checks=1))["failed_checks"].iloc[-1] == 1


def test_a_quiet_delivery_is_no_evidence():
    found = verdict("orders", deliveries(), deliveries("order_items"))
    assert (found["verdict"], found["datasets"]) == ("business_change", "orders, order_items")
    assert found["evidence"] == "no sign of a fault in files, checks or tracking"
    assert verdict("orders", deliveries(), planned=True)["verdict"] == "planned"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"state": "refused", "failed_checks": 1, "failed_check_names": "key_is_unique"},
         "orders 2026-05-10 was refused (key_is_unique)"),
        ({"state": "missing", "is_missing": True, "rows": 0}, "orders 2026-05-10 did not come"),
        ({"failed_checks": 1, "failed_check_names": "amount_is_in_range"}, "failed amount_is_in_range"),
        ({"last_event_hour": 17.0}, "hours without rows at the end of a file (6.5)"),
        ({"repeated_rows": 20}, "rows delivered twice"),
    ],
)  # fmt: skip
def test_a_fault_in_its_delivery_is_a_data_fault(last, words):
    found = verdict("orders", deliveries(**last), deliveries("order_items"))
    assert found["verdict"] == "data_fault"
    assert words in found["evidence"]
    assert verdict("refund_amount", deliveries(**last), deliveries("refunds"))["verdict"] == "business_change"


def test_orders_without_their_lines_are_a_fault_and_fewer_of_both_are_not():
    fewer = {"rows": 25}
    assert verdict("orders", deliveries(**fewer), deliveries("order_items"))["verdict"] == "data_fault"
    assert verdict("orders", deliveries(**fewer), deliveries("order_items", **fewer))["verdict"] == "business_change"


def test_lost_tracking_explains_sessions_and_nothing_else():
    lost = {"tracking_coverage_rate": 0.45}
    found = verdict("sessions", deliveries("website_traffic"), **lost)
    assert found["verdict"] == "data_fault"
    assert "tracked share of web orders moved by -50%" in found["evidence"]
    assert verdict("refund_amount", deliveries("refunds"), **lost)["verdict"] == "business_change"


def test_no_cause_needs_no_delivery():
    empty = judged(pd.DataFrame(columns=["notification_id", "metric"]), deliveries().iloc[:0], daily(), DATASETS)
    assert list(empty) == ["notification_id", "verdict", "fault_score", "evidence", "datasets"]
    assert empty.empty
