"""Text from outside as it may stand on a terminal, in a spreadsheet, in JSON or in Markdown. Pure functions of text."""

import json
import re

# What moves a cursor, colours a screen, hides or reorders what stands beside it: control characters, bidirectional
# overrides, invisible signs and halves of surrogate pairs. The two joiners of scripts and emoji are left alone.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Signs of GitHub's Markdown, and the beginnings of addresses that it makes links of by itself.
_MARKDOWN = re.compile(r"[\\`*_\[\]#|~!$&<>]|@|:(?=//)|(?<=www)\.", re.IGNORECASE)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def visible(text: str, lines: bool = False) -> str:
    r"""`text` in which what cannot be seen is written out: ESC as \x1b, U+202E as \u202e; of `lines`, no line ends."""
    return _UNSEEN.sub(lambda found: found[0] if lines and found[0] == "\n" else _escape(found[0]), text)


def _escape(sign: str) -> str:
    code = ord(sign)
    if sign in _SHORT:
        return _SHORT[sign]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_visible(encoded: str) -> str:
    r"""JSON text of the same value, in which what cannot be seen is written as \uXXXX."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in "\n\r\t" else json.dumps(found[0])[1:-1], encoded)


def spreadsheet_safe(text: str) -> str:
    """`text`, behind an apostrophe where a spreadsheet would run it: '=1+1' is text for people, not a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def chart_literal(text: str) -> str:
    """`text` as a label of matplotlib that shows it as it is: between two dollars it would be set as a formula."""
    return visible(text).replace("$", r"\$")


def markdown_literal(text: str) -> str:
    """`text` as Markdown that shows it as it is, on one line."""
    return _MARKDOWN.sub(lambda found: _HTML.get(found[0], f"\\{found[0]}"), visible(text))
