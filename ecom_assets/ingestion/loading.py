"""Opened files into temporary tables of texts, with file and line. Judges no values; knows no contract.

Plain CSVs and Parquet go through the engine in bulk. A row of Parquet has its number. A table that is filled from a
list of CSVs keeps their order and that of their lines, so a row's number among its file's rows gives its line, once it
is known which lines are records. A file in which the engine's count does not fit that is read again, record by record.
"""

from collections.abc import Callable, Iterator

import duckdb

from ecom_assets.ingestion.faults import is_of_the_machine
from ecom_assets.ingestion.opening import Bulk, Opened, is_mostly_broken
from ecom_assets.ingestion.parquet_bulk import ParquetBulk, parquet_select
from ecom_assets.ingestion.ragged import split_ragged
from ecom_assets.ingestion.values import glob_escaped, literal, quoted

BULK_FILES = 500  # a call: enough to keep both cores busy, few enough to show progress
_RunOfRows = tuple[int, int, int]  # first row, last row, first line
_BLOCK_BITS = 12  # runs are found by blocks of 4096 rows: a file has dozens of runs, a block has few


def carried_columns(names: tuple[str, ...]) -> str:
    """Column definitions of a table of texts."""
    return ", ".join(
        ["source_file VARCHAR", "source_line BIGINT", "raw_text VARCHAR", *(f"{quoted(n)} VARCHAR" for n in names)]
    )


def bulk_groups(files: list[Opened]) -> Iterator[tuple[Bulk | ParquetBulk, list[Opened]]]:
    """Plain files that can be read by one call, in order of name."""
    groups: dict[Bulk | ParquetBulk, list[Opened]] = {}
    for opened in files:
        if opened.bulk:
            groups.setdefault(opened.bulk, []).append(opened)
    for bulk, members in groups.items():
        for first in range(0, len(members), BULK_FILES):
            yield bulk, members[first : first + BULK_FILES]


def bulk_select(bulk: Bulk | ParquetBulk, files: list[Opened], names: tuple[str, ...]) -> str:
    """A SELECT over plain files; source_line of a CSV is NULL, as only the filled table knows it."""
    if isinstance(bulk, ParquetBulk):
        return parquet_select(bulk, [glob_escaped(str(opened.text_path)) for opened in files], names)
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(bulk.header.columns)))
    paths = ", ".join(literal(glob_escaped(str(opened.text_path))) for opened in files)
    reader = (
        f"read_csv([{paths}], columns={{{columns}}}, auto_detect=false, header=true, delim={literal(bulk.delimiter)},"
        f" quote='\"', escape='\"', new_line={new_line(bulk.line_end)}, filename='_path', compression='none',"
        " ignore_errors=true, strict_mode=true, max_line_size=16777216)"
    )
    position = {name: f"c{index}" for index, name in enumerate(bulk.header.columns) if name is not None}
    texts = ", ".join(f"{position.get(name, 'null::varchar')} as {quoted(name)}" for name in names)
    name = f"replace(substr(_path, {len(bulk.folder) + 2}), '\\', '/')"
    return (
        f"select {name} as source_file, null::bigint as source_line, null::varchar as raw_text, {texts} from {reader}"
    )


def new_line(end: str) -> str:
    r"""The engine's spelling of a line end."""
    return "'\\r\\n'" if end == "\r\n" else "'\\n'"


def table_select(relation: str, opened: Opened, names: tuple[str, ...]) -> str:
    """A SELECT over a registered table of exact records."""
    held = {name for name in opened.header.columns if name is not None}
    texts = ", ".join(f"{quoted(f'c_{name}') if name in held else 'null::varchar'} as {quoted(name)}" for name in names)
    return f"select {literal(opened.file.name)} as source_file, source_line, raw_text, {texts} from {relation}"


def fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: list[Opened],
    names: tuple[str, ...],
    project: Callable[[str], str],
    reopen: Callable[[Opened], Opened | None],
    step: Callable[[int], None],
) -> None:
    """Fills `table` with all rows of `files`, and `_runs` with what gives a bulk row its line.

    Args:
        connection: an open connection; `table` exists and is empty.
        table: its columns are those that `project` gives.
        files: opened files; one that is read again is replaced in this list by what `reopen` gives.
        names: expected columns.
        project: makes the SELECT that is inserted out of a SELECT over texts.
        reopen: reads a file record by record, None where it is then refused.
        step: is told how many files are done.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE _runs (block BIGINT, first_row BIGINT, last_row BIGINT, first_line BIGINT)"
    )
    for bulk, members in bulk_groups(files):
        numbered = _fill_bulk(connection, table, bulk, members, names, project)
        uneven = [opened for opened in members if numbered[opened.file.name] is None]
        _delete(connection, table, [opened.file.name for opened in uneven])
        _insert_runs(connection, {name: runs for name, runs in numbered.items() if runs})
        for opened in uneven:
            _replace(files, opened, reopen(opened))
        step(len(members) - len(uneven))
    for opened in files:
        if opened.table is not None:
            if opened.table.num_rows:
                connection.register("_exact_rows", opened.table)
                connection.execute(f"INSERT INTO {table} {project(table_select('_exact_rows', opened, names))}")
                connection.unregister("_exact_rows")
            opened.table = None
            step(1)


def _fill_bulk(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    bulk: Bulk | ParquetBulk,
    members: list[Opened],
    names: tuple[str, ...],
    project: Callable[[str], str],
) -> dict[str, list[_RunOfRows] | None]:
    """Reads files by one call, or by one each where that fails; by name what `_lines_of` says of each.

    Whatever the engine cannot read at all, the exact reader can, or says why not.
    """
    start = _row_count(connection, table)
    try:
        connection.execute(f"INSERT INTO {table} {project(bulk_select(bulk, members, names))}")
    except duckdb.Error as error:
        if is_of_the_machine(error):
            raise
        if len(members) == 1:
            return {members[0].file.name: None}
        alone = [_fill_bulk(connection, table, bulk, [opened], names, project) for opened in members]
        return {name: found for one in alone for name, found in one.items()}
    found = _counts(connection, table, start)
    return {opened.file.name: _lines_of(found.get(opened.file.name), opened) for opened in members}


def line_join(rows: str) -> str:
    """A join that gives bulk-read rows `rows` their `first_row` and `first_line`."""
    return (
        f"LEFT JOIN _runs ON _runs.block = {rows}.rowid >> {_BLOCK_BITS}"
        f" AND {rows}.rowid BETWEEN _runs.first_row AND _runs.last_row"
    )


def line_sql(rows: str) -> str:
    """The line of a row, behind `line_join`."""
    return f"coalesce({rows}.source_line, {rows}.rowid - first_row + first_line)"


def _lines_of(found: tuple[int, int, int] | None, opened: Opened) -> list[_RunOfRows] | None:
    """Which rows stand for which lines, None where the engine's count leaves that open, or the file has changed."""
    if not opened.is_as_it_was:
        return None
    if found is None:
        return [] if opened.line_count == 0 else None
    first, last, count = found
    if count != last - first + 1:
        return None
    if isinstance(opened.bulk, ParquetBulk):
        return [] if count == opened.line_count else None
    if count == opened.line_count:
        return [(first, last, 2)]
    assert opened.bulk  # noqa: S101 - only plain files come here
    data = opened.text_path.read_bytes()
    split = split_ragged(data, opened.bulk.delimiter, len(opened.header.columns))
    if split is None or sum(run.count for run in split[0]) != count:
        return None
    if is_mostly_broken(len(split[1]), count):
        return None  # the exact reader says what is wrong with it
    runs, opened.faults = split
    rows = []
    for run in runs:
        rows.append((first, first + run.count - 1, run.line))
        first += run.count
    return rows


def _insert_runs(connection: duckdb.DuckDBPyConnection, runs: dict[str, list[_RunOfRows]]) -> None:
    """Each run once for every block of rows that it reaches into."""
    rows = [
        (block, first, last, line)
        for found in runs.values()
        for first, last, line in found
        for block in range(first >> _BLOCK_BITS, (last >> _BLOCK_BITS) + 1)
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"INSERT INTO _runs SELECT {', '.join(['unnest(?::BIGINT[])'] * 4)}", columns)


def _row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = connection.execute(f"SELECT coalesce(max(rowid), -1) + 1 FROM {table}").fetchall()[0]
    return int(count)


def _counts(connection: duckdb.DuckDBPyConnection, table: str, start: int) -> dict[str, tuple[int, int, int]]:
    rows = connection.execute(
        f"SELECT source_file, min(rowid), max(rowid), count(*) FROM {table} WHERE rowid >= {start} GROUP BY ALL"
    ).fetchall()
    return {name: (first, last, count) for name, first, last, count in rows}


def _delete(connection: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> None:
    if names:
        connection.execute(f"DELETE FROM {table} WHERE list_contains(?, source_file)", [names])


def _replace(files: list[Opened], old: Opened, new: Opened | None) -> None:
    position = files.index(old)
    files[position : position + 1] = [new] if new else []
