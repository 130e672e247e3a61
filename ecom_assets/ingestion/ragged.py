"""Which lines of a plain file are records and which are not, without reading it record by record.

The engine leaves out lines with the wrong number of fields. A real export has some in every file, so these
lines are counted here, at the speed of numpy, and the engine's count is held against it.
"""

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecom_assets.ingestion.csv_records import Record

MOST_RUNS = 200  # of good lines in a file: beyond, reading record by record is as quick


@dataclass(frozen=True)
class Run:
    """Consecutive lines that are records: `count` of them from line `line` on."""

    line: int
    count: int


def split_ragged(data: bytes, delimiter: str, width: int) -> tuple[list[Run], list[Record]] | None:
    """The runs of good lines and the faulty ones of UTF-8 `data` with a header of `width` columns on line 1.

    None where that cannot be said line by line: a quoted field may run over a line's end, or nearly all is
    faulty or changing. Each line that holds quotes is read by itself, so what is good here is good to any reader.
    """
    content = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(content == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    signs = np.searchsorted(np.flatnonzero(content == ord(delimiter)), ends)
    fields = np.diff(signs, prepend=0) + 1
    starts = np.concatenate(([0], ends[:-1] + 1))
    for line in np.unique(np.searchsorted(ends, np.flatnonzero(content == ord('"')))):
        counted = _fields_of(data[starts[line] : ends[line]], delimiter)
        if counted is None:
            return None
        fields[line] = counted
    fields[0] = width
    bad = np.flatnonzero(fields != width)
    runs = _runs(np.flatnonzero(fields == width)[1:] + 1)
    if len(runs) > MOST_RUNS or len(bad) * 2 > len(fields):
        return None
    return runs, [_fault(data[starts[line] : ends[line]], int(line) + 1, int(fields[line]), width) for line in bad]


def _fields_of(line: bytes, delimiter: str) -> int | None:
    try:
        return len(next(csv.reader([line.decode("utf-8-sig")], delimiter=delimiter, strict=True)))
    except csv.Error:
        return None


def _runs(lines: npt.NDArray[np.int64]) -> list[Run]:
    pieces = np.split(lines, np.flatnonzero(np.diff(lines) != 1) + 1)
    return [Run(int(piece[0]), len(piece)) for piece in pieces if len(piece)]


def _fault(line: bytes, number: int, fields: int, width: int) -> Record:
    return Record(number, None, line.decode().rstrip("\r"), f"{fields} fields where the header has {width}")
