"""The tables of the layer `anomaly`: columns of their contracts, names that readers know, ids that stay."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.evidence import LINEAGE_COLUMNS
from ecom_assets.anomalies.tables import effect_rate, notification_id, shop_tables
from ecom_assets.contracts import contract
from ecom_assets_tests.unit.anomalies.test_shop import LOUD, OUTAGE, daily
from ecom_assets_tests.unit.forecasting.drawn import draw_shop

SERIES = ["metric", "dimension", "member"]
START = draw_shop(21, length=400).days[OUTAGE.start]


DELIVERIES = pd.DataFrame(columns=list(LINEAGE_COLUMNS))


def plans() -> pd.DataFrame:
    return draw_shop(21, length=400).campaigns.assign(channel=None)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return shop_tables(daily(LOUD), plans(), DELIVERIES)


def test_every_table_has_the_columns_of_its_contract(tables):
    assert set(tables) == {
        f"anomaly/{name}"
        for name in ("zscore", "isolation_forest", "forecast_residual", "consensus", "events", "causes",
                     "notification_members", "missing_plans")
    }  # fmt: skip
    for asset, table in tables.items():
        assert list(table) == [column.name for column in contract(asset).columns], asset
        assert not table.duplicated(list(contract(asset).key)).any(), asset


def test_a_young_shop_has_the_same_tables_empty(tables):
    young = daily(LOUD).query("time < '2023-02-01'")
    for asset, table in shop_tables(young, plans(), DELIVERIES).items():
        assert table.empty, asset
        assert list(table) == list(tables[asset]), asset


def test_the_whole_is_called_as_in_daily_metrics(tables):
    found = set(tables["anomaly/consensus"][["dimension", "member"]].itertuples(index=False, name=None))
    assert found == {("total", "all"), ("channel", "email"), ("channel", "paid_search")}
    assert not (tables["anomaly/notification_members"]["member"] == "").any()


def test_an_alarm_of_a_detector_is_what_the_consensus_says_of_it(tables):
    key = ["business_date", *SERIES]
    consensus = tables["anomaly/consensus"].set_index(key).sort_index()
    alone = {name: tables[f"anomaly/{name}"].set_index(key).sort_index()["is_anomaly"]
             for name in ("zscore", "isolation_forest", "forecast_residual")}  # fmt: skip
    for name, alarms in alone.items():
        assert (alarms == consensus[f"is_{name}_alarm"]).all()
    count = sum(alarms.astype(int) for alarms in alone.values())
    assert (consensus["is_unanimous_alarm"] == (count == 3)).all()
    assert (consensus["is_majority_alarm"] == (count >= 2)).all()
    both = alone["zscore"] & alone["forecast_residual"]
    assert (consensus["is_zscore_and_forecast_residual_alarm"] == both).all()
    assert count.max() == 3


def test_expected_lies_between_its_limits_and_what_cannot_be_negative_is_not(tables):
    for name in ("zscore", "forecast_residual", "consensus"):
        known = tables[f"anomaly/{name}"].dropna(subset=["expected", "lower", "upper"])
        assert (known["lower"] <= known["expected"]).all()
        assert (known["expected"] <= known["upper"]).all()
        assert (known.loc[known["metric"].isin(["orders", "sessions"]), "lower"] >= 0).all()
        assert len(known) > 2000


def test_the_outage_is_one_cause_with_its_size(tables):
    causes = tables["anomaly/causes"].set_index("raised_date")
    outage = causes.loc[START]
    assert (outage["direction"], outage["is_open"], outage["verdict"]) == ("down", False, "business_change")
    assert outage["score"] >= outage["bar"] > 0
    assert outage["value"] / outage["expected"] == pytest.approx(0.15, abs=0.05)
    assert outage["value"] < outage["lower"] < outage["expected"] < outage["upper"]
    members = tables["anomaly/notification_members"]
    mine = members[members["notification_id"] == outage["notification_id"]]
    assert outage["series_count"] == len(mine[SERIES].drop_duplicates()) >= 1
    assert (mine[SERIES] == outage[SERIES]).all(axis=1).any(), "it is named after one that took part"
    assert set(members["notification_id"]) == set(causes["notification_id"])


def test_days_of_an_event_carry_its_number(tables):
    days = tables["anomaly/consensus"].dropna(subset=["event_number"])
    counted = days.groupby([*SERIES, "event_number"]).size()
    events = tables["anomaly/events"].set_index([*SERIES, "event_number"])
    assert counted.to_dict() == events["days"].to_dict()


def test_an_id_is_the_same_on_the_next_day(tables):
    """The outage's id is the same when it was raised an hour ago and when a hundred days have followed."""
    that_morning = shop_tables(daily(LOUD).query("time <= @START"), plans(), DELIVERIES)["anomaly/causes"].set_index(
        "raised_date"
    )
    assert that_morning.loc[START, "is_open"]
    later = tables["anomaly/causes"].set_index("raised_date")
    assert that_morning.loc[START, "notification_id"] == later.loc[START, "notification_id"]


def test_ids_tell_days_and_series_apart():
    day = pd.Timestamp("2026-03-02")
    ids = {notification_id(day, "orders", "total", "all"), notification_id(day, "sessions", "total", "all"),
           notification_id(day + pd.Timedelta(days=1), "orders", "total", "all")}  # fmt: skip
    assert len(ids) == 3
    assert all(len(each) == 8 and int(each, 16) >= 0 for each in ids)


def test_the_effect_is_of_known_days_alone():
    points = pd.DataFrame({"value": [50.0, 70.0, np.nan], "expected": [100.0, 100.0, 100.0]})
    assert effect_rate(points) == pytest.approx(-0.4)
    assert np.isnan(effect_rate(points.iloc[2:]))
