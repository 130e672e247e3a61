import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.calendar import ANNUAL, holiday_name, planned_days, planned_effects

TIMES = pd.date_range("2025-11-26", periods=6)
CAMPAIGNS = pd.DataFrame(
    {
        "campaign_name": ["Autumn", "Flash", "Black Friday 2025"],
        "kind": ["promotion", "promotion", "holiday"],
        "starts_date": ["2025-11-26", "2025-11-27", "2025-11-28"],
        "ends_date": ["2025-11-27", "2025-11-27", "2025-11-29"],
        "discount_rate": [0.2, 0.1, np.nan],
    }
)


def test_planned_days_are_inclusive():
    assert planned_days(TIMES, CAMPAIGNS).tolist() == [True, True, True, True, False, False]


def test_effects_by_hand():
    effects = planned_effects(TIMES, CAMPAIGNS)
    assert effects["promotion"].tolist() == [1, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(effects["promotion_depth"], [0.2, 0.3, 0, 0, 0, 0])
    assert effects["holiday:black friday"].tolist() == [0, 0, 1, 1, 0, 0]


def test_hours_of_a_planned_day_are_planned():
    hours = pd.date_range("2025-11-29 22:00", periods=4, freq="h")
    assert planned_days(hours, CAMPAIGNS).tolist() == [True, True, False, False]


def test_nothing_planned_is_no_column():
    assert planned_effects(TIMES, None).shape == (6, 0)


@pytest.mark.parametrize("name", ["Black Friday 2025", "black friday", "2024 Black Friday", "Black Friday-2023"])
def test_a_holiday_keeps_its_name_over_the_years(name):
    assert holiday_name(name) == "black friday"


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="ends_date"):
        planned_days(TIMES, CAMPAIGNS.drop(columns="ends_date"))


def test_an_event_that_comes_back_has_columns_of_its_own_by_day():
    events = pd.DataFrame(
        {
            "campaign_name": ["Black Friday 2024", "Weekend deals 2024", "Black Friday 2025"],
            "kind": "promotion",
            "starts_date": ["2024-11-28", "2024-12-05", "2025-11-27"],
            "ends_date": ["2024-11-29", "2024-12-06", "2025-11-28"],
        }
    )
    times = pd.date_range("2024-11-25", "2025-12-05")
    effects = planned_effects(times, events)
    assert list(effects) == ["promotion", "promotion_depth", f"{ANNUAL}black friday 1", f"{ANNUAL}black friday 2"]
    assert list(times[effects[f"{ANNUAL}black friday 2"] > 0].strftime("%Y-%m-%d")) == ["2024-11-29", "2025-11-28"]
    assert effects["promotion"].sum() == 6
