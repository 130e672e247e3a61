"""A file's header against the columns that its source expects. Reads no files."""

import csv
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class FileRefusedError(ValueError):
    """A file that is not loaded at all; the message says what was found, at which line, and what to do.

    Readers are shown it, whatever the file is about: it names columns, lines and counts, and quotes no values.
    """


@dataclass(frozen=True)
class Header:
    """`columns`: for each position the expected column that stands there, None for an ignored one."""

    columns: tuple[str | None, ...]
    missing: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is missing and may be."""
        return tuple(f"column {name} is missing; its values are empty" for name in self.missing)


def match_header(
    found: Sequence[str],
    expected: dict[str, bool],
    ignored: Iterable[str] = (),
    aliases: dict[str, str] | None = None,
    line: int = 1,
    quotes: bool = True,
) -> Header:
    """Positions of the expected columns among the names `found`, in any order, case and blanks aside.

    Args:
        found: names as they stand in the file.
        expected: column name: whether it must be there.
        ignored: names that may be there and are not wanted.
        aliases: other name: the expected one.
        line: where the header stands, for messages.
        quotes: whether messages may say which names were found, be they values of a first row.

    Raises:
        FileRefusedError: no header at all, a name twice, an unknown name, or a required one missing.
    """
    known = {_plain(name): name for name in expected}
    known |= {_plain(other): name for other, name in (aliases or {}).items()}
    unwanted = {_plain(name) for name in ignored}
    if not any(_plain(name) in known for name in found):
        fields = "1 field names" if len(found) == 1 else f"{len(found)} fields name"
        raise FileRefusedError(
            f"line {line}: no header: its {fields} no column that is known; the first line must name the columns"
            f" {', '.join(expected)}"
        )
    columns: list[str | None] = []
    for position, name in enumerate(found, 1):
        column = known.get(_plain(name))
        if column is None and _plain(name) not in unwanted:
            free = [one for one in expected if one not in columns]
            raise FileRefusedError(_unknown(name, position, free, line, quotes))
        if column is not None and column in columns:
            raise FileRefusedError(f"line {line}: column {column} stands there twice; leave one of them")
        columns.append(column)
    missing = [name for name in expected if name not in columns]
    required = [name for name in missing if expected[name]]
    if required:
        what = ", ".join(found) if quotes else f"{len(found)} other names (withheld)"
        raise FileRefusedError(f"line {line}: required column {' and '.join(required)} is missing; found {what}")
    return Header(tuple(columns), tuple(missing))


def _plain(name: str) -> str:
    return name.strip().casefold()


def _unknown(name: str, position: int, free: list[str], line: int, quotes: bool) -> str:
    if not name.strip():
        return f"line {line}: column {position} has no name; name it, or list '' under ignore_columns"
    close = difflib.get_close_matches(name.strip().lower(), free, 1, 0.55)
    hint = f"did you mean {close[0]}? Else" if close else "rename it, map it, or"
    what = repr(name) if quotes else f"(its name is withheld, it is the {position}. field)"
    return f"line {line}: unknown column {what}; {hint} list it under ignore_columns"


def split_header(line: str, delimiter: str, expected: Iterable[str]) -> list[str]:
    """The names in a header line.

    Raises:
        FileRefusedError: the names are separated by something else than `delimiter`.
    """
    wanted = {_plain(name) for name in expected}
    matches = {sign: sum(_plain(name) in wanted for name in _split(line, sign)) for sign in DELIMITERS}
    best = max(matches, key=lambda sign: (matches[sign], sign == delimiter))
    if best != delimiter and matches[best] > matches[delimiter]:
        raise FileRefusedError(
            f"line 1: wrong delimiter: the columns are separated by {DELIMITERS[best]}, expected"
            f" {DELIMITERS[delimiter]}; export it with {DELIMITERS[delimiter]}, or give the source a mapping"
            f" with delimiter: {best!r}"
        )
    return _split(line, delimiter)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:  # the one thing that a reader which is not strict refuses
        raise FileRefusedError("line 1: no header: a name in it is longer than any name; deliver it again") from error
