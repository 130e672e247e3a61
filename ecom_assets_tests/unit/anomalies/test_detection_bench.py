"""What the bench of detectors adds to the scorecard: the series that count, baselines, thresholds, going on."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from bench import detection
from bench.alarmers import oracle_scores, prophet_scores
from bench.simulated_series import KEYS, SimulatedShop, as_watched

DAYS = pd.date_range("2025-01-01", periods=200).as_unit("ns")
NAMES = ["metric", "dimension", "member"]


def series(metric: str, member: str = "", level: float = 1000.0, cases: float = np.nan, **more: object) -> pd.DataFrame:
    noise = np.exp(np.random.default_rng(len(metric + member)).normal(0, 0.02, len(DAYS)))
    names = {"metric": metric, "dimension": "channel" if member else "", "member": member}
    values = {"value": level * noise, "quiet": level * noise, "expected": level, "cases": cases, **more}
    return pd.DataFrame({"time": DAYS, **names, **values})


def shop(*parts: pd.DataFrame) -> SimulatedShop:
    daily = pd.concat(parts, ignore_index=True)
    deltas = daily[["time", *NAMES]].assign(incident_id="a", delta=1.0)
    plan = {"campaign_name": "Clearance 2025", "kind": "promotion", "channel": None}
    plans = pd.DataFrame([{**plan, "starts_date": DAYS[60], "ends_date": DAYS[62]}])
    return SimulatedShop(daily, pd.DataFrame(), deltas, pd.DataFrame(), plans)


def test_ratios_of_few_cases_and_values_that_are_not_believed_count_for_nothing():
    tracked = np.where(DAYS[150] == DAYS, 0.5, 1.0)
    seen = as_watched(
        shop(
            series("conversion_rate", level=0.02, cases=900.0), series("conversion_rate", "email", 0.02, 12.0),
            series("orders"), series("discount_rate", level=0.1, cases=500.0),
            series("tracking_coverage_rate", cases=100.0, value=tracked, quiet=1.0, expected=1.0),
        )
    )  # fmt: skip
    assert set(seen.daily[KEYS].itertuples(index=False, name=None)) == {
        ("conversion_rate", "", ""), ("orders", "", ""), ("discount_rate", "", ""), ("tracking_coverage_rate", "", ""),
    }  # fmt: skip
    assert set(seen.deltas["metric"]) == {"conversion_rate", "orders", "tracking_coverage_rate"}
    conversion = seen.daily[seen.daily["metric"] == "conversion_rate"].set_index("time")["value"]
    assert conversion[conversion.isna()].index.tolist() == [DAYS[150]]


def test_the_oracle_is_surprised_by_what_the_twin_does_not_hold():
    orders = series("orders")
    orders.loc[150, "value"] *= 1.5
    scored = oracle_scores(shop(orders)).set_index("time")["score"]
    assert scored.idxmax() == DAYS[150]
    assert scored[DAYS[150]] > 5 > scored.drop(DAYS[150:153]).max(), "the two days after are judged with it"


def test_prophets_interval_ends_where_the_score_is_two(tmp_path):
    orders = series("orders")
    orders.loc[150, "value"] *= 1.5
    scored = prophet_scores(shop(orders), tmp_path / "prophet.parquet").set_index("time")
    assert scored["score"].idxmax() == DAYS[150]
    ordinary = scored.drop(DAYS[150])["zscore"].dropna()
    assert 0.8 < ordinary.std() < 1.3
    outside = scored["zscore"].abs() > 2.5758
    assert ((scored["score"] > 2) == outside).all()
    assert (tmp_path / "prophet.parquet").is_file()


def test_a_threshold_that_breaks_the_budget_is_not_chosen():
    rows = [("a", 3.0, 0.9, False), ("a", 4.0, 0.5, True), ("a", 5.0, 0.6, True), ("a", 6.0, np.nan, True)]
    tuning = pd.DataFrame(rows, columns=["alarmer", "threshold", "f1_clear", "keeps_budget"]).assign(f1_from_3=0.5)
    assert detection.best_thresholds(tuning) == {"a": 5.0}


def test_the_budget_is_false_notifications_a_shop_month():
    counts = {"incidents": 2, "hits": 1, "missed": 1, "neutral": 0, "delay_days": 0.0, "days": 304.375}
    made = [
        {"seed": 1, "alarmer": "a", "threshold": threshold, "stratum": stratum, "false": false,
         "notifications": false + 1, **counts}
        for threshold, false in ((3.0, 3), (4.0, 2)) for stratum in detection.PROMISED
    ]  # fmt: skip
    tuning = detection.tuning_of(pd.DataFrame(made))
    assert tuning["false_a_month"].tolist() == pytest.approx([0.3, 0.2])
    assert tuning["keeps_budget"].tolist() == [False, True]


def test_a_broken_run_goes_on_where_it_was(tmp_path, monkeypatch):
    judged = []

    def judge(made: object, seed: int, *_: object, **__: object) -> dict[str, pd.DataFrame]:
        judged.append(seed)
        if seed == 3 and judged.count(3) == 1:
            raise KeyboardInterrupt
        return {"counts": pd.DataFrame({"seed": [seed]}), "verdicts": pd.DataFrame(), "clear": pd.DataFrame()}

    reported = {}
    monkeypatch.setattr(detection, "simulated_shop", lambda seed, cache: None)
    monkeypatch.setattr(detection, "judged_shop", judge)
    monkeypatch.setattr(detection, "report", lambda **frames: reported.update(frames))
    asked = Namespace(seeds=(1, 4), cache=tmp_path, cached=False, prophet=False, tune=False, forecasts=False)
    with pytest.raises(KeyboardInterrupt):
        detection.main(asked)
    detection.main(asked)
    assert judged == [1, 2, 3, 3, 4]
    assert reported["counts"]["seed"].tolist() == [1, 2, 3, 4]
