"""How strangers write times and numbers."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.ingestion.series_cells import numbers_of, times_of

DAYS = pd.date_range("2026-01-01", periods=60)


def times(cells) -> tuple[list[pd.Timestamp], list[str]]:
    warnings: list[str] = []
    return list(times_of(pd.Series(list(cells)), warnings)), warnings


@pytest.mark.parametrize("shape", ["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%b %d, %Y"])
def test_days_in_many_shapes(shape):
    said, warnings = times(day.strftime(shape) for day in DAYS)
    assert said == list(DAYS)
    assert warnings == []


def test_first_days_of_months_are_told_from_months_of_days_by_even_steps_and_it_is_said():
    months = pd.date_range("2020-01-01", periods=24, freq="MS")
    said, warnings = times(month.strftime("%d/%m/%Y") for month in months)
    assert said == list(months)
    assert "day/month/year" in warnings[0]


def test_day_first_hours():
    hours = pd.date_range("2026-01-01", periods=60, freq="17h")
    assert times(hour.strftime("%d/%m/%Y %H:%M") for hour in hours)[0] == list(hours)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_epochs_by_their_size(unit):
    hours = pd.date_range("2026-01-01", periods=5, freq="h")
    numbers = [str(stamp) for stamp in hours.as_unit(unit).asi8]
    assert times(numbers)[0] == list(hours)
    assert times(map(int, numbers))[0] == list(hours)


def test_numbers_that_count_something_else_are_no_times():
    assert all(each is pd.NaT for each in times([1, 2, 3])[0])


@pytest.mark.parametrize("told", [str, lambda stamp: stamp.isoformat()])
def test_hours_with_a_zone_become_utc_and_lose_none_in_autumn(told):
    hours = pd.date_range("2026-10-24", periods=72, freq="h", tz="UTC")
    said, warnings = times(told(hour) for hour in hours.tz_convert("Europe/Berlin"))
    assert said == list(hours.tz_localize(None))
    assert "UTC" in warnings[0]


def test_days_with_a_zone_keep_their_date():
    local = pd.date_range("2026-03-01", periods=60, tz="Europe/Berlin")
    assert times(day.isoformat() for day in local)[0] == list(local.tz_localize(None))
    assert times(local)[0] == list(local.tz_localize(None))


def numbers(*cells) -> tuple[list[float], list[str]]:
    warnings: list[str] = []
    said, bad = numbers_of(pd.Series(list(cells)), warnings)
    assert not bad.any()
    return said.tolist(), warnings


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.5", "2e3", "-4"), [1.5, 2000, -4]),
        (("1,5", "12", "1.234,25"), [1.5, 12, 1234.25]),
        (("1,234.5", "1,234,567", "3"), [1234.5, 1234567, 3]),
        (("$1.50", "€2", "\u22123"), [1.5, 2, -3]),
        (("12.5%", "3%"), [12.5, 3]),
        (("1 234,5", "10"), [1234.5, 10]),
        (("987", "1.204", "1.313.000"), [987, 1204, 1313000]),
        (("1.204", "1.313", "987.000"), [1.204, 1.313, 987]),
        (("987", "1.204", "1.31"), [987, 1.204, 1.31]),
        (("1", "0.125", "1.375"), [1, 0.125, 1.375]),
        (("1204", "1.313"), [1204, 1.313]),
    ],
)
def test_numbers_in_many_shapes(cells, expected):
    assert numbers(*cells)[0] == expected


def test_missing_cells_are_missing():
    said, _ = numbers("1", "", "n/a", "NaN", None, "-")
    assert np.isnan(said[1:]).all()


def test_what_a_comma_means_is_said():
    assert numbers("1,5", "2")[1] == ["numbers were read as in 1.234,5"]


@pytest.mark.parametrize(
    "cells",
    [
        ("1,234", "12"),
        ("1.5", "oops"),
        ("1,5", "2.5"),
        ("1", "inf"),
        ("1", "12 EUR"),
        ("987", "1.204", "1.313"),
        ("-12", "", "1.313"),
    ],
)
def test_doubtful_numbers_are_bad(cells):
    _, bad = numbers_of(pd.Series(list(cells)), [])
    assert bad.any()
