"""The same rows in every encoding and format give the same staged rows."""

import gzip
import io
from datetime import UTC, date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecom_assets.ingestion import opening
from ecom_assets.ingestion.header import FileRefusedError
from ecom_assets_tests.unit.ingestion.conftest import make_shop

TEXT = (
    "order_id,ordered_at,country,shipping_amount\no1,2024-05-01 10:00:00,Österreich,4.95\no2,2024-05-02 11:30:00,,5\n"
)
ROWS = [("o1", "2024-05-01 10:00:00", "Österreich", "4.95"), ("o2", "2024-05-02 11:30:00", None, "5")]
COLUMNS = "order_id, ordered_at, country, shipping_amount"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TEXT.encode(), "a.csv"),
        (TEXT.encode("utf-8-sig"), "a.csv"),
        (TEXT.encode("utf-16"), "a.csv"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "a.csv"),
        (TEXT.encode("cp1252"), "a.csv"),
        (TEXT.replace("\n", "\r\n").encode(), "a.csv"),
        (TEXT.replace("\n", "\r").encode(), "a.csv"),
        (TEXT.rstrip("\n").encode(), "a.csv"),
        ((TEXT + "\n").encode(), "a.csv"),
        (TEXT.replace(",", "\t").encode(), "a.tsv"),
        (gzip.compress(TEXT.encode()), "a.csv.gz"),
        (gzip.compress(TEXT[:60].encode()) + gzip.compress(TEXT[60:].encode()), "a.csv.gz"),
        (TEXT.encode(), "with space's [odd]*name.csv"),
    ],
)
def test_encodings_and_line_ends(bench, content, name):
    receipt = bench.receipt(content, name)
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 2, 0)
    assert bench.staged(COLUMNS) == ROWS
    assert bench.staged("_source_file, _source_line") == [(name, 2), (name, 3)]


def test_json_lines(bench):
    content = (
        '{"order_id": "o1", "ordered_at": "2024-05-01 10:00:00", "country": "Österreich", "shipping_amount": 4.95}\n'
        '{"shipping_amount": 5, "order_id": "o2", "ordered_at": "2024-05-02 11:30:00"}\n'
        '{"order_id": "o3", \n'
        "[1]\n"
        '{"order_id": "o5", "ordered_at": "2024-05-02 11:30:00", "shipping_amount": 1.10}\n'
    )
    receipt = bench.receipt(content, "a.jsonl")
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 3, 2)
    assert bench.staged(COLUMNS)[:2] == ROWS
    assert bench.staged("_source_line, shipping_amount")[2] == (5, "1.10")
    assert [(line, raw) for line, raw, _ in bench.rejects()] == [(3, '{"order_id": "o3", '), (4, "[1]")]


def test_parquet(bench):
    sink = io.BytesIO()
    berlin = [datetime.fromisoformat("2024-05-01T10:00:00+02:00"), datetime.fromisoformat("2024-05-02T11:30:00+02:00")]
    table = pa.table(
        {
            "order_id": ["o1", "o2"],
            "ordered_at": pa.array(berlin, pa.timestamp("us", tz="Europe/Berlin")),
            "shipping_amount": [4.95, 5.0],
            "promised_date": [date(2024, 5, 4), None],
        }
    )
    pq.write_table(table, sink)
    assert bench.receipt(sink.getvalue(), "a.parquet").rows_used == 2
    assert bench.staged("_source_line, order_id, _business_date, shipping_amount, promised_date") == [
        (1, "o1", date(2024, 5, 1), "4.95", "2024-05-04"),
        (2, "o2", date(2024, 5, 2), "5.0", None),
    ]
    bench.to_raw("orders")
    assert bench.clean("orders", "ordered_at") == [(datetime(2024, 5, 1, 8),), (datetime(2024, 5, 2, 9, 30),)]


def parquet(**columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_read_in_bulk_is_parquet_read_row_by_row(bench, monkeypatch):
    utc = pa.array([datetime(2024, 5, 1, 8, 0, 0, 120_000, UTC), None, None], pa.timestamp("ms", "UTC"))
    local = pa.array([None, None, datetime(2024, 5, 2, 11, 30)], pa.timestamp("us"))
    files = {
        "a.parquet": parquet(ordered_at=utc, order_id=["o1", None, "o3"], shipping_amount=[4.95, None, 1e-7]),
        "b.parquet": parquet(order_id=["o4", "", "o6"], ordered_at=local, country=["Österreich", "", None]),
        "c.parquet": parquet(order_id=pa.array([], pa.string()), ordered_at=pa.array([], pa.string())),
    }
    columns = "_source_file, _source_line, order_id, _business_date, country, shipping_amount"
    found = {}
    for way in ("in bulk", "row by row"):
        if way == "row by row":
            monkeypatch.setattr(opening, "described", lambda path: None)
        receipts = [(each.rows_used, each.rows_quarantined) for each in bench.stage(files).receipts]
        found[way] = (receipts, bench.staged(columns), bench.rejects())
    assert found["in bulk"] == found["row by row"]
    assert found["in bulk"][0] == [(1, 2), (1, 2), (0, 0)]
    assert found["in bulk"][2][0] == (2, "", ["blank line"])


def test_a_rejected_row_of_parquet_is_kept_as_a_line_of_csv(bench):
    moments = ["2024-05-01", "soon", "2024-05-03"]
    receipt = bench.receipt(
        parquet(order_id=["o1", "o,2", "o3"], ordered_at=moments, discount_amount=[1, 2, 3]), "a.pq"
    )
    assert (receipt.rows_used, receipt.rows_quarantined) == (2, 1)
    assert bench.rejects() == [(2, '"o,2",soon,2', ["ordered_at: 'soon' is not a time"])]


def workbook(*sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet{number}")
        for row in rows:
            sheet.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


CELLS = [
    ["order_id", "ordered_at", "country", "shipping_amount"],
    ["o1", datetime(2024, 5, 1, 10), "Österreich", 4.95],
    ["o2", datetime(2024, 5, 2, 11, 30), None, 5],
]


def test_excel(bench):
    receipt = bench.receipt(workbook(CELLS, []), "a.xlsx")
    assert (receipt.refused, receipt.rows_used) == (None, 2)
    assert bench.staged(COLUMNS) == ROWS


def test_excel_says_which_row_is_broken(bench):
    receipt = bench.receipt(workbook([*CELLS, [None] * 4, ["o5", "soon", None, 1]]), "a.xlsx")
    assert (receipt.rows_used, receipt.rows_quarantined) == (2, 2)
    assert bench.rejects() == [
        (4, "", ["blank line"]),
        (5, "o5,soon,,1", ["ordered_at: 'soon' is not a time"]),
    ]


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"PK\x03\x04 cut", "a.xlsx", "not an Excel workbook"),
        (workbook([]), "a.xlsx", "workbook is empty"),
        (workbook(CELLS, CELLS), "a.xlsx", "2 sheets: sheet0, sheet1"),
        (b"PAR1 cut", "a.parquet", "not a whole Parquet file"),
        (b"", "a.parquet", "not a whole Parquet file"),
        (b"order_id,ordered_at\n", "a.jsonl", "no JSON object"),
        (b'{"order_id": 1, "ordered_at": "2024-05-01", "shipping": 5}\n', "a.jsonl", "unknown column 'shipping'"),
    ],
)
def test_damaged_and_doubtful_ones_are_refused(bench, content, name, word):
    assert word in (bench.receipt(content, name).refused or "")


def test_names_of_sheets_are_withheld_where_the_file_may_tell_of_persons():
    from ecom_assets.ingestion.workbooks import read_excel

    with pytest.raises(FileRefusedError, match=r"2 sheets: \(names withheld\); name one"):
        read_excel(workbook(CELLS, CELLS), None, quotes=False)
    with pytest.raises(FileRefusedError, match=r"no sheet 'Orders'; the workbook holds 1 sheets: \(names withheld\)"):
        read_excel(workbook(CELLS), "Orders", quotes=False)


def test_a_stated_format_goes_before_the_ending(bench):
    line = b'{"order_id": "o1", "ordered_at": "2024-05-01"}\n'
    assert bench.receipt(line, "a.log", shop=make_shop(format="jsonl")).rows_used == 1
