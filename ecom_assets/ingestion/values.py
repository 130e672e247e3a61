"""One text value as one typed value: what is readable, as SQL expressions made from a contract's column.

What is accepted, generous but never ambiguous:

* **timestamp** `YYYY-MM-DD` or `YYYY/MM/DD`, then optionally `T` or a space and `H:MM[:SS[.ffffff]]`, then
  optionally `Z`, `UTC` or an offset such as `+01:00`, `+0100`, `+01`. With an offset it becomes UTC; without
  one it is local to the shop (or to the mapping's `source_time_zone`). A date alone is local midnight. Years
  1900 to 2199. Other orders (`12/1/2010`) are readable only by a mapping's `formats`.
* **date** the same; of a moment with an offset, the shop-local day.
* **integer** digits with a sign, `6.0` too, thousands as in `1,234,567`; never `6.5`, `1e3`, or `1,234`, which
  may be a decimal comma.
* **money, rate, double** a decimal point; thousands only beside one (`1,234.50`) or twice (`1,234,567`). More
  than four decimals of money (eight of a rate) are rounded half up. NaN and infinities are unreadable. A
  decimal comma is readable only where a mapping says so.
* **boolean** true/false, t/f, yes/no, y/n, 1/0, on/off.
* **text** trimmed; empty is missing.
"""

from collections.abc import Callable

from ecom_assets.contracts import Column

NUMBER_WORDS = {
    "integer": "an integer",
    "money": "an amount",
    "rate": "a rate",
    "double": "a number",
    "date": "a date",
    "timestamp": "a time",
    "boolean": "true or false",
    "text": "text",
}
_THOUSANDS = r"\s*[+-]?\d{1,3}((,\d{3})+\.\d*|(,\d{3}){2,})\s*"
_DAY = r"\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
_OFFSET = r"\s*([Zz]|UTC|[+-]\d{2}(?::?\d{2})?)?\s*"
_SPELLINGS = (  # rewritten one after the other to YYYY-MM-DD H:MM:SS[.f][offset]
    (rf"{_DAY}\s*", r"\1-\2-\3 0:00:00"),
    (rf"{_DAY}[T ]\s*(\d{{1,2}}:\d{{2}}){_OFFSET}", r"\1-\2-\3 \4:00\5"),
    (rf"{_DAY}[T ]\s*(\d{{1,2}}:\d{{2}}:\d{{2}}(?:\.\d+)?){_OFFSET}", r"\1-\2-\3 \4\5"),
)


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """An SQL text literal, for generated SQL that cannot bind (views and stored queries)."""
    return "'" + value.replace("'", "''") + "'"


def glob_escaped(path: str) -> str:
    """A path in which the engine's glob signs stand for themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def trimmed_sql(text: str) -> str:
    """The text without surrounding blanks; NULL where nothing is left. `trim` alone is six times as slow."""
    return f"CASE WHEN {text} > '!' AND NOT suffix({text}, ' ') THEN {text} ELSE nullif(trim({text}), '') END"


def has_zone_sql(text: str) -> str:
    """Whether the text of a moment names its offset from UTC."""
    return (
        f"CASE WHEN suffix({text}, 'Z') THEN true WHEN length({text}) <= 10 THEN false"
        f" ELSE regexp_matches(substr({text}, 11), '[-+zZC]') END"
    )


def parsed_sql(column: Column, text: str) -> str:
    """The text expression read as the column's type; NULL where it is missing or unreadable.

    A timestamp is read as it stands: UTC where `has_zone_sql` holds, else local; so is a date, whose type is
    then still TIMESTAMP. Both want `settled_moment_sql` next. `text` is repeated, so it should be a column name.
    """
    if column.type == "text":
        return trimmed_sql(text)
    return _PARSERS[column.type](text)


def _timestamp(text: str) -> str:
    # A cast to TIMESTAMP drops an offset (duckdb 1.5.6: '08:26:00+01:00' gives 08:26), so those go by TIMESTAMPTZ;
    # duckdb 2.0 drops any last word as well, PM among them, so a text that ends in a letter is not cast.
    offset = f"length({text}) > 10 AND regexp_matches(substr({text}, 11), '[-+]')"
    return (
        f"CASE WHEN {text} >= ':' THEN NULL WHEN suffix({text}, 'Z') THEN TRY_CAST({text} AS TIMESTAMP)"
        f" WHEN {offset} THEN timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
        f" WHEN right(rtrim({text}), 1) > '9' THEN NULL ELSE TRY_CAST({text} AS TIMESTAMP) END"
    )


def settled_moment_sql(moment: str, text: str) -> str:
    """What `parsed_sql` gave for a moment, kept where the year is sane; where it gave nothing, a second reading.

    The engine does not read blanks around a value, a moment without seconds before its offset, or a blank before
    the offset. Both arguments should be column names.
    """
    canonical = text
    for pattern, parts in _SPELLINGS:
        canonical = f"regexp_replace({canonical}, '^{pattern}$', '{parts}')"
    second = f"timezone('UTC', TRY_CAST(replace(replace({canonical}, 'UTC', 'Z'), 'z', 'Z') AS TIMESTAMPTZ))"
    return (
        f"CASE WHEN {moment} BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2199-12-31 23:59:59.999999' THEN {moment}"
        f" WHEN {moment} IS NULL AND regexp_matches({text}, '^\\s*(19|20|21)\\d\\d[-/]') THEN {second} END"
    )


def _integer(text: str) -> str:
    # CAST reads '6.5' as 7, '1e-2' as 0 and '0x1F' as 31: only what prints as it came is taken at once.
    number = f"TRY_CAST({text} AS BIGINT)"
    strict = f"CASE WHEN regexp_full_match({text}, '\\s*[+-]?\\d+(\\.0*)?\\s*') THEN {number} END"
    lax = f"coalesce({strict}, {_thousands(text, 'BIGINT')})"
    return f"CASE WHEN CAST({number} AS VARCHAR) = {text} THEN {number} ELSE {lax} END"


def _thousands(text: str, sql_type: str) -> str:
    whole = "" if sql_type != "BIGINT" else f" AND NOT regexp_matches({text}, '\\.\\d*[1-9]')"
    return (
        f"CASE WHEN regexp_full_match({text}, '{_THOUSANDS}'){whole}"
        f" THEN TRY_CAST(replace({text}, ',', '') AS {sql_type}) END"
    )


def _decimal(sql_type: str) -> Callable[[str], str]:
    return lambda text: f"coalesce(TRY_CAST({text} AS {sql_type}), {_thousands(text, sql_type)})"


def _double(text: str) -> str:
    number = f"coalesce(TRY_CAST({text} AS DOUBLE), {_thousands(text, 'DOUBLE')})"
    return f"(CASE WHEN isfinite({number}) THEN {number} END)"


def _boolean(text: str) -> str:
    word = f"lower(trim({text}))"
    return (
        f"CASE WHEN {word} IN ('true', 't', 'yes', 'y', '1', 'on', '1.0') THEN true"
        f" WHEN {word} IN ('false', 'f', 'no', 'n', '0', 'off', '0.0') THEN false END"
    )


_PARSERS = {
    "timestamp": _timestamp,
    "date": _timestamp,
    "integer": _integer,
    "money": _decimal("DECIMAL(18,4)"),
    "rate": _decimal("DECIMAL(18,8)"),
    "double": _double,
    "boolean": _boolean,
}
