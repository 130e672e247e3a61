import math

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.incident_size import incident_size, moved_series, stratum
from ecom_assets.anomalies.scoring import balanced_accuracy, bootstrap_interval, match, score, scorecard

ORDERS, SESSIONS = frozenset({"orders"}), frozenset({"sessions"})


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp("2026-01-01") + pd.Timedelta(days=number)


def notifications(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(
        [(number, day(at), names) for number, (at, names) in enumerate(rows)],
        columns=["notification_id", "raised", "names"],
    )


def incidents(*rows: tuple) -> pd.DataFrame:
    """start, end, moved, size"""
    return pd.DataFrame(
        [(f"i{number}", day(start), day(end), moved, size) for number, (start, end, moved, size) in enumerate(rows)],
        columns=["incident_id", "start", "end", "moved", "size"],
    )


def outcomes(said: pd.DataFrame, truth: pd.DataFrame) -> list[str]:
    return match(said, truth).notifications["outcome"].tolist()


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (9, "false"),
        (10, "hit"),
        (12, "hit"),
        (13, "false"),
        (20, "false"),
        (21, "neutral"),
        (27, "neutral"),
        (28, "false"),
    ],
)
def test_the_window_of_an_incident(raised, outcome):
    assert outcomes(notifications((raised, ORDERS)), incidents((10, 20, ORDERS, 8.0))) == [outcome]


def test_the_window_of_a_short_incident_closes_with_it():
    assert outcomes(notifications((12, ORDERS)), incidents((10, 11, ORDERS, 8.0))) == ["neutral"]


def test_it_must_name_something_that_moved():
    assert outcomes(notifications((10, SESSIONS)), incidents((10, 20, ORDERS, 8.0))) == ["false"]


def test_a_repeat_is_false():
    assert outcomes(notifications((10, ORDERS), (11, ORDERS)), incidents((10, 20, ORDERS, 8.0))) == ["hit", "false"]


def test_one_notification_does_for_one_incident():
    matched = match(notifications((11, ORDERS)), incidents((10, 20, ORDERS, 8.0), (11, 14, ORDERS, 7.0)))
    assert matched.incidents["notification_id"].notna().sum() == 1
    assert matched.incidents["delay_days"].dropna().tolist() == [0.0]


def test_two_do_for_two_even_where_the_first_fits_both():
    truth = incidents((10, 20, ORDERS, 8.0), (11, 14, SESSIONS, 7.0))
    assert outcomes(notifications((11, ORDERS | SESSIONS), (12, ORDERS)), truth) == ["hit", "hit"]


def test_strata_count_other_hits_as_neutral():
    truth = incidents((10, 12, ORDERS, 8.0), (50, 52, ORDERS, 1.0), (80, 82, ORDERS, 9.0))
    matched = match(notifications((10, ORDERS), (50, ORDERS), (120, ORDERS)), truth)
    clear, everything = score(matched, (6.0, np.inf)), score(matched)
    assert (clear["hits"], clear["missed"], clear["false"], clear["neutral"]) == (1, 1, 1, 1)
    assert (everything["hits"], everything["missed"], everything["false"], everything["neutral"]) == (2, 1, 1, 0)


def test_a_shop_without_incidents_can_only_be_wrong():
    said = score(match(notifications((10, ORDERS)), incidents()))
    assert (said["incidents"], said["false"]) == (0, 1)


def shops(*rows: tuple) -> pd.DataFrame:
    columns = ["incidents", "hits", "missed", "false", "neutral", "notifications", "delay_days", "days"]
    return pd.DataFrame(rows, columns=columns)


def test_scorecard_by_hand():
    said = scorecard(shops((4, 3, 1, 1, 0, 4, 2.0, 304.375), (0, 0, 0, 1, 0, 1, 0.0, 304.375)))
    assert said["precision"] == pytest.approx(3 / 5)
    assert said["recall"] == pytest.approx(3 / 4)
    assert said["f1"] == pytest.approx(2 * 0.6 * 0.75 / 1.35)
    assert said["delay_days"] == pytest.approx(2 / 3)
    assert said["false_a_month"] == pytest.approx(2 / 20)
    assert said["notifications_a_month"] == pytest.approx(5 / 20)


def test_nothing_to_find_and_nothing_said_has_no_f1():
    assert math.isnan(scorecard(shops((0, 0, 0, 0, 0, 0, 0.0, 30)))["f1"])


def test_bootstrap_draws_whole_shops():
    alike = shops(*[(4, 3, 1, 1, 0, 4, 2.0, 300)] * 20)
    low, high = bootstrap_interval(alike, "recall", draws=200)
    assert (low, high) == (0.75, 0.75)
    mixed = shops(*[(1, 1, 0, 0, 0, 1, 0.0, 300)] * 30, *[(1, 0, 1, 0, 0, 0, 0.0, 300)] * 30)
    low, high = bootstrap_interval(mixed, "recall", draws=2_000)
    # binomial standard error of a half over 60 shops: 0.0645
    assert low == pytest.approx(0.5 - 1.96 * 0.0645, abs=0.03)
    assert high == pytest.approx(0.5 + 1.96 * 0.0645, abs=0.03)


def test_balanced_accuracy_by_hand():
    assert balanced_accuracy(np.array(["a", "a", "a", "b"]), np.array(["a", "a", "b", "b"])) == pytest.approx(
        (2 / 3 + 1) / 2
    )


def test_size_counts_three_days_of_the_most_moved_series():
    delta = {"orders": np.array([3.0, 4.0, 0.0, 100.0]), "sessions": np.array([0.1, 0.1])}
    assert incident_size(delta, {"orders": 2.0, "sessions": 1.0}) == pytest.approx(2.5)
    assert [stratum(size) for size in (2.9, 3.0, 6.0)] == ["hidden", "faint", "clear"]


def test_moved_from_two_sigmas_on():
    delta = {"orders": np.array([1.0, -4.0]), "sessions": np.array([1.9]), "dead": np.array([5.0])}
    assert moved_series(delta, {"orders": 2.0, "sessions": 1.0, "dead": 0.0}) == {"orders"}
