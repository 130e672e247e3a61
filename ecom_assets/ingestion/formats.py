"""Parquet, JSON lines and logs as records of texts with their line. Knows no expected columns and no types."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ecom_assets.ingestion.csv_records import Record
from ecom_assets.ingestion.faults import is_of_the_machine
from ecom_assets.ingestion.header import FileRefusedError
from ecom_assets.ingestion.values import glob_escaped


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
        sql = "SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?, hive_partitioning=false)"
        relation = connection.execute(sql, [glob_escaped(str(path))])
        columns = [name for name, *_ in relation.description or ()]
        rows = relation.fetchall()
    except duckdb.Error as error:
        if is_of_the_machine(error):
            raise
        raise FileRefusedError(
            "not a whole Parquet file, or one of types that are not read; deliver it again"
        ) from error
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
    parsed: list[tuple[int, dict[str, str] | None, str, str]] = []
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


def _object(raw: str) -> tuple[dict[str, str] | None, str]:
    """The object's values as text, or what is wrong with the line."""
    try:
        value = json.loads(raw, parse_float=str, parse_int=str, object_pairs_hook=_unique)
        if not isinstance(value, dict):
            return None, "not a JSON object"
        texts = {key: as_text(one) for key, one in value.items()}
    except RecursionError:
        return None, "not a JSON object (values nested too deeply)"
    except ValueError as error:
        return None, f"not a JSON object ({error})"
    if "\\u" in raw and _has_half_characters(texts):
        return None, "not text: half of a surrogate pair"
    return texts, ""


def _has_half_characters(texts: dict[str, str]) -> bool:
    r"""Whether something is no text, such as "\ud800": no encoding can write it."""
    try:
        "".join([*texts, *texts.values()]).encode()
    except UnicodeEncodeError:
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _json_record(names: list[str], line: int, value: dict[str, str] | None, raw: str, fault: str) -> Record:
    if value is None:
        return Record(line, None, raw, fault)
    return Record(line, [value.get(name, "") for name in names], raw)


def as_text(value: Any) -> str:
    """A value of a workbook or of JSON as text: whole numbers without decimals, moments in ISO 8601."""
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
