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
