"""The forecasters by name. Which one a series gets is `champion`'s choice."""

import numpy as np

from ecom_assets.forecasting.backtest import Forecaster, expectations
from ecom_assets.forecasting.boosting import Boosting
from ecom_assets.forecasting.ensemble import ENSEMBLE
from ecom_assets.forecasting.prophet_model import ProphetForecaster
from ecom_assets.forecasting.seasonal_naive import SeasonalNaive
from ecom_assets.forecasting.series import History
from ecom_assets.forecasting.theta import Theta


def default_forecasters(seed: int = 0) -> tuple[Forecaster, ...]:
    """Seasonal naive (the baseline), Theta, Prophet, gradient boosting."""
    return (SeasonalNaive(), Theta(), ProphetForecaster(seed=seed), Boosting(seed=seed))


def forecasters_of(model: str, seed: int = 0) -> tuple[Forecaster, ...]:
    """The forecasters that `model` needs: itself, or all but the baseline for the ensemble.

    Raises:
        ValueError: where no forecaster is called `model`, naming those that there are.
    """
    known = {one.name: one for one in default_forecasters(seed)}
    if model == ENSEMBLE:
        return tuple(one for name, one in known.items() if name != SeasonalNaive.name)
    if model not in known:
        raise ValueError(f"no forecaster {model!r}; there are {', '.join([*known, ENSEMBLE])}")
    return (known[model],)


def expectation_of(model: str, history: History, horizon: int, seed: int = 0) -> np.ndarray:
    """What the model called `model` expects of the next `horizon` steps; no other one is fitted.

    Raises:
        ValueError: where no forecaster is called `model`.
    """
    return expectations(history, horizon, forecasters_of(model, seed))[model]
