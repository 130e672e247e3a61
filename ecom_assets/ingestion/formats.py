"""Parquet, JSON lines, Excel and logs as records of texts with their line. Knows no expected columns and no types."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ecom_assets.ingestion.csv_records import Record
from ecom_assets.ingestion.header import FileRefusedError


@dataclass(frozen=True)
class Rows:
    """A file's column names, the line on which they stand, and its records in that order of columns."""

    columns: list[str]
    header_line: int
    records: Iterable[Record]


def read_parquet(path: Path) -> Rows:
    """A Parquet file; the line is the row's number from 1, a moment with a zone becomes UTC.

    Raises:
        FileRefusedError: not a Parquet file, or a damaged one.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    try:
        relation = connection.execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)", [str(path)])
        columns = [name for name, *_ in relation.description or ()]
        rows = relation.fetchall()
    except duckdb.Error as error:
        what = str(error).splitlines()[0]
        raise FileRefusedError(f"not a whole Parquet file ({what}); deliver it again") from error
    finally:
        connection.close()
    return Rows(columns, 1, _numbered(rows, 1))


def _numbered(rows: Iterable[tuple[str | None, ...]], first: int) -> Iterator[Record]:
    for line, row in enumerate(rows, first):
        values = ["" if value is None else value for value in row]
        if any(values):
            yield Record(line, values, csv_line(values))
        else:
            yield Record(line, None, "", "blank line")


def read_lines(data: bytes) -> Rows:
    r"""A log: each line is the one column `line`; there is no header. A byte that is not UTF-8 becomes \xNN.

    An empty one is a log just rotated: were it refused, the lines that its name brought before would stand beside the
    same lines in the file that they were moved to.
    """
    lines = data.decode("utf-8-sig", errors="backslashreplace").split("\n")
    if not lines[-1]:
        lines.pop()
    return Rows(["line"], 0, (_line_record(number, line.rstrip("\r")) for number, line in enumerate(lines, 1)))


def _line_record(number: int, line: str) -> Record:
    return Record(number, [line], line) if line.strip() else Record(number, None, line, "blank line")


def read_json_lines(lines: list[str]) -> Rows:
    """One JSON object a line; numbers keep their digits, nested values stay JSON.

    Raises:
        FileRefusedError: not one line is an object.
    """
    parsed: list[tuple[int, dict[str, Any] | None, str, str]] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        raw = line.rstrip("\r\n")
        if not raw.strip():
            if number < len(lines) or raw:
                parsed.append((number, None, raw, "blank line"))
            continue
        value, fault = _object(raw)
        if value is not None:
            columns |= dict.fromkeys(value)
        parsed.append((number, value, raw, fault))
    if not columns:
        raise FileRefusedError(
            f"line 1: no JSON object, nor on any other of {len(lines)} lines; one object a line is expected"
        )
    names = list(columns)
    return Rows(names, 1, (_json_record(names, *one) for one in parsed))


def _object(raw: str) -> tuple[dict[str, Any] | None, str]:
    try:
        value = json.loads(raw, parse_float=str, parse_int=str, object_pairs_hook=_unique)
    except ValueError as error:
        return None, f"not a JSON object ({error})"
    return (value, "") if isinstance(value, dict) else (None, "not a JSON object")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _json_record(names: list[str], line: int, value: dict[str, Any] | None, raw: str, fault: str) -> Record:
    if value is None:
        return Record(line, None, raw, fault)
    return Record(line, [_as_text(value.get(name)) for name in names], raw)


def read_excel(data: bytes, sheet: str | None) -> Rows:
    """The sheet of a workbook, cells as text: whole numbers without decimals, moments in ISO 8601.

    Raises:
        FileRefusedError: not a workbook, several sheets with data and none named, or no such sheet.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever zip, XML and its own checks raise
        raise FileRefusedError(f"not an Excel workbook ({error}); deliver it again") from error
    if sheet is not None and sheet not in book.sheetnames:
        raise FileRefusedError(f"there is no sheet {sheet!r}; the workbook holds {', '.join(book.sheetnames)}")
    names = [sheet] if sheet else [name for name in book.sheetnames if _first_row(book[name])]
    if not names:
        raise FileRefusedError("the workbook is empty; deliver it again, or take it out of the landing folder")
    if len(names) > 1:
        raise FileRefusedError(f"the workbook holds {len(names)} sheets: {', '.join(names)}; name one in a mapping")
    rows = ([_as_text(cell) for cell in row] for row in book[names[0]].iter_rows(values_only=True))
    first = next(rows, [])
    while first and not first[-1]:
        first.pop()
    return Rows(first, 1, _sheet_records(rows, len(first)))


def _first_row(sheet: Any) -> bool:
    return any(cell is not None for row in sheet.iter_rows(max_row=1, values_only=True) for cell in row)


def _sheet_records(rows: Iterable[list[str]], width: int) -> Iterator[Record]:
    blank: list[int] = []
    for line, row in enumerate(rows, 2):
        values = (row + [""] * width)[:width]
        if not any(row):
            blank.append(line)  # a formatted but empty end of the sheet is no data, a gap within is a blank line
            continue
        yield from (Record(number, None, "", "blank line") for number in blank)
        blank.clear()
        beyond = [cell for cell in row[width:] if cell]
        if beyond:
            yield Record(line, None, csv_line(row), f"{width + len(beyond)} fields where the header has {width}")
        else:
            yield Record(line, values, csv_line(values))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def csv_line(values: Iterable[str]) -> str:
    """Values as one line of CSV: the raw text of rows that have none of their own."""
    sink = io.StringIO()
    csv.writer(sink).writerow(values)  # quotes a line break only where its own line end holds one
    return sink.getvalue().removesuffix("\r\n")
