import numpy as np
import pytest

from ecom_assets.anomalies.scale import past_scale, past_sigma, robust_sigma
from ecom_assets.anomalies.zscore import Expectation, robust_zscore, sustained, weekday_zscore

WEEK = np.array([10.0, 12.0, 11.0, 9.0, 15.0, 7.0, 6.0])


def weekly(length: int = 200, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    return WEEK[np.arange(length) % 7] + np.random.default_rng(seed).normal(0, noise, length)


def test_robust_sigma_of_normal_noise():
    assert robust_sigma(np.random.default_rng(0).normal(5, 2, 20_000)) == pytest.approx(2, rel=0.03)


def test_past_sigma_by_hand():
    residual = np.array([1.0, -2.0, 3.0, -4.0, 100.0, 5.0])
    sigma = past_sigma(residual, window=3, minimum=3)
    assert np.isnan(sigma[:3]).all()
    assert sigma[3] == pytest.approx(1.4826 * 2)
    assert sigma[5] == pytest.approx(1.4826 * 4)


def test_a_quiet_phase_has_a_small_sigma_of_its_own():
    spread = np.where(np.arange(24) < 6, 0.5, 1.5)
    residual = np.random.default_rng(0).normal(0, np.tile(spread, 60))
    sigma = past_sigma(residual, 24 * 50, every=24, minimum=48, season=24)
    assert sigma[-24 + 3] == pytest.approx(0.5, rel=0.3)
    assert sigma[-24 + 15] == pytest.approx(1.5, rel=0.3)


def test_the_robust_expectation_is_the_weeks_profile():
    said = robust_zscore(weekly(), (7,))
    np.testing.assert_allclose(said.expected[150:], WEEK[np.arange(150, 200) % 7], atol=0.8)
    np.testing.assert_allclose(np.nanmedian(said.sigma[100:]), 0.3, rtol=0.6)


def test_an_earlier_anomaly_does_not_move_the_baseline():
    values = weekly()
    spoiled = values.copy()
    spoiled[[120, 127, 134]] += 40
    clean, after = robust_zscore(values, (7,)), robust_zscore(spoiled, (7,))
    assert np.abs(after.expected[135:] - clean.expected[135:]).max() < 1.0
    assert np.abs(after.expected[142:] - clean.expected[142:]).mean() < 0.2
    np.testing.assert_allclose(after.sigma[135:], clean.sigma[135:], rtol=0.35)
    assert (after.zscores(spoiled)[[120, 127, 134]] > 20).all()


def test_a_rolling_mean_is_blinded_by_it():
    spoiled = weekly()
    spoiled[[120, 127]] += 40
    past = spoiled[127 - 28 : 127]
    rolling = (spoiled[127] - past.mean()) / past.std(ddof=1)
    assert rolling < robust_zscore(spoiled, (7,)).zscores(spoiled)[127] / 3


def test_a_lasting_shift_becomes_the_level():
    values = weekly()
    values[100:] += 8
    said = robust_zscore(values, (7,)).zscores(values)
    assert abs(said[100]) > 10
    assert np.nanmedian(np.abs(said[135:])) < 1.5


def test_planned_steps_teach_nothing():
    values = weekly()
    planned = np.zeros(200, dtype=bool)
    planned[60::9] = True
    spoiled = np.where(planned, values + 6, values)
    said = robust_zscore(spoiled, (7,), left_out=planned)
    difference = said.expected[150:] - robust_zscore(values, (7,)).expected[150:]
    assert abs(difference.mean()) < 0.15
    assert np.abs(difference).max() < 1.2


def test_only_the_past_counts():
    values = weekly()
    changed = values.copy()
    changed[150:] = 999
    first, second = robust_zscore(values, (7,)), robust_zscore(changed, (7,))
    np.testing.assert_array_equal(first.expected[:151], second.expected[:151])
    np.testing.assert_array_equal(first.sigma[:151], second.sigma[:151])


def test_missing_values_have_no_score_and_do_no_harm():
    values = weekly()
    values[120:124] = np.nan
    said = robust_zscore(values, (7,)).zscores(values)
    assert np.isnan(said[120:124]).all()
    assert np.isfinite(said[124:]).all()


def test_zscores_without_spread_are_unknown():
    assert np.isnan(Expectation(np.zeros(2), np.zeros(2)).zscores(np.zeros(2))).all()


def test_three_days_in_one_direction_add_up():
    said = sustained(np.array([0.1, 2.0, 2.0, 2.0, 0.2, 2.0, -2.0]))
    # variance of the sum of 3 with neighbours' correlation 1/4: 3 + 2 (2/4 + 1/16)
    assert said[3] == pytest.approx(6 / np.sqrt(3 + 2 * (2 * 0.25 + 0.0625)))
    assert said[4] == pytest.approx(0.2)
    assert said[6] == pytest.approx(2.0)


def test_many_series_add_up_each_by_itself():
    table = np.random.default_rng(0).normal(0, 2, (60, 3))
    table[20, 1] = np.nan
    np.testing.assert_array_equal(sustained(table), np.column_stack([sustained(column) for column in table.T]))


def test_the_scale_of_many_series_follows_errors_slowly_and_outliers_by_three_sigmas():
    errors = np.ones((60, 2))
    errors[57] = [1000.0, np.nan]
    scale = past_scale(errors, np.full(errors.shape, True), floor=np.array([0.01, 5.0]))
    assert scale[0].tolist() == [1.4826, 5.0]  # the second series is quieter than what is believed of it
    by_hand = 1.4826
    for _ in range(57):
        by_hand += 0.02 * (1.2533 - by_hand)
    assert scale[57, 0] == pytest.approx(by_hand)
    assert scale[58, 0] == pytest.approx(by_hand + 0.02 * (3 * by_hand * 1.2533 - by_hand))


def test_the_weekday_of_every_series_is_expected_and_planned_days_teach_nothing():
    values = np.column_stack([weekly(), 10 * weekly(seed=1)])
    planned = np.zeros(values.shape, dtype=bool)
    planned[60::9] = True
    said = weekday_zscore(np.where(planned, 99.0, values), planned, floor=np.full(2, 0.01))
    profile = WEEK[np.arange(150, 200) % 7]
    np.testing.assert_allclose(said.expected[150:] / [1, 10], np.column_stack([profile, profile]), atol=1.2)
    np.testing.assert_allclose(np.median(said.sigma[150:], axis=0), [0.35, 3.5], rtol=0.5)
