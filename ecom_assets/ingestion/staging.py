"""Landing files into staged rows, rejected rows and repairs, with a receipt a file. Writes temporary tables only.

What becomes of the staged tables is the warehouse's business; what a value means is the contract's.
"""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb

from ecom_assets.ingestion import loading
from ecom_assets.ingestion.discovery import LandingFile, file_hash, shown
from ecom_assets.ingestion.faults import is_of_the_machine, place_of, unexpected
from ecom_assets.ingestion.header import FileRefusedError
from ecom_assets.ingestion.judging import CARRIED, find_suspects, reject_and_repair, retyped, rows_table, suspects_table
from ecom_assets.ingestion.mapped import fill_mapped
from ecom_assets.ingestion.mapping import MappingError
from ecom_assets.ingestion.opening import Opened, open_file
from ecom_assets.ingestion.plans import SourcePlan
from ecom_assets.ingestion.raw_text import add_raw_texts
from ecom_assets.ingestion.receipts import Receipt, Staged
from ecom_assets.ingestion.row_sql import RowSql
from ecom_assets.ingestion.unused import Unused, unused_lines
from ecom_assets.ingestion.values import quoted
from ecom_assets.ingestion.whole_lines import add_repairs, reject_whole_lines
from ecom_assets.settings import Shop

_LONGEST_REFUSAL = 1_000  # letters: a header of a million columns is told, too
_log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


def stage_files(
    connection: duckdb.DuckDBPyConnection,
    plan: SourcePlan,
    files: list[LandingFile],
    shop: Shop,
    progress: Progress | None = None,
) -> Staged:
    """Reads `files` and leaves what they hold in temporary views and tables of `connection`.

    For each dataset that the plan feeds `_staged_<dataset>`: `_source_file`, `_source_line`, `_business_date`
    and the contract's input columns as text. `_rejects` (dataset, source_file, source_line, business_date,
    raw_text, reasons) and `_repairs` (dataset, source_file, source_line, column_name, found, reason). They
    live until the next call on the connection. A file is refused as a whole or accounted for line by line:
    rows used + rows quarantined = its rows; where no row could be used it is refused, too. The outcome depends on
    the files alone, not on which are staged together, unless the plan `reads_beyond_a_file`. An exception that nobody
    foresaw refuses the file that brings it about, and the others are staged without it.

    Args:
        connection: its TimeZone must be UTC.
        plan: the source that the files belong to.
        files: what `discover` found, or a part of it.
        shop: gives time zone and currency.
        progress: is called with (files done, files in all).

    Raises:
        MappingError: the mapping's SQL cannot be run, whatever the files hold.
    """

    def stage(some: list[LandingFile], known: dict[str, str] | None = None) -> Staged:
        with tempfile.TemporaryDirectory(prefix="ecom-") as scratch:
            return _Staging(connection, plan, shop, len(some), progress, Path(scratch)).run(some, known or {})

    try:
        return stage(files)
    except Exception as error:
        if is_of_the_machine(error) or isinstance(error, MappingError):
            raise
        culprits = _culprits(stage, files)
        if not culprits and isinstance(error, FileRefusedError):  # of a mapping's SQL, over files that are good alone
            raise MappingError(str(error)) from error
        if not culprits:
            raise
        return stage(files, culprits)


def leave_out(connection: duckdb.DuckDBPyConnection, staged: Staged, names: set[str]) -> Staged:
    """What was staged without the files `names`: they were there to be seen, and what they brought before stands."""
    tables = ["_rejects", "_repairs", *map(rows_table, staged.feeds)]
    for table in tables:
        connection.execute(f"DELETE FROM {table} WHERE list_contains(?::VARCHAR[], source_file)", [sorted(names)])
    return replace(staged, receipts=[receipt for receipt in staged.receipts if receipt.source_file not in names])


def _culprits(stage: Callable[[list[LandingFile]], Staged], files: list[LandingFile]) -> dict[str, str]:
    """The files that cannot be staged even alone, each with the reason."""
    try:
        stage(files)
        return {}
    except Exception as error:
        if is_of_the_machine(error) or isinstance(error, MappingError):
            raise
        if len(files) == 1:
            return {files[0].name: _reason(files[0], error)}
    half = len(files) // 2
    return {**_culprits(stage, files[:half]), **_culprits(stage, files[half:])}


def _reason(file: LandingFile, error: Exception) -> str:
    if isinstance(error, FileRefusedError):
        return str(error)
    _log.warning("%s: %s in %s", file.name, type(error).__name__, place_of(error))
    return unexpected(error)


class _Staging:
    """One call of `stage_files`: the tables are its state, the methods its steps."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        plan: SourcePlan,
        shop: Shop,
        total: int,
        progress: Progress | None,
        scratch: Path,
    ) -> None:
        self.connection, self.plan, self.shop = connection, plan, shop
        quotes = not plan.may_hold_persons
        self.rows = {dataset: RowSql(contract, shop, quotes) for dataset, contract in plan.contracts.items()}
        self.total, self.done, self.progress = total, 0, progress
        self.refused: dict[str, Receipt] = {}
        self.opened: list[Opened] = []
        self.suspicious: list[str] = []
        self.scratch = scratch

    def run(self, files: list[LandingFile], known: dict[str, str]) -> Staged:
        """Stages the files but those `known` to be refused, each with the reason."""
        self._prepare()
        for file in files:
            if file.name in known:
                self._refuse(file, known[file.name])
                continue
            opened = self._open(file)
            if opened:
                self.opened.append(opened)
        if self.plan.mapping:
            self._fill_mapped()
        else:
            self._fill_direct()
        is_mapped = self.plan.mapping is not None
        self.suspicious = [one for one in self.plan.feeds if find_suspects(self.connection, self.rows[one], is_mapped)]
        for dataset in self.suspicious:
            self._refuse_retyped(dataset)
        self._drop_refused()
        for dataset in self.plan.feeds:
            reject_and_repair(self.connection, self.rows[dataset], dataset in self.suspicious)
        reject_whole_lines(self.connection, self.plan, self.opened)
        add_repairs(self.connection, self.plan, self.opened)
        unused = self._refuse_unused()
        add_raw_texts(self.connection, self.opened, "_lines" if self.plan.mapping else "")
        receipts = {**{o.file.name: self._receipt(o, unused) for o in self.opened}, **self.refused}
        self._add_counts(receipts)
        plan, found = self.plan, [receipts[file.name] for file in files]
        return Staged(plan.name, plan.feeds, found, plan.read_as, plan.reads_beyond_a_file, plan.may_hold_persons)

    def _execute(self, sql: str, values: list[object] | None = None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(sql, values)

    def _step(self, files: int) -> None:
        self.done += files
        if self.progress:
            self.progress(self.done, self.total)

    def _prepare(self) -> None:
        self._execute(
            "CREATE OR REPLACE TEMP TABLE _rejects (dataset VARCHAR, source_file VARCHAR, source_line BIGINT,"
            " business_date DATE, raw_text VARCHAR, reasons VARCHAR[])"
        )
        self._execute(
            "CREATE OR REPLACE TEMP TABLE _repairs (dataset VARCHAR, source_file VARCHAR, source_line BIGINT,"
            " column_name VARCHAR, found VARCHAR, reason VARCHAR)"
        )
        for dataset in self.plan.feeds:
            texts = loading.carried_columns(tuple(column.name for column in self.rows[dataset].columns))
            self._execute(
                f"CREATE OR REPLACE TEMP TABLE {rows_table(dataset)} ({texts}, business_date DATE, event_at TIMESTAMP,"
                " is_suspect BOOLEAN)"
            )

    def _open(self, file: LandingFile, exactly: bool = False) -> Opened | None:
        try:
            return open_file(self.plan, file, self.scratch, exactly)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self._refuse(file, _reason(file, error))
            return None

    def _refuse(self, file: LandingFile, why: str, hashed: str | None = None) -> None:
        try:
            hashed = hashed or file_hash(file.path)
        except OSError:
            hashed = ""
        self.refused[file.name] = Receipt(file.name, file.size_bytes, hashed, refused=shown(why[:_LONGEST_REFUSAL]))
        self._step(1)

    def _fill_direct(self) -> None:
        (dataset,) = self.plan.feeds
        names = tuple(column.name for column in self.rows[dataset].columns)
        self._fill(rows_table(dataset), names, lambda texts: self._judged(dataset, texts))

    def _fill_mapped(self) -> None:
        assert self.plan.mapping  # noqa: S101 - the caller looked
        names = tuple(self.plan.expected_columns)
        self._execute(f"CREATE OR REPLACE TEMP TABLE _lines ({loading.carried_columns(names)})")
        self._fill("_lines", names, lambda texts: texts)
        fill_mapped(self.connection, self.plan, self.shop, self._judged)

    def _fill(self, table: str, names: tuple[str, ...], project: Callable[[str], str]) -> None:
        def reopen(opened: Opened) -> Opened | None:
            return self._open(opened.file, exactly=True)

        loading.fill(self.connection, table, self.opened, names, project, reopen, self._step)

    def _judged(self, dataset: str, texts: str) -> str:
        """A SELECT of texts with business date, moment, and whether anything is wrong with the row."""
        rows = self.rows[dataset]
        kept = ", ".join(f"{quoted(f'_text_{column.name}')} as {quoted(column.name)}" for column in rows.columns)
        return (
            f"select {', '.join(CARRIED)}, {kept}, _local_date as business_date, _event_at as event_at,"
            f" ({rows.suspect_sql()}) as is_suspect from ({rows.select(f'({texts})', CARRIED)})"
        )

    def _refuse_retyped(self, dataset: str) -> None:
        for source_file, why in retyped(self.connection, self.rows[dataset]):
            opened = next((one for one in self.opened if one.file.name == source_file), None)
            if opened:
                self.opened.remove(opened)
                self._refuse(opened.file, why, opened.file_hash)

    def _drop_refused(self) -> None:
        tables = [*map(rows_table, self.plan.feeds), *map(suspects_table, self.suspicious)]
        self._drop(list(self.refused), [*tables, *(["_lines"] if self.plan.mapping else [])])

    def _drop(self, names: list[str], tables: list[str]) -> None:
        for table in tables if names else []:
            self._execute(f"DELETE FROM {table} WHERE list_contains(?::VARCHAR[], source_file)", [names])

    def _refuse_unused(self) -> dict[str, Unused]:
        """Refuses files of which no line is of use; gives the lines of the others that are not."""
        unused = unused_lines(self.connection, self.plan.feeds)
        lost = [one for one in self.opened if one.file.name in unused and unused[one.file.name].lines == one.line_count]
        for one in lost:
            self.opened.remove(one)
            self._refuse(one.file, unused[one.file.name].as_refusal(), one.file_hash)
        self._drop([one.file.name for one in lost], ["_rejects", "_repairs"])
        return unused

    def _receipt(self, opened: Opened, unused: dict[str, Unused]) -> Receipt:
        file = opened.file
        lines, warnings = opened.line_count, opened.warnings
        return Receipt(
            file.name, file.size_bytes, opened.file_hash, lines, warnings=warnings, unused=unused.get(file.name)
        )

    def _add_counts(self, receipts: dict[str, Receipt]) -> None:
        lines = self._execute("SELECT source_file, count(DISTINCT source_line) FROM _rejects GROUP BY ALL").fetchall()
        for name, quarantined in lines:
            one = receipts[name]
            receipts[name] = replace(one, rows_used=one.rows_used - quarantined, rows_quarantined=quarantined)
        moments = " union all ".join(
            f"select source_file, event_at from {rows_table(dataset)} where not is_suspect"
            for dataset in self.plan.feeds
        )
        events = self._execute(
            f"SELECT source_file, min(event_at), max(event_at) FROM ({moments}) WHERE event_at IS NOT NULL GROUP BY ALL"
        ).fetchall()
        for name, first, last in events:
            receipts[name] = replace(receipts[name], first_event_at=first, last_event_at=last)
