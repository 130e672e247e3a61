"""Shares judged with their uncertainty: three lines of four say less about a file than three thousand of four thousand.

Pure arithmetic; what a share is of, and its limit, is the caller's.
"""

from math import sqrt

Z_95 = 1.96  # of a standard normal, two-sided 95 %


def wilson_lower(count: int, of: int, z: float = Z_95) -> float:
    """Lower bound of the share behind `count` of `of` (0 to 1); 0 where nothing was counted.

    The score interval of E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal
    of the American Statistical Association 22 (1927), pages 209 to 212.
    """
    if of == 0:
        return 0.0
    share, spread = count / of, z * z / of
    middle = share + spread / 2
    return max(0.0, (middle - z * sqrt((share * (1 - share) + spread / 4) / of)) / (1 + spread))


def exceeds(count: int, of: int, limit: float) -> bool:
    """Whether a share is above its limit beyond doubt: small numbers are given the benefit of it."""
    return wilson_lower(count, of) > limit
