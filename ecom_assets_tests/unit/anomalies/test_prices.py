"""Prices as a watched series: what moves them is found, told apart, and told once."""

import re

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.evidence import event_evidence
from ecom_assets.anomalies.prices import changed_prices
from ecom_assets.anomalies.shop import ShopDetected, detect_shop
from ecom_assets.anomalies.verdict import verdicts

DAYS = pd.date_range("2025-01-01", periods=240)
STRUCK = slice(150, 153)
MEMBERS = {
    "": ("",), "device": ("desktop", "mobile", "tablet"), "country": ("DE", "AT", "GB", "US"),
    "channel": ("email", "direct", "affiliate"), "category": ("Garden", "Toys", "Home", "Kitchen"),
}  # fmt: skip
SHARE = 0.25  # of each struck member in the whole


def daily(change: float, dimension: str, member: str, days: slice = STRUCK, orders: float = 1.0) -> pd.DataFrame:
    """Prices, orders and order values of a shop in which prices of one member move by the share `change`."""
    rng, parts = np.random.default_rng(7), []
    for of, names in MEMBERS.items():
        for name in names:
            moves = change if (of, name) == (dimension, member) else 0.0 if of == dimension else change * SHARE
            noise = np.exp(0.05 * rng.standard_normal(len(DAYS)))
            index, sold = np.exp(0.002 * rng.standard_normal(len(DAYS))), 200 * noise
            index[days] *= 1 + moves
            sold[days] *= orders
            key = {"dimension": of, "member": name}
            parts.append(pd.DataFrame({"time": DAYS, "metric": "price_index", "value": index, **key}))
            if of != "category":
                parts.append(pd.DataFrame({"time": DAYS, "metric": "orders", "value": np.rint(sold), **key}))
    return pd.concat(parts, ignore_index=True)


def said(found: ShopDetected) -> list[tuple[pd.Timestamp, str, str]]:
    """Day raised, verdict and reasons of every notification."""
    judged = verdicts(event_evidence(found.notifications, found.members, found.points))
    told = zip(found.notifications["raised"], judged["verdict"], judged["reasons"], strict=True)
    return [(day, verdict, reasons) for day, verdict, reasons in told]


@pytest.mark.parametrize(
    ("dimension", "member", "change", "verdict"),
    [
        ("category", "Garden", -0.3, "business change"),
        ("device", "mobile", -0.3, "business change"),
        ("country", "AT", 1.6, "data fault"),
        ("channel", "email", -0.1, "data fault"),
    ],
)
def test_what_was_struck_is_found_on_its_first_day_and_named(dimension, member, change, verdict):
    ((day, told, reasons),) = said(detect_shop(daily(change, dimension, member)))
    assert (day, told) == (DAYS[STRUCK.start], verdict)
    (moved,) = re.findall(rf"prices in {dimension} {member} moved by ([+-]\d+)%", reasons)
    assert int(moved) == pytest.approx(100 * change, abs=1.5)


@pytest.mark.parametrize(("change", "verdict"), [(0.3, "data fault"), (0.06, "business change")])
def test_prices_of_the_whole_shop_may_be_raised_a_little(change, verdict):
    ((day, told, reasons),) = said(detect_shop(daily(change / SHARE, "nowhere", "")))
    assert (day, told) == (DAYS[STRUCK.start], verdict)
    assert f"prices of the whole shop moved by {change:+.0%}" in reasons


def test_a_campaign_does_not_excuse_prices():
    plan = {"campaign_name": "Sale", "kind": "promotion", "channel": None, "discount_rate": 0.2}
    inside = {"starts_date": DAYS[STRUCK.start - 1], "ends_date": DAYS[STRUCK.stop]}
    found = said(detect_shop(daily(-0.3, "category", "Garden"), pd.DataFrame([{**plan, **inside}])))
    assert [(day, verdict) for day, verdict, _ in found] == [(DAYS[STRUCK.start], "business change")]


def test_a_price_that_stays_changed_is_told_once_and_not_again_when_it_becomes_usual():
    usual_again = 150 + 45
    found = said(detect_shop(daily(0.2, "category", "Garden", slice(150, usual_again))))
    assert [day for day, *_ in found] == [DAYS[150]]


def test_a_change_away_from_usual_prices_is_told_after_one_that_became_usual():
    table = daily(0.2, "category", "Garden", slice(130, 175))
    later = daily(-0.3, "category", "Toys", slice(220, 223))  # of the same draws: row for row the same noise
    table["value"] *= later["value"] / daily(0.0, "category", "Toys")["value"]
    found = said(detect_shop(table))
    assert [day for day, *_ in found] == [DAYS[130], DAYS[220]]


@pytest.mark.parametrize("change", [0.004, -0.04])
def test_a_few_per_cent_of_one_category_are_no_news_however_quiet_prices_are(change):
    assert said(detect_shop(daily(change, "category", "Garden", slice(150, 240)))) == []


def test_the_same_orders_under_two_names_do_not_confirm_each_other():
    table = daily(0.0, "category", "Garden")
    index = table["metric"] == "price_index"
    marketplace = table[index & (table["member"] == "affiliate")].copy()
    marketplace["value"] = np.roll(marketplace["value"], 1)  # noise of its own
    marketplace.loc[marketplace["time"].between(DAYS[150], DAYS[150]), "value"] *= 1.07  # one dear line of ten
    twice = [
        table,
        marketplace.assign(member="other"),
        marketplace.assign(dimension="device", member="unknown"),
    ]
    found = detect_shop(pd.concat(twice, ignore_index=True))
    told = found.points[found.points["metric"] == "price_index"].groupby(["dimension", "member"])["is_watched"].first()
    assert told["channel", "other"]
    assert not told["device", "unknown"]
    assert said(found) == []


def test_amounts_are_not_taken_for_another_currency_where_the_orders_moved_too():
    row = {"price_change_rate": -0.3, "price_dimension": "country", "price_member": "AT", "price_orders_zscore": 0.5}
    assert changed_prices(row)[0] > 0.6
    assert changed_prices({**row, "price_orders_zscore": 6.0})[0] == 0
    assert changed_prices({**row, "price_dimension": "category"})[0] == 0
    assert changed_prices({**row, "price_dimension": "category", "price_change_rate": 0.9})[0] > 0.6, "nobody would buy"
    assert changed_prices({**row, "price_change_rate": float("nan")}) == (0.0, "")
    assert changed_prices({}) == (0.0, "")
