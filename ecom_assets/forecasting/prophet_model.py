"""Prophet (Taylor and Letham, 2018) with campaigns as regressors and holidays as holidays."""

import logging
import warnings

import numpy as np
import pandas as pd

from ecom_assets.forecasting.calendar import planned_effects
from ecom_assets.forecasting.series import History
from ecom_assets.forecasting.transform import choose_transform


class ProphetForecaster:
    """Prophet with its own defaults; the logarithm is taken where the series asks for it.

    Args:
        seed: of numpy's global generator, which Prophet draws from; the generator's state is put back afterwards.
        uses_campaigns: False gives plain Prophet, the comparison.
        chooses_transform: False models the values as they are.
    """

    name = "prophet"

    def __init__(self, seed: int = 0, uses_campaigns: bool = True, chooses_transform: bool = True) -> None:
        self.seed = seed
        self.uses_campaigns = uses_campaigns
        self.chooses_transform = chooses_transform

    def forecast(self, history: History, horizon: int) -> np.ndarray:
        """Expectations of the next `horizon` steps, in the unit of the series."""
        values = history.values
        transform = choose_transform(values, history.season, history.is_non_negative and self.chooses_transform)
        times = history.span(horizon)
        frame = pd.DataFrame({"ds": times})
        plans = planned_effects(times, history.campaigns if self.uses_campaigns else None)
        # A plan that never happened in the history has no effect to learn, and Prophet cannot fit a constant.
        plans = plans.loc[:, plans.iloc[: len(values)].std() > 0]
        names = [f"plan_{number}" for number in range(plans.shape[1])]
        frame[names] = plans.to_numpy()
        past = frame.iloc[: len(values)].assign(y=transform.forward(values)).dropna(subset="y")
        expected = self._expected(past, frame.iloc[len(values) :], names)
        return transform.back(expected)

    def _expected(self, past: pd.DataFrame, ahead: pd.DataFrame, regressors: list[str]) -> np.ndarray:
        quiet_loggers()
        from prophet import Prophet

        state = np.random.get_state()  # Prophet draws from numpy's global generator
        try:
            np.random.seed(self.seed)
            model = Prophet(uncertainty_samples=0)
            for name in regressors:
                model.add_regressor(name, standardize=False)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(past)
                return model.predict(ahead)["yhat"].to_numpy("float64")
        finally:
            np.random.set_state(state)


def quiet_loggers() -> None:
    """Prophet and cmdstanpy write a line a fit; only errors are let through."""
    for name in ("prophet", "cmdstanpy", "prophet.plot"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False
