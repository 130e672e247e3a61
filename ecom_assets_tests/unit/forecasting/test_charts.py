"""Charts are PNGs of what they are given, and nothing where there is nothing to show."""

import io

import numpy as np
import pandas as pd
from matplotlib.image import imread

from ecom_assets.forecasting.charts import accuracy_chart, forecast_chart

NAMES = ("actual", "mean", "lower_80", "upper_80", "lower_95", "upper_95")


def rows(ahead: int) -> pd.DataFrame:
    days = pd.date_range("2026-01-01", periods=40 + ahead)
    came = np.where(np.arange(len(days)) < 40, 100.0, np.nan)
    said = np.where(np.arange(len(days)) < 40, np.nan, 100.0)
    values = dict(zip(NAMES, (came, said, said - 10, said + 10, said - 20, said + 20), strict=True))
    return pd.concat(
        [pd.DataFrame({"metric": metric, "business_date": days, **values}) for metric in ("orders", "conversion_rate")]
    )


def test_forecast_chart_draws_the_intervals():
    (image,) = forecast_chart(rows(28)).values()
    pixels = imread(io.BytesIO(image))[..., :3]
    assert pixels.shape == (378, 684, 3)
    is_line = np.abs(pixels - np.array([0x3B, 0x5B, 0xDB]) / 255).max(axis=2) < 0.1
    assert is_line[:, 342:].any(), "the expected line"
    assert is_line.any(axis=0).sum() > 30


def test_no_forecast_no_chart():
    assert forecast_chart(rows(0)) == {}
    assert accuracy_chart(pd.DataFrame(columns=["model", "is_champion", "coverage_80", "relative_mase"])) == {}


def test_accuracy_chart_takes_series_without_coverage():
    known = pd.DataFrame({"model": ["theta", "seasonal_naive"], "is_champion": [True, False],
                          "coverage_80": [np.nan, np.nan], "relative_mase": [0.7, 1.0]})  # fmt: skip
    (image,) = accuracy_chart(known).values()
    assert image.startswith(b"\x89PNG")
