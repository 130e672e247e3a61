"""Times and numbers as strangers write them: zones, epochs, day before month, decimal commas. Opens no files."""

import re
import warnings as python_warnings
from typing import Literal

import numpy as np
import pandas as pd

MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?", "\\n")
EPOCH_UNITS: tuple[tuple[float, Literal["s", "ms", "us", "ns"]], ...] = (
    (1e11, "s"), (1e14, "ms"), (1e17, "us"), (float("inf"), "ns"),
)  # fmt: skip
FIRST_EPOCH = 1e8
"""Seconds: 1973. Smaller numbers count something, but not seconds."""
WHOLE_DAY_S = 23 * 3_600

_ZONE = re.compile(r"(?<=\d)\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$")
_CLOCK = re.compile(r"[T ]\d\d?:\d\d")
_SLASHED = re.compile(r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b,?(.*)$")
_DECIMAL_COMMA = re.compile(r"[-+]?(?:[1-9]\d{0,2}(?:[. '\u00a0\u202f]\d{3})+|\d+)(?:,\d+)?")
_DOTTED = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+")
_SHORT = re.compile(r"[-+]?\d{1,3}")
_GROUPED = re.compile(r"[-+]?(?:[1-9]\d{0,2}(?:[,'\u00a0\u202f ]\d{3})+|\d+)(?:\.\d+)?")


def times_of(column: pd.Series, warnings: list[str]) -> pd.Series:
    """Times without zone, NaT where a cell is none.

    Days told with a zone keep their own date; shorter steps become UTC, where no hour comes twice. Numbers are days
    (20260131), years, or seconds, milliseconds, microseconds or nanoseconds since 1970 by their size. Of 03/04/2026
    that order is taken in which all cells are dates, or else the one whose steps are the more even.

    Args:
        column: datetimes, dates, numbers or text.
        warnings: what was decided is added here, in words.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        wall, universal = column.dt.tz_localize(None), column.dt.tz_convert("UTC").dt.tz_localize(None)
        return _one_clock(wall, universal, warnings)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    text = column.astype(str).str.strip()
    if pd.api.types.is_numeric_dtype(column) or text.str.fullmatch(r"\d{8,19}(\.\d+)?").all():
        return _from_numbers(pd.to_numeric(column, errors="coerce"))
    has_zone = text.str.contains(_ZONE) & text.str.contains(_CLOCK)
    if has_zone.any():
        bare = text.where(~has_zone, text.str.replace(_ZONE, "", regex=True))
        return _one_clock(_from_text(bare, []), _from_text(text, warnings), warnings)
    return _from_text(text, warnings)


def numbers_of(column: pd.Series, warnings: list[str]) -> tuple[pd.Series, np.ndarray]:
    """Numbers, NaN where nothing is said, and which cells are neither a number nor empty.

    A decimal comma, thousands in groups, and a sign of money or per cent are understood where all cells agree on one
    reading. 1,234 alone may be 1.234 or 1234 and is none, and so is 1.234 where the other cells are like it or whole
    numbers below 1000: a shop that writes thousands with a dot has both, and one that writes three decimals has no
    whole numbers.

    Args:
        column: numbers or text.
        warnings: what was decided is added here, in words.
    """
    text = column.astype(str).str.strip()
    is_empty = column.isna() | text.str.lower().isin(MISSING_WORDS)
    numbers = pd.to_numeric(column.where(~is_empty), errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    is_bad = numbers.isna() & ~is_empty
    if not is_bad.any():
        return numbers, _doubtful(text, is_empty).to_numpy()
    bare = text.str.replace("\u2212", "-").str.strip("$€£¥% \u00a0")
    said = bare[~is_empty]
    readings = {}
    if said.str.fullmatch(_GROUPED).all():
        readings["1,234.5"] = bare.str.replace(r"[,'\u00a0\u202f ]", "", regex=True)
    if said.str.fullmatch(_DECIMAL_COMMA).all():
        readings["1.234,5"] = bare.str.replace(r"[. '\u00a0\u202f]", "", regex=True).str.replace(",", ".")
    read = {way: pd.to_numeric(each.where(~is_empty), errors="coerce") for way, each in readings.items()}
    ways = list(read)
    if not ways or (len(ways) == 2 and not read[ways[0]].equals(read[ways[1]])):
        return numbers, is_bad.to_numpy()
    if said.str.contains(",").any():
        warnings.append(f"numbers were read as in {ways[0]}")
    return read[ways[0]].astype("float64"), np.zeros(len(column), dtype=bool)


def _doubtful(text: pd.Series, is_empty: pd.Series) -> pd.Series:
    """Which cells may be thousands as well as decimals, where all others may be either, too."""
    dotted, short = text.str.fullmatch(_DOTTED) & ~is_empty, text.str.fullmatch(_SHORT) & ~is_empty
    return dotted & bool(short.any() and (dotted | short | is_empty).all())


def _from_numbers(numbers: pd.Series) -> pd.Series:
    known = numbers.dropna()
    if known.between(19_000_101, 21_001_231).all():
        return pd.to_datetime(numbers.astype("Int64").astype(str), format="%Y%m%d", errors="coerce")
    if known.between(1_000, 3_000).all():
        return pd.to_datetime(numbers.astype("Int64").astype(str), format="%Y", errors="coerce")
    largest = float(known.abs().max()) if len(known) else 0.0
    if largest < FIRST_EPOCH:
        return pd.Series(pd.NaT, index=numbers.index)
    unit = next(name for limit, name in EPOCH_UNITS if largest < limit)
    return pd.to_datetime(numbers, unit=unit, errors="coerce")


def _from_text(text: pd.Series, warnings: list[str]) -> pd.Series:
    """Times by their own words; those with a zone become UTC."""
    times = _parsed(text)
    parts = text.str.extract(_SLASHED)
    if times.notna().all() or parts[0].notna().mean() < 0.5:
        return times
    readings = {}
    for way, day, month in (("day/month/year", 0, 1), ("month/day/year", 1, 0)):
        read = _parsed(parts[2] + "-" + parts[month].str.zfill(2) + "-" + parts[day].str.zfill(2) + parts[3])
        readings[way] = times.where(parts[0].isna(), read)
    day_first, month_first = readings.values()
    if day_first.notna().all() and month_first.notna().all() and not day_first.equals(month_first):
        way = min(readings, key=lambda name: _unevenness(readings[name]))
        warnings.append(f"times such as {text.iloc[0]} were read as {way}, which makes the steps more even")
        return readings[way]
    return max(readings.values(), key=lambda read: int(read.notna().sum()))


def _parsed(text: pd.Series) -> pd.Series:
    slashed = text.str.match(_SLASHED).fillna(False).astype(bool)  # which of them is the day, pandas would guess
    told = text.where(~slashed & text.notna(), "")
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        times = pd.to_datetime(told, errors="coerce", format="ISO8601", utc=True)
        if (times.isna() & (told != "")).any():
            times = times.fillna(
                pd.to_datetime(told.where(times.isna(), ""), errors="coerce", format="mixed", utc=True)
            )
    return times.dt.tz_localize(None)


def _one_clock(wall: pd.Series, universal: pd.Series, warnings: list[str]) -> pd.Series:
    distinct = np.sort(universal.dropna().unique())
    steps = np.diff(distinct).astype("timedelta64[s]").astype("int64")
    if steps.size and np.median(steps) >= WHOLE_DAY_S:
        return wall
    if not wall.equals(universal):
        warnings.append("times with a zone are told in UTC")
    return universal


def _unevenness(times: pd.Series) -> float:
    steps = np.diff(np.sort(times.unique())).astype("timedelta64[s]").astype("float64")
    return float(np.std(steps) / np.mean(steps)) if steps.size else float("inf")
