"""A text file before it is parsed: is it whole, is it text, in which encoding. Parses no rows."""

import gzip
import re
import zlib
from dataclasses import dataclass

from ecom_assets.ingestion.header import FileRefusedError

EMPTY = "the file is empty; deliver it again, or take it out of the landing folder"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ", "xz"),
    (b"\x89PNG", "a picture"),
)
_CONFLICT = re.compile(rb"^(?:<{7}|>{7}|\|{7})(?: .*)?\r?$|^={7}\r?$", re.MULTILINE)
_STRAY_QUOTE = {sign: re.compile(rb'[^"\r\n%s]"[^"\r\n%s]' % (sign, sign)) for sign in (b",", b";", b"\t", b"\\|")}


@dataclass(frozen=True)
class Text:
    """A whole, decodable file. `data` are its bytes, uncompressed; `encoding` reads them."""

    data: bytes
    encoding: str
    is_compressed: bool = False

    def decoded(self) -> str:
        """The text without byte-order mark."""
        return self.data.decode(self.encoding).removeprefix("\ufeff")

    def in_utf8(self) -> bytes:
        """The bytes themselves where they are UTF-8, else the text as UTF-8."""
        return self.data if self.encoding in ("utf-8", "utf-8-sig") else self.decoded().encode()


def unpacked(data: bytes) -> bytes:
    """The content of gzip bytes.

    Raises:
        FileRefusedError: the archive is cut off or damaged.
    """
    try:
        if not data:
            raise EOFError
        return gzip.decompress(data)
    except EOFError as error:
        raise FileRefusedError(f"the gzip file is cut off after {len(data)} bytes; deliver it whole") from error
    except (OSError, zlib.error) as error:
        raise FileRefusedError("the gzip file is damaged; deliver it again") from error


def inspect_text(data: bytes, encoding: str | None = None, is_compressed: bool = False) -> Text:
    """The bytes as text, once nothing speaks against reading them.

    Args:
        data: the file's bytes, uncompressed.
        encoding: the one that a mapping names; else UTF-8, UTF-16 by its mark, or Windows-1252.
        is_compressed: whether they came from an archive.

    Raises:
        FileRefusedError: empty, not text, in no known encoding or another than the one named, with merge-conflict
            markers.
    """
    mark = next((mark for mark, _ in _BOMS if data.startswith(mark)), b"")
    if not data.removeprefix(mark).strip():
        raise FileRefusedError(EMPTY)
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise FileRefusedError(f"line 1: not text but {what}; give the file its proper ending, or export it as CSV")
    if encoding:
        _must_decode(data, encoding, "though the mapping says so", "correct or leave out its `encoding`")
    text = Text(data, encoding or _encoding(data), is_compressed)
    _refuse_conflict_markers(text)
    return text


def _encoding(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            _must_decode(data, encoding, "though its first bytes say so", "deliver it again")
            return encoding
    nul = data.find(b"\0")
    if nul >= 0:
        raise FileRefusedError(
            f"line {_line_at(data, nul)}: not text: a NUL byte at byte {nul}; the file is damaged or binary"
            " (UTF-16 needs its byte-order mark)"
        )
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        return _not_utf8(data, error)


def _must_decode(data: bytes, encoding: str, who_says: str, what_to_do: str) -> None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileRefusedError(
            f"line {_line_at(data, error.start)}: not {encoding.upper()} {who_says}: byte {error.start}"
            f" ({error.reason}); {what_to_do}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRefusedError(f"line {line}: not text: a NUL character; the file is damaged or binary")


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    line = _line_at(data, error.start)
    found = f"byte 0x{data[error.start]:02x}"
    if re.search("[^\x00-\x7f\ufffd]", data.decode("utf-8", errors="replace")):
        raise FileRefusedError(f"line {line}: mixed encodings: UTF-8 elsewhere, {found} here; export it as UTF-8")
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise FileRefusedError(
            f"line {line}: not text in UTF-8 or Windows-1252: {found}; export it as UTF-8, or name the `encoding`"
            " in a mapping"
        ) from None
    if re.search("[\x01-\x08\x0e-\x1f]", text):
        raise FileRefusedError(
            f"line {line}: not text: {found} among control characters; the file is damaged or binary"
        )
    return "cp1252"


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _refuse_conflict_markers(text: Text) -> None:
    data = text.data if text.encoding != "utf-16" else text.decoded().encode()
    if b"<<<<<<<" not in data and b">>>>>>>" not in data:
        return
    found = _CONFLICT.search(data)
    if found:
        raise FileRefusedError(
            f"line {_line_at(data, found.start())}: merge-conflict marker {found[0][:7].decode()!r};"
            " resolve the conflict and deliver the file again"
        )


def is_plain(data: bytes, delimiter: str) -> bool:
    """Whether every line of UTF-8 `data` is one record for any reader: then the engine may read it in bulk.

    It may not where a record could span lines or a line be none: line ends that vary, blank lines, quotes
    inside fields. Quoted line breaks cannot be seen from here; they show as a record count below the lines.
    """
    if b"\n" not in data:
        return False
    returns = data.count(b"\r")
    if returns and not returns == data.count(b"\r\n") == data.count(b"\n"):
        return False
    if b"\n\n" in data or b"\n\r\n" in data:
        return False
    sign = delimiter.encode() if delimiter != "|" else b"\\|"
    return b'"' not in data or not _STRAY_QUOTE[sign].search(data)


def line_count(data: bytes) -> int:
    """Lines of the bytes; a last one without line end counts."""
    return data.count(b"\n") + (not data.endswith(b"\n"))


def refuse_blank_tail(lines: list[str], delimiter: str) -> None:
    """Refuses a file that ends in rows without any value: an export that was cut or padded.

    One empty line at the very end is tolerated: editors leave it.

    Raises:
        FileRefusedError: naming the first of the blank lines.
    """
    end = len(lines)
    while end > 1 and not lines[end - 1].strip().strip(delimiter + '"').strip(delimiter + '" \t'):
        end -= 1
    tail = len(lines) - end
    if tail > 1 or (tail == 1 and lines[-1].strip()):
        raise FileRefusedError(
            f"line {end + 1}: all-blank tail: the last {tail} lines hold no value; the export was cut off or padded:"
            " deliver it again without them"
        )
