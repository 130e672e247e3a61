"""How big an incident was, in units of what could be seen: the scorer's D. Reads truth; no detector imports it."""

from collections.abc import Mapping

import numpy as np

from ecom_assets.anomalies.scale import robust_sigma

FIRST_DAYS = 3
STRATA = ((6.0, "clear"), (3.0, "faint"), (0.0, "hidden"))
MOVED_SIGMAS = 2.0


def incident_size(delta: Mapping[object, np.ndarray], sigma: Mapping[object, float]) -> float:
    """D = max over series of √Σ(Δ/σ)² over the incident's first three days.

    Args:
        delta: by series, the difference from the twin on the incident's days, first day first, NaN where unknown.
        sigma: by series, `robust_sigma` of its quiet residual, in the same unit.
    """
    sizes = [float(np.sqrt(np.nansum((delta[key][:FIRST_DAYS] / sigma[key]) ** 2))) for key in delta if sigma[key] > 0]
    return max(sizes, default=0.0)


def stratum(size: float) -> str:
    """Hidden below 3, faint from 3, clear from 6."""
    return next(name for low, name in STRATA if size >= low)


def moved_series(delta: Mapping[object, np.ndarray], sigma: Mapping[object, float]) -> set[object]:
    """Series that the incident moved by at least two sigmas on one of its days."""
    return {
        key for key, change in delta.items()
        if sigma[key] > 0 and np.nanmax(np.abs(np.append(change, 0.0)) / sigma[key]) >= MOVED_SIGMAS
    }  # fmt: skip


__all__ = ["incident_size", "moved_series", "robust_sigma", "stratum"]
