"""What three detectors say of each step, from their scores to one consensus. Expects nothing itself and alarms nobody.

Arrays are [step] of one series, from `detect`, or [day, series] of a shop, from `shop`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ecom_assets.anomalies.calibration import Prior
from ecom_assets.anomalies.consensus import consensus_mean
from ecom_assets.anomalies.zscore import Expectation, sustained


@dataclass(frozen=True)
class Judgement:
    """What the detectors say of each step.

    Attributes:
        expected: of the forecast residual, in model space.
        sigma: its noise.
        zscores: signed, plans taken off.
        planned: steps that a plan concerns.
        surprises: by detector.
        consensus: their weighted mean.
        expected_zscore: expectation of the z-score, in model space.
        sigma_zscore: its noise.
        scores: what each detector says before it is calibrated.
        faults: the file fault that is proven to have moved the value, "" for none; None where no files are known.
    """

    expected: np.ndarray
    sigma: np.ndarray
    zscores: np.ndarray
    planned: np.ndarray
    surprises: dict[str, np.ndarray]
    consensus: np.ndarray
    expected_zscore: np.ndarray
    sigma_zscore: np.ndarray
    scores: dict[str, np.ndarray]
    faults: np.ndarray | None = None

    def with_faults(self, consensus: np.ndarray, faults: np.ndarray) -> "Judgement":
        """The same with what files say of it."""
        return replace(self, consensus=consensus, faults=faults)


def judgement_of(
    scores: dict[str, np.ndarray],
    residual: Expectation,
    zscore: Expectation,
    planned: np.ndarray,
    calibrate: Callable[..., np.ndarray],
    prior: Prior,
) -> Judgement:
    """The judgement that follows from the scores of the three detectors.

    A z-score is taken together with those of the steps before. What plans explain is no oddity of the forest's either.
    How far a step is off (`zscores`) the forecast residual says, and the z-score where that does not know.

    Args:
        scores: by detector: signed z-scores less what plans explain, and the forest's.
        residual: what the forecast residual expected.
        zscore: what the z-score expected.
        planned: steps that a plan concerns.
        calibrate: `calibration.surprise` or `pooled_surprise`, which still lack scores and `prior`.
        prior: of absolute z-scores; the forest's scores have none.
    """
    own = scores["forecast_residual"]
    unexcused = {**scores, "isolation_forest": np.where(planned & (own == 0), np.nan, scores["isolation_forest"])}
    surprises = {
        name: calibrate(values) if name == "isolation_forest" else calibrate(sustained(values), prior=prior)
        for name, values in unexcused.items()
    }
    best = np.where(np.isfinite(own), own, scores["zscore"])
    return Judgement(
        residual.expected, residual.sigma, best, planned, surprises, consensus_mean(surprises),
        zscore.expected, zscore.sigma, scores,
    )  # fmt: skip
