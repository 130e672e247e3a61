"""Isolation forest, forecast residual, calibration and consensus, each for itself."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.baselines import oracle_scores, random_alarms, weekday_median_scores
from ecom_assets.anomalies.calibration import (
    NORMAL_PRIOR,
    POOL_PRIOR,
    budget_threshold,
    normal_limit,
    pooled_surprise,
    score_limits,
    surprise,
)
from ecom_assets.anomalies.consensus import agreement, agreement_table, combined_score, consensus_mean
from ecom_assets.anomalies.features import FEATURES, engineered_features
from ecom_assets.anomalies.forecast_residual import one_step_expectations
from ecom_assets.anomalies.isolation_forest import isolation_scores
from ecom_assets.anomalies.scale import past_sigma
from ecom_assets.forecasting.series import History, regular


def features(length: int = 300, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(0, 1, (length, 3)), columns=["a", "b", "c"])


def weekly(length: int = 300, seed: int = 0) -> History:
    rng = np.random.default_rng(seed)
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(length) / 7) + rng.normal(0, 2, length)
    return regular(pd.DataFrame({"time": pd.date_range("2024-01-01", periods=length), "value": values}))


def test_the_forest_finds_the_odd_row_from_the_past_alone():
    rows = features()
    rows.iloc[200] = [6, -6, 6]
    said = isolation_scores(rows, np.arange(300), refit_every=50)
    assert np.isnan(said[:100]).all()  # sixty rows to learn from are there at the refit at 100
    assert np.nanargmax(said) == 200
    changed = rows.copy()
    changed.iloc[260:] = 9
    np.testing.assert_array_equal(isolation_scores(changed, np.arange(300), refit_every=50)[:260], said[:260])


def test_rows_of_several_series_are_pooled_by_time():
    rows = pd.concat([features(seed=seed) for seed in range(3)], ignore_index=True)
    time = np.tile(np.arange(300), 3)
    said = isolation_scores(rows, time, refit_every=30)
    assert np.isfinite(said[time >= 30]).all()


def test_rows_with_unknown_features_are_not_scored():
    rows = features()
    rows.iloc[150, 1] = np.nan
    said = isolation_scores(rows, np.arange(300), refit_every=50)
    assert np.isnan(said[150])
    assert np.isfinite(said[151])


def test_features_by_hand():
    values = np.arange(40.0) ** 1.1
    zscores = np.linspace(-1, 1, 40)
    said = engineered_features(values, zscores, zscores, 7)
    assert tuple(said.columns) == FEATURES
    assert said["change"].iloc[20] == pytest.approx(zscores[20] - zscores[19])
    assert said["recent_mean"].iloc[20] == pytest.approx(np.mean(zscores[18:21]) * np.sqrt(3))
    difference = values[7:] - values[:-7]
    past = difference[: 21 - 7]  # the sigma is recomputed at 21, 28, …
    assert said["season_change"].iloc[25] == pytest.approx(difference[18] / (1.4826 * np.median(np.abs(past))))


def test_one_step_expectations_follow_profile_and_level():
    history = weekly()
    said = one_step_expectations(history, history.values)
    quiet = 100 + 20 * np.sin(2 * np.pi * np.arange(300) / 7)
    assert np.abs(said.expected[100:] - quiet[100:]).mean() < 1.2
    assert said.sigma[-1] == pytest.approx(2, rel=0.35)


def test_one_step_expectations_see_nothing_of_their_step_or_later():
    history = weekly()
    changed = history.values.copy()
    changed[200:] *= 3
    first = one_step_expectations(history, history.values)
    second = one_step_expectations(history, changed)
    np.testing.assert_array_equal(first.expected[:201], second.expected[:201])
    np.testing.assert_array_equal(first.sigma[:201], second.sigma[:201])


def test_a_spike_does_not_raise_the_next_expectation_and_a_shift_does():
    history = weekly()
    spike, shift = history.values.copy(), history.values.copy()
    spike[200] += 80
    shift[200:] += 40
    base = one_step_expectations(history, history.values).expected
    after_spike = one_step_expectations(history, spike).expected
    after_shift = one_step_expectations(history, shift).expected
    assert np.abs(after_spike[201:215] - base[201:215]).max() < 4
    assert np.abs(after_shift[210:] - base[210:] - 40).mean() < 6


def test_sigma_is_that_of_the_residuals_before():
    values = np.random.default_rng(0).normal(0, 3, 400)
    assert past_sigma(values, window=200)[-1] == pytest.approx(1.4826 * np.median(np.abs(values[199:399])))


def test_surprise_of_exponential_noise_is_its_tail_probability():
    scores = np.random.default_rng(0).exponential(1.0, 4_000)
    scores[-1] = np.log(10_000)  # reached once in 10,000
    assert surprise(scores, every=1_000)[-1] == pytest.approx(4.0, abs=0.5)


def test_quiet_noise_exceeds_a_threshold_as_often_as_the_budget_says():
    threshold = budget_threshold(1.0, 100)  # once in a hundred steps
    rates = []
    for seed in range(5):
        said = surprise(np.abs(np.random.default_rng(seed).normal(0, 1, 3_000)), every=50, prior=NORMAL_PRIOR)
        rates.append(np.mean(said[200:] >= threshold))
    assert np.mean(rates) == pytest.approx(0.01, abs=0.004)


def test_earlier_anomalies_hardly_raise_the_bar():
    scores = np.abs(np.random.default_rng(0).normal(0, 1, 1_000))
    spoiled = scores.copy()
    spoiled[100:900:60] = 15
    spoiled[-1] = scores[-1] = 5
    assert surprise(spoiled)[-1] > 0.6 * surprise(scores)[-1]


def test_limits_are_the_way_back_from_surprise():
    scores = np.random.default_rng(0).exponential(1.0, 500)
    limit = score_limits(scores, 3.0)
    scores[499] = limit[499]
    assert surprise(scores)[499] == pytest.approx(3.0)


def test_without_a_prior_a_short_past_has_no_surprise():
    assert np.isnan(surprise(np.arange(45.0), every=7)[:40]).all()


def test_series_of_a_group_share_their_tail():
    groups = ["orders"] * 40 + ["sessions"] * 40
    scores = np.random.default_rng(0).exponential(1.0, (600, 80))
    scores[-1] = np.log(10_000)  # reached once in 10,000; from sixty excesses one is not quite as sure of it
    said = pooled_surprise(scores, groups)
    np.testing.assert_allclose(said[-1], 1 + 60 * np.log10(1 + np.log(1_000) / 60), atol=0.2)
    louder = np.where(np.arange(80) < 40, scores, 3 * scores)
    np.testing.assert_array_equal(pooled_surprise(louder, groups)[:, :40], said[:, :40])


def test_days_that_are_left_out_teach_no_series_of_the_group():
    scores = np.random.default_rng(0).exponential(1.0, (300, 4))
    planned = np.zeros(scores.shape, dtype=bool)
    planned[100:200:3] = True
    spoiled = np.where(planned, 50.0, scores)
    first, second = (pooled_surprise(each, ["orders"] * 4, left_out=planned) for each in (scores, spoiled))
    np.testing.assert_array_equal(first[~planned], second[~planned])


def test_a_group_of_few_scores_has_a_surprise_by_its_prior_alone():
    scores = np.full((60, 2), 5.0)
    assert np.isnan(pooled_surprise(scores, ["a", "b"])).all()
    # 56 days before it count as 5.6 excesses of 0.55 above 1.645
    by_hand = 1 + 5.6 * np.log10(1 + (5.0 - 1.645) / (5.6 * 0.55))
    np.testing.assert_allclose(pooled_surprise(scores, ["a", "b"], POOL_PRIOR)[56:], by_hand)


def test_noise_of_the_normal_prior_reaches_its_limit_as_rarely_as_the_level_says():
    quantile, excess = NORMAL_PRIOR  # one in ten above the quantile, and an exponential tail from there
    assert 0.1 * np.exp(-(normal_limit(2.2) - quantile) / excess) == pytest.approx(10**-2.2)


def test_a_budget_must_be_possible():
    with pytest.raises(ValueError, match="alarms a month"):
        budget_threshold(0, 30)


SURPRISES = pd.DataFrame(
    {
        "zscore": [3.0, 3.0, 0.1, 2.0],
        "isolation_forest": [0.1, 3.0, 0.1, 1.0],
        "forecast_residual": [0.1, 3.0, 3.0, 2.0],
    }
)


def test_who_agrees():
    said = agreement(SURPRISES, 2.4)
    everyone = "zscore+isolation_forest+forecast_residual"
    assert said.tolist() == ["zscore", everyone, "forecast_residual", "zscore+forecast_residual"]


def test_alone_in_pairs_and_all_three():
    said = agreement_table(SURPRISES, 2.4)
    assert said["zscore"].tolist() == [True, True, False, False]
    assert said["zscore+forecast_residual"].tolist() == [False, True, False, False]
    assert said["zscore+isolation_forest+forecast_residual"].tolist() == [False, True, False, False]
    assert said["two_of_three"].tolist() == [False, True, False, False]
    assert len(said.columns) == 3 + 3 + 2


def test_the_combined_score_goes_up_when_more_detectors_do():
    rng = np.random.default_rng(0)
    quiet = pd.DataFrame(rng.exponential(0.43, (400, 3)), columns=list(SURPRISES))
    one, two = quiet.copy(), quiet.copy()
    one.iloc[-1] = [4.0, 0.2, 0.2]
    two.iloc[-1] = [4.0, 0.2, 4.0]
    assert combined_score(quiet)[-1] < combined_score(one)[-1] < combined_score(two)[-1]


def test_a_detector_that_does_not_know_is_left_out():
    table = pd.DataFrame(np.full((60, 3), 1.0), columns=list(SURPRISES))
    table["isolation_forest"] = np.nan
    assert np.isfinite(combined_score(table)).all()


def test_the_forest_alone_is_no_consensus():
    said = consensus_mean({"zscore": np.array([np.nan, 2.0]), "isolation_forest": np.array([4.0, 4.0]),
                           "forecast_residual": np.array([np.nan, np.nan])})  # fmt: skip
    assert np.isnan(said[0])
    assert said[1] == pytest.approx((0.45 * 2 + 0.1 * 4) / 0.55)


def test_weekday_median_by_hand():
    values = np.array([float(week * 10 + day) for week in range(6) for day in range(7)])
    said = weekday_median_scores(values)
    # step 35: the same weekday was 0, 10, 20, 30, 40; median 20, absolute deviations 20, 10, 0, 10, 20
    assert said[35] == pytest.approx(30 / (1.4826 * 10))
    assert np.isnan(said[:28]).all()


def test_random_alarms_keep_their_rate_and_their_seed():
    times = pd.date_range("2000-01-01", periods=20_000)
    alarms = random_alarms(times, 3.0, 1)
    assert alarms.sum() / (20_000 / 30.4) == pytest.approx(3.0, rel=0.1)
    np.testing.assert_array_equal(alarms, random_alarms(times, 3.0, 1))


def test_the_oracle_knows_expectation_and_noise():
    assert oracle_scores(np.array([8.0]), np.array([10.0]), np.array([0.5]))[0] == 4.0
