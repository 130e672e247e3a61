"""Keeps small matrix work on one thread. Nothing else."""

from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    import numpy as np
    import scipy.linalg  # noqa: F401 - the libraries whose threads are meant must be loaded first
    from threadpoolctl import ThreadpoolController

    np.ones((2, 2)) @ np.ones((2, 2))
    return ThreadpoolController()


def one_thread() -> Any:
    """Context in which BLAS uses one thread.

    A hundred columns gain nothing from two, and on cores that others use too the second one spins: an hourly series
    of 1,624 steps took 13 s instead of 3.5 s.
    """
    return _controller().limit(limits=1)
