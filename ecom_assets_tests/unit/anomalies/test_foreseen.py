"""Words on the forecast that a notification's first day left."""

import pandas as pd

from ecom_assets.anomalies.foreseen import said_of_forecasts


def outside(**more) -> dict:
    return {
        "business_date": "2026-03-05", "metric": "orders", "dimension": "total", "member": "all", "days_before": 3,
        "expected": 100.0, "lower_95": 90.0, "upper_95": 110.0, "prophet_expected": 104.0, "zscore": -4.2, **more,
    }  # fmt: skip


def test_the_forecast_of_the_day_and_series_is_told_and_no_other():
    causes = pd.DataFrame(
        {
            "metric": ["orders", "orders", "sessions"], "dimension": ["total"] * 3, "member": ["all"] * 3,
            "raised_date": pd.to_datetime(["2026-03-04", "2026-03-05", "2026-03-05"]),
        },
        index=[7, 8, 9],
    )  # fmt: skip
    said = said_of_forecasts(causes, pd.DataFrame([outside()]))
    assert said[[7, 9]].isna().all()
    assert said[8] == (
        "outside the 95 % forecast interval of 3 days before (90 to 110, -4.2 sigmas from 100; Prophet expected 104)"
    )


def test_the_day_before_and_a_series_without_prophet():
    causes = pd.DataFrame([{**outside(), "raised_date": pd.Timestamp("2026-03-05")}])
    (said,) = said_of_forecasts(causes, pd.DataFrame([outside(days_before=1, prophet_expected=None)]))
    assert said.startswith("outside the 95 % forecast interval of the day before (")
    assert "Prophet" not in said


def test_where_nothing_was_forecast_nothing_is_said():
    causes = pd.DataFrame([{**outside(), "raised_date": pd.Timestamp("2026-03-05")}])
    assert said_of_forecasts(causes, pd.DataFrame(columns=list(outside()))).isna().all()
    assert said_of_forecasts(causes.iloc[:0], pd.DataFrame([outside()])).empty
