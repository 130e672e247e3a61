"""A sheet of an Excel workbook as records of texts with their row. Knows no expected columns and no types.

Rows are taken as the sheet's XML holds them. The size that a sheet states is not looked at: writers that fill a
template leave the template's size, and openpyxl drops the rows beyond it.
"""

import io
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils import coordinate_to_tuple
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.functions import iterparse

from ecom_assets.ingestion.csv_records import Emptied, Record
from ecom_assets.ingestion.faults import is_of_the_machine
from ecom_assets.ingestion.formats import Rows, as_text, csv_line
from ecom_assets.ingestion.header import FileRefusedError

_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384  # of any sheet: ECMA-376, and what Excel opens
_OLE = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of a workbook with a password


@dataclass(frozen=True)
class _Lost:
    """A cell that should hold a value and does not."""

    found: str
    reason: str


def read_excel(data: bytes, sheet: str | None, quotes: bool = True) -> Rows:
    """The sheet of a workbook, cells as text: whole numbers without decimals, moments in ISO 8601.

    A formula without a value and an error such as #N/A are empty cells that the record tells of. Messages name the
    sheets only where they may quote what the file holds (`quotes`): a sheet may bear a person's name.

    Raises:
        FileRefusedError: not a workbook or a damaged one, several sheets with data and none named, or no such sheet.
    """
    book = _opened(data)
    sheets = {one.title: one for one in book.worksheets if isinstance(one, ReadOnlyWorksheet)}
    if sheet is not None and sheet not in sheets:
        raise FileRefusedError(f"there is no sheet {sheet!r}; the workbook holds {_named(sheets, quotes)}")
    names = [sheet] if sheet else [name for name, one in sheets.items() if _has_first_row(one)]
    if not names:
        raise FileRefusedError("the workbook is empty; deliver it again, or take it out of the landing folder")
    if len(names) > 1:
        raise FileRefusedError(f"the workbook holds {_named(names, quotes)}; name one in a mapping")
    rows = _rows(sheets[names[0]])
    first = [_text(cell) for cell in next(rows, [])]
    while first and not first[-1]:
        first.pop()
    return Rows(first, 1, _records(rows, len(first)))


def _named(sheets: Collection[str], quotes: bool) -> str:
    return f"{len(sheets)} sheets: {', '.join(sheets) if quotes else '(names withheld)'}"


def _opened(data: bytes) -> Workbook:
    if data.startswith(_OLE):
        raise FileRefusedError("an old workbook (.xls), or one with a password; save it as .xlsx without a password")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that nobody asked for
            return load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever zip, XML and its own checks raise
        if is_of_the_machine(error):
            raise
        raise FileRefusedError("not an Excel workbook, or a damaged one; deliver it again") from error


class _Parser(WorkSheetParser):
    """The rows of a sheet's XML, and nothing else of it: filters, print settings and the like are not read."""

    def parse(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        for _, element in iterparse(self.source):
            if element.tag == ROW_TAG:
                yield self.parse_row(element)
                element.clear()

    def parse_cell(self, element: Any) -> dict[str, Any]:
        kind, text = element.get("t", "n"), element.findtext(VALUE_TAG)
        try:
            cell: dict[str, Any] = super().parse_cell(element)
        except (ValueError, OverflowError):
            if kind not in ("n", "b", "d") or not text:
                raise
            place = element.get("r")  # a number that is none stands for itself: its row is judged by it
            row, column = coordinate_to_tuple(place) if place else (self.row_counter, self.col_counter)
            cell = {"row": row, "column": column, "value": text, "data_type": kind}
        if cell["data_type"] == "e":
            # Of a date outside the calendar openpyxl makes an error; the cell holds a number.
            cell["value"] = _Lost(str(text), "an error instead of a value") if kind == "e" else text
        elif element.find(FORMULA_TAG) is not None and not text and not (kind == "str" and text is not None):
            # Of a text an empty value is one: of ="" Excel keeps no letters.
            cell["value"] = _Lost("a formula", "a formula without a value: open the workbook in Excel and save it")
        return cell


def _rows(sheet: ReadOnlyWorksheet) -> Iterator[list[Any]]:
    """Each row of the sheet from the first on, also those that its XML leaves out, as long as its last cell."""
    book, done = sheet.parent, 0
    try:
        with sheet._get_source() as source, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dates outside the calendar: each is judged with its row
            parser = _Parser(
                source,
                sheet._shared_strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            for number, cells in parser.parse():
                if not done < number <= _LAST_ROW:
                    raise FileRefusedError(f"line {number}: no row of a sheet, behind row {done}; {_SAVE}")
                yield from ([] for _ in range(done + 1, number))
                yield _row(number, cells)
                done = number
    except FileRefusedError:
        raise
    except Exception as error:  # whatever the XML, the archive and openpyxl's checks raise
        if is_of_the_machine(error):
            raise
        raise FileRefusedError(f"line {done + 1}: the sheet is damaged here or further down; {_SAVE}") from error


_SAVE = "open the workbook in Excel and save it anew, or export it as CSV"


def _row(number: int, cells: list[dict[str, Any]]) -> list[Any]:
    by_column = {cell["column"]: cell["value"] for cell in cells}
    last = max(by_column, default=0)
    if len(by_column) < len(cells) or last > _LAST_COLUMN or any(cell["row"] != number for cell in cells):
        raise FileRefusedError(f"line {number}: a cell says of itself that it is another; {_SAVE}")
    return [by_column.get(column) for column in range(1, last + 1)]


def _has_first_row(sheet: ReadOnlyWorksheet) -> bool:
    return any(cell is not None for cell in next(_rows(sheet), []))


def _records(rows: Iterable[list[Any]], width: int) -> Iterator[Record]:
    blank: list[int] = []
    for line, cells in enumerate(rows, 2):
        row = [_text(cell) for cell in cells]
        lost = tuple(
            Emptied(position, cell.found, cell.reason) for position, cell in enumerate(cells) if isinstance(cell, _Lost)
        )
        if not any(row) and not lost:
            blank.append(line)  # a formatted but empty end of the sheet is no data, a gap within is a blank line
            continue
        yield from (Record(number, None, "", "blank line") for number in blank)
        blank.clear()
        values = (row + [""] * width)[:width]
        beyond = [cell for cell in row[width:] if cell]
        if beyond:
            yield Record(line, None, csv_line(row), f"{width + len(beyond)} fields where the header has {width}")
        else:
            yield Record(line, values, csv_line(values), emptied=lost)


def _text(cell: Any) -> str:
    return "" if isinstance(cell, _Lost) else as_text(cell)
