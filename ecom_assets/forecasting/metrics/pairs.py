"""Pairs of actual and expected values that can be compared."""

import numpy as np


def known_pairs(actual: np.ndarray, *expected: np.ndarray) -> tuple[np.ndarray, ...]:
    """The positions at which every array has a value, from each array.

    Raises:
        ValueError: where the shapes differ.
    """
    arrays = [np.asarray(array, dtype="float64") for array in (actual, *expected)]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"shapes differ: {', '.join(str(array.shape) for array in arrays)}")
    known = np.all([np.isfinite(array) for array in arrays], axis=0)
    return tuple(array[known] for array in arrays)
