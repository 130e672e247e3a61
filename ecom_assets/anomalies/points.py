"""The long table of a shop's judged days, and the events of its series. Judges nothing itself."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ecom_assets.anomalies.consensus import AGREE_SHARE, DETECTORS
from ecom_assets.anomalies.detect import POINT_COLUMNS
from ecom_assets.anomalies.events import EVENT_COLUMNS, SEVERITIES, event_ids, event_table
from ecom_assets.anomalies.wide import KEYS, Wide

START_DAYS = 56


@dataclass(frozen=True)
class Judgement:
    """What the detectors say, [day, series].

    Attributes:
        expected: of the forecast residual, in model space.
        sigma: its noise.
        zscores: signed, plans taken off.
        planned: cells that a plan concerns.
        surprises: by detector.
        consensus: their weighted mean.
        weekly: expectation of the z-score, in model space.
        weekly_sigma: its noise.
        scores: what each detector says before it is calibrated.
        faults: the file fault that is proven to have moved the cell, "" for none; None where no files are known.
    """

    expected: np.ndarray
    sigma: np.ndarray
    zscores: np.ndarray
    planned: np.ndarray
    surprises: dict[str, np.ndarray]
    consensus: np.ndarray
    weekly: np.ndarray
    weekly_sigma: np.ndarray
    scores: dict[str, np.ndarray]
    faults: np.ndarray | None = None

    def plain_zscores(self, wide: Wide) -> np.ndarray:
        """Signed z-scores with nothing taken off for plans."""
        return (wide.moved - self.expected) / self.sigma

    def with_faults(self, consensus: np.ndarray, faults: np.ndarray) -> "Judgement":
        """The same with what files say of it."""
        return replace(self, consensus=consensus, faults=faults)


def points_of(wide: Wide, judged: Judgement, threshold: float) -> pd.DataFrame:
    """One row a series and day, see `shop.ShopDetected`; a series alarms from the surprise `threshold` on."""
    days, count = wide.values.shape
    score = np.nan_to_num(judged.consensus)
    is_anomaly = (score >= threshold) & np.isfinite(wide.values)
    is_anomaly[:START_DAYS] = False
    ids = np.column_stack([event_ids(is_anomaly[:, place], 1) for place in range(count)])
    reach = 1.645 + (threshold - 1) * np.log(10) * 0.55  # where noise of normal tails has that surprise
    width, weekly_width = reach * judged.sigma, reach * judged.weekly_sigma
    level = np.where(
        score >= threshold * SEVERITIES[0][0],
        "critical",
        np.where(score >= threshold * SEVERITIES[1][0], "major", "minor"),
    )
    table = {
        "time": np.tile(wide.days.to_numpy(), count),
        "value": wide.values.T.ravel(),
        "expected": _back(wide, judged.expected),
        "lower": _back(wide, judged.expected - width),
        "upper": _back(wide, judged.expected + width),
        "score": score.T.ravel(),
        "detectors": np.where(is_anomaly, _agreeing(judged, threshold), "").T.ravel(),
        "is_anomaly": is_anomaly.T.ravel(),
        "event_id": ids.T.ravel(),
        "severity": np.where(is_anomaly, level, "").T.ravel(),
        "direction": np.where(is_anomaly, np.where(np.nan_to_num(judged.zscores) >= 0, "up", "down"), "").T.ravel(),
        **{f"surprise_{name}": judged.surprises[name].T.ravel() for name in DETECTORS},
        "consensus": judged.consensus.T.ravel(),
        "zscore": judged.zscores.T.ravel(),
        "is_planned": judged.planned.T.ravel(),
        "sigma": judged.sigma.T.ravel(),
        "is_watched": np.repeat(wide.is_told, days),
        "fault": "" if judged.faults is None else judged.faults.T.ravel(),
        "expected_zscore": _back(wide, judged.weekly),
        "lower_zscore": _back(wide, judged.weekly - weekly_width),
        "upper_zscore": _back(wide, judged.weekly + weekly_width),
        **{f"score_{name}": judged.scores[name].T.ravel() for name in DETECTORS},
    }
    names = {
        name: np.repeat(np.array([key[place] for key in wide.keys], dtype=object), days)
        for place, name in enumerate(KEYS)
    }
    points = pd.DataFrame({**names, **table})
    return points[[*KEYS, *POINT_COLUMNS, *(name for name in table if name not in POINT_COLUMNS)]]


def _back(wide: Wide, moved: np.ndarray) -> np.ndarray:
    return np.concatenate([space.back(moved[:, place]) for place, space in enumerate(wide.spaces)])


def _agreeing(judged: Judgement, threshold: float) -> np.ndarray:
    """Names of the detectors that agree on each cell, joined by "+"."""
    said = np.full(judged.consensus.shape, "", dtype=object)
    for name in DETECTORS:
        agrees = np.nan_to_num(judged.surprises[name]) >= AGREE_SHARE * threshold
        said = np.where(agrees, np.where(said == "", name, said + "+" + name), said)
    return said


def shop_events(points: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row per event of each series, see `events.event_table`."""
    parts = []
    for key, rows in points[points["event_id"] > 0].groupby(KEYS, sort=True):
        names = {name: str(part) for name, part in zip(KEYS, key, strict=True)}
        parts.append(event_table(rows, threshold).assign(**names))
    if not parts:
        return pd.DataFrame(columns=[*KEYS, *EVENT_COLUMNS])
    return pd.concat(parts, ignore_index=True)[[*KEYS, *EVENT_COLUMNS]]
