import numpy as np
import pytest

from ecom_assets.forecasting.transform import Transform, choose_transform


def level() -> np.ndarray:
    return 100 * np.exp(np.linspace(0, 3, 400))


def test_noise_that_grows_with_the_level_asks_for_the_logarithm():
    noise = np.random.default_rng(1).normal(0, 0.1, 400)
    assert choose_transform(level() * np.exp(noise), 7, True) == Transform("log")


def test_noise_of_one_size_does_not():
    noise = np.random.default_rng(1).normal(0, 10, 400)
    assert choose_transform(2_000 + 100 * np.linspace(0, 3, 400) + noise, 7, True) == Transform("none")


def test_values_below_zero_never_take_the_logarithm():
    assert choose_transform(level() - 500, 7, False) == Transform("none")


@pytest.mark.parametrize("transform", [Transform("none"), Transform("sqrt"), Transform("log"), Transform("log", 1.0)])
def test_back_undoes_forward(transform):
    values = np.array([0.5, 3.0, 1_000.0])
    np.testing.assert_allclose(transform.back(transform.forward(values)), values)


def test_a_rare_zero_has_a_finite_logarithm():
    noise = np.random.default_rng(1).normal(0, 0.1, 400)
    values = np.rint(level() * np.exp(noise))
    values[50] = 0
    transform = choose_transform(values, 7, True)
    assert transform.kind == "log"
    assert np.isfinite(transform.forward(np.array([0.0]))[0])
    assert transform.back(transform.forward(np.array([0.0])))[0] == pytest.approx(0.0)


def test_small_counts_take_the_square_root():
    counts = np.random.default_rng(1).poisson(np.linspace(2, 30, 400)).astype("float64")
    assert choose_transform(counts, 7, True) == Transform("sqrt")


@pytest.mark.parametrize("transform", [Transform("none"), Transform("sqrt"), Transform("log")])
def test_moved_is_the_effect_of_a_factor(transform):
    value = np.array([40.0])
    moved = transform.forward(3 * value) - transform.forward(value)
    assert transform.moved(transform.forward(value), np.log(3))[0] == pytest.approx(moved[0])
