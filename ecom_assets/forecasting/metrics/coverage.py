"""How often an interval held what came."""

import numpy as np

from ecom_assets.forecasting.metrics.pairs import known_pairs


def coverage_rate(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Share of actual values within [lower, upper], ends included; NaN without pairs."""
    actual, lower, upper = known_pairs(actual, lower, upper)
    return float(np.mean((lower <= actual) & (actual <= upper))) if actual.size else float("nan")
