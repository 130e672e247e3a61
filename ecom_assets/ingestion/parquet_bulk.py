"""Parquet files that the engine reads in bulk, as texts with file and line. Judges no values; knows no contract.

A moment with a zone becomes UTC with a Z; any other value is what the engine prints of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ecom_assets.ingestion.formats import csv_line
from ecom_assets.ingestion.header import Header
from ecom_assets.ingestion.values import literal, quoted

if TYPE_CHECKING:
    import duckdb

_MADE = ("_path", "file_row_number")


@dataclass(frozen=True)
class ParquetBulk:
    """How the engine is to read a Parquet file; files that agree in this are read together.

    `names` are the file's own, in its order; `is_zoned` says which hold moments with a zone.
    """

    header: Header
    folder: str
    names: tuple[str, ...]
    is_zoned: tuple[bool, ...]


def described(path: Path) -> tuple[tuple[str, ...], tuple[bool, ...], int] | None:
    """Names, which of them are moments with a zone, and the number of rows; None where only the exact reader can say.

    That is a damaged file, or one whose columns the engine would have to rename.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError):
        return None
    lowered = [name.lower() for name in schema.names]
    if len(set(lowered)) < len(lowered) or set(_MADE) & set(lowered):
        return None
    zoned = tuple(pa.types.is_timestamp(each.type) and each.type.tz is not None for each in schema)
    return tuple(schema.names), zoned, count


def parquet_select(bulk: ParquetBulk, paths: Sequence[str], names: Sequence[str]) -> str:
    """A SELECT of source_file, source_line, raw_text and the expected columns; rows without any value are left out."""
    held = {name: at for at, name in enumerate(bulk.header.columns) if name is not None}
    texts = [
        f"{_text(bulk, held[name]) if name in held else 'null::varchar'} as {quoted(name)}" for name in names
    ]  # fmt: skip
    file = f"replace(substr(_path, {len(bulk.folder) + 2}), '\\', '/')"
    listed = ", ".join(literal(path) for path in paths)
    values = ", ".join(f"nullif({quoted(name)}::varchar, '')" for name in bulk.names)
    return (
        f"select {file} as source_file, file_row_number + 1 as source_line, null::varchar as raw_text,"
        f" {', '.join(texts)} from read_parquet([{listed}], filename='_path', file_row_number=true,"
        " hive_partitioning=false)"
        f" where coalesce({values}) is not null"
    )


def _text(bulk: ParquetBulk, at: int) -> str:
    name = quoted(bulk.names[at])
    # Three times as fast as the engine's own text of a TIMESTAMPTZ, and read back faster too.
    return f"make_timestamp(epoch_us({name}))::varchar || 'Z'" if bulk.is_zoned[at] else f"{name}::varchar"


def texts_of_rows(connection: "duckdb.DuckDBPyConnection", path: str, lines: Sequence[int]) -> list[str]:
    """The rows with the numbers `lines`, from 1, each as a line of CSV."""
    found = connection.execute(
        f"SELECT columns(*)::varchar FROM read_parquet({literal(path)}, file_row_number=true, hive_partitioning=false)"
        " WHERE file_row_number + 1 IN (SELECT unnest(?::BIGINT[])) ORDER BY file_row_number",
        [list(lines)],
    ).fetchall()
    by_line = {int(row[-1]) + 1: csv_line(["" if value is None else value for value in row[:-1]]) for row in found}
    return [by_line[line] for line in lines]
