import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.shop import ShopDetected, detect_shop
from ecom_assets_tests.unit.forecasting.drawn import draw_shop

OUTAGE = slice(290, 293)
LOUD = {"orders": 0.15, "conversion_rate": 0.15}


def daily(factors: dict[str, float]) -> pd.DataFrame:
    """The quiet twin of a drawn shop, three days of it multiplied by metric."""
    shop = draw_shop(21, length=400)
    parts = []
    for (metric, member), quiet in shop.quiet.items():
        if metric in ("sessions", "orders", "conversion_rate") and member in ("", "email", "paid_search"):
            value = quiet.copy()
            value[OUTAGE] *= factors.get(metric, 1.0)
            row = {"metric": metric, "dimension": "channel" if member else "", "member": member}
            parts.append(pd.DataFrame({"time": shop.days, "value": value, **row}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def shop() -> ShopDetected:
    return detect_shop(daily(LOUD), draw_shop(21, length=400).campaigns)


def test_an_outage_of_orders_is_one_notification_on_its_first_day(shop):
    start = draw_shop(21, length=400).days[OUTAGE.start]
    said = shop.notifications[shop.notifications["raised"].between(start, start + pd.Timedelta(days=9))]
    assert said["raised"].tolist() == [start]
    assert said["direction"].tolist() == ["down"]
    named = shop.members[shop.members["notification_id"] == said["notification_id"].iloc[0]]
    assert {"orders", "conversion_rate"} <= set(named["metric"])
    assert len(named[["metric", "member"]].drop_duplicates()) >= 4


def test_every_series_has_every_day(shop):
    assert len(shop.points) == 9 * 400
    assert (shop.points.groupby(["metric", "member"]).size() == 400).all()
    assert list(shop.events.columns[:3]) == ["metric", "dimension", "member"]


def test_quiet_months_hold_few_notifications(shop):
    start = draw_shop(21, length=400).days[OUTAGE.start]
    others = shop.notifications[shop.notifications["raised"] != start]
    assert len(others) <= 8


def with_forecasts(table: pd.DataFrame, factor: float = 1.0) -> pd.DataFrame:
    """One series with what a seer would have said of it every four weeks, and a Prophet who is off by `factor`."""
    quiet = draw_shop(21, length=400).quiet["orders", ""]
    made_on = table["time"].iloc[(np.arange(len(table)) // 28 * 28 - 1).clip(0)].to_numpy()
    said = table.assign(champion_expected=quiet, prophet_expected=quiet * factor, foretold_on=made_on)
    first = np.arange(len(table)) < 56
    return said.assign(foretold_on=said["foretold_on"].where(~first), champion_expected=np.where(first, np.nan, quiet))


def orders_alone(factors: dict[str, float]) -> pd.DataFrame:
    table = daily(factors)
    return table[(table["metric"] == "orders") & (table["member"] == "")].reset_index(drop=True)


def test_where_a_series_is_forecast_the_champion_and_prophet_are_expected_by():
    table = orders_alone({})
    plain, told = (detect_shop(each).points for each in (table, with_forecasts(table)))
    quiet = draw_shop(21, length=400).quiet["orders", ""]
    errors = [np.abs(said["expected"] - quiet).iloc[100:].median() for said in (plain, told)]
    assert errors[1] < 0.75 * errors[0], "two who know it and one who follows it are nearer than the follower"


def test_one_forecaster_that_is_carried_away_does_not_carry_the_expectation_along():
    table = orders_alone({})
    quiet = draw_shop(21, length=400).quiet["orders", ""]
    astray = detect_shop(with_forecasts(table, 3.0)).points["expected"]
    assert np.abs(np.log(astray / quiet)).iloc[100:].median() < 0.05


def test_forecasts_of_later_days_change_nothing_of_a_day():
    table = with_forecasts(orders_alone(LOUD))
    later = table["time"] > table["time"].iloc[300]
    changed = table.assign(champion_expected=table["champion_expected"].where(~later, 1.0))
    then, now = (detect_shop(each).points.iloc[:300] for each in (table, changed))
    pd.testing.assert_frame_equal(then[["expected", "score", "is_anomaly"]], now[["expected", "score", "is_anomaly"]])


def test_too_short_a_shop_says_so():
    with pytest.raises(ValueError, match="60 known days"):
        detect_shop(daily({}).query("time < '2023-02-01'"))


def test_the_last_days_alone_are_judged_as_they_are_with_all(shop):
    day = draw_shop(21, length=400).days[OUTAGE.start - 3]
    last = detect_shop(daily(LOUD), draw_shop(21, length=400).campaigns, since=day)
    whole = shop.points[shop.points["time"] >= day].reset_index(drop=True)
    pd.testing.assert_frame_equal(last.points, whole)
    said = shop.notifications[shop.notifications["raised"] >= day].reset_index(drop=True)
    pd.testing.assert_frame_equal(last.notifications, said)
    assert len(last.notifications) > 0


def test_later_days_change_nothing_that_was_said_of_earlier_ones(shop):
    drawn = draw_shop(21, length=400)
    until = drawn.days[330]
    table = daily(LOUD)
    early = detect_shop(table[table["time"] <= until], drawn.campaigns)
    keys = ["metric", "dimension", "member", "time"]
    columns = [*keys, "expected", "consensus", "is_anomaly"]
    both = early.points[columns].merge(shop.points[columns], on=keys, suffixes=("_then", "_later"))
    assert len(both) == len(early.points)
    np.testing.assert_allclose(both["consensus_then"], both["consensus_later"], equal_nan=True)
    np.testing.assert_allclose(both["expected_then"], both["expected_later"], equal_nan=True)


def test_a_file_that_came_twice_makes_the_orders_that_it_raised_alarm():
    table = daily({"orders": 1.5, "conversion_rate": 1.0})
    days = pd.DatetimeIndex(table["time"].unique())
    lineage = pd.DataFrame({"business_date": days, "dataset": "orders", "rows": 100.0, "repeated_rows": 0.0})
    twice = lineage["business_date"].isin(days[OUTAGE])
    campaigns = draw_shop(21, length=400).campaigns
    quiet = detect_shop(table, campaigns, lineage=lineage)
    told = detect_shop(table, campaigns, lineage=lineage.assign(repeated_rows=np.where(twice, 26.0, 0.0)))

    def near(found):
        return found.notifications["raised"].isin(days[OUTAGE]).sum()

    assert near(quiet) == 0
    assert near(told) == 1


@pytest.mark.parametrize(("factor", "is_planned"), [(6.0, True), (0.15, False)])
def test_what_goes_against_a_promotion_was_not_planned(factor, is_planned):
    rng, days = np.random.default_rng(3), pd.date_range("2025-01-01", periods=200)
    day = days[150]
    parts = []
    for metric in ("orders", "sessions"):
        value = 1000 * np.exp(rng.normal(0, 0.05, len(days)))
        value[150:152] *= factor
        parts.append(pd.DataFrame({"time": days, "metric": metric, "dimension": "", "member": "", "value": value}))
    plan = {"campaign_name": "Sale", "kind": "promotion", "starts_date": day, "ends_date": days[153]}
    members = detect_shop(pd.concat(parts, ignore_index=True), pd.DataFrame([plan])).members
    of_day = members[members["time"] == day]
    assert len(of_day) == 2
    assert (of_day["is_planned"] == is_planned).all()
