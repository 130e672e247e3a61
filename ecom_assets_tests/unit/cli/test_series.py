"""The verbs for files: series of strangers, sample data."""

import csv
import json
import math
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ecom_assets.cli.entry import MISUSED, run

START = date(2025, 1, 1)


@pytest.fixture
def daily(tmp_path: Path) -> Path:
    """120 days with a weekly season; day 100 is five times what it should be."""
    path = tmp_path / "daily.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["day", "visits"])
        for number in range(120):
            usual = 100 + 20 * math.sin(number * 2 * math.pi / 7) + (number * 37 % 11 - 5)
            writer.writerow([START + timedelta(days=number), usual * (5 if number == 100 else 1)])
    return path


def test_the_one_spike_is_found(daily: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["anomalies", "detect", str(daily), "--time", "day", "--value", "visits", "--format", "json"]) == 0
    events = json.loads(capsys.readouterr().out)
    spike = (START + timedelta(days=100)).isoformat()
    assert [event["start"][:10] for event in events if event["direction"] == "up"] == [spike]


def test_days_are_shown_as_days_and_hours_as_hours(daily: Path, tmp_path: Path, capsys) -> None:
    assert run(["anomalies", "detect", str(daily)]) == 0
    shown = capsys.readouterr().out
    assert str(START + timedelta(days=100)) in shown
    assert "00:00" not in shown
    moments = [datetime(2026, 3, 1) + timedelta(hours=number) for number in range(24 * 21)]
    hourly = tmp_path / "hourly.csv"
    values = [(at, 100 + 10 * math.sin(at.hour / 24 * 2 * math.pi) + at.day * 7 % 3) for at in moments]
    hourly.write_text("time,visits\n" + "".join(f"{at},{value}\n" for at, value in values))
    assert run(["anomalies", "detect", str(hourly), "--points"]) == 0
    assert "2026-03-02 00:00:00" in capsys.readouterr().out


def test_it_says_what_was_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said_of(days: int) -> str:
        path = tmp_path / f"{days}.csv"
        rows = [f"{START + timedelta(days=number)},{100 + number % 7}" for number in range(days)]
        path.write_text("day,visits\n" + "\n".join(rows) + "\n")
        assert run(["anomalies", "detect", str(path)]) == 0
        return capsys.readouterr().err

    first = START + timedelta(days=56)  # eight weeks only teach what is usual
    assert f"64 of 120 steps were judged, from {first} 00:00:00 on; nothing in them" in said_of(120)
    assert "Nothing could be judged: of 40 steps" in said_of(40)
    assert "out of the ordinary" not in said_of(40), "nobody looked"


def test_every_point_is_told_with_what_was_expected(daily: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["anomalies", "detect", str(daily), "--points", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 120
    assert float(rows[100]["upper"]) < float(rows[100]["value"])


def test_a_file_without_such_a_column_is_one_line(daily: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["anomalies", "detect", str(daily), "--time", "when"]) == MISUSED
    said = capsys.readouterr().err
    assert "when" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("values", [[5.0] * 200, [5.0] * 20, [0.1 + 0.2] * 150 + [0.3] * 50])
def test_in_a_series_that_stands_still_nothing_is_found(
    values, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "still.csv"
    path.write_text("day,visits\n" + "".join(f"{START + timedelta(days=n)},{v!r}\n" for n, v in enumerate(values)))
    assert run(["anomalies", "detect", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_first_move_of_a_series_that_stood_still_is_found(tmp_path: Path, capsys) -> None:
    path = tmp_path / "still.csv"
    path.write_text(
        "day,visits\n" + "".join(f"{START + timedelta(days=n)},{3 if n == 150 else 0.1}\n" for n in range(200))
    )
    assert run(["anomalies", "detect", str(path), "--format", "json"]) == 0
    event = json.loads(capsys.readouterr().out)[0]
    assert event["direction"] == "up"
    assert event["start"][:10] == (START + timedelta(days=150)).isoformat()


def test_times_that_are_no_series_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.csv"
    path.write_text("day,visits\n" + "".join(f"{START + timedelta(days=n**2)},{n}\n" for n in range(60)))
    assert run(["anomalies", "detect", str(path)]) == MISUSED
    said = capsys.readouterr().err
    assert f"{path}: the times are not regular" in said.replace("\n", "")
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_forecast_has_its_horizon_and_widening_levels(daily: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forecast", str(daily), "--horizon", "7", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert "off by" in said.err
    steps = json.loads(said.out)
    assert [step["time"][:10] for step in steps] == [str(START + timedelta(days=120 + n)) for n in range(7)]
    assert all(step["lower_95"] <= step["lower_80"] <= step["mean"] <= step["upper_80"] <= step["upper_95"]
               for step in steps)  # fmt: skip
    assert all(60 < step["mean"] < 140 for step in steps)


def test_sample_data_is_written_under_the_datasets_names(tmp_path: Path) -> None:
    wanted = ["simulate", "--out", str(tmp_path / "a"), "--days", "2", "--sessions-per-day", "300", "--seed", "3"]
    assert run(wanted) == 0
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert {"orders.csv", "order_items.csv", "clickstream.csv", "session_tracking.csv", "support_tickets.csv"} <= names
    assert run([*wanted[:2], str(tmp_path / "b"), *wanted[3:]]) == 0
    assert (tmp_path / "a/clickstream.csv").read_bytes() == (tmp_path / "b/clickstream.csv").read_bytes()


def test_contradicting_wishes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["simulate", "--out", str(tmp_path), "--days", "2", "--sessions-per-day", "300", "--events", "500"]
    assert run(wanted) == MISUSED
    assert "events" in capsys.readouterr().err
