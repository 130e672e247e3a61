"""A stranger's CSV or Parquet file as a checked frame of times and values. Judges the file, not the numbers."""

import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecom_assets.ingestion.series_cells import numbers_of, times_of

MIN_VALUES = 20
MAX_DUPLICATE_RATE = 0.01
MAX_CROWDED_RATE = 0.05
MAX_MISSING_RATE = 0.5
EVEN_STEPS = ("5min", "10min", "15min", "30min", "1h", "2h", "6h", "1D", "7D")
TIME_NAMES = ("time", "timestamp", "date", "ds", "day", "datetime", "datum", "zeit")
VALUE_NAMES = ("value", "y")
SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class SeriesFile:
    """What the file held.

    Attributes:
        frame: columns time (datetime64 without zone, increasing, distinct) and value (float64, NaN where empty).
        warnings: what was repaired or decided, in words.
    """

    frame: pd.DataFrame
    warnings: tuple[str, ...]


def read_series(path: Path, time: str | None = None, value: str | None = None) -> SeriesFile:
    """The series in the columns `time` and `value` of the CSV or Parquet file `path`.

    Rows need no order. Times with a zone become UTC, days with a zone keep their date. Of a few rows with the same
    time (at most 1 %, such as the hour that is told twice in autumn) the mean is taken, and of readings at uneven
    times the mean of each step of a clock; both are said.

    Args:
        path: .csv, .tsv, .txt (comma, semicolon, tab or bar), each also .gz, or .parquet.
        time: column of the times; None takes the only column with a usual name (time, timestamp, date, ds, …), and
            where none has one the only column whose cells all are times, and not numbers.
        value: column of the values; None takes `value` or `y`, else the only other column.

    Raises:
        ValueError: naming the file, what was expected, what was found and, where one is at fault, the line.
    """
    table = _table(Path(path))
    time, value = _columns(path, table, time, value)
    warnings: list[str] = []
    frame = pd.DataFrame(
        {"time": _times(path, table[time], time, warnings), "value": _values(path, table[value], value, warnings)}
    )
    frame = _distinct(path, frame, warnings)
    _enough(path, frame, value)
    frame = _evened(frame, warnings)
    _enough(path, frame, value)
    warnings += _gaps(frame["time"])
    return SeriesFile(frame, tuple(warnings))


def _table(path: Path) -> pd.DataFrame:
    """All columns as they stand, the index of a row being its line less two."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            return pd.read_parquet(path).reset_index(drop=True)
        if name.endswith((".csv", ".tsv", ".txt")):
            return _text_table(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as a table: {error}") from error
    raise ValueError(f"{path}: expected a .csv, .tsv, .txt or .parquet file, each text also with .gz")


def _text_table(path: Path) -> pd.DataFrame:
    raw = path.read_bytes()
    text = _decoded(gzip.decompress(raw) if path.name.endswith(".gz") else raw)
    lines = text.split("\n", 50)
    preamble = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if preamble is None:
        raise ValueError("it holds no line with the names of columns")
    header = re.sub(r'"[^"]*"', "", lines[preamble])
    separator = max(SEPARATORS, key=header.count)
    table = pd.read_csv(
        io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True, skiprows=preamble,
        skip_blank_lines=False,
    )  # fmt: skip
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"rows have more cells than the first line has names; with decimal commas, separate by ; or quote, "
            f"here the separator is {separator!r}"
        )
    table.index += preamble
    table.columns = [str(column).strip() for column in table.columns]
    return table[(table.fillna("") != "").any(axis=1)]


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:  # the names of columns may read oddly then; times and numbers are the same
        return raw.decode("cp1252", errors="replace")


def _columns(path: Path, table: pd.DataFrame, time: str | None, value: str | None) -> tuple[str, str]:
    names = [str(name) for name in table.columns]
    time = time or _usual(names, TIME_NAMES) or _only_times(table, names, value)
    if value is None:
        others = [name for name in names if name != time]
        value = _usual(others, VALUE_NAMES) or (others[0] if len(others) == 1 else None)
    for option, name in (("--time", time), ("--value", value)):
        if name is None:
            raise ValueError(f"{path}: say with {option} which of the columns {', '.join(names)} is meant")
        if name not in names:
            raise ValueError(f"{path}: has no column {name!r}; its columns are {', '.join(names)}")
        if names.count(name) > 1:
            raise ValueError(f"{path}: has {names.count(name)} columns called {name!r}; rename all but one")
    if time == value:
        raise ValueError(f"{path}: --time and --value name the same column {time!r}")
    return str(time), str(value)


def _usual(names: list[str], usual: tuple[str, ...]) -> str | None:
    found = [name for name in names if name.lower() in usual]
    return found[0] if len(found) == 1 else None


def _only_times(table: pd.DataFrame, names: list[str], value: str | None) -> str | None:
    """The column that alone holds times, where no name tells; numbers could be years or seconds as well as values."""
    if any(name.lower() in TIME_NAMES for name in names):
        return None
    columns = [(name, table.iloc[:, at]) for at, name in enumerate(names) if name != value]
    found = [name for name, column in columns if numbers_of(column, [])[1].any() and times_of(column, []).notna().all()]
    return found[0] if len(found) == 1 else None


def _times(path: Path, column: pd.Series, name: str, warnings: list[str]) -> pd.Series:
    times = times_of(column, warnings)
    bad = times.isna().to_numpy()
    if bad.any():
        raise ValueError(
            f"{path}: line {_line(column, bad)}: {name} is not a time: {column[bad].iloc[0]!r} ({bad.sum()} of "
            f"{len(column)} rows); write times as 2026-01-31 or 2026-01-31 13:00:00"
        )
    return times.astype("datetime64[ns]")


def _values(path: Path, column: pd.Series, name: str, warnings: list[str]) -> pd.Series:
    if pd.api.types.is_bool_dtype(column):
        raise ValueError(f"{path}: {name} holds true and false, expected numbers")
    numbers, bad = numbers_of(column, warnings)
    if bad.any():
        cell = column[bad].iloc[0]
        doubt = re.fullmatch(r"\s*[-+]?\d{1,3}[.,]\d{3}\s*", str(cell))
        why = ", which may be a decimal or thousands" if doubt else ""
        raise ValueError(
            f"{path}: line {_line(column, bad)}: {name} is not a number: {cell!r}{why} ({bad.sum()} of {len(column)} "
            "rows); write numbers as 1234.5, without signs between thousands and with decimals in every row or in "
            "none, and nothing where a value is missing"
        )
    return numbers


def _line(column: pd.Series, bad: np.ndarray) -> int:
    """Of the first bad cell."""
    return int(column.index.to_numpy()[bad][0]) + 2


def _enough(path: Path, frame: pd.DataFrame, value: str) -> None:
    known = int(frame["value"].notna().sum())
    if known < MIN_VALUES:
        raise ValueError(
            f"{path}: a series needs at least {MIN_VALUES} values, found {known} in {value} ({len(frame)} times)"
        )


def _distinct(path: Path, frame: pd.DataFrame, warnings: list[str]) -> pd.DataFrame:
    frame = frame.sort_values("time", kind="stable", ignore_index=True)
    repeated = frame["time"].duplicated()
    if not repeated.any():
        return frame
    count, first = int(repeated.sum()), frame["time"][repeated].iloc[0]
    if count > max(1, MAX_DUPLICATE_RATE * len(frame)):
        raise ValueError(
            f"{path}: {count} of {len(frame)} rows repeat a time, the first {first}; the file seems to hold several "
            "series or single events: keep one series, or add them up by day or hour first"
        )
    warnings.append(f"{count} rows repeat a time, the first {first}: the mean of the rows was taken")
    return frame.groupby("time")["value"].mean().reset_index()


def _evened(frame: pd.DataFrame, warnings: list[str]) -> pd.DataFrame:
    """Readings at uneven times as means of the shortest usual step that half of all steps have a reading of.

    A reading on every third day of an even grid is none of these: it stays where it is, with gaps.
    """
    known = frame.dropna(subset="value")
    stamps = known["time"].to_numpy("datetime64[ns]").astype("int64")
    usual = float(np.median(np.diff(stamps)))
    crowded = 1 - len(np.unique(np.rint((stamps - stamps[0]) / max(usual, 1)))) / len(stamps)
    if crowded <= MAX_CROWDED_RATE:
        return frame
    for step in EVEN_STEPS:
        width = pd.Timedelta(step).value
        cells = stamps // width
        if width >= usual and len(np.unique(cells)) >= (1 - MAX_MISSING_RATE) * (cells[-1] - cells[0] + 1):
            warnings.append(
                f"the times are uneven ({crowded:.0%} of the values share a step of {_told(usual / 1e9)} with "
                f"another): the mean of every {_told(width / 1e9)} was taken; where sums are meant, add up first"
            )
            means = known["value"].groupby(cells * width).mean()
            return pd.DataFrame({"time": pd.to_datetime(means.index), "value": means.to_numpy()})
    return frame


def _gaps(times: pd.Series) -> list[str]:
    steps = np.diff(times.to_numpy("datetime64[ns]")).astype("int64") / 1e9
    usual = float(np.median(steps))
    gaps = steps > 1.5 * usual
    if not gaps.any() or usual >= 28 * 86_400:
        return []
    widest = int(np.argmax(steps))
    return [
        f"{gaps.sum()} gaps wider than the usual step of {_told(usual)}; the widest is {_told(float(steps[widest]))} "
        f"before {times.iloc[widest + 1]}: missing steps stay missing"
    ]


def _told(seconds: float) -> str:
    return str(pd.Timedelta(seconds=round(seconds, 0 if seconds >= 10 else 3)))
