"""Alarms and the table of points, of one series and of many."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.calibration import NORMAL_PRIOR, surprise
from ecom_assets.anomalies.consensus import DETECTORS
from ecom_assets.anomalies.detect import detect
from ecom_assets.anomalies.judgement import Judgement, judgement_of
from ecom_assets.anomalies.points import Alarms, alarms_of, points_of
from ecom_assets.anomalies.shop import detect_shop
from ecom_assets.anomalies.zscore import Expectation

TIMES = pd.date_range("2026-01-01", periods=100)


def judged(zscores: np.ndarray, forest: float = 0.4, is_planned: bool = False) -> Judgement:
    """Of z-scores that both detectors share, about an expectation of 10 with a sigma of 2."""
    expects = Expectation(np.full(zscores.shape, 10.0), np.full(zscores.shape, 2.0))
    scores = {"zscore": zscores, "isolation_forest": np.full(zscores.shape, forest), "forecast_residual": zscores}
    planned = np.full(zscores.shape, is_planned)

    def calibrate(values: np.ndarray, prior: tuple[float, float] | None = None) -> np.ndarray:
        return np.apply_along_axis(surprise, 0, values, prior=prior)

    return judgement_of(scores, expects, expects, planned, calibrate, NORMAL_PRIOR)


def table(zscores: np.ndarray, alarms: Alarms, least: float = -np.inf) -> pd.DataFrame:
    return points_of(TIMES, 10 + 2 * zscores, judged(zscores), alarms, (3.0, 6.0), lambda moved: moved, least)


def test_known_steps_alarm_from_the_threshold_on_once_the_first_are_over():
    score = np.array([5.0, 5.0, 2.0, 5.0, 1.9, np.nan])
    said = alarms_of(np.array([1.0, 1.0, 1.0, np.nan, 1.0, 1.0]), score, threshold=2.0, warm_up=1, gap=0)
    assert said.is_anomaly.tolist() == [False, True, True, False, False, False]
    assert said.event_id.tolist() == [0, 1, 1, 0, 0, 0]
    assert said.score.tolist() == [5.0, 5.0, 2.0, 5.0, 1.9, 0.0]


def test_events_of_many_series_are_numbered_in_each():
    score = np.zeros((100, 2))
    score[[20, 60], 0], score[[70, 72], 1] = 5.0, 5.0
    said = alarms_of(np.ones((100, 2)), score, threshold=2.0, warm_up=10, gap=1)
    assert said.event_id[[20, 60], 0].tolist() == [1, 2]
    assert said.event_id[69:74, 1].tolist() == [0, 1, 1, 1, 0]


def test_what_a_plan_explains_is_no_oddity_of_the_forests():
    zscores = np.zeros(100)
    assert np.isnan(judged(zscores, 0.9, is_planned=True).surprises["isolation_forest"]).all()
    assert np.isfinite(judged(zscores, 0.9).surprises["isolation_forest"][50:]).all()


def test_where_the_residual_does_not_know_the_zscore_tells_how_far_off_a_step_is():
    expects = Expectation(np.zeros(3), np.ones(3))
    scores = {"zscore": np.array([1.0, 2.0, np.nan]), "isolation_forest": np.full(3, np.nan),
              "forecast_residual": np.array([-3.0, np.nan, np.nan])}  # fmt: skip
    said = judgement_of(scores, expects, expects, np.zeros(3, dtype=bool), surprise, NORMAL_PRIOR).zscores
    np.testing.assert_array_equal(said, [-3.0, 2.0, np.nan])


def test_limits_lie_as_many_sigmas_off_as_would_alarm_and_not_below_the_least():
    zscores = np.zeros(100)
    row = table(zscores, alarms_of(zscores, zscores, 2.0, 0, 1), least=0.0).iloc[50]
    assert row[["expected", "lower", "upper"]].tolist() == [10.0, 4.0, 16.0]
    assert row[["expected_zscore", "lower_zscore", "upper_zscore"]].tolist() == [10.0, 0.0, 22.0]


def test_an_alarm_has_severity_direction_and_the_detectors_that_agree():
    zscores = np.random.default_rng(0).normal(0, 1, 100)
    zscores[80] = -20.0
    said = judged(zscores)
    points = table(zscores, alarms_of(zscores, said.consensus, threshold=2.0, warm_up=10, gap=1))
    alarm = points.iloc[80]
    assert (alarm["severity"], alarm["direction"]) == ("critical", "down")
    assert alarm["detectors"] == "zscore+forecast_residual"
    assert (points.loc[~points["is_anomaly"], ["severity", "direction", "detectors"]] == "").all(axis=None)


def test_series_stand_below_each_other_and_each_is_as_it_is_alone():
    zscores = np.random.default_rng(0).normal(0, 1, (100, 2))
    zscores[80, 1] = 9.0
    both = table(zscores, alarms_of(zscores, judged(zscores).consensus, 2.0, 10, 1))
    for place in range(2):
        own = zscores[:, place]
        alone = table(own, alarms_of(own, judged(own).consensus, 2.0, 10, 1))
        pd.testing.assert_frame_equal(both[place * 100 : place * 100 + 100].reset_index(drop=True), alone)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    week = 1 + 0.25 * np.sin(2 * np.pi * np.arange(200) / 7)
    value = 500 * week * np.exp(np.random.default_rng(0).normal(0, 0.06, 200))
    value[150:153] *= 0.3
    return pd.DataFrame({"time": pd.date_range("2025-01-01", periods=200), "value": value})


def test_one_series_and_a_shop_of_one_say_the_same_kind_of_thing(orders):
    alone = detect(orders).points
    of_shop = detect_shop(orders.assign(metric="orders", dimension="", member="")).points
    further = ["metric", "dimension", "member", "is_watched", "fault"]
    assert sorted(of_shop.columns) == sorted([*alone.columns, *further])
    assert {f"score_{name}" for name in DETECTORS} <= set(alone.columns)
    for points in (alone, of_shop):
        assert points["is_anomaly"].iloc[150]
        assert points["direction"].iloc[150] == "down"
