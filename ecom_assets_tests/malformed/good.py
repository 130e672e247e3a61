"""The rows that every file held before it was damaged, in each format."""

import io
import json
import re
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

COLUMNS = ("order_id", "ordered_at", "shipping_amount", "channel")
ROWS = tuple((f"o{n}", f"2024-05-{1 + n % 28:02} 10:00:00", f"{n}.95", "email") for n in range(12))


def csv(delimiter: str = ",", rows: tuple[tuple[str, ...], ...] = ROWS, end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in (COLUMNS, *rows))


def json_lines(rows: tuple[tuple[str, ...], ...] = ROWS) -> str:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows)


def table(rows: tuple[tuple[str, ...], ...] = ROWS) -> pa.Table:
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)})


def parquet(made: pa.Table | None = None, **how: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table() if made is None else made, sink, **how)
    return sink.getvalue()


def workbook() -> bytes:
    book = Workbook()
    for row in (COLUMNS, *ROWS):
        book.active.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    """The workbook's file, the same at any time of day."""
    sink = io.BytesIO()
    book.save(sink)
    with zipfile.ZipFile(sink) as written:
        parts = {name: written.read(name) for name in written.namelist()}
    core = parts["docProps/core.xml"]
    return packed(
        {**parts, "docProps/core.xml": re.sub(rb">[0-9T:-]+Z</dcterms:", b">2024-05-01T00:00:00Z</dcterms:", core)}
    )


def packed(parts: dict[str, bytes]) -> bytes:
    """An archive of these files, written at no time."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()
