import numpy as np
import pytest

from ecom_assets.anomalies.scale import least_sigma
from ecom_assets.anomalies.space import choose_space, relative_spread, tells


def test_rare_events_go_by_anscombes_root():
    rng = np.random.default_rng(3)
    counts = rng.poisson(1.0, 200).astype("float64")
    space = choose_space(counts)
    assert space.unit == 1.0
    assert space.forward(np.array([0.0, 4.0])).tolist() == pytest.approx([0.375**0.5, 4.375**0.5])
    assert space.back(space.forward(np.array([0.0, 7.0]))).tolist() == pytest.approx([0.0, 7.0])
    assert tells(counts, space)


def test_an_amount_of_a_few_orders_a_day_tells_nothing():
    rng = np.random.default_rng(4)
    amounts = np.exp(rng.normal(5, 0.6, 200))
    assert not tells(amounts, choose_space(amounts))
    steady = np.exp(rng.normal(9, 0.1, 200))
    assert tells(steady, choose_space(steady))
    assert relative_spread(steady, choose_space(steady)) == pytest.approx(0.1, abs=0.03)


def test_a_day_of_nothing_is_far_but_not_endlessly_far_in_logarithms():
    steady = np.exp(np.random.default_rng(5).normal(9, 0.1, 200))
    space = choose_space(steady)
    assert space.transform.kind == "log"
    assert space.forward(np.zeros(1))[0] == pytest.approx(np.log(0.05 * np.median(steady[:56])))


@pytest.mark.parametrize(
    ("values", "kind", "least"),
    [([3.0, 4.0, 5.0], "sqrt", 0.5), ([1.0, 1.0, 1.0], "none", 0.005), ([0.0, 0.0, 2.0], "none", 0.01)],
)
def test_least_sigma_by_hand(values, kind, least):
    assert least_sigma(np.array(values), kind) == pytest.approx(least)
