"""Which rows are rejected, what is repaired, and why, in SQL over the staged rows. Reads no files."""

import re
from dataclasses import dataclass

import duckdb

from ecom_assets.contracts import Column
from ecom_assets.ingestion.loading import line_join, line_sql
from ecom_assets.ingestion.made_keys import made_key_columns, made_keys_sql
from ecom_assets.ingestion.row_sql import RowSql
from ecom_assets.ingestion.values import NUMBER_WORDS, literal, quoted, trimmed_sql

CARRIED = ("source_file", "source_line", "raw_text")
RETYPED_AT_LEAST = 3  # unreadable values before a column counts as re-typed: one bad value in a short file is just that


def rows_table(dataset: str) -> str:
    """All rows of the dataset as texts, with business date, moment, and whether anything is wrong with them."""
    return quoted(f"_rows_{dataset}")


def suspects_table(dataset: str) -> str:
    """The rows with which something is wrong, as `RowSql.select` gives them."""
    return quoted(f"_suspects_{dataset}")


def _lined(dataset: str) -> str:
    return quoted(f"_lined_{dataset}")


def _made_keys(dataset: str) -> str:
    return quoted(f"_made_keys_{dataset}")


def _faults_table(dataset: str) -> str:
    return quoted(f"_faults_{dataset}")


@dataclass(frozen=True)
class Fault:
    """One thing that can be wrong with a row: where `condition` holds over `RowSql.select`."""

    condition: str
    column: str
    found: str
    reason: str
    is_rejection: bool


def faults(rows: RowSql) -> list[Fault]:
    """All that can be wrong with a row of the contract, as SQL."""
    found: list[Fault] = []
    for column in rows.columns:
        found += _column_faults(column, rows.quotes)
    for rule in rows.rules:
        broken, rejects = quoted(f"_breaks_{rule.name}"), rule.on_break == "reject"
        for name in [""] if rejects else rule.empties:
            text = f"_text_{name}" if name else None
            condition = f"{broken} and {quoted(text)} is not null" if text else broken
            found.append(
                Fault(condition, name, quoted(text) if text else "null", literal(f"breaks {rule.name}"), rejects)
            )
    for column in rows.converts:
        text = quoted(f"_text_{column.name}")
        reason = literal(f"{column.name}: foreign amount without a rate")
        found.append(Fault(rows.no_rate_sql(column), column.name, text, reason, True))
    return found


WITHHELD = "value withheld,"  # stands for a value that may tell of a person


def _column_faults(column: Column, quotes: bool) -> list[Fault]:
    text = quoted(f"_text_{column.name}")
    shown = f"left(coalesce({text}, ''), 80)"
    unreadable, outside = quoted(f"_is_unreadable_{column.name}"), quoted(f"_is_outside_{column.name}")
    found = []
    if column.type != "text":
        reason = literal(f"{column.name}: {WITHHELD} it is not {NUMBER_WORDS[column.type]}")
        if quotes:
            start, end = literal(f"{column.name}: '"), literal(f"' is not {NUMBER_WORDS[column.type]}")
            reason = f"{start} || {shown} || {end}"
        found.append(Fault(unreadable, column.name, text, reason, column.required))
    if column.min is not None or column.max is not None:
        bounds = " and ".join(
            f"{word} {bound:.15g}"
            for word, bound in (("at least", column.min), ("at most", column.max))
            if bound is not None
        )
        reason = literal(f"{column.name}: {WITHHELD} it must be {bounds}")
        if quotes:
            reason = f"{literal(f'{column.name}: ')} || {shown} || {literal(f' must be {bounds}')}"
        found.append(Fault(outside, column.name, text, reason, column.required))
    if column.required and column.default is None:
        missing = f"{quoted(column.name)} is null and not {unreadable} and not {outside}"
        found.append(Fault(missing, column.name, text, literal(f"{column.name}: missing"), True))
    return found


def faults_sql(rows: RowSql, relation: str) -> str:
    """Every fault of every row of `relation` (a table of `RowSql.select` with `rid`), in the contract's order."""
    parts = [
        f"select rid, {number} as position, {literal(fault.column)} as column_name, {fault.found} as found,"
        f" {fault.reason} as reason, {str(fault.is_rejection).lower()} as is_rejection"
        f" from {relation} where {fault.condition}"
        for number, fault in enumerate(faults(rows))
    ]
    return "\nunion all\n".join(parts)


def find_suspects(connection: duckdb.DuckDBPyConnection, rows: RowSql, is_mapped: bool) -> bool:
    """Gives every row its line; copies the suspect ones to `suspects_table` and says whether there are any."""
    dataset = rows.contract.name
    line, join = ("source_line", "") if is_mapped else (line_sql("r"), line_join("r"))
    made = made_key_columns(rows.contract) if _makes_keys(connection, rows, line, join) else ()
    keys = [f"coalesce(r.{quoted(name)}, m.{quoted(name)}) AS {quoted(name)}" for name in made]
    join += f" LEFT JOIN {_made_keys(dataset)} m ON m.rid = r.rowid" if made else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {_lined(dataset)} AS SELECT r.* REPLACE"
        f" ({', '.join([f'{line} AS source_line', *keys])}), r.rowid AS rid FROM {rows_table(dataset)} r {join}"
    )
    (is_any,) = connection.execute(f"SELECT count(*) > 0 FROM {rows_table(dataset)} WHERE is_suspect").fetchall()[0]
    if not is_any:
        return False
    suspects = f"(select * from {_lined(dataset)} where is_suspect)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {suspects_table(dataset)} AS"
        f" {rows.select(suspects, ('rid', *CARRIED, 'business_date'))}"
    )
    return True


def _makes_keys(connection: duckdb.DuckDBPyConnection, rows: RowSql, line: str, join: str) -> bool:
    """Makes keys for the rows that bring none, in a table of their own; whether there are any such rows.

    Numbering the equal rows of a file sorts them: done for all rows, it took ten times what reading them takes.
    """
    made = made_keys_sql(rows.contract, "r", line)
    if not made:
        return False
    dataset = rows.contract.name
    lacking = " or ".join(f"r.{quoted(name)} is null" for name in made_key_columns(rows.contract))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_made_keys(dataset)} AS SELECT r.rowid AS rid, {', '.join(made)}"
        f" FROM {rows_table(dataset)} r {join} WHERE {lacking}"
    )
    return bool(connection.execute(f"SELECT 1 FROM {_made_keys(dataset)} LIMIT 1").fetchall())


def retyped(connection: duckdb.DuckDBPyConnection, rows: RowSql) -> list[tuple[str, str]]:
    """Files in which most of the values of a typed column cannot be read, each with what to say about it."""
    dataset = rows.contract.name
    found: dict[str, str] = {}
    for column in rows.columns:
        if column.type == "text":
            continue
        flag, text = quoted(f"_is_unreadable_{column.name}"), quoted(f"_text_{column.name}")
        files = connection.execute(
            f"""
            with bad as (
                select source_file, count(*) as values, min(source_line) as line,
                    arg_min({text}, source_line) as shown
                from {suspects_table(dataset)} where {flag} group by all having count(*) >= {RETYPED_AT_LEAST}
            ), held as (
                select source_file, count({trimmed_sql(quoted(column.name))}) as values from {rows_table(dataset)}
                where source_file in (select source_file from bad) group by all
            )
            select source_file, bad.values, held.values, line, shown from bad join held using (source_file)
            where bad.values * 2 > held.values
            """
        ).fetchall()
        for source_file, bad, held, line, shown in files:
            found.setdefault(
                source_file,
                f"line {line}: re-typed column: {column.name} should be {column.type}, found {shape_of(shown)!r} (9 for"
                f" digits, a for letters) and the like in {bad} of {held} values; restore its type, or map the file",
            )
    return list(found.items())


def shape_of(text: str) -> str:
    """How a value is written without what it says, such as 99.99.9999: a refusal is read by everyone."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text[:40]))


def reject_and_repair(connection: duckdb.DuckDBPyConnection, rows: RowSql, is_any: bool) -> None:
    """Fills `_rejects` and `_repairs` from the suspects, if any, and makes `_staged_<dataset>` of the rows used."""
    dataset = rows.contract.name
    rejected = f"(select rid from {_faults_table(dataset)} where is_rejection)"
    columns = ", ".join(quoted(column.name) for column in rows.columns)
    if is_any:
        _record_faults(connection, rows, rejected)
    used = f" WHERE NOT is_suspect OR rid NOT IN {rejected}" if is_any else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(f'_staged_{dataset}')} AS SELECT source_file AS _source_file,"
        f" source_line AS _source_line, business_date AS _business_date, {columns} FROM {_lined(dataset)}{used}"
    )


def _record_faults(connection: duckdb.DuckDBPyConnection, rows: RowSql, rejected: str) -> None:
    dataset = rows.contract.name
    suspects, faults = suspects_table(dataset), _faults_table(dataset)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {faults} AS {faults_sql(rows, suspects)}")
    connection.execute(
        f"""
        INSERT INTO _rejects
        with usual as (
            select source_file, mode(business_date) as business_date from {rows_table(dataset)}
            where source_file in (select source_file from {suspects}) group by all
        ), reasons as (
            select rid, list(reason order by position) as reasons from {faults} where is_rejection group by all
        )
        select ?, s.source_file, source_line, coalesce(s.business_date, usual.business_date), raw_text, reasons
        from {suspects} s join reasons using (rid) left join usual using (source_file)
        """,
        [dataset],
    )
    connection.execute(
        f"""
        INSERT INTO _repairs
        select ?, source_file, source_line, column_name, found, reason
        from {faults} join {suspects} using (rid) where rid not in {rejected} order by rid, position
        """,
        [dataset],
    )
