import pandas as pd
import pytest

from ecom_assets.anomalies.verdict import verdicts


def verdict(**evidence) -> str:
    return verdicts(pd.DataFrame([{"event_id": 1, **evidence}]))["verdict"].iloc[0]


@pytest.mark.parametrize(
    "evidence",
    [
        {"failed_checks": 1},
        {"missing_days": 1},
        {"duplicate_rate": 0.3},
        {"last_hours_missing": 9},
        {"tracking_change_rate": -0.4},
        {"tracking_change_rate": -0.03, "tracking_zscore": -6.5},
        {"volume_change_rate": -0.6, "other_volume_change_rate": -0.02},
        {"amount_per_row_change_rate": 6.0, "volume_change_rate": 0.03},
        {"late_files": 1, "missing_checks": 1, "quarantined_rate": 0.05},
    ],
)
def test_data_faults(evidence):
    assert verdict(**evidence) == "data fault"


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"failed_checks": 0, "tracking_change_rate": 0.01},
        {"tracking_change_rate": -0.03, "tracking_zscore": -2.5},
        {"tracking_change_rate": 0.2, "tracking_zscore": 7.0},
        {"missing_checks": 1},
        {"volume_change_rate": -0.6, "other_volume_change_rate": -0.55},
        {"amount_per_row_change_rate": -0.3, "volume_change_rate": 0.0},
        {"failed_checks": float("nan"), "volume_change_rate": float("nan")},
    ],
)
def test_business_changes(evidence):
    assert verdict(**evidence) == "business change"


def test_a_plan_is_planned_unless_the_data_is_faulty():
    assert verdict(is_planned=True) == "planned"
    assert verdict(is_planned=True, failed_checks=2) == "data fault"
    assert verdict(is_planned=False) == "business change"


def test_the_reasons_are_said():
    said = verdicts(pd.DataFrame([{"event_id": 7, "late_files": 2, "tracking_change_rate": -0.5}])).iloc[0]
    assert said["event_id"] == 7
    assert "2 files that came late" in said["reasons"]
    assert "-50%" in said["reasons"]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("device tablet", "tracked share of web orders of device tablet moved by -62%"),
        ("", "tracked share of web orders moved by -62%"),
    ],
)
def test_lost_tracking_is_told_of_the_member_that_lost_it(member, words):
    row = {"event_id": 1, "tracking_change_rate": -0.62, "tracking_zscore": -40.0, "tracking_member": member}
    (said,) = verdicts(pd.DataFrame([row])).to_dict("records")
    assert said["reasons"] == words


def test_reasons_are_told_in_their_units_and_trifles_are_not():
    row = {"event_id": 1, "duplicate_rate": 0.4, "quarantined_rate": 0.0087, "last_hours_missing": 0.127}
    (said,) = verdicts(pd.DataFrame([row])).to_dict("records")
    assert said["reasons"] == "40% of the rows delivered twice"
    row |= {"quarantined_rate": 0.05, "last_hours_missing": 1.5}
    (said,) = verdicts(pd.DataFrame([row])).to_dict("records")
    assert said["reasons"].endswith("5.0% of the rows in quarantine, beyond the usual share; "
                                    "1.5 hours without rows at the end of a file")  # fmt: skip
