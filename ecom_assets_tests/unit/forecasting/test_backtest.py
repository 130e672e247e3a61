import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.backtest import accuracy, backtest, origins, with_intervals
from ecom_assets.forecasting.champion import choose_champion, with_champion
from ecom_assets.forecasting.intervals import calibrate, interval
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import History, regular
from ecom_assets.forecasting.transform import Transform

PLAIN = Transform("none")


class Constant:
    def __init__(self, name: str, value: float) -> None:
        self.name, self.value = name, value

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        return np.full(horizon, self.value)


class Spy:
    """Remembers how much of the series it was shown."""

    name = "spy"

    def __init__(self) -> None:
        self.seen: list[tuple[pd.Timestamp, int]] = []

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        self.seen.append((history.times[-1], len(history.values)))
        return np.zeros(horizon)


def series(length: int = 300, seed: int = 0) -> History:
    values = 100 + np.random.default_rng(seed).normal(0, 5, length)
    return regular(pd.DataFrame({"time": pd.date_range("2024-01-01", periods=length), "value": values}))


def test_a_forecaster_is_shown_nothing_after_the_origin():
    spy = Spy()
    tests = backtest(series(), 14, [spy], count=5)
    assert [seen for seen, _ in spy.seen] == sorted(tests["origin"].unique())
    first = tests.groupby("origin")["time"].min()
    assert (first > first.index).all()
    assert tests["time"].max() == series().times[-1]


def test_scale_is_that_of_the_history_up_to_the_origin():
    history = series()
    tests = backtest(history, 7, [SeasonalNaive()], count=3)
    for origin, rows in tests.groupby("origin"):
        known = history.values[: history.times.get_loc(origin) + 1]
        assert rows["scale"].iloc[0] == pytest.approx(
            np.mean([abs(known[i] - known[i - 7]) for i in range(7, len(known))])
        )


def test_origins_fall_on_changing_weekdays_and_leave_a_whole_horizon():
    found = origins(700, 7, 28, 12)
    assert len(found) == 12
    assert found[-1] == 700 - 28
    assert len({origin % 7 for origin in found}) > 3


def test_a_short_series_has_no_origin():
    assert origins(20, 7, 14, 12) == []


def test_accuracy_by_hand():
    rows = pd.DataFrame({"origin": 0, "step": [1, 2], "time": [1, 2], "actual": [10.0, 20.0], "model": "m",
                         "mean": [12.0, 19.0], "scale": 2.0})  # fmt: skip
    said = accuracy(rows).iloc[0]
    assert said["mase"] == pytest.approx(0.75)
    assert said["mae"] == pytest.approx(1.5)
    assert said["wape"] == pytest.approx(0.1)


def test_the_ensemble_leaves_the_baseline_out():
    members = [SeasonalNaive(), Constant("a", 1.0), Constant("b", 3.0)]
    tests = backtest(series(), 7, members, count=1)
    assert set(tests.loc[tests["model"] == "ensemble", "mean"]) == {2.0}


def rows_of(errors: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"origin": origin, "step": 1, "time": origin + 1, "actual": 0.0, "model": model, "mean": error, "scale": 1.0}
        for model, values in errors.items() for origin, error in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_clear_winner_becomes_champion():
    assert choose_champion(rows_of({"ensemble": [2.0] * 6, "theta": [1.0] * 6})) == "theta"


@pytest.mark.parametrize(
    "theta",
    [[1.96] * 6, [0.1, 2.1, 2.1, 2.1, 2.1, 2.1], [2.5] * 6],
    ids=["by too little", "by one lucky origin", "not at all"],
)
def test_else_the_ensemble_stays(theta):
    assert choose_champion(rows_of({"ensemble": [2.0] * 6, "theta": theta})) == "ensemble"


@pytest.mark.parametrize(("origins", "chosen"), [(3, "ensemble"), (5, "ensemble"), (6, "theta")])
def test_five_origins_dethrone_nobody(origins, chosen):
    assert choose_champion(rows_of({"ensemble": [2.0] * origins, "theta": [1.0] * origins})) == chosen


def test_the_champion_of_an_origin_is_chosen_from_earlier_outcomes():
    tests = rows_of({"ensemble": [2.0] * 10, "theta": [1.0] * 8 + [9.0] * 2})
    said = with_champion(tests)
    champion = said[said["model"] == "champion"].set_index("origin")["mean"]
    assert champion.loc[:5].tolist() == [2.0] * 6  # too little known yet
    assert champion.loc[7] == 1.0
    assert champion.loc[8] == 9.0  # theta looked best until then, and the champion pays for it


def test_interval_ends_are_the_residual_quantiles():
    residuals = np.arange(-500, 501) / 100
    rows = pd.DataFrame({"origin": np.arange(1_001), "step": 1, "actual": 50 + residuals, "mean": 50.0})
    lower, upper = interval(np.array([70.0]), np.array([1]), calibrate(rows, PLAIN), PLAIN, 80)
    assert lower[0] == pytest.approx(70 - 4.0, abs=0.03)
    assert upper[0] == pytest.approx(70 + 4.0, abs=0.03)


def test_logarithmic_residuals_scale_with_the_mean():
    rows = pd.DataFrame({"origin": range(200), "step": 1, "actual": np.tile([50.0, 200.0], 100), "mean": 100.0})
    transform = Transform("log")
    lower, upper = interval(np.array([10.0]), np.array([1]), calibrate(rows, transform), transform, 80)
    assert (lower[0], upper[0]) == (pytest.approx(5.0), pytest.approx(20.0))


def test_intervals_do_not_narrow_with_the_step():
    rng = np.random.default_rng(0)
    step = np.tile(np.arange(1, 29), 12)
    rows = pd.DataFrame({"origin": np.repeat(np.arange(12), 28), "step": step, "actual": rng.normal(0, 1 + step / 14),
                         "mean": 0.0})  # fmt: skip
    table = calibrate(rows, PLAIN)[80]
    assert (table["high"].diff().dropna() >= 0).all()
    assert (table["low"].diff().dropna() <= 0).all()
    assert table["high"].loc[28] > 1.5 * table["high"].loc[1]


def test_intervals_of_an_origin_rest_on_earlier_outcomes_only():
    tests = rows_of({"m": [1.0, -1.0] * 6})
    changed = tests.assign(actual=tests["actual"].where(tests["origin"] < 8, 1e6))
    first, second = with_intervals(tests, PLAIN), with_intervals(changed, PLAIN)
    at = tests["origin"] <= 8
    pd.testing.assert_series_equal(first.loc[at, "upper_80"], second.loc[at, "upper_80"])
    assert first.loc[tests["origin"] < 4, "upper_80"].isna().all()
    assert first.loc[tests["origin"] >= 5, "upper_80"].notna().all()


def test_noise_is_covered_as_promised():
    covered = []
    for seed in range(6):
        tests = backtest(series(600, seed), 14, [Constant("m", 100.0)], count=24)
        covered.append(accuracy(with_intervals(tests, PLAIN)).iloc[0][["coverage_80", "coverage_95"]].astype(float))
    mean = pd.DataFrame(covered).mean()
    assert mean["coverage_80"] == pytest.approx(0.80, abs=0.04)
    assert mean["coverage_95"] == pytest.approx(0.95, abs=0.03)


def test_the_wider_interval_is_the_wider_also_where_few_origins_speak_for_both():
    """Six residuals of a step are too few to tell nine in ten from thirty-nine in forty."""
    rows = pd.DataFrame({"origin": range(6), "step": 1, "actual": [4.0, 8.0, 9.0, 11.0, 13.0, 18.0], "mean": 10.0})
    table = calibrate(rows, PLAIN)
    assert table[80].loc[1].tolist() == [-6.0, 8.0], "the farthest there are"
    assert (table[95].loc[1] / table[80].loc[1]).tolist() == pytest.approx([1.96 / 1.2816] * 2, abs=1e-4)


def test_the_wider_interval_holds_the_narrower_one_also_where_few_origins_speak_for_both():
    rng = np.random.default_rng(3)
    steps = np.arange(1, 29)
    rows = pd.DataFrame({"origin": 0, "step": steps, "actual": 10 + rng.normal(size=28), "mean": 10.0})
    table = calibrate(rows, PLAIN)
    assert (table[95]["low"] <= table[80]["low"]).all()
    assert (table[95]["high"] >= table[80]["high"]).all()
