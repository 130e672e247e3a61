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


def test_a_champions_expectations_are_taken():
    table = daily(LOUD)
    table = table[(table["metric"] == "orders") & (table["member"] == "")]
    table["expected"] = table["value"].rolling(7, min_periods=1).mean().shift(1).bfill()
    said = detect_shop(table).points
    np.testing.assert_allclose(said["expected"].iloc[100:], table["expected"].iloc[100:], rtol=1e-6)


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
