import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.allowance import advertised, allowances, demand_factors, discounted, unlisted_peaks

DAYS = pd.date_range("2026-03-01", periods=30)
KEYS = [
    ("orders", "", ""), ("orders", "channel", "email"), ("orders", "channel", "direct"), ("error_rate", "", ""),
    ("average_order_value", "", ""),
]  # fmt: skip


def plan(kind: str, name: str = "Deals", channel: str | None = None) -> pd.DataFrame:
    row = {
        "campaign_name": name,
        "kind": kind,
        "channel": channel,
        "starts_date": "2026-03-10",
        "ends_date": "2026-03-12",
    }
    return pd.DataFrame([row])


def test_a_plan_may_begin_a_day_early_and_end_a_day_late():
    lift, _ = demand_factors(DAYS, KEYS, plan("promotion"))
    assert np.flatnonzero(lift[:, 0]).tolist() == [8, 9, 10, 11, 12]


def test_a_channels_plan_excuses_its_channel_and_the_whole_but_no_other_channel():
    lift, dip = demand_factors(DAYS, KEYS, plan("promotion", channel="email"))
    assert lift[10, 1] > lift[10, 0] > 0
    assert (lift[10, 2], dip[10, 2]) == (0, 0)


def test_a_promotion_excuses_more_orders_and_smaller_ones_but_no_errors():
    up, down = allowances(KEYS, *demand_factors(DAYS, KEYS, plan("promotion")))
    assert up[10, 0] == pytest.approx(0.7)
    assert down[10, 0] == pytest.approx(0.05)
    assert (up[10, 3], down[10, 3]) == (0, 0)
    assert down[10, 4] > up[10, 4]


def test_a_holiday_excuses_a_dip_and_a_peak_the_week_behind_it():
    _, dip = demand_factors(DAYS, KEYS, plan("holiday", "Easter 2026"))
    assert dip[10, 0] == pytest.approx(0.9)
    lift, dip = demand_factors(DAYS, KEYS, plan("promotion", "Black Friday 2026"))
    assert lift[10, 0] == pytest.approx(2.3)
    assert dip[17, 0] == pytest.approx(0.4)
    assert dip[25, 0] == 0


def test_what_a_peak_sold_comes_back_for_weeks():
    days = pd.date_range("2026-03-01", periods=60)
    keys = [("refund_amount", "", ""), ("orders", "", "")]
    lift, _ = demand_factors(days, keys, plan("promotion", "Black Friday 2026"))
    assert lift[[12, 40, 46], 0].tolist() == pytest.approx([2.3, 2.3, 2.3])
    assert lift[47, 0] == 0
    assert lift[40, 1] == 0


def test_discounts_give_away_a_promotion_that_stands_on_no_calendar():
    rate = np.full(30, 0.01)
    rate[20] = 0.15
    lift = discounted(DAYS, KEYS, {("", ""): rate})
    assert np.flatnonzero(lift[:, 0]).tolist() == [20]
    in_email = discounted(DAYS, KEYS, {("channel", "email"): rate})
    assert in_email[20, 1] > in_email[20, 0] > 0
    assert in_email[20, 2] == 0


def test_without_plans_nothing_is_excused():
    lift, dip = demand_factors(DAYS, KEYS, None)
    assert not lift.any()
    assert not dip.any()


def test_a_channel_that_spends_twice_as_much_has_a_campaign():
    email, display = np.full(30, 20.0), np.full(30, 300.0)
    email[20], display[20] = 41.0, 500.0
    lift = advertised(KEYS, {"email": email, "display": display}, {})
    assert np.flatnonzero(lift[:, 1]).tolist() == [20]
    assert not lift[:, [0, 2, 3, 4]].any()


def test_a_channel_that_never_spent_has_no_usual_spend():
    email = np.zeros(30)
    email[20] = 50.0
    assert not advertised(KEYS, {"email": email}, {}).any()
    assert not advertised(KEYS, {}, {}).any()


def test_a_campaign_lasts_while_its_spend_stays_above_the_usual():
    email = np.full(30, 20.0)
    email[18:23] = [30.0, 41.0, 30.0, 27.0, 30.0]
    assert np.flatnonzero(advertised(KEYS, {"email": email}, {})[:, 1]).tolist() == [19, 20]


def test_spend_that_brings_nobody_is_no_campaign():
    email, visits = np.full(30, 20.0), np.full(30, 100.0)
    email[[18, 22]], visits[22] = 90.0, 160.0
    lift = advertised(KEYS, {"email": email}, {"email": visits})
    assert np.flatnonzero(lift[:, 1]).tolist() == [22]


def test_discounts_on_black_friday_are_the_peak_of_the_year_and_on_other_fridays_are_not():
    days = pd.date_range("2025-11-01", periods=40)
    rate = np.where(days.isin(pd.to_datetime(["2025-11-21", "2025-11-28", "2025-12-01"])), 0.3, 0.02)
    peaks = unlisted_peaks(days, rate)
    assert peaks["starts_date"].tolist() == [pd.Timestamp("2025-11-28"), pd.Timestamp("2025-12-01")]
    lift, _ = demand_factors(days, [("orders", "", ""), ("refund_amount", "", "")], peaks)
    assert lift[[26, 27, 28, 30], 0].tolist() == pytest.approx([0.0, 2.3, 0.35, 2.3])
    assert lift[39, 1] == pytest.approx(2.3)
    assert unlisted_peaks(days, np.full(40, 0.3)).empty
