"""Median of several forecasters: what to trust where nothing beats it clearly."""

from collections.abc import Mapping

import numpy as np

ENSEMBLE = "ensemble"


def median_ensemble(forecasts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Median of the members' expectations, step by step; members that could not forecast (NaN) are left out."""
    if not forecasts:
        raise ValueError("an ensemble needs at least one member")
    return np.nanmedian(np.vstack(list(forecasts.values())), axis=0)
