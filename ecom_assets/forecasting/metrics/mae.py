"""Mean absolute error."""

import numpy as np

from ecom_assets.forecasting.metrics.pairs import known_pairs


def mae(actual: np.ndarray, expected: np.ndarray) -> float:
    """Mean of |actual − expected|, in the unit of the series; NaN without pairs."""
    actual, expected = known_pairs(actual, expected)
    return float(np.mean(np.abs(actual - expected))) if actual.size else float("nan")
