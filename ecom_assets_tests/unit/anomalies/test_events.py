import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.events import event_ids, event_table, severity
from ecom_assets.anomalies.grouping import notify

DAYS = pd.date_range("2025-01-01", periods=300)


def test_adjacent_alarms_are_one_event():
    alarms = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert event_ids(alarms, gap=1).tolist() == [0, 1, 1, 1, 1, 0, 0, 0, 2]


def test_no_alarm_no_event():
    assert event_ids(np.zeros(5, dtype=bool), gap=1).tolist() == [0] * 5


def test_severity_is_the_multiple_of_the_threshold():
    assert [severity(score, 2.0) for score in (2.0, 2.9, 4.0)] == ["minor", "major", "critical"]


def test_an_event_by_hand():
    points = pd.DataFrame(
        {
            "time": DAYS[:5], "value": [10.0, 5.0, 8.0, 4.0, 10.0], "expected": 10.0,
            "score": [0.0, 3.0, 1.0, 4.5, 0.0], "detectors": ["", "zscore", "", "zscore+forecast_residual", ""],
            "is_anomaly": [False, True, False, True, False], "event_id": [0, 1, 1, 1, 0],
            "direction": ["", "down", "", "down", ""],
        }
    )  # fmt: skip
    event = event_table(points, 2.0).iloc[0]
    assert (event["start"], event["end"], event["raised"]) == (DAYS[1], DAYS[3], DAYS[1])
    assert (event["steps"], event["direction"], event["severity"]) == (3, "down", "critical")
    assert event["effect_rate"] == pytest.approx(9 / 20 - 1), "the day between was an ordinary one"
    assert event["detectors"] == "forecast_residual+zscore"


def test_an_outage_is_not_smaller_for_the_catching_up_that_follows():
    points = pd.DataFrame(
        {
            "time": DAYS[:3], "value": [10.0, 4.0, 18.0], "expected": 10.0, "score": [0.0, 4.5, 3.0],
            "detectors": ["", "zscore", "zscore"], "is_anomaly": [False, True, True], "event_id": [0, 1, 1],
            "direction": ["", "down", "up"],
        }
    )  # fmt: skip
    event = event_table(points, 2.0).iloc[0]
    assert (event["steps"], event["direction"]) == (2, "down")
    assert event["effect_rate"] == pytest.approx(-0.6)


def scored(moves: dict[tuple[str, str], dict[int, float]], seed: int = 0) -> pd.DataFrame:
    """Quiet series of two metrics with two channels each, and moves in sigmas by series and day."""
    rng = np.random.default_rng(seed)
    shared = {metric: rng.normal(0, 1, 300) for metric in ("orders", "sessions")}
    parts = []
    for metric in ("orders", "sessions"):
        for member in ("", "email", "paid"):
            zscores = 0.6 * shared[metric] + 0.8 * rng.normal(0, 1, 300)
            for day, size in moves.get((metric, member), {}).items():
                zscores[day] += size
            parts.append(
                pd.DataFrame(
                    {"time": DAYS, "metric": metric, "dimension": "channel" if member else "", "member": member,
                     "score": np.abs(zscores) * 0.8, "zscore": zscores, "is_planned": False}
                )
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def raised(moves: dict, day: int) -> pd.DataFrame:
    notifications, _ = notify(scored(moves), alarms_a_month=0.05)
    return notifications[(notifications["raised"] >= DAYS[day - 5]) & (notifications["raised"] <= DAYS[day + 20])]


def test_the_whole_and_its_members_are_one_notification():
    said = raised({("orders", ""): {200: -12}, ("orders", "email"): {200: -11}, ("orders", "paid"): {200: -9}}, 200)
    assert said["raised"].tolist() == [DAYS[200]]
    assert said["series"].tolist() == [3]
    assert said[["metric", "member", "direction"]].iloc[0].tolist() == ["orders", "", "down"]


def test_all_that_is_odd_on_a_day_is_told_once():
    said = raised({("orders", ""): {200: -12}, ("sessions", "paid"): {200: 12}}, 200)
    assert said["series"].tolist() == [2]


def test_another_metric_days_later_is_another_event_and_the_same_metric_an_echo():
    said = raised({("orders", ""): {200: -12}, ("sessions", "paid"): {205: 14}, ("orders", "paid"): {206: 12}}, 200)
    assert said["raised"].tolist() == [DAYS[200], DAYS[205]]


def with_scores(scores: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Days of no surprise at all, and one on which some series have these scores."""
    table = scored({}).assign(score=0.1)
    for (metric, member), score in scores.items():
        at = (table["time"] == DAYS[200]) & (table["metric"] == metric) & (table["member"] == member)
        table.loc[at, "score"] = score
    return table


def test_one_series_alone_must_be_odder():
    assert notify(with_scores({("orders", ""): 5.0}), threshold=4.0)[0].empty
    assert len(notify(with_scores({("orders", ""): 6.0}), threshold=4.0)[0]) == 1


@pytest.mark.parametrize(
    ("other", "alarms"),
    [(("orders", "paid"), 1), (("sessions", "email"), 1), (("sessions", ""), 0), (("sessions", "paid"), 0)],
)
def test_a_relative_that_is_odd_too_confirms_a_series(other: tuple[str, str], alarms: int):
    assert len(notify(with_scores({("orders", "email"): 5.0, other: 4.0}), threshold=4.0)[0]) == alarms
    assert notify(with_scores({("orders", "email"): 5.0, other: 3.9}), threshold=4.0)[0].empty


def test_a_louder_cause_in_untouched_metrics_is_told_beside_an_event_that_goes_on():
    moves = {("orders", ""): {200: -12, 202: -12}, ("orders", "email"): {200: -12, 202: -12}}
    both = {**moves, ("sessions", ""): {202: -16}, ("sessions", "paid"): {202: -14}}
    said = raised(both, 200)
    assert said["raised"].tolist() == [DAYS[200], DAYS[202]]
    assert said["series"].tolist() == [2, 2]
    one = {**moves, ("sessions", ""): {202: -16}}
    assert raised(one, 200)["raised"].tolist() == [DAYS[200]]


def test_following_days_continue_and_recovery_is_an_echo():
    said = raised({("orders", ""): {200: -12, 201: -11, 203: -12, 206: 10}}, 200)
    assert said["raised"].tolist() == [DAYS[200]]
    assert said["end"].tolist() == [DAYS[203]]


def with_fault(table: pd.DataFrame, fault: str, days: list[int], metric: str = "orders") -> pd.DataFrame:
    """`table`, a metric's series moved for sure by a faulty file on some days."""
    moved = table["time"].isin(DAYS[days]) & (table["metric"] == metric)
    earlier = table.get("fault", pd.Series("", table.index))
    return table.assign(score=table["score"].where(~moved, 12.0), fault=earlier.where(~moved, fault))


def raised_of(table: pd.DataFrame) -> list[pd.Timestamp]:
    notifications, _ = notify(table, alarms_a_month=0.05)
    return notifications["raised"][notifications["raised"].between(DAYS[195], DAYS[215])].tolist()


def test_a_faulty_file_is_no_echo_of_the_week_before_and_is_told_once():
    outage = scored({("orders", ""): {200: -12}, ("orders", "email"): {200: -11}})
    again = scored({("orders", ""): {200: -12, 205: 9, 206: 9}, ("orders", "email"): {200: -11, 205: 9, 206: 9}})
    assert raised_of(again) == [DAYS[200]]
    assert raised_of(with_fault(outage, "orders twice", [205, 206])) == [DAYS[200], DAYS[205]]


def test_two_faults_of_one_dataset_are_two_causes():
    quiet = scored({})
    both = with_fault(with_fault(quiet, "orders twice", [205]), "orders cut", [206])
    assert raised_of(both) == [DAYS[205], DAYS[206]]


def test_a_faulty_file_leaves_no_echo():
    later = scored({("orders", ""): {206: -12}, ("orders", "email"): {206: -11}})
    assert raised_of(with_fault(later, "orders twice", [200])) == [DAYS[200], DAYS[206]]


def test_a_faulty_file_that_moved_nothing_odd_is_not_told():
    """What it moved was marked as moved by another file of the same day, or is too noisy to be told of."""
    table = with_scores({("sessions", ""): 9.0, ("sessions", "email"): 9.0, ("orders", "paid"): 2.0})
    marked = (table["time"] == DAYS[200]) & (table["metric"] == "orders")
    notifications, members = notify(table.assign(fault=np.where(marked, "orders twice", "")), threshold=5.0)
    assert notifications[["metric", "series"]].values.tolist() == [["sessions", 2]]
    assert set(members["metric"]) == {"sessions"}


def test_a_second_cause_weeks_later_is_another_event():
    said = raised({("orders", ""): {200: -12, 215: -12}}, 200)
    assert said["raised"].tolist() == [DAYS[200], DAYS[215]]


def test_later_days_never_change_what_was_notified():
    table = scored({("orders", ""): {150: -12}, ("sessions", ""): {250: 14}})
    whole, _ = notify(table, alarms_a_month=0.2)
    until, _ = notify(table[table["time"] < DAYS[200]], alarms_a_month=0.2)
    columns = ["notification_id", "raised", "metric", "member", "direction", "severity", "score"]
    pd.testing.assert_frame_equal(whole.loc[whole["raised"] < DAYS[200], columns], until[columns])


def test_quiet_series_keep_the_budget():
    notifications = [len(notify(scored({}, seed), alarms_a_month=0.5)[0]) for seed in range(6)]
    assert np.mean(notifications) <= 2 * 0.5 * 260 / 30.4
