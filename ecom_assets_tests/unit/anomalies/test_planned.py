import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.planned import beyond_band, missing_plans, planned_band

DAYS = pd.date_range("2026-01-01", periods=40)


def plans(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["campaign_name", "kind", "starts_date", "ends_date"])


def test_only_planned_days_have_a_band():
    lower, upper = planned_band(
        DAYS, plans(("a", "promotion", "2026-01-05", "2026-01-06")), np.full(40, 0.3), lambda x: np.full(40, x)
    )
    assert np.flatnonzero(upper).tolist() == [4, 5]
    assert upper[4] == pytest.approx(0.6 + 0.7)  # twice the lift, and what is unknown of the first plan
    assert lower[4] == pytest.approx(-0.7)


def test_the_band_narrows_with_experience():
    campaigns = plans(*[("a", "promotion", f"2026-01-{day:02}", f"2026-01-{day:02}") for day in (2, 9, 16, 23)])
    _, upper = planned_band(DAYS, campaigns, np.zeros(40), lambda x: np.full(40, x))
    assert upper[[1, 8, 15, 22]].tolist() == pytest.approx([0.7, 0.7 / 2**0.5, 0.7 / 3**0.5, 0.35])


def test_the_week_after_a_holiday_may_dip():
    campaigns = plans(("Black Friday", "holiday", "2026-01-10", "2026-01-12"))
    lower, upper = planned_band(DAYS, campaigns, np.zeros(40), lambda x: np.full(40, x))
    assert np.flatnonzero(lower).tolist() == list(range(9, 19))
    assert lower[15] == pytest.approx(np.log(0.75))
    assert upper[15] == 0


def test_beyond_the_band():
    said = beyond_band(np.array([-2.0, -0.5, 0.5, 3.0]), np.full(4, -1.0), np.full(4, 1.0))
    assert said.tolist() == [-1.0, 0.0, 0.0, 2.0]


def missing(shown: float) -> pd.DataFrame:
    campaigns = plans(("Spring", "promotion", "2026-01-10", "2026-01-14"))
    deviation = np.zeros(40)
    deviation[9:14] = shown
    lift = np.where((np.arange(40) >= 9) & (np.arange(40) < 14), 0.4, 0.0)
    return missing_plans(DAYS, campaigns, deviation, lift, np.full(40, 0.1))


def test_a_plan_that_does_not_show_is_reported_once_on_its_second_day():
    said = missing(0.02)
    assert said["campaign_name"].tolist() == ["Spring"]
    assert said["time"].iloc[0] == pd.Timestamp("2026-01-11")
    assert said["shown_share"].iloc[0] == pytest.approx(0.05)
    assert said["shortfall_sigmas"].iloc[0] == pytest.approx(0.38 / (0.1 / 2**0.5))


def test_a_plan_that_shows_is_not():
    assert missing(0.35).empty


def test_without_a_learned_effect_nothing_can_be_missing():
    campaigns = plans(("Spring", "promotion", "2026-01-10", "2026-01-14"))
    assert missing_plans(DAYS, campaigns, np.zeros(40), np.zeros(40), np.full(40, 0.1)).empty
