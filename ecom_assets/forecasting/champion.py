"""Which forecaster a series gets: the best one where it is clearly best, else the ensemble."""

import numpy as np
import pandas as pd

from ecom_assets.forecasting.ensemble import ENSEMBLE

CHAMPION = "champion"
MARGIN = 0.03
MIN_WIN_RATE = 0.6
MIN_ORIGINS = 6
"""As many as a first test has. Four wins of four or five come by luck, and cost more than a late choice does."""


def choose_champion(backtests: pd.DataFrame, margin: float = MARGIN, fallback: str = ENSEMBLE) -> str:
    """The model with which to forecast from now on.

    A single model replaces the fallback only if its mean scaled error is lower by `margin` and it was better at
    60 % of at least six origins: with a dozen origins the best of five models is often best by luck.

    Args:
        backtests: as of `backtest.backtest`.
        margin: relative improvement asked for.
        fallback: what is chosen where nothing beats it clearly; where it was not tested, the best of all is taken.
    """
    if backtests.empty:
        return fallback
    errors = _errors(backtests)
    means = errors.mean().dropna()
    if means.empty:
        return fallback
    if fallback not in means:
        return str(means.idxmin())
    best = str(means.idxmin())
    wins = float(np.mean(errors[best] < errors[fallback]))
    is_clear = means[best] < (1 - margin) * means[fallback] and wins >= MIN_WIN_RATE and len(errors) >= MIN_ORIGINS
    return best if is_clear else fallback


def with_champion(backtests: pd.DataFrame, margin: float = MARGIN) -> pd.DataFrame:
    """`backtests` and the rows of a model `champion`: at each origin what would have been chosen then.

    The choice at an origin sees only outcomes known at it, so the error of `champion` is that of the whole
    procedure, choice included; the error of the model that is chosen today, over the origins that chose it, is not.
    """
    rows = []
    for origin, said in backtests.groupby("origin", sort=True):
        known = backtests[(backtests["origin"] < origin) & (backtests["time"] <= origin)]
        rows.append(said[said["model"] == choose_champion(known, margin)].assign(model=CHAMPION))
    return pd.concat([backtests, *rows], ignore_index=True)


def _errors(backtests: pd.DataFrame) -> pd.DataFrame:
    """Mean scaled error, one row an origin, one column a model; without a scale the plain error."""
    scale = backtests["scale"].astype("float64").fillna(1.0)
    scaled = (backtests["actual"].astype("float64") - backtests["mean"]).abs() / scale
    table = backtests.assign(scaled=scaled).groupby(["origin", "model"])["scaled"].mean().unstack("model")
    return table.dropna(how="any")
