"""What no forecaster should learn from."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.gross import without_gross
from ecom_assets.forecasting.models import default_forecasters
from ecom_assets.forecasting.series import History

DAYS = pd.date_range("2026-01-01", periods=120)


def history(values: np.ndarray, campaigns: pd.DataFrame | None = None) -> History:
    return History(DAYS, values, (7,), True, campaigns)


def usual() -> np.ndarray:
    return 100 + 10 * np.sin(np.arange(120) * 2 * np.pi / 7) + np.random.default_rng(1).normal(0, 3, 120)


def test_a_slip_of_the_decimal_point_is_left_out_and_nothing_else():
    values = usual()
    values[[40, 90]] *= 1e6
    said = without_gross(history(values)).values
    assert np.flatnonzero(np.isnan(said)).tolist() == [40, 90]
    np.testing.assert_array_equal(np.delete(said, [40, 90]), np.delete(values, [40, 90]))


def test_a_new_level_and_a_peak_such_as_shops_have_are_kept():
    values = usual()
    values[60] *= 5
    values[100:] *= 1000
    np.testing.assert_array_equal(without_gross(history(values)).values, values)


def test_a_series_that_mostly_stands_still_is_left_whole():
    values = np.where(np.arange(120) % 10 == 0, 1000.0, 0.0)
    np.testing.assert_array_equal(without_gross(history(values)).values, values)


def test_a_planned_day_is_kept():
    values = usual()
    values[50] *= 1e4
    plan = pd.DataFrame({"kind": ["launch"], "starts_date": [DAYS[50]], "ends_date": [DAYS[50]]})
    np.testing.assert_array_equal(without_gross(history(values, plan)).values, values)


@pytest.mark.parametrize("number", range(4))
def test_forecasters_expect_what_is_usual_after_it(number):
    from ecom_assets.forecasting.backtest import expectations

    values = usual()
    values[[30, 110]] *= 1e6
    (said,) = expectations(history(values), 14, [default_forecasters()[number]]).values()
    assert (np.abs(said - 100) < 30).all()
