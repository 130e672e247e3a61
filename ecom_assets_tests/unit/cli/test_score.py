"""`anomalies score`: what it prints where there is a truth, what it says where there is none."""

import csv
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ecom_assets.cli import scoring
from ecom_assets.cli.entry import MISUSED, run

DAYS = pd.date_range("2025-01-01", periods=260)
STRUCK = 200


def series(struck: bool) -> np.ndarray:
    values = 1000 * np.exp(np.random.default_rng(8).normal(0, 0.05, 260))
    values[STRUCK : STRUCK + 2] *= 0.3 if struck else 1.0
    return values


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a truth, and a snapshot of two metrics of which an incident took seven tenths on two days."""
    monkeypatch.setenv("ECOM_HOME", str(tmp_path))
    daily = pd.concat(
        [
            pd.DataFrame({"business_date": DAYS, "metric": metric, "dimension": "total", "member": "all"})
            .assign(value=series(True) * factor)
            for metric, factor in (("orders", 1), ("net_amount", 50))
        ]
    )  # fmt: skip

    def opened(_: object) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.register("daily", daily)
        connection.execute("create schema kpi; create table kpi.daily_metrics as select * from daily")
        return connection

    daily = daily.reset_index(drop=True)
    monkeypatch.setattr("ecom_assets.warehouse.open_snapshot", opened)
    truth = tmp_path / "truth"
    truth.mkdir()
    row = {"incident_id": "I1", "kind": "payment_outage", "is_data_fault": False, "first_date": DAYS[STRUCK].date(),
           "last_date": DAYS[STRUCK + 1].date(), "size": 0.7}  # fmt: skip
    pd.DataFrame([row]).to_csv(truth / "incidents.csv", index=False)
    names = {"metric": "orders", "dimension": "", "member": ""}
    days = slice(STRUCK, STRUCK + 2)
    pd.DataFrame(
        {"incident_id": "I1", "time": DAYS[days], **names, "with_incident": series(True)[days],
         "without_incident": series(False)[days]}
    ).to_csv(truth / "series_effects.csv", index=False)  # fmt: skip
    pd.DataFrame({"time": DAYS, **names, "value": series(False)}).to_csv(truth / "quiet_series.csv", index=False)
    return tmp_path


def test_the_incident_is_found_and_the_card_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["anomalies", "score", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    clear = next(row for row in rows if row["detector"] == "consensus" and row["stratum"] == "clear")
    assert (float(clear["recall"]), float(clear["precision"])) == (1.0, 1.0)
    assert {"zscore+isolation_forest+forecast_residual", "weekday_median", "random"} <= {r["detector"] for r in rows}


def test_without_a_truth_it_says_what_is_missing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "truth" / "quiet_series.csv").unlink()
    assert run(["anomalies", "score"]) == MISUSED
    said = capsys.readouterr().err
    assert "quiet_series.csv" in said
    assert "Traceback" not in said


def test_deleting_the_truth_changes_no_alarm(shop: Path) -> None:
    from ecom_assets.anomalies.shop import detect_shop

    def alarms() -> pd.DataFrame:
        found = detect_shop(*scoring._series())
        return found.notifications

    with_truth = alarms()
    assert len(with_truth) == 1
    shutil.rmtree(shop / "truth")
    pd.testing.assert_frame_equal(alarms(), with_truth)


def test_a_snapshot_without_daily_metrics_is_one_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ecom_assets.warehouse.open_snapshot", lambda _: duckdb.connect())
    assert run(["anomalies", "score"]) == MISUSED
    assert "daily_metrics" in capsys.readouterr().err
