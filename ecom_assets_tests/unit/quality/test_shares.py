"""The lower bound of a share, against published figures."""

import pytest

from ecom_assets.quality.shares import exceeds, wilson_lower


@pytest.mark.parametrize(
    ("count", "of", "lower"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998),
        # table I, method 3 (score, without continuity correction).
        (81, 263, 0.2553),
        (15, 148, 0.0624),
        (0, 20, 0.0),
        (1, 29, 0.0061),
    ],
)
def test_the_bound_is_the_published_one(count, of, lower):
    assert wilson_lower(count, of) == pytest.approx(lower, abs=5e-5)


def test_small_numbers_are_given_the_benefit_of_the_doubt():
    assert [exceeds(count, of, 0.2) for count, of in [(1, 3), (2, 3), (3, 3), (30, 100), (25, 100), (0, 0)]] == [
        False, True, True, True, False, False,
    ]  # fmt: skip
