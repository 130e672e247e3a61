"""One landing file, opened: refused, plain enough for the engine's bulk reader, or read into a table here.

Knows the expected columns, not their types. CSV in all its states is here; other formats in `formats`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pyarrow as pa

from ecom_assets.ingestion import formats
from ecom_assets.ingestion.csv_records import Record, physical_lines, records
from ecom_assets.ingestion.discovery import LandingFile
from ecom_assets.ingestion.header import FileRefusedError, Header, match_header, split_header
from ecom_assets.ingestion.parquet_bulk import ParquetBulk, described
from ecom_assets.ingestion.plans import SourcePlan
from ecom_assets.ingestion.preflight import EMPTY, Text, inspect_text, is_plain, line_count, refuse_blank_tail, unpacked

_TEXT_ENDINGS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".tab": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
CHANGED = "it changed while it was read; the next run reads it again"
_ENDINGS = {**_TEXT_ENDINGS, ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel", ".xlsm": "excel"}


@dataclass(frozen=True)
class Bulk:
    """How the engine is to read a plain CSV; files that agree in this are read together.

    `folder` holds them under their landing names: the landing folder, or one of copies in UTF-8.
    """

    header: Header
    delimiter: str
    line_end: str
    folder: str


@dataclass(frozen=True)
class Repair:
    """A value that the file should hold and does not; its field is empty."""

    line: int
    column: str
    found: str
    reason: str


@dataclass
class Opened:
    """A file that may be loaded. Either `bulk` says how, or `table` holds its rows as text.

    `table` has source_line, raw_text and one column for each expected column that the file holds.
    `line_count` counts its rows, the header and a lone empty line at the end left out. `state` is the file's size and
    time before the first byte was read.
    """

    file: LandingFile
    file_hash: str
    header: Header
    line_count: int
    bulk: Bulk | ParquetBulk | None = None
    table: pa.Table | None = None
    faults: list[Record] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    state: tuple[int, int] = (0, 0)

    @property
    def is_as_it_was(self) -> bool:
        """Whether the file has still the size and time that it had when it was opened."""
        return self.state == state_of(self.file.path)

    @property
    def text_path(self) -> Path:
        """Where the engine finds the file: itself, or its text in UTF-8."""
        return Path(self.bulk.folder) / self.file.name if self.bulk else self.file.path

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the receipt should know."""
        empty = () if self.line_count else ("the file holds no rows, a header at most",)
        lost = Counter(repair.reason for repair in self.repairs)
        emptied = tuple(f"{count:,} cells hold {reason}; they are read as empty" for reason, count in lost.items())
        return (*empty, *self.header.warnings, *emptied)


def open_file(plan: SourcePlan, file: LandingFile, scratch: Path, exactly: bool = False) -> Opened:
    """The file, inspected; read record by record where it is not plain, or where `exactly` asks for it.

    A plain file that is compressed or not in UTF-8 is copied to the folder `scratch` in UTF-8 for the engine.

    Raises:
        FileRefusedError: what was found, where, and what to do.
    """
    _refuse_odd_name(file)
    try:
        state, data = state_of(file.path), file.path.read_bytes()
    except OSError as error:
        raise FileRefusedError(f"the file cannot be read ({error.strerror}); check its rights") from error
    opened = _opened(plan, file, data, scratch, exactly)
    opened.state = state
    if not opened.is_as_it_was and opened.table is None:
        raise FileRefusedError(CHANGED)
    return opened


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of a file; of one that is gone, those of none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (-1, -1)
    return (found.st_size, found.st_mtime_ns)


def _refuse_odd_name(file: LandingFile) -> None:
    if file.lies_as:
        raise FileRefusedError("its name, or that of its folder, is not UTF-8; rename it")
    if "\\" in file.name:
        raise FileRefusedError("its name, or that of its folder, holds a backslash; rename it")


def _opened(plan: SourcePlan, file: LandingFile, data: bytes, scratch: Path, exactly: bool) -> Opened:
    digest = hashlib.sha256(data).hexdigest()
    kind, is_compressed = _format(plan, file)
    if kind == "parquet" and not exactly and (opened := _open_parquet(plan, file, digest)):
        return opened
    if kind in ("parquet", "excel"):
        read = formats.read_parquet(file.path) if kind == "parquet" else _read_excel(plan, data)
        return _tabulated(plan, file, digest, read)
    if kind == "lines":
        return _tabulated(plan, file, digest, formats.read_lines(unpacked(data) if is_compressed else data))
    encoding = plan.mapping.encoding if plan.mapping else None
    text = inspect_text(unpacked(data) if is_compressed else data, encoding, is_compressed)
    if kind == "jsonl":
        return _tabulated(plan, file, digest, formats.read_json_lines(physical_lines(text.decoded())))
    return _open_csv(plan, file, digest, text, None if exactly else scratch)


def _read_excel(plan: SourcePlan, data: bytes) -> formats.Rows:
    from ecom_assets.ingestion.workbooks import read_excel  # openpyxl takes a while that most shops never need

    return read_excel(data, plan.mapping.sheet if plan.mapping else None, quotes=not plan.may_hold_persons)


def _format(plan: SourcePlan, file: LandingFile) -> tuple[str, bool]:
    endings = [ending.lower() for ending in PurePath(file.name).suffixes]
    is_compressed = bool(endings) and endings[-1] == ".gz"
    ending = next(iter(endings[-2:-1] if is_compressed else endings[-1:]), "")
    if plan.source.format != "auto":
        return plan.source.format, is_compressed
    if ending in (".xls", ".xlsb", ".ods", ".zip", ".json"):
        raise FileRefusedError(f"{ending} files are not read; export it as CSV, JSON lines, Parquet or .xlsx")
    return _ENDINGS.get(ending, "csv"), is_compressed


def matched(plan: SourcePlan, found: Iterable[str], line: int = 1) -> Header:
    """The names found in a file against what the plan expects."""
    aliases = plan.mapping.aliases if plan.mapping else None
    quotes = not plan.may_hold_persons  # a file without a header begins with a row
    return match_header(list(found), plan.expected_columns, plan.ignored_columns, aliases, line, quotes)


def _open_csv(plan: SourcePlan, file: LandingFile, digest: str, text: Text, scratch: Path | None) -> Opened:
    delimiter = plan.mapping.delimiter if plan.mapping else ","
    if PurePath(file.name.removesuffix(".gz")).suffix.lower() in (".tsv", ".tab"):
        delimiter = "\t"
    names = [*plan.expected_columns, *(plan.mapping.aliases if plan.mapping else ())]
    data = text.in_utf8() if scratch else b""
    if scratch and is_plain(data, delimiter):
        end = data.find(b"\n")
        header = matched(plan, split_header(data[:end].decode("utf-8-sig").rstrip("\r"), delimiter, names))
        _refuse_padded_end(data, delimiter)
        folder = _landing_folder(file) if data is text.data and not text.is_compressed else scratch
        if folder == scratch:
            (scratch / file.name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / file.name).write_bytes(data)
        bulk = Bulk(header, delimiter, "\r\n" if data[end - 1 : end] == b"\r" else "\n", str(folder))
        return Opened(file, digest, header, line_count(data) - 1, bulk)
    lines = physical_lines(text.decoded())
    if not lines:
        raise FileRefusedError(EMPTY)  # but for byte-order marks
    header = matched(plan, split_header(lines[0].rstrip("\r\n"), delimiter, names))
    refuse_blank_tail(lines, delimiter)
    return _collected(file, digest, header, records(lines, delimiter, len(header.columns)))


def _open_parquet(plan: SourcePlan, file: LandingFile, digest: str) -> Opened | None:
    found = described(file.path)
    if found is None:
        return None
    names, is_zoned, count = found
    header = matched(plan, names)
    return Opened(file, digest, header, count, ParquetBulk(header, str(_landing_folder(file)), names, is_zoned))


def _landing_folder(file: LandingFile) -> Path:
    return file.path.parents[len(PurePath(file.name).parts) - 1]


def _refuse_padded_end(data: bytes, delimiter: str) -> None:
    """The blank-tail check without splitting the whole file: only a blank last line makes it look further."""
    last = data.rstrip(b"\r\n").rpartition(b"\n")[2].decode("utf-8", "replace")
    if not last.strip(delimiter + '" \t\r'):
        refuse_blank_tail(physical_lines(data.decode("utf-8-sig")), delimiter)


def _tabulated(plan: SourcePlan, file: LandingFile, digest: str, read: formats.Rows) -> Opened:
    header = matched(plan, read.columns, read.header_line)
    return _collected(file, digest, header, read.records)


def _collected(file: LandingFile, digest: str, header: Header, found: Iterable[Record]) -> Opened:
    lines: list[int] = []
    raws: list[str] = []
    rows: list[list[str]] = []
    faults: list[Record] = []
    repairs: list[Repair] = []
    for record in found:
        repairs += _repairs(record, header)
        if record.values is None:
            faults.append(record)
        else:
            lines.append(record.line)
            raws.append(record.raw)
            rows.append(record.values)
    _refuse_mostly_broken(faults, len(rows))
    values = list(zip(*rows, strict=True)) if rows else [()] * len(header.columns)
    columns = {name: column for name, column in zip(header.columns, values, strict=True) if name is not None}
    arrays = {"source_line": pa.array(lines, pa.int64()), "raw_text": pa.array(raws, pa.large_string())}
    arrays |= {
        f"c_{name}": pa.array([v if v else None for v in column], pa.large_string()) for name, column in columns.items()
    }
    return Opened(file, digest, header, len(lines) + len(faults), None, pa.table(arrays), faults, repairs)


def _repairs(record: Record, header: Header) -> list[Repair]:
    """The record's emptied cells, as far as somebody wants their columns."""
    columns = header.columns
    return [
        Repair(record.line, name, cell.found, cell.reason)
        for cell in record.emptied
        if cell.position < len(columns) and (name := columns[cell.position]) is not None
    ]


def is_mostly_broken(faults: int, good: int) -> bool:
    """Whether so many lines are no record that the file as a whole cannot be trusted."""
    return faults >= 3 and faults > good


def _refuse_mostly_broken(faults: list[Record], good: int) -> None:
    if is_mostly_broken(len(faults), good):
        first = faults[0]
        raise FileRefusedError(
            f"line {first.line}: {first.fault}, and so on {len(faults)} of {good + len(faults)} lines; the rows do not"
            " fit the header: check delimiter and quotes, and deliver it again"
        )
