"""The text of rejected lines of plain files, fetched from the files: bulk-read rows do not carry it."""

from collections.abc import Sequence

import duckdb
import numpy as np

from ecom_assets.ingestion.opening import Opened
from ecom_assets.ingestion.parquet_bulk import ParquetBulk, texts_of_rows
from ecom_assets.ingestion.values import glob_escaped


def add_raw_texts(connection: duckdb.DuckDBPyConnection, files: list[Opened], lines: str = "") -> None:
    """Fills `_rejects.raw_text` where it is empty, from the `files` that were read in bulk.

    Lines of a mapped file that was read record by record have theirs in `lines`.
    """
    if lines:
        connection.execute(
            f"UPDATE _rejects SET raw_text = l.raw_text FROM {lines} l WHERE _rejects.raw_text IS NULL AND"
            " l.raw_text IS NOT NULL AND (l.source_file, l.source_line) = (_rejects.source_file, _rejects.source_line)"
        )
    wanted = connection.execute(
        "SELECT source_file, list(DISTINCT source_line) FROM _rejects WHERE raw_text IS NULL GROUP BY ALL"
    ).fetchall()
    by_name = {opened.file.name: opened for opened in files}
    found: list[tuple[str, int, str]] = []
    for name, numbers in wanted:
        texts = _texts(connection, by_name[name], numbers)
        found += [(name, number, text) for number, text in zip(numbers, texts, strict=True)]
    if found:
        columns = [list(column) for column in zip(*found, strict=True)]
        connection.execute(
            "UPDATE _rejects SET raw_text = t.raw FROM (SELECT unnest(?::VARCHAR[]) AS name,"
            " unnest(?::BIGINT[]) AS line, unnest(?::VARCHAR[]) AS raw) t"
            " WHERE source_file = t.name AND source_line = t.line",
            columns,
        )


def _texts(connection: duckdb.DuckDBPyConnection, opened: Opened, lines: Sequence[int]) -> list[str]:
    if not opened.is_as_it_was:
        return [""] * len(lines)  # what stands there now is not what was rejected; the next run reads the file again
    if isinstance(opened.bulk, ParquetBulk):
        return texts_of_rows(connection, glob_escaped(str(opened.text_path)), lines)
    return texts_of_lines(opened.text_path.read_bytes(), lines)


def texts_of_lines(data: bytes, lines: Sequence[int]) -> list[str]:
    """The physical lines with the numbers `lines`, from 1, without their ends; `data` is UTF-8."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    starts = np.concatenate(([0], ends + 1))
    stops = np.append(ends, len(data))
    return [data[starts[line - 1] : stops[line - 1]].decode("utf-8-sig").rstrip("\r") for line in lines]
