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
    assert event["effect_rate"] == pytest.approx(17 / 30 - 1)
    assert event["detectors"] == "forecast_residual+zscore"


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


def test_one_series_alone_must_be_odder():
    table = scored({})
    table.loc[(table["time"] == DAYS[200]) & (table["metric"] == "orders") & (table["member"] == ""), "score"] = 5.0
    quiet = table["time"].eq(DAYS[200]) & (table["score"] != 5.0)
    alone = table.assign(score=table["score"].where(~quiet, 0.1))
    assert DAYS[200] not in notify(alone, threshold=4.0)[0]["raised"].tolist()
    with_another = alone.copy()
    with_another.loc[quiet.idxmax(), "score"] = 2.0
    assert DAYS[200] in notify(with_another, threshold=4.0)[0]["raised"].tolist()


def test_following_days_continue_and_recovery_is_an_echo():
    said = raised({("orders", ""): {200: -12, 201: -11, 203: -12, 206: 10}}, 200)
    assert said["raised"].tolist() == [DAYS[200]]
    assert said["end"].tolist() == [DAYS[203]]


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
