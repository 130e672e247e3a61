"""Isolation Forest (Liu, Ting and Zhou, 2008) on engineered features, refitted on the past from time to time."""

import numpy as np
import pandas as pd

from ecom_assets.forecasting.series import stretches

TREES = 60
SAMPLES = 256
MIN_ROWS = 60
REFIT_GROWTH = 1 / 4
CLIP = 12.0


def isolation_scores(
    features: pd.DataFrame, time: np.ndarray, refit_every: int = 28, seed: int = 0, trees: int = TREES
) -> np.ndarray:
    """How easily each row is isolated from the rows before its time: 0.5 is ordinary, towards 1 is odd.

    Rows of many series may be pooled: a row's time decides what it is compared with, and features are free of unit.

    Args:
        features: one row a series and step; rows with NaN are neither learned nor scored.
        time: sortable, of each row.
        refit_every: least number of distinct times between two fits; more where the past is long.
        seed: of the forest.
        trees: of the forest.

    Returns:
        Score a row, NaN where unknown or before 60 rows are there to learn from.
    """
    from sklearn.ensemble import IsolationForest

    rows = np.clip(features.to_numpy("float64"), -CLIP, CLIP)
    usable = np.isfinite(rows).all(axis=1)
    rank = pd.factorize(time, sort=True)[0]
    scores = np.full(len(rows), np.nan)
    steps = int(rank.max()) + 1 if len(rank) else 0
    for start, stop in stretches(refit_every, steps, refit_every, REFIT_GROWTH):
        past = usable & (rank < start)
        now = usable & (rank >= start) & (rank < stop)
        if past.sum() < MIN_ROWS or not now.any():
            continue
        forest = IsolationForest(n_estimators=trees, max_samples=min(SAMPLES, int(past.sum())), random_state=seed)
        forest.fit(rows[past])
        scores[now] = -forest.score_samples(rows[now])
    return scores
