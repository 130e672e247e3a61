"""Results on the terminal and in a pipe."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from ecom_assets.cli import show

NAMES = ["business_date", "net_amount", "orders", "note", "is_open", "updated_at", "reasons"]
ROWS = [
    (date(2026, 1, 2), Decimal("1234.5000"), 3, 'says "a, b"\nand c', True, datetime(2026, 1, 2, 3, 4, 5), ["x", "y"]),
    (date(2026, 1, 3), None, 0, "Zürich", False, None, []),
]


def printed(format: str, rows=ROWS) -> str:
    out = io.StringIO()
    show.print_rows(NAMES, iter(rows), format, out)
    return out.getvalue()


def test_csv_is_read_back_as_it_was():
    first, second = csv.DictReader(io.StringIO(printed("csv")))
    assert first == {
        "business_date": "2026-01-02",
        "net_amount": "1234.50",
        "orders": "3",
        "note": 'says "a, b"\nand c',
        "is_open": "true",
        "updated_at": "2026-01-02 03:04:05",
        "reasons": '["x", "y"]',
    }
    assert (second["net_amount"], second["note"], second["updated_at"]) == ("", "Zürich", "")


def test_json_is_read_back_as_it_was():
    first, second = json.loads(printed("json"))
    assert (first["net_amount"], first["orders"], first["is_open"], first["reasons"]) == (1234.5, 3, True, ["x", "y"])
    assert (first["business_date"], first["updated_at"]) == ("2026-01-02", "2026-01-02T03:04:05")
    assert (second["net_amount"], second["note"], second["reasons"]) == (None, "Zürich", [])


def asked(sql: str, format: str) -> str:
    """What DuckDB answers, as it is printed."""
    with duckdb.connect() as connection:
        found = connection.execute(sql)
        out = io.StringIO()
        show.print_rows([column[0] for column in found.description], show.batches(found.fetchmany), format, out)
    return out.getvalue()


def strictly(text: str) -> list[dict]:
    """JSON as the standard has it (RFC 8259): without NaN and Infinity, which Python would read."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_json_has_null_where_a_number_is_not_finite():
    sql = """select 'nan'::double as a, 'inf'::double as b, '-inf'::float as c, [1.5, 'nan'::double] as d,
        {'x': 'inf'::double} as e, 2.5 as f"""
    assert strictly(asked(sql, "json")) == [
        {"a": None, "b": None, "c": None, "d": [1.5, None], "e": {"x": None}, "f": 2.5}
    ]
    (row,) = csv.DictReader(io.StringIO(asked(sql, "csv")))
    assert strictly(row["d"]) == [1.5, None]


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ("1 as id, 2 as id, 3 as id", {"id": 1, "id_1": 2, "id_2": 3}),
        ("1 as id, 2 as id, 3 as id_1", {"id": 1, "id_2": 2, "id_1": 3}),
        ("a.*, b.* from (select 1 as x, 2 as y) a, (select 3 as x, 4 as z) b", {"x": 1, "y": 2, "x_1": 3, "z": 4}),
    ],
)
def test_no_column_is_lost_to_another_of_its_name(selected, expected):
    assert strictly(asked(f"select {selected}", "json")) == [expected]
    (row,) = csv.DictReader(io.StringIO(asked(f"select {selected}", "csv")))
    assert row == {name: str(value) for name, value in expected.items()}


def test_keys_of_a_map_become_text():
    sql = "select map {date '2026-01-02': 1.50, date '2026-01-03': null} as days, map {7: [time '10:30']} as hours"
    expected = {"days": {"2026-01-02": 1.5, "2026-01-03": None}, "hours": {"7": ["10:30:00"]}}
    assert strictly(asked(sql, "json")) == [expected]
    (row,) = csv.DictReader(io.StringIO(asked(sql, "csv")))
    assert strictly(row["days"]) == expected["days"]


def test_nothing_is_still_well_formed():
    assert json.loads(printed("json", [])) == []
    assert printed("csv", []).splitlines() == [",".join(NAMES)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("452134.2800"), "452134.28"),
        (Decimal("0.1234"), "0.1234"),
        (Decimal("7.0000"), "7.00"),
        (Decimal("7"), "7"),
        (Decimal("-0.5000"), "-0.50"),
        (0.1 + 0.2, "0.3"),
        (None, ""),
        (True, "yes"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        (["a", Decimal("1.50")], "a; 1.50"),
        ({date(2026, 1, 2): 0.5, "b": None}, "2026-01-02: 0.5; b: "),
    ],
)
def test_a_value_is_written_as_a_person_reads_it(value, text):
    assert show.plain(value) == text


def test_a_pipe_gets_a_table_with_whole_lines(capsys):
    show.print_rows(["word", "long"], [("a [b]", "x" * 300)], "table")
    lines = capsys.readouterr().out.splitlines()
    assert any("x" * 300 in line and "a [b]" in line for line in lines)


def test_rows_too_wide_for_the_terminal_stand_one_below_the_other(monkeypatch, capsys):
    monkeypatch.setattr(show, "console", lambda: show.Console(width=40, highlight=False))
    names = [f"column_{number}" for number in range(8)]
    show.print_rows(names, [tuple(range(8)), tuple(range(10, 18))], "table")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("row 1 ")
    assert [line.split() for line in lines[1:9]] == [[name, str(at)] for at, name in enumerate(names)]


def test_a_table_shows_what_a_person_reads_and_says_that_there_is_more(capsys):
    show.print_rows(["number"], ((number,) for number in range(show.ROWS_SHOWN + 1)), "table")
    shown = capsys.readouterr()
    assert f" {show.ROWS_SHOWN - 1}" in shown.out.replace("\n", " ")
    assert str(show.ROWS_SHOWN) not in shown.out
    assert "--format csv gives all" in shown.err


def test_batches_read_to_the_end():
    left = [[1, 2], [3], []]
    assert list(show.batches(lambda size: left.pop(0))) == [1, 2, 3]
    assert left == []


def test_a_log_gets_what_is_said_in_whole_lines(capsys):
    show.errors().print("word " * 60)
    assert capsys.readouterr().err.rstrip() == ("word " * 60).rstrip()


def on_terminal(width: int) -> show.Console:
    return show.Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True)


@pytest.mark.parametrize(("width", "is_table"), [(77, True), (76, False)])
def test_a_table_that_does_not_fit_is_shown_row_by_row(monkeypatch, width, is_table):
    screen = on_terminal(width)
    monkeypatch.setattr(show, "console", lambda: screen)
    show.print_rows([f"column_{number}_" for number in range(6)], [["x" * 10] * 6], "table")
    lines = screen.file.getvalue().splitlines()
    assert any(line.split() == ["x" * 10] * 6 for line in lines) == is_table, "no cell is broken"
    assert any(line.endswith("x" * 10) and "column_5_" in line for line in lines) != is_table


def test_what_rows_are_named_by_stays_whole_on_a_narrow_terminal():
    screen = on_terminal(40)
    screen.print(show.table(["table", "word"], [("anomaly.notification_members", "some words more")], named=True))
    assert "anomaly.notification_members " in screen.file.getvalue()
