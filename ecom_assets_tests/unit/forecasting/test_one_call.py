import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.one_call import forecast, forecast_series
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import regular
from ecom_assets.forecasting.theta import Theta


def frame(length: int = 200, freq: str = "D", level: float = 50.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wave = 1 + 0.3 * np.sin(2 * np.pi * np.arange(length) / (24 if freq == "h" else 7))
    values = level * wave * np.exp(rng.normal(0, 0.1, length))
    return pd.DataFrame({"time": pd.date_range("2024-01-01", periods=length, freq=freq), "value": values})


def test_one_row_a_future_step_with_nested_intervals():
    said = forecast(frame(), 14, origins=5)
    assert list(said.columns) == ["time", "mean", "lower_80", "upper_80", "lower_95", "upper_95", "model"]
    assert list(said["time"]) == list(pd.date_range("2024-07-19", periods=14))
    ends = said[["lower_95", "lower_80", "mean", "upper_80", "upper_95"]].to_numpy()
    assert (np.diff(ends, axis=1) >= 0).all()
    assert said["model"].nunique() == 1


def test_counts_near_zero_stay_above_it():
    rng = np.random.default_rng(0)
    values = np.maximum(np.linspace(40, 1, 150) + rng.normal(0, 3, 150), 0)
    history = regular(pd.DataFrame({"time": pd.date_range("2024-01-01", periods=150), "value": values}))
    said = forecast_series(history, 28, [SeasonalNaive(), Theta()], origins=5).forecast
    assert (said[["mean", "lower_80", "lower_95"]].to_numpy() >= 0).all()


def test_a_slip_of_the_decimal_point_widens_no_interval():
    known = frame(120)
    known.loc[[40, 100], "value"] *= 1e6
    said = forecast_series(regular(known), 14, [SeasonalNaive(), Theta()], origins=6)
    assert (said.forecast["upper_95"] < 150).all()
    assert (said.accuracy["mae"] < 30).all()


def test_values_below_zero_may_stay_there():
    known = frame().assign(value=lambda rows: rows["value"] - 100)
    history = regular(known)
    assert (forecast_series(history, 7, [SeasonalNaive(), Theta()], origins=4).forecast["mean"] < 0).all()


@pytest.mark.parametrize(("freq", "length"), [("h", 400), ("MS", 60), ("7D", 120), ("D", 15)])
def test_any_regular_series_is_forecast(freq, length):
    history = regular(frame(length, freq))
    said = forecast_series(history, 6, [SeasonalNaive(), Theta()], origins=4)
    assert np.isfinite(said.forecast.drop(columns=["time", "model"]).to_numpy()).all()
    assert said.forecast["mean"].between(15, 110).all()


def test_a_given_champion_is_taken():
    said = forecast_series(regular(frame()), 7, [SeasonalNaive(), Theta()], origins=4, champion="seasonal_naive")
    assert set(said.forecast["model"]) == {"seasonal_naive"}
    assert set(said.accuracy["model"]) == {"seasonal_naive", "theta"}


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(ValueError, match="horizon"):
        forecast(frame(), 0)
