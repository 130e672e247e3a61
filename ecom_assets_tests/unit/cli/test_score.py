"""`anomalies score`: what it prints where there is a truth, what it says where there is none."""

import csv
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.tables import shop_tables
from ecom_assets.cli.entry import MISUSED, run

DAYS = pd.date_range("2025-01-01", periods=260)
STRUCK = 200


def series(struck: bool) -> np.ndarray:
    values = 1000 * np.exp(np.random.default_rng(8).normal(0, 0.05, 260))
    values[STRUCK : STRUCK + 2] *= 0.3 if struck else 1.0
    return values


def tables() -> dict[str, pd.DataFrame]:
    """The layer `anomaly` of a shop with two metrics, of which an incident took seven tenths on two days."""
    daily = pd.concat(
        [
            pd.DataFrame(
                {"time": DAYS, "metric": metric, "dimension": "", "member": "", "value": series(True) * factor}
            )
            for metric, factor in (("orders", 1), ("net_amount", 50))
        ]
    )
    return shop_tables(daily, pd.DataFrame(), pd.DataFrame())


def opened(found: dict[str, pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    """A snapshot that holds the tables, every cause judged to be a change of the business."""
    connection = duckdb.connect()
    connection.execute("create schema anomaly")
    causes = found["anomaly/causes"]
    judged = causes[["notification_id"]].assign(verdict="business_change")
    for asset, rows in {**found, "anomaly/notifications": judged}.items():
        connection.register("rows", rows)
        connection.execute(f"create table {asset.replace('/', '.')} as select * from rows")
    return connection


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a truth and a snapshot."""
    monkeypatch.setenv("ECOM_HOME", str(tmp_path))
    monkeypatch.setattr("ecom_assets.warehouse.open_snapshot", lambda _: opened(tables()))
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
    with_truth = tables()
    assert len(with_truth["anomaly/causes"]) == 1
    shutil.rmtree(shop / "truth")
    for asset, rows in tables().items():
        pd.testing.assert_frame_equal(rows, with_truth[asset])


def test_a_snapshot_without_notifications_is_one_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ecom_assets.warehouse.open_snapshot", lambda _: duckdb.connect())
    assert run(["anomalies", "score"]) == MISUSED
    assert "no notifications" in capsys.readouterr().err
