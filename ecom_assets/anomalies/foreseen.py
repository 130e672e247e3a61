"""What was forecast of a notification's first day before it came, in words. Judges nothing, forecasts nothing."""

import pandas as pd

from ecom_assets.anomalies.tables import SERIES


def said_of_forecasts(causes: pd.DataFrame, outside: pd.DataFrame) -> pd.Series:
    """By row of `causes`, words on the forecast that its series left on the day raised; missing where it left none.

    Args:
        causes: rows of anomaly/causes.
        outside: rows of forecast/expectations on which the day lies outside the champion's 95 % interval.
    """
    days = outside.assign(raised_date=pd.to_datetime(outside["business_date"]))
    words = pd.Series([_words(day) for day in days.to_dict("records")], index=days.index, dtype="object")
    said = days[[*SERIES, "raised_date"]].assign(words=words).drop_duplicates([*SERIES, "raised_date"])
    raised = causes[SERIES].assign(raised_date=pd.to_datetime(causes["raised_date"]))
    return raised.merge(said, on=[*SERIES, "raised_date"], how="left")["words"].set_axis(causes.index)


def _words(day: dict) -> str:
    before = "the day" if day["days_before"] == 1 else f"{day['days_before']:.0f} days"
    prophet = "" if pd.isna(day["prophet_expected"]) else f"; Prophet expected {day['prophet_expected']:.4g}"
    return (
        f"outside the 95 % forecast interval of {before} before ({day['lower_95']:.4g} to {day['upper_95']:.4g}, "
        f"{day['zscore']:+.1f} sigmas from {day['expected']:.4g}{prophet})"
    )
