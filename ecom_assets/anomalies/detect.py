"""A stranger's series in, its anomalies out: the one call behind `ecom anomalies detect`."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import NORMAL_PRIOR, budget_threshold, score_limits, surprise
from ecom_assets.anomalies.consensus import agreement, combined_score, consensus_mean
from ecom_assets.anomalies.events import event_ids, event_table, severity
from ecom_assets.anomalies.features import engineered_features
from ecom_assets.anomalies.forecast_residual import OneStep, one_step_expectations, residual_of
from ecom_assets.anomalies.isolation_forest import isolation_scores
from ecom_assets.anomalies.planned import beyond_band, missing_plans, planned_band
from ecom_assets.anomalies.zscore import Judged, robust_zscore, sustained
from ecom_assets.forecasting.calendar import planned_days
from ecom_assets.forecasting.series import DAY_S, History, regular, step_seconds
from ecom_assets.forecasting.transform import Transform, choose_transform

MONTH_DAYS = 30.4
DAILY_ALARMS_A_MONTH = 0.2
EVENT_GAP_DAYS = 1.0
WARM_UP_CYCLES = 8
UNKNOWN_SIGMAS = 5.0
ROUNDING = 1e-6
CHOICE_CYCLES, CHOICE_STEPS = 5, 56
"""The first steps choose between logarithm and none, once: what was said of a step stays when steps are added."""
POINT_COLUMNS = (
    "time", "value", "expected", "lower", "upper", "score", "detectors", "is_anomaly", "event_id", "severity",
    "direction",
)  # fmt: skip


@dataclass(frozen=True)
class Detected:
    """What was found in one series.

    Attributes:
        points: time, value, expected, lower, upper (what would not have alarmed), score (surprise of the combined
            score), detectors (that agree), is_anomaly, event_id (0 outside), severity and direction ("" outside);
            further consensus (mean surprise of the detectors), sigma (noise in model space), zscore (signed, plans
            taken off), is_planned, columns surprise_<detector> and score_<detector>, and expected_zscore,
            lower_zscore and upper_zscore of that detector alone. One row a step of the regular series.
        events: one row per event, see `events.event_table`.
        missing_plans: planned campaigns of which nothing was to be seen, see `planned.missing_plans`.
        threshold: the surprise from which a step alarms.
    """

    points: pd.DataFrame
    events: pd.DataFrame
    missing_plans: pd.DataFrame
    threshold: float


def detect(
    frame: pd.DataFrame, campaigns: pd.DataFrame | None = None, alarms_a_month: float | None = None, seed: int = 0
) -> Detected:
    """Anomalies of the series in `frame` (time, value), each step judged by the steps before it alone.

    Works on any regular or slightly irregular series; season lengths, the logarithm and all scales are taken from
    the series itself. Three detectors (robust z-score, isolation forest, forecast residual) are combined; a step
    alarms where quiet steps of its own past would do so `alarms_a_month` times a month.

    Args:
        frame: columns time (without zone) and value.
        campaigns: planned events (`forecasting.calendar.CAMPAIGN_COLUMNS`); planned days do not alarm.
        alarms_a_month: budget of false alarms, for a step over a day in 30 steps; None allows a daily series 0.2
            and others as much more as the square root of their steps a day: an hourly series about one.
        seed: of the isolation forest.

    Raises:
        ValueError: where `frame` is no regular series.
    """
    return detect_series(regular(frame, campaigns), alarms_a_month, seed)


def detect_series(
    history: History,
    alarms_a_month: float | None = None,
    seed: int = 0,
    expected: np.ndarray | None = None,
) -> Detected:
    """As `detect`, for a series that is regular already.

    Args:
        history: the series with its campaigns.
        alarms_a_month: budget of false alarms, None as in `detect`.
        seed: of the isolation forest.
        expected: one-step expectations of a forecaster, in the unit of the series; None takes the calendar
            regression of `forecast_residual`.
    """
    prepared = prepare(history, expected)
    isolated = isolation_scores(prepared.features, np.arange(len(history)), 4 * prepared.every, seed)
    return conclude(prepared, isolated, alarms_a_month)


@dataclass(frozen=True)
class Prepared:
    """A series as its detectors see it, before the isolation forest, which may learn from many series at once.

    Attributes:
        history: the series.
        transform: the space of all that follows.
        values: in model space.
        one_step: expectations of the forecast residual, and what plans hold of them.
        by_phase: expectations of the robust z-score.
        excess: signed z-scores of both by detector, less what plans explain.
        features: of the isolation forest, one row a step.
        planned: steps that lie in a campaign.
    """

    history: History
    transform: Transform
    values: np.ndarray
    one_step: OneStep
    by_phase: Judged
    excess: dict[str, np.ndarray]
    features: pd.DataFrame
    planned: np.ndarray

    @property
    def every(self) -> int:
        """Steps between two looks at the past."""
        return max(self.history.season, 7)


def prepare(history: History, expected: np.ndarray | None = None) -> Prepared:
    """Expectations, z-scores and features of one series; arguments as of `detect_series`."""
    first = max(CHOICE_CYCLES * history.season, CHOICE_STEPS)
    transform = choose_transform(history.values[:first], history.season, history.is_non_negative)
    values = transform.forward(history.values)
    planned = planned_days(history.times, history.campaigns)
    one_step = one_step_expectations(history, values)
    one_step = replace(one_step, judged=_beyond_rounding(one_step.judged))
    if expected is not None:
        judged = residual_of(values, transform.forward(expected), 26 * max(history.season, 7))
        one_step = OneStep(judged, one_step.plans)
    by_phase = _beyond_rounding(robust_zscore(values, history.seasons, left_out=planned))
    excess = _excesses(history, values, one_step, by_phase, transform)
    features = engineered_features(values, excess["zscore"], excess["forecast_residual"], max(history.season, 1))
    return Prepared(history, transform, values, one_step, by_phase, excess, features, planned)


def _beyond_rounding(judged: Judged) -> Judged:
    """The same with a sigma of at least a millionth of the expectation: a constant series varies by its last digit."""
    return replace(judged, sigma=np.maximum(judged.sigma, ROUNDING * np.abs(judged.expected)))


def conclude(prepared: Prepared, isolated: np.ndarray, alarms_a_month: float | None = None) -> Detected:
    """Consensus, alarms and events from a prepared series and the isolation forest's scores of its steps."""
    history, one_step, planned = prepared.history, prepared.one_step, prepared.planned
    surprises = _surprises(prepared, isolated)
    score = np.nan_to_num(combined_score(surprises, prepared.every, left_out=planned))
    steps_a_month = _steps_a_month(history)
    if alarms_a_month is None:
        alarms_a_month = DAILY_ALARMS_A_MONTH * max(steps_a_month / MONTH_DAYS, 1.0) ** 0.5
    threshold = budget_threshold(alarms_a_month, steps_a_month)
    points = _points(history, score, surprises, threshold)
    best = prepared.excess["forecast_residual"]
    best = np.where(np.isfinite(best), best, prepared.excess["zscore"])
    points["direction"] = np.where(points["is_anomaly"], np.where(best >= 0, "up", "down"), "")
    points["consensus"], points["zscore"], points["is_planned"] = consensus_mean(surprises), best, planned
    points = _with_limits(points, prepared, threshold).join(_of_each(prepared, isolated, threshold))
    unplanned = prepared.values - (one_step.judged.expected - one_step.plans)
    missing = missing_plans(history.times, history.campaigns, unplanned, one_step.plans, one_step.judged.sigma)
    return Detected(points, event_table(points, threshold), missing, threshold)


def _excesses(
    history: History, values: np.ndarray, one_step: OneStep, by_phase: Judged, transform: Transform
) -> dict[str, np.ndarray]:
    """Signed z-scores of both expectations after what plans explain was taken off."""
    unplanned = one_step.judged.expected - one_step.plans

    def moved(log_change: float) -> np.ndarray:
        if history.is_non_negative:
            return transform.moved(unplanned, log_change)
        return UNKNOWN_SIGMAS * one_step.judged.sigma * log_change  # below zero a factor means nothing

    lower, upper = planned_band(history.times, history.campaigns, one_step.plans, moved)
    result = {}
    for name, judged, plans in (
        ("zscore", by_phase, np.zeros(len(values))),
        ("forecast_residual", one_step.judged, one_step.plans),
    ):
        has_band = (lower != 0) | (upper != 0)
        deviation = values - judged.expected
        unexplained = np.where(has_band, beyond_band(deviation + plans, lower, upper), deviation)
        result[name] = Judged(np.zeros(len(values)), judged.sigma).zscores(unexplained)
    return result


def _surprises(prepared: Prepared, isolated: np.ndarray) -> pd.DataFrame:
    excess, planned, every = prepared.excess, prepared.planned, prepared.every
    # What plans explain is no oddity of the forest's either.
    isolated = np.where(planned & (excess["forecast_residual"] == 0), np.nan, isolated)
    return pd.DataFrame(
        {
            "zscore": surprise(sustained(excess["zscore"]), every, NORMAL_PRIOR, planned),
            "isolation_forest": surprise(isolated, every, left_out=planned),
            "forecast_residual": surprise(sustained(excess["forecast_residual"]), every, NORMAL_PRIOR, planned),
        }
    )


def _points(history: History, score: np.ndarray, surprises: pd.DataFrame, threshold: float) -> pd.DataFrame:
    is_anomaly = (score >= threshold) & np.isfinite(history.values)
    is_anomaly[: WARM_UP_CYCLES * min(history.season, 24)] = False
    steps_a_day = _steps_a_month(history) / MONTH_DAYS
    ids = event_ids(is_anomaly, gap=max(1, round(EVENT_GAP_DAYS * steps_a_day)))
    points = pd.DataFrame({"time": history.times, "value": history.values, "score": score})
    points["detectors"] = np.where(is_anomaly, agreement(surprises, threshold), "")
    points["is_anomaly"], points["event_id"] = is_anomaly, ids
    points["severity"] = [
        severity(float(one), threshold) if alarms else "" for one, alarms in zip(score, is_anomaly, strict=True)
    ]
    return points.join(surprises.add_prefix("surprise_"))


def _with_limits(points: pd.DataFrame, prepared: Prepared, threshold: float) -> pd.DataFrame:
    """`points` with expected, sigma, and lower and upper: what lies at the alarm threshold of past residuals."""
    history, transform, follows, by_phase = (
        prepared.history, prepared.transform, prepared.one_step.judged, prepared.by_phase,
    )  # fmt: skip
    expected = np.where(np.isfinite(follows.expected), follows.expected, by_phase.expected)
    sigma = np.where(np.isfinite(follows.sigma), follows.sigma, by_phase.sigma)
    distance, planned = np.abs(points["zscore"].to_numpy()), points["is_planned"].to_numpy()
    width = score_limits(distance, threshold, prepared.every, NORMAL_PRIOR, planned) * sigma
    lower = transform.back(expected - width)
    points = points.assign(
        expected=transform.back(expected),
        lower=np.maximum(lower, 0.0) if history.is_non_negative else lower,
        upper=transform.back(expected + width),
        sigma=sigma,
    )
    return points[[*POINT_COLUMNS, *(name for name in points if name not in POINT_COLUMNS)]]


def _of_each(prepared: Prepared, isolated: np.ndarray, threshold: float) -> pd.DataFrame:
    """What each detector says by itself: its score, and of the z-score what it expected and would not have minded."""
    by_phase, excess = prepared.by_phase, prepared.excess
    distance = sustained(excess["zscore"])
    width = score_limits(distance, threshold, prepared.every, NORMAL_PRIOR, prepared.planned) * by_phase.sigma
    lower = prepared.transform.back(by_phase.expected - width)
    return pd.DataFrame(
        {
            "score_zscore": excess["zscore"],
            "score_isolation_forest": isolated,
            "score_forecast_residual": excess["forecast_residual"],
            "expected_zscore": prepared.transform.back(by_phase.expected),
            "lower_zscore": np.maximum(lower, 0.0) if prepared.history.is_non_negative else lower,
            "upper_zscore": prepared.transform.back(by_phase.expected + width),
        }
    )


def _steps_a_month(history: History) -> float:
    return max(MONTH_DAYS * DAY_S / step_seconds(history.times), 30.0)
