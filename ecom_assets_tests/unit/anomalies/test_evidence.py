import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.evidence import event_evidence, file_faults

DAYS = pd.date_range("2026-03-01", periods=40)


def lineage(**of_last_day: float) -> pd.DataFrame:
    """Forty days of orders, the last of them as stated."""
    quiet = {"rows": 300.0, "repeated_rows": 0.0, "quarantined_rows": 1.0, "last_event_hour": 23.9}
    table = pd.DataFrame({"business_date": DAYS, "dataset": "orders", "is_missing": False, "is_late": False, **quiet})
    for name, value in of_last_day.items():
        table.loc[39, name] = value
    return table


def test_quiet_files_are_at_no_fault():
    assert file_faults(lineage()).empty


def test_rows_that_came_twice():
    said = file_faults(lineage(rows=390.0, repeated_rows=90.0))
    assert said["business_date"].tolist() == [DAYS[39]]
    assert said["repeated_rate"].iloc[0] == 90 / 390


def test_a_file_that_ends_early():
    assert np.isclose(file_faults(lineage(last_event_hour=17.9))["hours_missing"].iloc[0], 6.0)


def test_more_in_quarantine_than_usual():
    assert file_faults(lineage(rows=200.0, quarantined_rows=100.0))["quarantined_rate"].iloc[0] > 0.3


def test_what_is_not_said_is_no_evidence():
    assert file_faults(lineage()[["business_date", "dataset"]]).empty


def test_another_datasets_past_is_not_ones_own():
    other = lineage().assign(dataset="page_load_times", last_event_hour=12.0)
    assert file_faults(pd.concat([lineage(), other])).empty


def test_a_file_of_few_rows_may_end_early_by_chance():
    few = lineage(last_event_hour=17.9).assign(rows=9.0)
    assert file_faults(few).empty
    assert not file_faults(few.assign(rows=30.0)).empty


def test_tracking_is_weighed_where_it_fell_furthest_by_its_own_spread():
    key = {"metric": "tracking_coverage_rate", "time": DAYS[39]}
    points = pd.DataFrame(
        [
            {**key, "dimension": "", "member": "", "value": 0.95, "expected": 1.0, "zscore": -1.2},
            {**key, "dimension": "channel", "member": "email", "value": 0.97, "expected": 1.0, "zscore": -9.0},
            {**key, "dimension": "channel", "member": "direct", "value": 0.5, "expected": 1.0, "zscore": -20.0},
        ]
    )
    said = pd.DataFrame({"notification_id": [1], "raised": [DAYS[39]]})
    members = points.iloc[[1]].assign(notification_id=1)
    row = event_evidence(said, members, points).iloc[0]
    assert row["tracking_change_rate"] == pytest.approx(-0.03)
    assert row["tracking_zscore"] == -9.0
