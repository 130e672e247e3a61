import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.scorecard import alarmers, detector_scorecard, matched, named, sized, told_apart
from ecom_assets.anomalies.scoring import match

DAYS = pd.date_range("2025-01-01", periods=200)
KEY = {"metric": "orders", "dimension": "", "member": ""}


def quiet() -> pd.DataFrame:
    """A growing shop, alternately e^.1 too many orders and too few: a spread of 1.4826 × .1 in logarithms."""
    level = 1000 * np.exp(0.03 * np.arange(200))
    noise = np.exp(0.1 * np.where(np.arange(200) % 2 == 0, 1, -1))
    return pd.DataFrame({"time": DAYS, **KEY, "value": level * noise, "expected": level})


def incidents(**more: object) -> pd.DataFrame:
    rows = {"incident_id": ["a", "b"], "start": [DAYS[150], DAYS[170]], "end": [DAYS[152], DAYS[170]]}
    return pd.DataFrame({**rows, "kind": "late_file", "is_data_fault": [True, False], **more})


def effects(*changes: tuple[str, int, float]) -> pd.DataFrame:
    rows = [(incident, DAYS[day], *KEY.values(), 1000 * np.exp(log), 1000.0) for incident, day, log in changes]
    return pd.DataFrame(rows, columns=["incident_id", "time", *KEY, "with_incident", "without_incident"])


def test_size_and_moved_by_hand():
    said = sized(incidents(), effects(("a", 150, -0.9), ("a", 151, -1.2), ("b", 170, 0.2)), quiet())
    sigma = 1.4826 * 0.1
    assert said["size"].tolist() == pytest.approx([1.5 / sigma, 0.2 / sigma])
    assert said["moved"].tolist() == [frozenset({("orders", "", "")}), frozenset()]


def test_a_noisy_series_sizes_as_well_by_its_own_noise():
    log = np.random.default_rng(1).normal(0, 0.7, 200)
    said = sized(incidents(), effects(("a", 150, -2.0)), quiet().assign(value=1000 * np.exp(log), expected=1000.0))
    sigma = 1.4826 * np.median(np.abs(log - np.median(log)))
    assert said["size"].tolist() == pytest.approx([2.0 / sigma, 0.0])


def notifications(*days: int) -> pd.DataFrame:
    rows = [(number, DAYS[day], frozenset({("orders", "", "")})) for number, day in enumerate(days)]
    return pd.DataFrame(rows, columns=["notification_id", "raised", "names"])


def test_an_incident_that_runs_into_the_scored_days_is_neither_found_nor_false():
    truth = incidents(size=9.0, moved=[frozenset({("orders", "", "")})] * 2)
    outcome = matched(notifications(152, 170, 185), truth, DAYS[152], DAYS[199])
    assert outcome.notifications["outcome"].tolist() == ["neutral", "hit", "false"]
    assert outcome.incidents["incident_id"].tolist() == ["b"]


def points() -> pd.DataFrame:
    """One series whose detectors disagree on day 150 and agree on day 170."""
    table = pd.DataFrame({"time": DAYS, **KEY, "value": 1000.0, "zscore": 0.0, "is_planned": False, "is_watched": True})
    for name in ("zscore", "isolation_forest", "forecast_residual"):
        table[f"surprise_{name}"] = 0.1
    table.loc[150, "surprise_zscore"] = 12.0
    table.loc[170, ["surprise_zscore", "surprise_isolation_forest", "surprise_forecast_residual"]] = 12.0, 11.0, 10.0
    return table


def test_pairs_alarm_where_both_do():
    table, made = points(), alarmers()
    assert np.flatnonzero(made["zscore"](table) > 5).tolist() == [150, 170]
    assert np.flatnonzero(made["zscore+forecast_residual"](table) > 5).tolist() == [170]
    assert made["zscore+isolation_forest+forecast_residual"](table)[170] == 10.0
    assert made["two_of_three"](table)[[150, 170]].tolist() == [0.1, 11.0]


def test_the_card_has_every_alarmer_in_every_stratum():
    truth = incidents(size=[9.0, 4.0], moved=[frozenset({("orders", "", "")})] * 2)
    said = notifications(150, 190)
    members = pd.DataFrame({"notification_id": [0, 1], **KEY, "time": [DAYS[150], DAYS[190]]})
    verdicts = pd.DataFrame({"event_id": [0, 1], "verdict": "data fault"})
    card = detector_scorecard(points(), said.drop(columns="names"), members, truth, 0.0025, verdicts)
    assert len(card) == (1 + len(alarmers()) + 1) * 4
    rows = card.set_index(["detector", "stratum"])
    clear, everything = rows.loc[("consensus", "clear")], rows.loc[("consensus", "all")]
    assert (clear["precision"], clear["recall"]) == (0.5, 1.0)
    assert (everything["precision"], everything["recall"]) == (0.5, 0.5)
    assert everything["balanced_accuracy"] == 1.0
    assert rows.loc[("zscore", "all"), "recall"] == 1.0
    assert rows.loc[("zscore+forecast_residual", "all"), "recall"] == 0.5


def test_what_was_named_on_the_day_raised():
    said = pd.DataFrame({"notification_id": [1], "raised": [DAYS[5]]})
    members = pd.DataFrame({"notification_id": 1, **KEY, "time": [DAYS[5], DAYS[6]]})
    members.loc[1, "metric"] = "sessions"
    assert named(said, members)["names"].tolist() == [frozenset({("orders", "", "")})]


def test_faults_told_from_business_by_hand():
    truth = incidents(moved=[frozenset({("orders", "", "")})] * 2)
    outcome = match(notifications(150, 170), truth)
    verdicts = pd.DataFrame({"event_id": [0, 1], "verdict": ["data fault", "data fault"]})
    assert told_apart(outcome, verdicts) == 0.5
