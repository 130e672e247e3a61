import math

import numpy as np
import pytest

from ecom_assets.forecasting.metrics import coverage_rate, mae, mape, mase, naive_scale, rmse, wape

ACTUAL = np.array([10.0, 20.0, np.nan, 40.0])
EXPECTED = np.array([12.0, 17.0, 5.0, 40.0])


def test_by_hand():
    # errors 2, 3, 0 over the known pairs
    assert mae(ACTUAL, EXPECTED) == pytest.approx(5 / 3)
    assert rmse(ACTUAL, EXPECTED) == pytest.approx(math.sqrt(13 / 3))
    assert wape(ACTUAL, EXPECTED) == pytest.approx(5 / 70)
    assert mape(ACTUAL, EXPECTED) == pytest.approx((0.2 + 0.15 + 0) / 3)


def test_mase_is_one_for_the_naive_error_of_the_history():
    history = np.array([1.0, 5.0, 2.0, 7.0, 4.0, 9.0])  # season 2: differences 1, 2, 2, 2
    assert naive_scale(history, 2) == pytest.approx(7 / 4)
    assert mase(np.array([10.0]), np.array([10.0 + 7 / 4]), history, 2) == pytest.approx(1.0)


def test_mape_is_null_at_a_zero_actual():
    assert math.isnan(mape(np.array([0.0, 1.0]), np.array([1.0, 1.0])))


def test_wape_is_null_without_anything_to_divide_by():
    assert math.isnan(wape(np.zeros(3), np.ones(3)))


def test_a_constant_history_has_no_scale():
    assert math.isnan(naive_scale(np.ones(20), 7))


def test_coverage_counts_the_ends_in():
    assert coverage_rate(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 2.0), np.full(4, 3.0)) == 0.5


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shapes"):
        mae(np.ones(3), np.ones(4))
