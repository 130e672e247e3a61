"""Root mean squared error."""

import numpy as np

from ecom_assets.forecasting.metrics.pairs import known_pairs


def rmse(actual: np.ndarray, expected: np.ndarray) -> float:
    """Square root of the mean of (actual − expected)², in the unit of the series; NaN without pairs."""
    actual, expected = known_pairs(actual, expected)
    return float(np.sqrt(np.mean((actual - expected) ** 2))) if actual.size else float("nan")
