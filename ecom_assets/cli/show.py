"""How results are put on the terminal or into a pipe. Nothing is asked of the warehouse here."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, count, islice
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecom_assets.guard.texts import json_visible, spreadsheet_safe, visible

Rows = Iterable[Sequence[Any]]
ROWS_SHOWN = 500  # a person reads no more; the other formats stream every row


class Format(StrEnum):
    """How rows are printed. Both kinds of CSV hold the same but for text that a spreadsheet would take for a formula.

    `csv` is what people open: such text stands behind an apostrophe. `csv_raw` is for programs.
    """

    table = "table"
    csv = "csv"
    csv_raw = "csv-raw"
    json = "json"


class _Output(Console):
    """A console on which every text stands for itself: names, values and paths come from outside.

    Brackets are no markup, `:warning:` is no emoji, and what cannot be seen is written out; colours are asked for by
    `style`. All text that rich is handed, in tables and their headings too, comes through `render_str`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text, lines=True), **settings)

    def on_broken_pipe(self) -> None:
        """The reader may go away: what that means is decided where the command ends, not by rich."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output; as wide as it has to be where no terminal says how wide it is."""
    return _Output(width=None if sys.stdout.isatty() else 10_000, soft_wrap=not sys.stdout.isatty())


def errors() -> Console:
    """Standard error, for what is not the answer itself; a log gets its lines whole."""
    return _Output(stderr=True, soft_wrap=not sys.stderr.isatty())


def print_rows(names: Sequence[str], rows: Rows, format: Format, out: TextIO | None = None) -> None:
    """Print rows under their column names; CSV and JSON stream, and hold nothing but the rows.

    A later column of the same name gets a number, as DuckDB numbers those of a table: `id`, `id_1`. What JSON has no
    number for, such as the result of 0 / 0, is null there.
    """
    out = out or sys.stdout
    names = _told_apart(names)
    if format in (Format.csv, Format.csv_raw):
        writer = csv.writer(out, lineterminator="\n")
        text = _csv_text(format, out)
        writer.writerow([text(name) for name in names])
        writer.writerows([_csv(value, text) for value in row] for row in rows)
    elif format == "json":
        texts = (_json_text(dict(zip(names, row, strict=True))) for row in rows)
        out.write("[")
        for number, text in enumerate(texts):
            out.write(f"{',' if number else ''}\n {text}")
        out.write("\n]\n")
    else:
        _print_table(names, iter(rows))


def _print_table(names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    shown = list(islice(rows, ROWS_SHOWN))
    screen = console()
    texts = [[plain(value) for value in row] for row in shown]
    # Three more a column: a space on each side, and one between two of them.
    names = [visible(name) for name in names]
    width = sum(max([len(name), *(len(row[at]) for row in texts)]) + 3 for at, name in enumerate(names)) - 1
    if width <= screen.width:
        screen.print(table(names, shown))
    else:
        _print_records(screen, names, texts)
    if next(rows, None) is not None:
        errors().print(f"The first {ROWS_SHOWN} rows; --format csv gives all of them.", style="dim")
    elif not shown:
        errors().print("No rows.", style="dim")


def _print_records(screen: Console, names: Sequence[str], texts: list[list[str]]) -> None:
    """Rows too wide for the terminal, one below the other, each column on a line of its own."""
    label = max(len(name) for name in names)
    for number, row in enumerate(texts, 1):
        screen.rule(f"row {number}", align="left", style="dim")
        for name, text in zip(names, row, strict=True):
            screen.print(f"{name:<{label}}  {text}", overflow="fold")


def table(names: Sequence[str], rows: Rows, right: bool = False, named: bool = False) -> Table:
    """A rich table: numbers to the right (all but the first column where asked), lines whole where they fit.

    Where the rows are `named` by their first column, that one stays whole however narrow the terminal is.
    """
    rows = list(rows)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(names):
        numeric = (right and at > 0) or any(isinstance(row[at], int | float | Decimal) for row in rows)
        justify = "right" if numeric else "left"
        made.add_column(name, justify=justify, overflow="fold", no_wrap=named and at == 0)
    for row in rows:
        made.add_row(*(plain(value) for value in row))
    return made


def plain(value: Any) -> str:
    """One value as a person reads it: no trailing zeros behind the cents, no midnight behind a day."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(plain(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{plain(key)}: {plain(each)}" for key, each in value.items())
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return _number(value) if isinstance(value, float | Decimal) else visible(str(value))


def _number(value: float | Decimal) -> str:
    if isinstance(value, float):
        return f"{value:.10g}" if value == value else "nan"
    if value.is_nan() or int(value.as_tuple().exponent) >= -2:
        return str(value)
    whole, _, part = f"{value:f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def readable(value: Any, name: str) -> str:
    """One measure as a report shows it, by the ending of its name: 12,345.67, 1.9%, 12,305."""
    if value is None:
        return "–"
    if name.endswith("_rate"):
        return f"{float(value):.1%}"
    if isinstance(value, float | Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else plain(value)


def _csv_text(format: Format, out: TextIO) -> Callable[[str], str]:
    """What is done to texts, which alone can be formulas: -5 as a number stays one. A terminal shows none as it is."""

    def text(value: str) -> str:
        value = value if format == Format.csv_raw else spreadsheet_safe(value)
        return visible(value, lines=True) if out.isatty() else value

    return text


def _csv(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return _json_text(value) if isinstance(value, list | tuple | dict) else value


def _json_text(value: Any) -> str:
    return json_visible(json.dumps(_json(value), ensure_ascii=False, allow_nan=False))


def _json(value: Any) -> Any:
    """The value as JSON can say it: keys are text, days and times ISO, null where a number is not finite."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(_json(key)): _json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else str(value)


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names, each after the first of its kind with the first number that makes it another one."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(1))
        free = name if name not in told else next(each for each in numbered if each not in {*told, *names})
        told.append(free)
    return told


def batches(fetch: Any, size: int = 2_000) -> Iterator[Sequence[Any]]:
    """Every row that `fetch(size)` gives until it gives none: a large result never stands in memory whole."""
    return chain.from_iterable(iter(lambda: fetch(size), []))
