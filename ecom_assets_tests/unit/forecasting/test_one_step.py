"""Expectations of each day from the days before it."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.one_step import champion_one_step
from ecom_assets.forecasting.series import History, regular

WEEK = np.array([1.0, 1.2, 1.1, 0.9, 1.5, 0.7, 0.6])


def history(length: int = 240, noise: float = 0.05, seed: int = 0, **more) -> History:
    rng = np.random.default_rng(seed)
    values = 100 * WEEK[np.arange(length) % 7] * np.exp(rng.normal(0, noise, length))
    return regular(pd.DataFrame({"time": pd.date_range("2024-01-01", periods=length), "value": values}), **more)


def changed(known: History, values: np.ndarray) -> History:
    return History(known.times, values, known.seasons, known.is_non_negative, known.campaigns)


@pytest.mark.parametrize("model", ["theta", "seasonal_naive", "ensemble"])
def test_a_step_rests_on_the_steps_before_it(model):
    known = history(120)
    values = known.values.copy()
    values[90:] = 1e6
    before, after = champion_one_step(known, model), champion_one_step(changed(known, values), model)
    np.testing.assert_array_equal(before[:91], after[:91])
    assert not np.allclose(before[92:], after[92:])


def test_what_was_said_of_a_day_stays_when_days_are_added():
    known = history(200)
    np.testing.assert_array_equal(champion_one_step(known.until(150)), champion_one_step(known)[:150])


def test_nothing_is_said_of_the_first_four_weeks():
    said = champion_one_step(history())
    assert np.isnan(said[:28]).all()
    assert np.isfinite(said[28:]).all()


@pytest.mark.parametrize("model", ["theta", "prophet"])
def test_it_errs_less_than_last_weeks_value(model):
    known = history(noise=0.1)
    errors = np.abs(champion_one_step(known, model) - known.values)[35:]
    assert errors.mean() < 0.85 * np.abs(known.values[35:] - known.values[28:-7]).mean()


def test_it_follows_a_lasting_shift_within_a_week_and_a_bit():
    known = history(noise=0.02)
    values = known.values.copy()
    values[150:] *= 0.6
    error = np.abs(champion_one_step(changed(known, values)) / values - 1)
    assert error[150:157].mean() > 0.4
    assert error[165:].mean() < 0.06


def test_one_spike_does_not_move_the_next_day():
    known = history(noise=0.03)
    values = known.values.copy()
    values[150] *= 4
    said, calm = champion_one_step(changed(known, values)), champion_one_step(known)
    np.testing.assert_allclose(said[151:160], calm[151:160], rtol=0.06)


def test_a_planned_promotion_is_expected():
    starts = pd.date_range("2024-01-20", periods=8, freq="25D")
    plans = pd.DataFrame({"kind": "promotion", "starts_date": starts, "ends_date": starts + pd.Timedelta(days=2)})
    known = history(noise=0.03, campaigns=plans)
    planned = np.zeros(len(known), dtype=bool)
    for row in plans.itertuples():
        planned |= np.asarray((known.times >= row.starts_date) & (known.times <= row.ends_date))
    values = np.where(planned, 1.6, 1.0) * known.values
    said = champion_one_step(changed(known, values))
    np.testing.assert_allclose((said / known.values)[170:][planned[170:]].mean(), 1.6, atol=0.15)


def test_missing_days_get_an_expectation_and_change_none():
    known = history()
    values = known.values.copy()
    values[100:110] = np.nan
    said = champion_one_step(changed(known, values))
    np.testing.assert_allclose(said[100:112], known.values[100:112], rtol=0.25)


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match="no forecaster 'arima'; there are seasonal_naive, theta"):
        champion_one_step(history(60), "arima")
