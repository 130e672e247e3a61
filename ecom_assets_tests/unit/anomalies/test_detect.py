"""The one call, from a stranger's frame to events."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.detect import Detected, detect
from ecom_assets_tests.unit.forecasting.drawn import draw_shop


def daily(length: int = 320, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    week = 1 + 0.25 * np.sin(2 * np.pi * np.arange(length) / 7)
    values = 500 * week * np.exp(rng.normal(0, 0.06, length))
    return pd.DataFrame({"time": pd.date_range("2025-01-01", periods=length), "value": values})


def with_factor(frame: pd.DataFrame, start: int, stop: int, factor: float) -> pd.DataFrame:
    value = frame["value"].to_numpy().copy()
    value[start:stop] *= factor
    return frame.assign(value=value)


@pytest.fixture(scope="module")
def outage() -> Detected:
    return detect(with_factor(daily(), 250, 253, 0.4))


def test_an_outage_is_one_critical_event_with_start_end_and_direction(outage):
    event = outage.events[outage.events["start"] == pd.Timestamp("2025-09-08")].iloc[0]
    assert event["end"] <= pd.Timestamp("2025-09-12")
    assert (event["direction"], event["severity"]) == ("down", "critical")
    assert {"zscore", "forecast_residual"} <= set(event["detectors"].split("+"))
    assert -0.65 < event["effect_rate"] < -0.3  # the tail of the event holds quieter days


def test_points_are_complete(outage):
    first = ["time", "value", "expected", "lower", "upper", "score", "detectors", "is_anomaly", "event_id", "severity"]
    assert list(outage.points.columns[:11]) == [*first, "direction"]
    assert len(outage.points) == 320
    quiet = outage.points.iloc[100:249]
    assert (quiet["lower"] <= quiet["value"]).mean() > 0.97
    assert (quiet["value"] <= quiet["upper"]).mean() > 0.97
    assert (outage.points.loc[250:252, "value"] < outage.points.loc[250:252, "lower"]).all()


def test_quiet_series_hold_the_budget():
    alarms = [len(detect(daily(seed=seed)).events) for seed in range(1, 5)]
    assert np.mean(alarms) <= 2 * 0.2 * (320 - 56) / 30.4


def test_what_was_said_of_a_day_does_not_change_when_days_are_added(outage):
    earlier = detect(with_factor(daily(), 250, 253, 0.4).iloc[:270])
    columns = ["score", "expected", "lower", "upper", "is_anomaly", "detectors", "event_id"]
    pd.testing.assert_frame_equal(outage.points.loc[:269, columns], earlier.points[columns])


def test_a_lasting_shift_alarms_once():
    said = detect(with_factor(daily(), 200, 320, 1.8)).events
    after = said[said["start"] >= pd.Timestamp("2025-07-20")]
    assert after["start"].iloc[0] == pd.Timestamp("2025-07-20")
    assert len(after[after["start"] <= pd.Timestamp("2025-09-01")]) == 1
    assert after["steps"].iloc[0] <= 14


def test_planned_days_do_not_alarm_and_a_missing_campaign_is_named():
    starts = pd.date_range("2025-02-01", periods=10, freq="28D")
    campaigns = pd.DataFrame(
        {"campaign_name": [f"Sale {n}" for n in range(10)], "kind": "promotion", "starts_date": starts,
         "ends_date": starts + pd.Timedelta(days=3), "discount_rate": 0.2}
    )  # fmt: skip
    frame = daily()
    for number, start in enumerate(starts):
        at = int((start - frame["time"].iloc[0]).days)
        if number != 8:
            frame = with_factor(frame, at, at + 4, 1.7)
    known, unknown = detect(frame, campaigns), detect(frame)
    planned = known.points["is_planned"]
    assert not known.points.loc[planned, "is_anomaly"].any()
    assert unknown.points.loc[planned, "is_anomaly"].any()
    assert known.missing_plans["campaign_name"].tolist() == ["Sale 8"]


def test_hourly_gaps_and_jitter_are_no_obstacle():
    rng = np.random.default_rng(0)
    hours = np.arange(24 * 40)
    values = 50 + 30 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 2, len(hours))
    values[700:703] += 60
    frame = pd.DataFrame({"time": pd.date_range("2026-01-01 00:00:01", periods=len(hours), freq="h"), "value": values})
    frame = frame.drop(index=[*range(400, 421), 500]).reset_index(drop=True)
    said = detect(frame).events
    assert frame["time"].iloc[678] == pd.Timestamp("2026-01-30 04:00:01")
    assert (said["start"] == pd.Timestamp("2026-01-30 04:00:01")).any()
    assert len(said) <= 3


def test_outages_of_drawn_shops_are_found_and_few_other_days():
    found, others = 0, 0
    for seed in (11, 12):
        shop = draw_shop(seed, length=500)
        value = shop.quiet["orders", ""].copy()
        planned = np.zeros(500, dtype=bool)
        for plan in shop.campaigns.itertuples():
            planned |= np.asarray((shop.days >= plan.starts_date) & (shop.days <= plan.ends_date))
        starts = [day for day in range(150, 490, 60) if not planned[day : day + 3].any()]
        for start in starts:
            value[start : start + 3] *= 0.25
        said = detect(pd.DataFrame({"time": shop.days, "value": value}), shop.campaigns).events
        raised = (said["raised"] - shop.days[0]).dt.days.to_numpy()
        hits = [((raised >= start) & (raised < start + 3)).any() for start in starts]
        found += np.mean(hits) / 2
        others += len(raised) - sum(hits)
    assert found >= 0.9
    assert others <= 10  # shops have promotions on no calendar and shifts, too
