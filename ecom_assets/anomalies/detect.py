"""A stranger's series in, its anomalies out: the one call behind `ecom anomalies detect`.

The three detectors, their consensus and the table of points are those of `shop`, which takes a shop's daily series.
Here the series may have any step and seasons, and has no relatives: its own past alone says what is a surprise, and
the consensus is calibrated once more, so that the series itself alarms no more often than its budget allows.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import (
    DAILY_ALARMS_A_MONTH,
    MONTH_DAYS,
    NORMAL_PRIOR,
    budget_threshold,
    score_limits,
    surprise,
)
from ecom_assets.anomalies.consensus import combined_score
from ecom_assets.anomalies.events import event_table
from ecom_assets.anomalies.features import engineered_features
from ecom_assets.anomalies.forecast_residual import OneStep, one_step_expectations
from ecom_assets.anomalies.isolation_forest import isolation_scores
from ecom_assets.anomalies.judgement import Judgement, judgement_of
from ecom_assets.anomalies.planned import beyond_band, missing_plans, planned_band
from ecom_assets.anomalies.points import alarms_of, points_of
from ecom_assets.anomalies.zscore import Expectation, robust_zscore, sustained
from ecom_assets.forecasting.calendar import planned_days
from ecom_assets.forecasting.series import DAY_S, History, regular, step_seconds
from ecom_assets.forecasting.transform import Transform, choose_transform

EVENT_GAP_DAYS = 1.0
WARM_UP_CYCLES = 8
UNKNOWN_SIGMAS = 5.0
CHOICE_CYCLES, CHOICE_STEPS = 5, 56
"""The first steps choose between logarithm and none, once: what was said of a step stays when steps are added."""


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
        is_judged: steps that could have alarmed: known, and with enough steps before them.
    """

    points: pd.DataFrame
    events: pd.DataFrame
    missing_plans: pd.DataFrame
    threshold: float
    is_judged: np.ndarray


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


def detect_series(history: History, alarms_a_month: float | None = None, seed: int = 0) -> Detected:
    """As `detect`, for a series that is regular already, with its campaigns."""
    first = max(CHOICE_CYCLES * history.season, CHOICE_STEPS)
    transform = choose_transform(history.values[:first], history.season, history.is_non_negative)
    values = transform.forward(history.values)
    one_step = one_step_expectations(history, values).beyond_rounding()
    judged = judge(history, values, one_step, transform, seed)
    steps_a_month = _steps_a_month(history)
    if alarms_a_month is None:
        alarms_a_month = DAILY_ALARMS_A_MONTH * max(steps_a_month / MONTH_DAYS, 1.0) ** 0.5
    threshold = budget_threshold(alarms_a_month, steps_a_month)
    points = _points(history, judged, threshold, transform)
    deviation = values - one_step.unplanned
    missing = missing_plans(history.times, history.campaigns, deviation, one_step.plans, one_step.sigma)
    is_judged = np.isfinite(history.values) & np.isfinite(judged.consensus)
    is_judged[: _warm_up(history)] = False
    return Detected(points, event_table(points, threshold), missing, threshold, is_judged)


def judge(history: History, values: np.ndarray, one_step: OneStep, transform: Transform, seed: int = 0) -> Judgement:
    """Expectations, z-scores and surprises of every detector, [step].

    Args:
        history: the series.
        values: the history in model space.
        one_step: expectations of the forecast residual.
        transform: to model space.
        seed: of the isolation forest.
    """
    every, planned = _every(history), planned_days(history.times, history.campaigns)
    by_phase = robust_zscore(values, history.seasons, left_out=planned).beyond_rounding()
    zscore, residual = _beyond_plans(history, values, one_step, by_phase, transform)
    features = engineered_features(values, zscore, residual, history.season)
    isolated = isolation_scores(features, np.arange(len(history)), 4 * every, seed)
    scores = {"zscore": zscore, "isolation_forest": isolated, "forecast_residual": residual}
    expects = Expectation(
        np.where(np.isfinite(one_step.expected), one_step.expected, by_phase.expected),
        np.where(np.isfinite(one_step.sigma), one_step.sigma, by_phase.sigma),
    )
    calibrate = partial(surprise, every=every, left_out=planned)
    return judgement_of(scores, expects, by_phase, planned, calibrate, NORMAL_PRIOR)


def _points(history: History, judged: Judgement, threshold: float, transform: Transform) -> pd.DataFrame:
    """One row a step, see `Detected`; limits lie at the alarm threshold of past residuals."""
    every, planned = _every(history), judged.planned
    score = combined_score(judged.surprises, every, planned)
    gap = max(1, round(EVENT_GAP_DAYS * _steps_a_month(history) / MONTH_DAYS))
    alarms = alarms_of(history.values, score, threshold, _warm_up(history), gap)
    distances = np.abs(judged.zscores), sustained(judged.scores["zscore"])
    near, near_zscore = (score_limits(each, threshold, every, NORMAL_PRIOR, planned) for each in distances)
    least = 0.0 if history.is_non_negative else -np.inf
    return points_of(history.times, history.values, judged, alarms, (near, near_zscore), transform.back, least)


def _beyond_plans(
    history: History, values: np.ndarray, one_step: OneStep, by_phase: Expectation, transform: Transform
) -> tuple[np.ndarray, np.ndarray]:
    """Signed z-scores of the z-score and of the forecast residual after what plans explain was taken off."""

    def moved(log_change: float) -> np.ndarray:
        if history.is_non_negative:
            return transform.moved(one_step.unplanned, log_change)
        return UNKNOWN_SIGMAS * one_step.sigma * log_change  # below zero a factor means nothing

    lower, upper = planned_band(history.times, history.campaigns, one_step.plans, moved)
    has_band = (lower != 0) | (upper != 0)

    def zscores(expects: Expectation, plans: np.ndarray | float) -> np.ndarray:
        deviation = values - expects.expected
        return expects.in_sigmas(np.where(has_band, beyond_band(deviation + plans, lower, upper), deviation))

    return zscores(by_phase, 0.0), zscores(one_step, one_step.plans)


def _warm_up(history: History) -> int:
    """First steps, which only teach what is usual."""
    return WARM_UP_CYCLES * min(history.season, 24)


def _every(history: History) -> int:
    """Steps between two looks at the past."""
    return max(history.season, 7)


def _steps_a_month(history: History) -> float:
    return max(MONTH_DAYS * DAY_S / step_seconds(history.times), 30.0)
