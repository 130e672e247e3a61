"""What texts mean, against answers worked out by hand and by Python's own datetime and zoneinfo."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_assets.ingestion.zones import local_from_utc_sql, utc_from_local_sql
from ecom_assets_tests.unit.ingestion.conftest import utc_connection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-01T10:00:00Z", datetime(2024, 7, 1, 10)),
        ("2024-07-01T10:00:00z", datetime(2024, 7, 1, 10)),
        ("2024-07-01 10:00:00 UTC", datetime(2024, 7, 1, 10)),
        ("2024-07-01T10:00:00+05:30", datetime(2024, 7, 1, 4, 30)),
        ("2024-07-01T10:00:00-0530", datetime(2024, 7, 1, 15, 30)),
        ("2024-07-01 10:00:00+02", datetime(2024, 7, 1, 8)),
        ("2024-07-01 10:00:00 +0200", datetime(2024, 7, 1, 8)),
        ("2024-07-01T10:00Z", datetime(2024, 7, 1, 10)),
        ("2024-07-01T10:00+02:00", datetime(2024, 7, 1, 8)),
        ("2024-07-01T10:00:00.250Z", datetime(2024, 7, 1, 10, 0, 0, 250_000)),
        ("2024-07-01 10:00:00", datetime(2024, 7, 1, 8)),
        ("2024-01-01 10:00:00", datetime(2024, 1, 1, 9)),
        ("2024-07-01 8:05", datetime(2024, 7, 1, 6, 5)),
        ("  2024-07-01 10:00  ", datetime(2024, 7, 1, 8)),
        ("2024/07/01", datetime(2024, 6, 30, 22)),
        ("2024-07-01", datetime(2024, 6, 30, 22)),
        (" 2024-7-1 ", datetime(2024, 6, 30, 22)),
        ("1985-07-01 10:00:00", datetime(1985, 7, 1, 8)),
        ("2060-07-01 10:00:00", datetime(2060, 7, 1, 8)),
        (None, None),
        ("  ", None),
    ],
)
def test_timestamps_become_utc(read, text, expected):
    assert read(text, "ordered_at") == expected


@pytest.mark.parametrize(
    "text",
    [
        "12/1/2010 8:26",
        "1.12.2010",
        "20240701",
        "1719828000",
        "2024-02-30",
        "2024-07-01 25:00:00",
        "epoch",
        "infinity",
        "2024-07-01 10:00:00 PM",
        "2024-07-01 junk",
        "2024-07-01T10",
        "0010-12-01",
        "9999-12-31",
        "today",
        "2024-07-01 10:00:00 (BC)",
    ],
)
def test_ambiguous_and_impossible_times_are_unreadable(read, text):
    assert read(text, "ordered_at") == "unreadable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6", 6),
        ("-6", -6),
        ("+6", 6),
        (" 6 ", 6),
        ("6.0", 6),
        ("6.", 6),
        ("1,234,567", 1_234_567),
        ("007", 7),
        ("1,234.00", 1234),
        ("6.5", "unreadable"),
        ("1e3", "unreadable"),
        ("1e-2", "unreadable"),
        ("0x1F", "unreadable"),
        ("1,234", "unreadable"),
        ("six", "unreadable"),
        ("1,234.50", "unreadable"),
        ("99999999999999999999", "unreadable"),
    ],
)
def test_integers(read, text, expected):
    assert read(text, "line_number", "order_items") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.95", "4.9500"),
        ("-4", "-4.0000"),
        (".5", "0.5000"),
        ("1,234.50", "1234.5000"),
        ("1,234,567", "1234567.0000"),
        ("1.23456", "1.2346"),
        ("4,95", "unreadable"),
        ("1,234", "unreadable"),
        ("1.234,50", "unreadable"),
        ("€4.95", "unreadable"),
        ("NaN", "unreadable"),
        ("inf", "unreadable"),
        ("1" + "0" * 15, "unreadable"),
    ],
)
def test_money(read, text, expected):
    found = read(text, "paid_amount")
    assert found == (expected if expected == "unreadable" else Decimal(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-01", date(2024, 7, 1)),
        ("2024-07-01 00:00:00", date(2024, 7, 1)),
        ("2024/7/1", date(2024, 7, 1)),
        ("2024-06-30T23:30:00Z", date(2024, 7, 1)),
        ("01.07.2024", "unreadable"),
        ("2024-07-01x", "unreadable"),
    ],
)
def test_dates_are_days_of_the_shop(read, text, expected):
    assert read(text, "promised_date") == expected


@pytest.mark.parametrize(("text", "expected"), [("Yes", True), ("0", False), ("FALSE", False), ("maybe", "unreadable")])
def test_booleans(read, text, expected):
    assert read(text, "has_marketing_consent", "customers") == expected


@pytest.mark.parametrize(("text", "expected"), [("inf", "unreadable"), ("NaN", "unreadable"), ("0.25", 0.25)])
def test_doubles_are_finite(read, text, expected):
    assert read(text, "discount_rate", "campaigns") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paid Search", "paid_search"),
        ("paid-search", "paid_search"),
        ("tiktok", "other"),
        (None, "unknown"),
        (" ", "unknown"),
    ],
)
def test_closed_sets(read, text, expected):
    assert read(text, "channel") == expected


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "UTC",
]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    moments=st.lists(st.datetimes(datetime(2021, 1, 1), datetime(2034, 12, 31)), min_size=1, max_size=50),
)
def test_local_times_follow_zoneinfo_with_the_first_of_two(zone, moments):
    moments = [moment.replace(microsecond=0) for moment in moments]
    table = ", ".join(f"(TIMESTAMP '{moment}')" for moment in moments)
    both = f"{utc_from_local_sql('m', zone, 2024)}, {local_from_utc_sql('m', zone, 2024)}"
    sql = f"select {both} from (values {table}) t(m)"
    found = utc_connection().execute(sql).fetchall()
    rules = ZoneInfo(zone)
    for moment, (utc, local) in zip(moments, found, strict=True):
        assert utc == moment.replace(tzinfo=rules, fold=0).astimezone(UTC).replace(tzinfo=None)
        assert local == moment.replace(tzinfo=UTC).astimezone(rules).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-31 02:30:00", datetime(2024, 3, 31, 1, 30)),  # does not exist: 03:30 summer time
        ("2024-03-31 01:59:59", datetime(2024, 3, 31, 0, 59, 59)),
        ("2024-03-31 03:00:00", datetime(2024, 3, 31, 1)),
        ("2024-10-27 02:30:00", datetime(2024, 10, 27, 0, 30)),  # exists twice: the first, in summer time
        ("2024-10-27 03:00:00", datetime(2024, 10, 27, 2)),
        ("2024-10-27 02:30:00+01:00", datetime(2024, 10, 27, 1, 30)),  # the second, when it says so
    ],
)
def test_spring_gap_moves_forward_and_autumn_fold_is_the_first(read, text, expected):
    assert read(text, "ordered_at") == expected


def test_the_whole_of_a_change_day_is_exact():
    start = datetime(2024, 10, 27)
    moments = [start + timedelta(minutes=minute) for minute in range(24 * 60)]
    table = ", ".join(f"(TIMESTAMP '{moment}')" for moment in moments)
    sql = f"select {utc_from_local_sql('m', 'Europe/Berlin', 2024)} from (values {table}) t(m)"
    found = [row[0] for row in utc_connection().execute(sql).fetchall()]
    rules = ZoneInfo("Europe/Berlin")
    assert found == [moment.replace(tzinfo=rules).astimezone(UTC).replace(tzinfo=None) for moment in moments]
