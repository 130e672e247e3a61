"""What forecasters would have said of a simulated shop's days, for the bench of the detectors. Detects nothing.

Every four weeks over the last year, each time from what was known, as the back-tests of a shop that runs. Theta stands
for the champion, which it mostly is or nearly: all four forecasters at each origin would take ten times as long.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.simulated_series import KEYS, SimulatedShop
from ecom_assets.forecasting import shop as shop_forecasts
from ecom_assets.forecasting.models import expectation_of
from ecom_assets.forecasting.series import History, season_lengths
from ecom_assets.metrics import metrics

ORIGINS, HORIZON = 13, shop_forecasts.HORIZON
MODELS = {"champion_expected": "theta", "prophet_expected": "prophet"}


def standing(shop: SimulatedShop, kept: Path) -> pd.DataFrame:
    """`KEYS`, time, champion_expected, prophet_expected and foretold_on of every series that the catalogue forecasts.

    Args:
        shop: with the series and values that are watched.
        kept: Parquet file with the forecasts, which is made where it is missing.
    """
    if not kept.is_file():
        forecast = {name: metric.forecast_by for name, metric in metrics().items() if metric.forecast}
        days = pd.date_range(shop.daily["time"].min(), shop.daily["time"].max()).as_unit("ns")
        parts = []
        for key, rows in shop.daily.groupby(KEYS):
            if key[0] in forecast and key[1] in ("", *forecast[key[0]]):
                parts += _of_series(rows, key, days, shop.campaigns)
        pd.concat(parts, ignore_index=True).to_parquet(kept)
    return pd.read_parquet(kept)


def _of_series(rows: pd.DataFrame, key: tuple, days: pd.DatetimeIndex, campaigns: pd.DataFrame) -> list[pd.DataFrame]:
    values = rows.set_index("time")["value"].reindex(days).to_numpy("float64")
    concerning = shop_forecasts._concerning(campaigns.to_dict("records"), key)
    history = History(days, values, season_lengths(days), metrics()[key[0]].non_negative, concerning)
    parts = []
    for start in range(len(days) - ORIGINS * HORIZON - 3, len(days), HORIZON):
        ahead = days[start : start + HORIZON]
        said = {name: _said(model, history.until(start), len(ahead)) for name, model in MODELS.items()}
        table = pd.DataFrame({"time": ahead, **said, "foretold_on": days[start - 1]})
        parts.append(table.assign(**dict(zip(KEYS, key, strict=True))))
    return parts


def _said(model: str, past: History, horizon: int) -> np.ndarray:
    try:
        return expectation_of(model, past, horizon, 0)
    except ValueError:  # too few values of a small member
        return np.full(horizon, np.nan)
