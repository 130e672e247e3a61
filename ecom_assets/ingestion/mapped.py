"""The rows of a foreign export as rows of datasets: the SELECTs that a mapping stands for."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from ecom_assets.contracts import Column
from ecom_assets.ingestion.faults import is_of_the_machine
from ecom_assets.ingestion.header import FileRefusedError
from ecom_assets.ingestion.judging import rows_table
from ecom_assets.ingestion.loading import line_join, line_sql
from ecom_assets.ingestion.mapping import DatasetMapping, Format, Mapping, MappingError, lacking_columns, lacking_words
from ecom_assets.ingestion.plans import SourcePlan
from ecom_assets.ingestion.row_sql import RowSql
from ecom_assets.ingestion.values import has_zone_sql, literal, quoted
from ecom_assets.ingestion.zones import utc_from_local_sql
from ecom_assets.settings import Shop


def create_staged(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Over the table `_lines`: `_lined` (as they came), `staged` (formats applied), and the mapping's views.

    The latter two are temporary tables, because every dataset reads them.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW _lined AS SELECT l.* REPLACE ({line_sql('l')} AS source_line)"
        f" FROM _lines l {line_join('l')}"
    )
    columns = [
        f"{formatted_sql(mapping.formats.get(name), quoted(name))} as {quoted(name)}"
        for name in mapping.expected_columns
    ]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE staged AS SELECT source_file, source_line, {', '.join(columns)} FROM _lined"
    )
    for name, sql in mapping.views.items():
        made = f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS FROM (\n{mapping.text_of(sql)}\n)"
        _run(connection, made, str(mapping.path.parent / sql))


# What SQL raises over values that it cannot make sense of; all else it raises whatever the files hold.
_OF_VALUES = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)


def fill_mapped(
    connection: duckdb.DuckDBPyConnection,
    plan: SourcePlan,
    shop: Shop,
    judged: Callable[[str, str], str],
) -> None:
    """Fills the `rows_table` of each dataset of the plan from the table `_lines`.

    Args:
        connection: an open connection.
        plan: of a mapped source.
        shop: whose clock and currency it is.
        judged: makes the SELECT that is inserted out of a dataset and a SELECT of its texts.

    Raises:
        MappingError: SQL of the mapping cannot be run.
        FileRefusedError: it cannot make sense of what is in the files, or makes rows of lines that they do not have.
    """
    mapping = plan.mapping
    assert mapping  # noqa: S101 - only mapped plans come here
    create_staged(connection, mapping)
    for dataset in plan.feeds:
        table, where = rows_table(dataset), place_of(mapping, dataset)
        texts = dataset_select(connection, plan, dataset, shop)
        _run(connection, f"INSERT INTO {table} {judged(dataset, texts)}", where)
        if mapping.datasets[dataset].sql:
            _refuse_made_up_lines(connection, table, where)


def _run(connection: duckdb.DuckDBPyConnection, sql: str, where: str) -> None:
    """Runs SQL of the mapping file `where`; what is said of a landing file is published and names no folder."""
    try:
        connection.execute(sql)
    except _OF_VALUES as error:
        kind = type(error).__name__.removesuffix("Exception")
        raise FileRefusedError(
            f"{Path(where).name}: this SQL of the mapping fails on what the file holds (a {kind} Error); use try_cast"
            " for values that may be broken, or correct the file"
        ) from error
    except duckdb.Error as error:
        if is_of_the_machine(error):
            raise
        raise MappingError(f"{where}: {str(error).splitlines()[0]}") from error


def _refuse_made_up_lines(connection: duckdb.DuckDBPyConnection, table: str, where: str) -> None:
    """A row stands for a line of a file, or nobody could say where it comes from."""
    (count,) = connection.execute(
        f"SELECT count(*) FROM {table} ANTI JOIN staged USING (source_file, source_line)"
    ).fetchall()[0]
    if count:
        raise FileRefusedError(
            f"{Path(where).name}: {count} of its rows name a source_file and source_line that no line of the file has;"
            " hand on both as they stand in `staged`"
        )


def formatted_sql(how: Format | None, text: str) -> str:
    """The text of a foreign value in the way that `ingestion.values` reads; what does not fit stays unreadable."""
    if how is None:
        return text
    if how.timestamp:
        patterns = ", ".join(literal(pattern) for pattern in how.timestamp)
        moment = f"try_strptime(trim({text}), [{patterns}])"
        # The pattern %Y takes '10' for the year 10, so a two-digit year falls through to the next pattern.
        tries = [f"try_strptime(trim({text}), {literal(pattern)})" for pattern in how.timestamp]
        sane = [f"case when year({one}) between 1900 and 2199 then cast({one} as varchar) end" for one in tries]
        return (
            f"coalesce({', '.join(sane)}, {text})" if len(tries) > 1 else f"coalesce(cast({moment} as varchar), {text})"
        )
    if how.epoch:
        factor = 1_000_000 if how.epoch == "s" else 1_000
        number = f"try_cast({text} as decimal(18,6))"
        moment = f"make_timestamp(cast({number} * {factor} as bigint))"
        return f"coalesce(cast({moment} as varchar) || 'Z', {text})"
    if how.decimal_comma:
        fits = rf"regexp_full_match({text}, '\s*[+-]?(\d+|\d{{1,3}}([. ]\d{{3}})+)(,\d*)?\s*')"
        number = f"replace(replace(replace(trim({text}), '.', ''), ' ', ''), ',', '.')"
        return f"case when {text} is null or {fits} then {number} else {text} || ' (a decimal comma is expected)' end"
    ending = literal(how.strip_suffix or "")
    return f"case when suffix({text}, {ending}) then left({text}, length({text}) - length({ending})) else {text} end"


def dataset_select(connection: duckdb.DuckDBPyConnection, plan: SourcePlan, dataset: str, shop: Shop) -> str:
    """A SELECT of source_file, source_line, raw_text and the dataset's input columns as text, over `staged`.

    Raises:
        MappingError: the mapping's SQL fails, gives columns that the dataset does not have, or lacks some that
            no row can do without.
    """
    mapping, columns = plan.mapping, RowSql(plan.contracts[dataset], shop).columns
    assert mapping  # noqa: S101 - only mapped plans come here
    sql = mapping.sql_of(dataset)
    if sql is None:
        made = _column_select(mapping.datasets[dataset], columns)
        given = {column.name for column in columns}
    else:
        made, given = sql, _columns_of(connection, mapping, dataset, sql, {column.name for column in columns})
    zone = mapping.source_time_zone
    parsed = [column for column in columns if column.type == "timestamp" and column.name in given]
    if zone is None or zone == shop.time_zone or not parsed:
        return f"select source_file, source_line, null::varchar as raw_text, {_texts(columns, given)} from (\n{made}\n)"
    # Times of another zone than the shop's: an offset is the only way to say so in a text.
    moments = ", ".join(f"try_cast({quoted(c.name)} as timestamp) as {quoted(f'_local_{c.name}')}" for c in parsed)
    shifted = {
        c.name: f"case when {has_zone_sql(f'cast({quoted(c.name)} as varchar)')}"
        f" or {quoted(f'_local_{c.name}')} is null then cast({quoted(c.name)} as varchar)"
        f" else cast({utc_from_local_sql(quoted(f'_local_{c.name}'), zone, shop.first_day.year)} as varchar) || 'Z' end"
        for c in parsed
    }
    return (
        f"select source_file, source_line, null::varchar as raw_text, {_texts(columns, given, shifted)}"
        f" from (select *, {moments} from (\n{made}\n))"
    )


def place_of(mapping: Mapping, dataset: str) -> str:
    """The file that says how the dataset is made, for messages."""
    sql = mapping.datasets[dataset].sql
    return str(mapping.path.parent / sql) if sql else f"{mapping.path}: datasets.{dataset}"


def _texts(columns: tuple[Column, ...], given: set[str], shifted: dict[str, str] | None = None) -> str:
    parts = []
    for column in columns:
        value = f"cast({quoted(column.name)} as varchar)" if column.name in given else "null::varchar"
        parts.append(f"{(shifted or {}).get(column.name, value)} as {quoted(column.name)}")
    return ", ".join(parts)


def _column_select(made: DatasetMapping, columns: tuple[Column, ...]) -> str:
    parts = []
    for column in columns:
        name, foreign = column.name, (made.columns or {}).get(column.name)
        value = f"nullif(trim({quoted(foreign)}), '')" if foreign else "null::varchar"
        if name in made.formats:
            value = formatted_sql(made.formats[name], value)
        if name in made.values:
            pairs = " ".join(f"when {literal(old)} then {literal(new)}" for old, new in made.values[name].items())
            value = f"case {value} {pairs} else {value} end"
        if name in made.constants:
            value = f"coalesce({value}, {literal(made.constants[name])})"
        parts.append(f"{value} as {quoted(name)}")
    return f"select source_file, source_line, {', '.join(parts)} from staged"


def _columns_of(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, dataset: str, sql: str, known: set[str]
) -> set[str]:
    where = place_of(mapping, dataset)
    try:
        found = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM (\n{sql}\n)").fetchall()}
    except duckdb.Error as error:
        raise MappingError(f"{where}: {str(error).splitlines()[0]}") from error
    lacking = {"source_file", "source_line"} - found
    if lacking:
        raise MappingError(f"{where}: must give {' and '.join(sorted(lacking))} of the line that a row comes from")
    unknown = found - known - {"source_file", "source_line"}
    if unknown:
        raise MappingError(f"{where}: {', '.join(sorted(unknown))}: no columns of {dataset}")
    if absent := lacking_columns(dataset, found):
        raise MappingError(f"{where}: {lacking_words(dataset, absent)}")
    return found
