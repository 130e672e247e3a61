"""A stranger's CSV or Parquet file as a checked frame of times and values. Judges the file, not the numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

MIN_VALUES = 20
MAX_DUPLICATE_RATE = 0.01
TIME_NAMES = ("time", "timestamp", "date", "ds", "day", "datetime")
VALUE_NAMES = ("value", "y")


@dataclass(frozen=True)
class SeriesFile:
    """What the file held.

    Attributes:
        frame: columns time (datetime64 without zone, increasing, distinct) and value (float64, NaN where empty).
        warnings: what was repaired, in words.
    """

    frame: pd.DataFrame
    warnings: tuple[str, ...]


def read_series(path: Path, time: str | None = None, value: str | None = None) -> SeriesFile:
    """The series in the columns `time` and `value` of the CSV or Parquet file `path`.

    Rows need no order. Times with a zone become UTC. Of a few rows with the same time (at most 1 %, such as the
    hour that is told twice in autumn) the mean is taken and said so.

    Args:
        path: .csv, .tsv, .txt (comma, semicolon or tab), each also .gz, or .parquet.
        time: column of the times; None takes the only column with a usual name (time, timestamp, date, ds, …).
        value: column of the values; None takes `value` or `y`, else the only other column.

    Raises:
        ValueError: naming the file, what was expected, what was found and, where one is at fault, the line.
    """
    table = _table(Path(path))
    time, value = _columns(path, table, time, value)
    frame = pd.DataFrame({"time": _times(path, table[time], time), "value": _values(path, table[value], value)})
    warnings: list[str] = []
    frame = _distinct(path, frame, warnings)
    known = int(frame["value"].notna().sum())
    if known < MIN_VALUES:
        raise ValueError(f"{path}: a series needs at least {MIN_VALUES} values, found {known}")
    warnings += _gaps(frame["time"])
    return SeriesFile(frame, tuple(warnings))


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            return pd.read_parquet(path)
        if name.endswith((".csv", ".tsv", ".txt")):
            text = pd.read_csv(path, dtype=str, sep=None, engine="python", keep_default_na=False, skipinitialspace=True)
            return text.rename(columns=lambda column: str(column).strip().removeprefix("\ufeff"))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as a table: {error}") from error
    raise ValueError(f"{path}: expected a .csv, .tsv, .txt or .parquet file")


def _columns(path: Path, table: pd.DataFrame, time: str | None, value: str | None) -> tuple[str, str]:
    names = [str(name) for name in table.columns]
    time = time or _usual(names, TIME_NAMES)
    if value is None:
        others = [name for name in names if name != time]
        value = _usual(others, VALUE_NAMES) or (others[0] if len(others) == 1 else None)
    for option, name in (("--time", time), ("--value", value)):
        if name is None:
            raise ValueError(f"{path}: say with {option} which of the columns {', '.join(names)} is meant")
        if name not in names:
            raise ValueError(f"{path}: has no column {name!r}; its columns are {', '.join(names)}")
    if time == value:
        raise ValueError(f"{path}: --time and --value name the same column {time!r}")
    return str(time), str(value)


def _usual(names: list[str], usual: tuple[str, ...]) -> str | None:
    found = [name for name in names if name.lower() in usual]
    return found[0] if len(found) == 1 else None


def _times(path: Path, column: pd.Series, name: str) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        times = column
    elif pd.api.types.is_numeric_dtype(column) or column.astype(str).str.fullmatch(r"\s*\d{9,13}(\.\d+)?\s*").all():
        numbers = pd.to_numeric(column)
        times = pd.to_datetime(numbers, unit="ms" if float(numbers.max()) > 1e11 else "s", errors="coerce")
    else:
        text = column.astype(str).str.strip()
        times = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)
        if times.isna().any():
            times = pd.to_datetime(text, errors="coerce", utc=True)
    bad = np.flatnonzero(times.isna().to_numpy())
    if bad.size:
        found = column.iloc[bad[0]]
        raise ValueError(
            f"{path}: line {bad[0] + 2}: {name} is not a time: {found!r} ({bad.size} of {len(column)} rows); "
            "write times as 2026-01-31 or 2026-01-31 13:00:00"
        )
    if times.dt.tz is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.astype("datetime64[ns]")


def _values(path: Path, column: pd.Series, name: str) -> pd.Series:
    if pd.api.types.is_bool_dtype(column):
        raise ValueError(f"{path}: {name} holds true and false, expected numbers")
    text = column.astype(str).str.strip()
    is_empty = column.isna() | text.str.lower().isin(["", "na", "nan", "null", "none", "-"])
    numbers = pd.to_numeric(column.where(~is_empty), errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    bad = np.flatnonzero((numbers.isna() & ~is_empty).to_numpy())
    if bad.size:
        found = column.iloc[bad[0]]
        raise ValueError(
            f"{path}: line {bad[0] + 2}: {name} is not a number: {found!r} ({bad.size} of {len(column)} rows); "
            "write numbers as 1234.5, and nothing where a value is missing"
        )
    return numbers


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


def _gaps(times: pd.Series) -> list[str]:
    steps = np.diff(times.to_numpy("datetime64[ns]")).astype("int64") / 1e9
    usual = float(np.median(steps))
    gaps = steps > 1.5 * usual
    if not gaps.any() or usual >= 28 * 86_400:
        return []
    widest = int(np.argmax(steps))
    return [
        f"{gaps.sum()} gaps wider than the usual step of {pd.Timedelta(seconds=usual)}; the widest is "
        f"{pd.Timedelta(seconds=float(steps[widest]))} before {times.iloc[widest + 1]}: missing steps stay missing"
    ]
