"""All series of a shop: what is tested anew and what stands, who becomes champion, what is forecast."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting import shop
from ecom_assets.forecasting.parallel import map_series
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.theta import Theta

WEEK = np.array([1.0, 1.2, 1.1, 0.9, 1.5, 0.7, 0.6])
FIRST = pd.Timestamp("2026-01-05")


@pytest.fixture(autouse=True)
def two_forecasters(monkeypatch):
    """What is chosen among is not what is tested here."""
    monkeypatch.setattr(shop, "default_forecasters", lambda: (SeasonalNaive(), Theta()))


def row(length: int = 150, metric: str = "orders", member: str = "all", level: float = 100.0, **more: Any) -> dict:
    """One series as the SQL gives it, never tested and without campaigns."""
    rng = np.random.default_rng(len(member))
    days = pd.date_range(FIRST, periods=length).to_numpy()
    values = level * WEEK[np.arange(length) % 7] * np.exp(rng.normal(0, 0.1, length))
    standing = dict.fromkeys(shop.TESTED) | {"tested_on": pd.NaT}
    return {
        "metric": metric, "dimension": "total" if member == "all" else "channel", "member": member, "days": days,
        "known_values": values, "campaigns": None, "asked_origins": None, "champion": None, **standing, **more,
    }  # fmt: skip


def frame(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def standing(tests: pd.DataFrame, model: str | None = None) -> dict[str, Any]:
    """The back-tests of one series as lists, as the SQL gives them."""
    tests = tests[tests["model"] == model] if model else tests
    return {name: tests[name].to_numpy() for name in shop.TESTED} | {"tested_on": tests["tested_on"].iloc[0]}


def come(tests: pd.DataFrame) -> pd.DataFrame:
    """The rows of which it is known what came."""
    return tests.dropna(subset="actual")


def test_a_series_never_tested_gets_the_small_set():
    tests = shop.back_tests(frame(row(), row(member="email")))
    assert come(tests).groupby(["member"])["origin_date"].nunique().tolist() == [shop.FIRST_ORIGINS] * 2
    assert set(tests["model"]) == {"seasonal_naive", "theta", "champion"}
    assert set(tests["step"]) == set(range(1, 29))
    assert (tests["tested_on"] == FIRST + pd.Timedelta(days=149)).all()
    assert (tests["business_date"] - tests["origin_date"] == pd.to_timedelta(tests["step"], unit="D")).all()


@pytest.mark.parametrize(("age", "origins"), [(0, None), (7, None), (8, shop.FULL_ORIGINS)])
def test_tests_stand_for_a_week(age, origins):
    first = shop.back_tests(frame(row()))
    again = shop.back_tests(frame(row(150 + age, **standing(first))))
    if origins is None:
        pd.testing.assert_frame_equal(again[first.columns], first, check_dtype=False)
    else:
        assert come(again)["origin_date"].nunique() == origins
        assert (again["tested_on"] == FIRST + pd.Timedelta(days=149 + age)).all()


def test_the_weekly_run_tests_everything():
    first = shop.back_tests(frame(row()))
    again = shop.back_tests(frame(row(asked_origins=9, **standing(first))))
    assert come(again)["origin_date"].nunique() == 9


def test_the_newest_day_is_the_last_origin_and_what_it_says_is_the_forecast():
    tests = shop.back_tests(frame(row()))
    newest = tests[tests["origin_date"] == tests["tested_on"]]
    assert newest["actual"].isna().all()
    assert newest.groupby("model")["step"].agg(list).tolist() == [list(range(1, 29))] * 3
    said = shop.forecasts(frame(row(champion="theta", **standing(tests, "theta"))))
    for name in ("mean", "lower_95", "upper_80"):
        np.testing.assert_allclose(newest.loc[newest["model"] == "theta", name], said[name])


def test_a_new_series_is_tested_beside_one_that_stands():
    first = shop.back_tests(frame(row()))
    again = shop.back_tests(frame(row(152, **standing(first)), row(152, member="email")))
    assert again.groupby("member")["tested_on"].max().dt.day.to_dict() == {
        "all": first["tested_on"].iloc[0].day,
        "email": (FIRST + pd.Timedelta(days=151)).day,
    }


def test_too_short_a_series_has_no_row_and_fails_nothing():
    rows = frame(row(20), row(150, member="email"), row(20, member="referral"))
    assert set(shop.back_tests(rows)["member"]) == {"email"}
    assert set(shop.forecasts(rows)["member"]) == {"email"}
    untested = frame(row(40))
    assert shop.back_tests(untested).empty
    assert len(shop.forecasts(untested.assign(champion="theta"))) == 28
    for made in (shop.back_tests(frame(row(20))), shop.forecasts(frame(row(20)))):
        assert made.empty
    assert shop.champions(shop.back_tests(frame(row(20)))).empty


def test_a_member_that_sells_nothing_any_more_is_not_forecast():
    gone = row(110, member="email")
    assert set(shop.forecasts(frame(row(), gone).assign(champion="theta"))["member"]) == {"all"}


def test_one_champion_a_series_and_its_measures_by_hand():
    tests = shop.back_tests(frame(row(), row(member="email")))
    said = shop.champions(tests)
    assert said.groupby("member")["is_champion"].sum().tolist() == [1, 1]
    theta = come(tests[(tests["model"] == "theta") & (tests["member"] == "email")])
    error = (theta["actual"] - theta["mean"]).abs()
    one = said[(said["model"] == "theta") & (said["member"] == "email")].iloc[0]
    assert one["mase"] == pytest.approx((error / theta["scale"]).mean())
    assert one["rmse"] == pytest.approx(math.sqrt((error**2).mean()))
    assert one["wape"] == pytest.approx(error.sum() / theta["actual"].sum())
    inside = theta["actual"].between(theta["lower_80"], theta["upper_80"])[theta["lower_80"].notna()]
    assert one["coverage_80"] == pytest.approx(inside.mean())
    assert one["origins"] == shop.FIRST_ORIGINS


def test_mape_is_empty_where_nothing_happened_on_a_day():
    values = row()["known_values"].copy()
    values[-10] = 0.0
    said = shop.champions(shop.back_tests(frame(row(known_values=values))))
    assert said["mape"].isna().all()
    assert said["mae"].notna().all()


def test_forecasts_are_the_champions_and_start_behind_the_newest_day():
    tests = shop.back_tests(frame(row()))
    said = shop.forecasts(frame(row(152, champion="theta", **standing(tests, "theta"))))
    assert list(said["business_date"]) == list(pd.date_range(FIRST + pd.Timedelta(days=152), periods=28))
    assert set(said["model"]) == {"theta"}
    assert (said["made_on"] == FIRST + pd.Timedelta(days=151)).all()
    np.testing.assert_allclose(said["mean"][:7], 100 * WEEK[(152 + np.arange(7)) % 7], rtol=0.1)


def test_intervals_rest_on_the_tests_that_stand():
    tests = shop.back_tests(frame(row()))
    wild = tests.assign(actual=tests["mean"] * np.where(np.arange(len(tests)) % 2, 0.5, 2.0))
    calm, wide = (
        shop.forecasts(frame(row(champion="theta", **standing(each, "theta")))) for each in (tests, wild)
    )  # fmt: skip
    np.testing.assert_array_equal(calm["mean"], wide["mean"])
    assert ((wide["upper_80"] - wide["lower_80"]) > 2 * (calm["upper_80"] - calm["lower_80"])).all()


def test_only_metrics_that_may_be_negative_are():
    falling = np.maximum(np.linspace(60, 1, 150) + np.random.default_rng(0).normal(0, 3, 150), 0)
    orders, net = row(known_values=falling), row(metric="net_amount", known_values=falling - 30)
    said = shop.forecasts(frame(orders, net).assign(champion="theta"))
    by_metric = said.groupby("metric")["lower_95"].min()
    assert by_metric["orders"] >= 0
    assert by_metric["net_amount"] < 0


def test_a_planned_promotion_moves_its_own_channel_only():
    starts = pd.date_range(FIRST + pd.Timedelta(days=10), periods=7, freq="24D")  # the last one lies ahead
    plans = [
        {"campaign_name": "Deal", "kind": "promotion", "channel": "email", "starts_date": start,
         "ends_date": start + pd.Timedelta(days=2), "discount_rate": 0.2}
        for start in starts
    ]  # fmt: skip
    times = pd.date_range(FIRST, periods=150)
    planned = np.any([(times >= p["starts_date"]) & (times <= p["ends_date"]) for p in plans], axis=0)
    values = 100 * np.where(planned, 1.8, 1.0) * np.exp(np.random.default_rng(1).normal(0, 0.05, 150))
    rows = frame(*(row(member=m, known_values=values, campaigns=plans) for m in ("all", "email", "direct")))
    said = shop.forecasts(rows.assign(champion="theta")).set_index("business_date")
    ahead = pd.date_range(starts[-1], periods=3)
    mean = {member: part["mean"] for member, part in said.groupby("member")}
    for member, lift in (("all", 1.8), ("email", 1.8), ("direct", 1.0)):
        ratio = mean[member][ahead].mean() / mean[member].drop(ahead).mean()
        assert ratio == pytest.approx(lift, abs=0.25), member


def traded(known: dict, weekdays: tuple[int, ...]) -> dict:
    """A row without the days of other weekdays, as the SQL gives a shop that is closed on them."""
    is_open = pd.DatetimeIndex(known["days"]).day_of_week.isin(weekdays)
    return known | {"days": known["days"][is_open], "known_values": known["known_values"][is_open]}


def test_nothing_is_expected_of_days_on_which_the_shop_never_trades():
    whole = [row(metric="orders"), row(metric="average_order_value")]
    rows = frame(*(traded(each, (0, 1, 2, 3, 4, 5)) for each in whole)).assign(champion="theta")
    said = shop.forecasts(rows)
    orders, value = (said[said["metric"] == name] for name in ("orders", "average_order_value"))
    sundays = orders["business_date"].dt.day_of_week == 6
    assert (len(orders), sundays.sum()) == (28, 4)
    assert (orders.loc[sundays, ["mean", *shop.ENDS]] == 0.0).all(axis=None)
    assert (orders.loc[~sundays, "lower_95"] > 0).all()
    expected = 100 * (4 * WEEK.sum() - 4 * WEEK[6])
    assert orders["mean"].sum() == pytest.approx(expected, rel=0.05)
    assert list(value["business_date"]) == list(orders.loc[~sundays, "business_date"]), "no goods, no mean price"


def test_nothing_is_expected_of_days_on_which_the_calendar_closes_the_shop():
    holiday = FIRST + pd.Timedelta(days=153)
    said = shop.forecasts(frame(row()).assign(champion="theta"), is_closed=lambda day: day == holiday.date())
    zero = said["mean"] == 0
    assert list(said.loc[zero, "business_date"]) == [holiday]
    pd.testing.assert_frame_equal(said[~zero], shop.forecasts(frame(row()).assign(champion="theta"))[~zero])


def test_a_shop_that_never_trades_on_a_weekday_is_tested_on_the_others():
    rows = frame(traded(row(), (0, 1, 2, 3, 4, 5)))
    tests = shop.back_tests(rows)
    sundays = tests["business_date"].dt.day_of_week == 6
    assert tests.loc[sundays, "actual"].isna().all()
    is_past = tests["origin_date"] < tests["tested_on"]
    assert tests.loc[~sundays & is_past, "actual"].notna().all()
    said = shop.champions(tests).set_index("model")
    assert said["is_champion"].sum() == 1
    whole = shop.champions(shop.back_tests(frame(row()))).set_index("model")
    assert said.loc["theta", "wape"] == pytest.approx(whole.loc["theta", "wape"], rel=0.2)


def test_the_series_that_fails_is_named(monkeypatch):
    class Broken:
        name = "broken"

        def forecast(self, history: object, horizon: int) -> np.ndarray:
            raise ValueError("no")

    monkeypatch.setattr(shop, "default_forecasters", lambda: (Broken(),))
    with pytest.raises(RuntimeError, match="back-test of orders channel email failed: no"):
        shop.back_tests(frame(row(member="email")))


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_keep_the_order_and_tell_how_far_they_are(workers):
    told: list[tuple[int, int]] = []
    found = map_series(math.sqrt, [4.0, 9.0, 16.0], lambda done, of: told.append((done, of)), workers)
    assert found == [2.0, 3.0, 4.0]
    assert told == [(1, 3), (2, 3), (3, 3)]
