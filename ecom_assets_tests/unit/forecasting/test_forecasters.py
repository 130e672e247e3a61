"""Each forecaster on series whose continuation is known."""

import logging

import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.adjustment import adjust
from ecom_assets.forecasting.boosting import Boosting
from ecom_assets.forecasting.ensemble import median_ensemble
from ecom_assets.forecasting.prophet_model import ProphetForecaster
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import History, regular
from ecom_assets.forecasting.theta import Theta, clipped_levels, fill_gaps, half_slope, smoothed_levels

WEEK = np.array([1.0, 1.2, 1.1, 0.9, 1.5, 0.7, 0.6])
PROMOTIONS = pd.DataFrame(
    [("promotion", day, day + pd.Timedelta(days=2)) for day in pd.date_range("2024-02-01", periods=14, freq="25D")],
    columns=["kind", "starts_date", "ends_date"],
)


def history(length: int = 350, noise: float = 0.0, lift: float = 0.0, seed: int = 0) -> History:
    """A weekly profile around 100, with a promotion of three days every 25 days that multiplies by 1 + lift."""
    times = pd.date_range("2024-01-01", periods=length)
    values = 100 * WEEK[np.arange(length) % 7] * np.exp(np.random.default_rng(seed).normal(0, noise, length))
    for row in PROMOTIONS.itertuples():
        values[(times >= row.starts_date) & (times <= row.ends_date)] *= 1 + lift
    return regular(pd.DataFrame({"time": times, "value": values}), PROMOTIONS if lift else None)


def next_week(start: int) -> np.ndarray:
    return 100 * WEEK[(start + np.arange(7)) % 7]


def test_seasonal_naive_repeats_the_last_week_and_looks_further_back_at_a_gap():
    known = history(70)
    values = known.values.copy()
    values[-1] = np.nan
    said = SeasonalNaive().forecast(History(known.times, values, known.seasons, True), 9)
    np.testing.assert_allclose(said, [*next_week(70), *next_week(70)[:2]])


@pytest.mark.parametrize("forecaster", [Theta(), ProphetForecaster(), Boosting()], ids=lambda one: one.name)
def test_a_clean_week_goes_on(forecaster):
    np.testing.assert_allclose(forecaster.forecast(history(210), 7), next_week(210), rtol=0.05)


@pytest.mark.parametrize("forecaster", [Theta(), ProphetForecaster(), Boosting()], ids=lambda one: one.name)
def test_a_planned_promotion_lifts_the_forecast(forecaster):
    known = history(300, noise=0.03, lift=0.6)
    times = known.future(28)
    planned = np.zeros(28, dtype=bool)
    for row in PROMOTIONS.itertuples():
        planned |= np.asarray((times >= row.starts_date) & (times <= row.ends_date))
    said = forecaster.forecast(known, 28) / (100 * WEEK[(300 + np.arange(28)) % 7])
    assert 3 <= planned.sum() <= 6
    assert np.mean(said[planned]) == pytest.approx(1.6, abs=0.2)
    assert np.mean(said[~planned]) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("forecaster", [Theta(), ProphetForecaster(), Boosting()], ids=lambda one: one.name)
def test_the_same_history_gives_the_same_forecast(forecaster):
    known = history(200, noise=0.1)
    np.testing.assert_array_equal(forecaster.forecast(known, 14), forecaster.forecast(known, 14))


@pytest.mark.parametrize(
    "forecaster", [SeasonalNaive(), Theta(), ProphetForecaster(), Boosting()], ids=lambda o: o.name
)
def test_the_history_is_left_as_it_was(forecaster):
    known = history(120, noise=0.1)
    before = known.values.copy()
    forecaster.forecast(known, 7)
    np.testing.assert_array_equal(known.values, before)


def test_prophet_is_silent_and_leaves_numpys_generator_alone(caplog, capfd):
    np.random.seed(3)
    expected = np.random.get_state()[1].copy()
    with caplog.at_level(logging.INFO):
        ProphetForecaster().forecast(history(60), 3)
    np.testing.assert_array_equal(np.random.get_state()[1], expected)
    said = capfd.readouterr()
    assert (said.out, said.err, caplog.records) == ("", "", [])


def test_smoothing_is_the_textbook_recursion():
    values = np.random.default_rng(2).normal(10, 1, 50)
    level, expected = np.median(values[:10]), []
    for value in values:
        level = 0.3 * value + 0.7 * level
        expected.append(level)
    np.testing.assert_allclose(smoothed_levels(values, 0.3), expected)


def test_a_burst_moves_the_level_by_two_sigmas_a_step_and_is_soon_over():
    noise = np.random.default_rng(3).normal(0, 1, 300)
    burst = np.where((np.arange(300) >= 280) & (np.arange(300) < 293), 20.0, 0.0)
    quiet, after = clipped_levels(noise), clipped_levels(noise + burst)
    for weight in (0.02, 0.12):
        steps = after[weight][280:293] - quiet[weight][280:293]
        assert 0 < steps[-1] <= 13 * weight * 2 * 1.3 * 2
        assert abs(after[weight][-1]) < 0.5 * abs(smoothed_levels(noise + burst, weight)[-1])


def test_levels_of_a_series_within_two_sigmas_are_the_textbooks():
    values = np.tile([1.0, -1.0], 50)
    for weight, levels in clipped_levels(values).items():
        np.testing.assert_allclose(levels, smoothed_levels(values, weight))


def test_half_slope_of_a_line_is_half_its_slope():
    assert half_slope(3.0 * np.arange(100)) == pytest.approx(1.5)


def test_gaps_take_the_median_of_the_seven_before():
    filled = fill_gaps(np.array([1.0, 2.0, 3.0, 100.0, np.nan, 5.0]))
    assert filled[4] == 2.5


def test_theta_follows_a_lasting_shift():
    known = history(200, noise=0.02)
    values = known.values.copy()
    values[150:] *= 0.6
    said = Theta().forecast(History(known.times, values, known.seasons, True), 7)
    np.testing.assert_allclose(said, 0.6 * next_week(200), rtol=0.06)


def test_adjustment_finds_profile_and_plan_in_spite_of_spikes():
    known = history(300, noise=0.02, lift=0.5)
    values = np.log(known.values)
    values[[40, 111, 222]] += 3
    adjusted = adjust(known, values, 7)
    profile = np.log(WEEK) - np.log(WEEK).mean()
    weekday = adjusted.ahead - adjusted.plans[300:]
    np.testing.assert_allclose(weekday - weekday.mean(), profile[(300 + np.arange(7)) % 7], atol=0.03)
    planned = adjusted.plans[:300][np.abs(adjusted.plans[:300]) > 0.01]
    assert planned.mean() == pytest.approx(np.log(1.5), abs=0.05)


def test_ensemble_is_the_median_of_those_that_know():
    said = median_ensemble({"a": np.array([1.0, 5.0]), "b": np.array([2.0, np.nan]), "c": np.array([9.0, 7.0])})
    np.testing.assert_array_equal(said, [2.0, 6.0])
    with pytest.raises(ValueError, match="at least one"):
        median_ensemble({})


def _two_black_fridays(length: int) -> tuple[History, np.ndarray]:
    """A series with a season of the year, and with a Friday late in November that quadruples it; and what it will be.

    The same is planned for the second year, of which `length` - 365 days are known.
    """
    times = pd.date_range("2024-01-01", periods=length + 40)
    fridays = pd.to_datetime(["2024-11-29", "2025-11-28"])
    noise = np.exp(np.random.default_rng(0).normal(0, 0.04, len(times)))
    year = 1 + 0.4 * np.cos(2 * np.pi * (times.dayofyear.to_numpy() - 345) / 365)
    values = 100 * WEEK[np.arange(len(times)) % 7] * year * noise * np.where(times.isin(fridays), 4.0, 1.0)
    plans = pd.DataFrame({"campaign_name": "Black Friday", "kind": "promotion", "starts_date": fridays,
                          "ends_date": fridays})  # fmt: skip
    known = regular(pd.DataFrame({"time": times[:length], "value": values[:length]}), plans)
    return known, values[length:]


@pytest.mark.parametrize("forecaster", [Theta(), ProphetForecaster(), Boosting()], ids=lambda one: one.name)
def test_last_year_says_how_this_one_goes(forecaster):
    known, to_come = _two_black_fridays(680)  # to 10 November 2025
    said = forecaster.forecast(known, 28)
    error = np.abs(np.log(said / to_come[:28]))
    assert np.median(error) < 0.12
    assert error[np.argmax(to_come[:28])] < 0.5, "the Friday itself"
