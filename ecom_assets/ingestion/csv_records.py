"""Delimited text, record by record, with the physical line on which each starts. Slow and exact.

The engine reads in bulk what is plain; everything else (quoted line breaks, blank lines, ragged rows, other
encodings) comes here. Knows no contract and no types.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from ecom_assets.ingestion.header import FileRefusedError

csv.field_size_limit(16 * 1024 * 1024)


@dataclass(frozen=True)
class Emptied:
    """A cell that should hold a value and does not; it is read as empty, and told of as a repair."""

    position: int
    found: str
    reason: str


@dataclass(frozen=True)
class Record:
    """One record: `values`, or the `fault` for which it has none; `raw` is its text, line ends inside kept."""

    line: int
    values: list[str] | None
    raw: str
    fault: str | None = None
    emptied: tuple[Emptied, ...] = ()


def physical_lines(text: str) -> list[str]:
    """The lines of `text` with their ends; a carriage return alone ends one too."""
    return list(io.StringIO(text, newline=""))


def records(lines: list[str], delimiter: str, width: int) -> Iterator[Record]:
    """The records of a file's `lines` behind its header, which is line 1.

    A record with another number of fields than `width`, a blank line, and a line with misplaced quotes are
    yielded with their fault. A single empty line at the end is none.

    Raises:
        FileRefusedError: a quote that is opened and not closed in a sensible place.
    """
    rest = iter(lines)
    next(rest, None)
    begin = 1
    reader, consumed = csv.reader(rest, delimiter=delimiter, strict=True), 0
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            end = begin + reader.line_num - consumed
            if end - begin > 1 or "end of data" in str(error):
                raise _unclosed(begin, end) from error
            yield Record(begin + 1, None, lines[begin].rstrip("\r\n"), f"quotes cannot be read ({error})")
            # The reader has taken just this line from `rest`: a new one goes on with the next.
            reader, consumed = csv.reader(rest, delimiter=delimiter, strict=True), 0
            begin = end
            continue
        if values is None:
            return
        end = begin + reader.line_num - consumed
        consumed = reader.line_num
        raw = "".join(lines[begin:end]).rstrip("\r\n")
        if len(values) == width and (width > 1 or raw.strip()):
            yield Record(begin + 1, values, raw)
        elif values:
            yield Record(begin + 1, None, raw, f"{len(values)} fields where the header has {width}")
        elif end < len(lines) or raw:
            yield Record(begin + 1, None, raw, "blank line")
        begin = end


def _unclosed(begin: int, end: int) -> FileRefusedError:
    return FileRefusedError(
        f"line {begin + 1}: unclosed quote: a field opens with a quote and runs on to line {end}; close it, or double"
        " the quotes that belong to the text"
    )
