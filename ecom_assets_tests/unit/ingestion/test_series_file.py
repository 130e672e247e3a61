"""Strangers' files: what is read, what is repaired, what is refused and how it is said."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecom_assets.ingestion.series_file import read_series

DAYS = [f"2026-01-{day:02}" for day in range(1, 31)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows(separator: str = ",") -> list[str]:
    return [f"{day}{separator}{number}.5" for number, day in enumerate(DAYS)]


def test_a_plain_file(tmp_path):
    said = read_series(write(tmp_path / "a.csv", ["day,orders", *rows()]), "day", "orders")
    assert said.warnings == ()
    assert said.frame["time"].iloc[0] == pd.Timestamp("2026-01-01")
    np.testing.assert_array_equal(said.frame["value"], np.arange(30) + 0.5)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_usual_names(tmp_path, separator):
    path = write(tmp_path / "a.csv", [f"Date{separator}visits", *rows(separator)])
    assert len(read_series(path).frame) == 30


def test_quoted_and_compressed(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("\n".join(['"ds","y"', *(f'"{day}",1' for day in DAYS)]).encode()))
    assert len(read_series(path).frame) == 30


def test_parquet(tmp_path):
    frame = pd.DataFrame({"when": pd.date_range("2026-01-01", periods=40, tz="Europe/Berlin"), "n": range(40)})
    frame.to_parquet(tmp_path / "a.parquet")
    said = read_series(tmp_path / "a.parquet", "when", "n").frame
    assert said["time"].iloc[0] == pd.Timestamp("2026-01-01")


def test_times_in_seconds(tmp_path):
    lines = [f"{1_767_225_600 + 3600 * hour},1" for hour in range(30)]
    assert read_series(write(tmp_path / "a.csv", ["time,value", *lines])).frame["time"].iloc[0].year == 2026


def test_order_does_not_matter_and_missing_values_stay_missing(tmp_path):
    lines = list(reversed(rows()))
    lines[3] = "2026-01-27,"
    said = read_series(write(tmp_path / "a.csv", ["time,value", *lines])).frame
    assert said["time"].is_monotonic_increasing
    assert said["value"].isna().tolist().index(True) == 26


def test_the_hour_told_twice_is_averaged_and_said(tmp_path):
    path = write(tmp_path / "a.csv", ["time,value", *rows(), "2026-01-03,4.5"])
    said = read_series(path)
    assert said.frame["value"].iloc[2] == 3.5
    assert "1 rows repeat a time, the first 2026-01-03" in said.warnings[0]


def test_gaps_are_said(tmp_path):
    path = write(tmp_path / "a.csv", ["time,value", *rows()[:10], *rows()[15:]])
    assert "the widest is 6 days" in read_series(path).warnings[0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["time,value", *rows(), "soon,3"], "line 32: time is not a time: 'soon'"),
        (["time,value", *rows()[:4], "2026-02-01,12 EUR", *rows()[4:]], "line 6: value is not a number: '12 EUR'"),
        (["time,value", *rows()[:5]], "at least 20 values, found 5"),
        (["time,value", *rows(), *rows()], "30 of 60 rows repeat a time"),
        (["a,b,c", *(f"{row},1" for row in rows())], "--value which of the columns a, b, c"),
        (["time,b,c", *(f"{row},1" for row in rows())], "--value"),
        (["time,value", *(f"{day},true" for day in DAYS)], "not a number: 'true'"),
    ],
)
def test_what_is_refused(tmp_path, lines, message):
    with pytest.raises(ValueError, match=r"a\.csv: ") as error:
        read_series(write(tmp_path / "a.csv", lines))
    assert message in str(error.value)


def test_encodings_and_words_above_the_columns(tmp_path):
    text = "\n".join(["# exported", "Datum;Größe", *rows(";")])
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        assert len(read_series(path, "Datum", "Größe").frame) == 30


def test_decimal_commas_are_understood_and_said(tmp_path):
    lines = [row.replace(".", ",") for row in rows(";")]
    said = read_series(write(tmp_path / "a.csv", ["day;orders", *lines]))
    np.testing.assert_array_equal(said.frame["value"], np.arange(30) + 0.5)
    assert "1.234,5" in said.warnings[0]


def test_lines_are_counted_with_empty_ones_and_words_above(tmp_path):
    lines = ["# exported", "time,value", rows()[0], "", *rows()[1:], "2026-03-01,oops"]
    with pytest.raises(ValueError, match="line 34: value is not a number"):
        read_series(write(tmp_path / "a.csv", lines))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], "no line with the names"),
        (["value", *(str(number) for number in range(30))], "--time which of the columns value is meant"),
        (["time,value", *(row.replace(".", ",") for row in rows())], "more cells than the first line has names"),
    ],
)
def test_tables_that_are_none(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read_series(write(tmp_path / "a.csv", lines))


def test_readings_at_uneven_times_are_means_of_a_clocks_steps_and_it_is_said(tmp_path):
    rng = np.random.default_rng(0)
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.cumsum(rng.choice([4, 5, 8, 12, 20], 600)), unit="min")
    lines = [f"{time},{number % 10}" for number, time in enumerate(times)]
    said = read_series(write(tmp_path / "a.csv", ["time,value", *lines]))
    assert "times are uneven" in said.warnings[0]
    assert (said.frame["time"].diff().dropna() >= pd.Timedelta("10min")).all()
    assert said.frame["value"].mean() == pytest.approx(4.5, abs=0.2)


def test_unknown_columns_and_files_are_named(tmp_path):
    path = write(tmp_path / "a.csv", ["time,value", *rows()])
    with pytest.raises(ValueError, match="no column 'amount'; its columns are time, value"):
        read_series(path, value="amount")
    with pytest.raises(ValueError, match="no such file"):
        read_series(tmp_path / "b.csv")
    with pytest.raises(ValueError, match=r"expected a \.csv"):
        read_series(write(tmp_path / "a.xml", ["<a/>"]))
    with pytest.raises(ValueError, match="same column"):
        read_series(path, "time", "time")


@pytest.mark.parametrize("sign", [".", ","])
def test_thousands_that_may_be_decimals_are_refused_with_a_way_out(tmp_path, sign):
    def lines(shown: list[str]) -> list[str]:
        days = pd.date_range("2026-01-01", periods=len(shown))
        return ["datum;umsatz", *(f"{day:%d.%m.%Y};{cell}" for day, cell in zip(days, shown, strict=True))]

    shown = [f"{number:,}".replace(",", sign) for number in range(995, 1025)]
    with pytest.raises(ValueError, match="which may be a decimal or thousands") as error:
        read_series(write(tmp_path / "a.csv", lines(shown)), value="umsatz")
    assert f"line 7: umsatz is not a number: '1{sign}000'" in str(error.value)
    assert "(25 of 30 rows); write numbers as 1234.5, without signs between thousands" in str(error.value)
    said = read_series(write(tmp_path / "a.csv", lines([cell.replace(sign, "") for cell in shown])), value="umsatz")
    assert said.frame["value"].tolist() == list(range(995, 1025))


@pytest.mark.parametrize("sign", [".", ","])
def test_times_without_a_usual_name_are_taken_where_no_other_column_holds_any(tmp_path, sign):
    lines = [f"berlin;{day};{2000 + number}{sign}5" for number, day in enumerate(DAYS)]
    found = read_series(write(tmp_path / "a.csv", ["shop;order_day;sold", *lines]), value="sold").frame
    assert list(found["time"].dt.strftime("%Y-%m-%d")) == DAYS
    assert found["value"].iloc[0] == 2000.5
    frame = pd.DataFrame({"sold": range(2000, 2030), "order_day": pd.to_datetime(DAYS).date})
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(read_series(tmp_path / "a.parquet").frame["value"]) == list(range(2000, 2030)), (
        "not the years of 2000 on"
    )


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("ordered,sent,sold", "{day},{day},5"),  # two hold times
        ("year,sold", "2026,5"),  # numbers may be values
        ("ordered,sold", "{day} or so,5"),
        ("Date,Time,ordered,sold", "x,y,{day},5"),  # two names, of which neither is to be passed over
    ],
)
def test_a_column_of_times_is_never_guessed(tmp_path, header, line):
    path = write(tmp_path / "a.csv", [header, *(line.format(day=day) for day in DAYS)])
    with pytest.raises(ValueError, match=f"say with --time which of the columns {header.replace(',', ', ')} is meant"):
        read_series(path, value="sold")
