"""Mean absolute percentage error."""

import numpy as np

from ecom_assets.forecasting.metrics.pairs import known_pairs


def mape(actual: np.ndarray, expected: np.ndarray) -> float:
    """Mean of |actual − expected| ÷ |actual| as a share; NaN (null) as soon as one actual is zero."""
    actual, expected = known_pairs(actual, expected)
    if not actual.size or np.any(actual == 0):
        return float("nan")
    return float(np.mean(np.abs((actual - expected) / actual)))
