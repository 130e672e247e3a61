"""Mean absolute scaled error (Hyndman and Koehler, 2006)."""

import numpy as np

from ecom_assets.forecasting.metrics.mae import mae
from ecom_assets.forecasting.metrics.pairs import known_pairs


def naive_scale(history: np.ndarray, season: int) -> float:
    """Mean |value − value one season before| within the history: what MASE divides by; NaN where it is zero."""
    history = np.asarray(history, dtype="float64")
    if len(history) <= season:
        return float("nan")
    now, before = known_pairs(history[season:], history[:-season])
    scale = float(np.mean(np.abs(now - before))) if now.size else 0.0
    return scale if scale > 0 else float("nan")


def mase(actual: np.ndarray, expected: np.ndarray, history: np.ndarray, season: int) -> float:
    """Mean absolute error ÷ that of the seasonal naive forecast one season ahead within `history`.

    Args:
        actual: values that came.
        expected: expectations made at the end of `history`.
        history: the values up to the origin, NaN where missing; nothing after the origin may be in it.
        season: season length in steps, 1 for none.
    """
    return mae(actual, expected) / naive_scale(history, season)
