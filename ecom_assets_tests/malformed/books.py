"""Workbooks whose XML says odd things: sizes, references, formulas, serials, missing parts."""

import io
import random
import re
import zipfile

from openpyxl import Workbook

from ecom_assets_tests.malformed import good
from ecom_assets_tests.malformed.text import Damaged, Kind

_SHEET = "xl/worksheets/sheet1.xml"
_ROWS = len(good.ROWS)


def with_xml(pattern: str, replacement: str, part: str = _SHEET, book: bytes | None = None, count: int = 1) -> bytes:
    """A workbook in one part of which what `pattern` finds is replaced; where nothing is left the part is left out."""
    with zipfile.ZipFile(io.BytesIO(book or good.workbook())) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    parts[part] = re.sub(pattern, replacement, parts[part].decode(), count=count, flags=re.DOTALL).encode()
    return good.packed({name: content for name, content in parts.items() if content})


def _cell(content: str) -> bytes:
    """C5, an amount, replaced."""
    return with_xml(r'<c r="C5"[^>]*>.*?</c>', content)


_ODD_CELLS = (
    '<c r="C5"><f>1+1</f></c>', '<c r="C5"><f>1+1</f><v/></c>', '<c r="C5"><f>1+1</f><v>2</v></c>', '<c r="C5"/>',
    '<c r="C5" t="str"><f>1</f><v></v></c>', '<c r="C5" t="e"><v>#N/A</v></c>', '<c r="C5" t="e"><v>#DIV/0!</v></c>',
    '<c r="C5"><v>abc</v></c>', '<c r="C5"><v>1e999</v></c>', '<c r="C5"><v>' + "9" * 5000 + "</v></c>", "<c/>",
    '<c r="C5" t="b"><v>maybe</v></c>', '<c r="C5" t="d"><v>tomorrow</v></c>', '<c r="C5" t="d"><v>2024-05-01</v></c>',
    '<c r="C5" t="inlineStr"><is><t>4.95</t></is></c>', '<c r="C5" t="inlineStr"/>', '<c r="C5" t="zz"><v>1</v></c>',
    '<c r="C5" t="inlineStr"><is><r><t>4</t></r><r><t>.95</t></r></is></c>', '<c><v>4.95</v></c>',
)  # fmt: skip
_BAD_CELLS = (
    '<c r="C5" t="s"><v>99999</v></c>', '<c r="C5" t="s"><v>x</v></c>', '<c r="5C"><v>1</v></c>',
    '<c r="C"><v>1</v></c>', '<c r=""><v>1</v></c>', '<c r="C0"><v>1</v></c>', '<c r="C99"><v>1</v></c>',
    '<c r="B5"><v>1</v></c>',
    '<c r="ZZZZ5"><v>1</v></c>', '<c r="XFE5"><v>1</v></c>', '<c r="C5" s="999"><v>1</v></c>', "<c r='C5'><v>1</c>",
    '<c r="C5" s="x"><v>1</v></c>', '<c r="C-5"><v>1</v></c>', '<c r="$C$5"><v>1</v></c>', '<c r="C5"><v>&no;</v></c>',
)  # fmt: skip


def _cells(chance: random.Random) -> Damaged:
    return "xlsx", _cell(chance.choice(_ODD_CELLS)), _ROWS


def _broken_cells(chance: random.Random) -> Damaged:
    return "xlsx", _cell(chance.choice(_BAD_CELLS)), None


def _sizes(chance: random.Random) -> Damaged:
    said = chance.choice(["A1", "A1:B2", "A1:D5", "A1:XFD1048576", "D4:D9", "A1:A1"])
    return "xlsx", with_xml('<dimension ref="[^"]*"', f'<dimension ref="{said}"'), _ROWS


def _row_numbers(chance: random.Random) -> Damaged:
    said = chance.choice(["0", "-1", "5", "1048577", "999999999999", "x", "3.0", "3.5", "4", "1", "", "2000000"])
    return "xlsx", with_xml('<row r="5"', f'<row r="{said}"'), None


def _parts(chance: random.Random) -> Damaged:
    part = chance.choice(zipfile.ZipFile(io.BytesIO(good.workbook())).namelist())
    ways = [("^.*$", ""), ("<", "&lt;"), ("</[a-zA-Z]+>", ""), ("[0-9]+", "x"), ('"[^"]*"', '""'), ("^", "\\\\x00")]
    pattern, replacement = chance.choice(ways)
    return "xlsx", with_xml(pattern, replacement, part, count=chance.choice([1, 0])), None


def dated(serial: str) -> bytes:
    """The good rows with dates as numbers, that of o3 being `serial`."""
    book = Workbook()
    book.active.append(good.COLUMNS)
    for number, row in enumerate(good.ROWS):
        book.active.append([row[0], 45_000 + number, 1, "email"])
        book.active.cell(number + 2, 2).number_format = "yyyy-mm-dd"
    return with_xml(r'(<c r="B5"[^>]*>)<v>\d+</v>', rf"\g<1><v>{serial}</v>", book=good.saved(book))


def _serials(chance: random.Random) -> Damaged:
    """A date outside any calendar, and all of them in the calendar of a Macintosh now and then."""
    odd = ["-1", "0", "60", "2958466", "99999999999", "1e300", "0.5", "-0.0000001", "45000.9999999999"]
    made = dated(chance.choice(odd))
    if chance.random() < 0.4:
        made = with_xml("<workbookPr[^>]*/>", '<workbookPr date1904="1"/>', "xl/workbook.xml", made)
    return "xlsx", made, _ROWS


def _sheets(chance: random.Random) -> Damaged:
    book = Workbook()
    for row in (good.COLUMNS, *good.ROWS):
        book.active.append(row)
    lines: int | None = _ROWS
    way = chance.choice(["chart", "chart alone", "hidden", "two", "merged", "wide", "blank rows", "row 2"])
    if way.startswith("chart"):
        book.create_chartsheet("Chart")
    if way == "chart alone":
        book.remove(book.worksheets[0])
    if way == "hidden":
        book.create_sheet("Hidden").sheet_state = "hidden"
    if way == "two":
        book.create_sheet("More").append(["x"])
    if way == "merged":
        book.active.merge_cells("A3:A5")
    if way == "wide":
        book.active.cell(4, 16_384, "x")
    if way == "blank rows":
        book.active.append([])
        book.active.cell(30, 1, "o99")
        lines = 29
    if way == "row 2":
        book.active.insert_rows(1)
    return "xlsx", good.saved(book), None if way in ("chart alone", "two", "row 2") else lines


def _no_books(chance: random.Random) -> Damaged:
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    return (
        "xlsx",
        chance.choice([ole, empty.getvalue(), b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"", b"<html>"]),
        None,
    )


KINDS: dict[str, Kind] = {
    "xlsx: odd cells": _cells,
    "xlsx: broken cells": _broken_cells,
    "xlsx: sizes": _sizes,
    "xlsx: row numbers": _row_numbers,
    "xlsx: parts": _parts,
    "xlsx: serials": _serials,
    "xlsx: sheets": _sheets,
    "xlsx: no books": _no_books,
}
