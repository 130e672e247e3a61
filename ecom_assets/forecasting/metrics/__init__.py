"""One accuracy measure a file; all take arrays of one shape and leave out pairs with a missing side."""

from ecom_assets.forecasting.metrics.coverage import coverage_rate
from ecom_assets.forecasting.metrics.mae import mae
from ecom_assets.forecasting.metrics.mape import mape
from ecom_assets.forecasting.metrics.mase import mase, naive_scale
from ecom_assets.forecasting.metrics.rmse import rmse
from ecom_assets.forecasting.metrics.wape import wape

__all__ = ["coverage_rate", "mae", "mape", "mase", "naive_scale", "rmse", "wape"]
