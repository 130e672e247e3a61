"""Weighted absolute percentage error."""

import numpy as np

from ecom_assets.forecasting.metrics.pairs import known_pairs


def wape(actual: np.ndarray, expected: np.ndarray) -> float:
    """Σ|actual − expected| ÷ Σ|actual| as a share (0.1 = 10 %); NaN where every actual is zero."""
    actual, expected = known_pairs(actual, expected)
    total = float(np.sum(np.abs(actual)))
    return float(np.sum(np.abs(actual - expected))) / total if total > 0 else float("nan")
