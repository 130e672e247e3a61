"""Landing files into staged rows, rejected rows and repairs, with a receipt a file. Writes temporary tables only.

What becomes of the staged tables is the warehouse's business; what a value means is the contract's.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from ecom_assets.ingestion import loading
from ecom_assets.ingestion.discovery import LandingFile, file_hash
from ecom_assets.ingestion.header import FileRefusedError
from ecom_assets.ingestion.judging import CARRIED, find_suspects, reject_and_repair, retyped, rows_table, suspects_table
from ecom_assets.ingestion.mapped import create_staged, dataset_select, place_of
from ecom_assets.ingestion.mapping import MappingError
from ecom_assets.ingestion.opening import Opened, open_file
from ecom_assets.ingestion.plans import SourcePlan
from ecom_assets.ingestion.raw_text import add_raw_texts
from ecom_assets.ingestion.row_sql import RowSql
from ecom_assets.ingestion.values import quoted
from ecom_assets.settings import Shop

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Receipt:
    """What became of one file. Its rows used and quarantined are all its rows; a refused file has neither."""

    source_file: str
    size_bytes: int
    file_hash: str
    rows_used: int = 0
    rows_quarantined: int = 0
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    refused: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Staged:
    """The outcome of `stage_files`, whose rows stand in the connection's temporary tables."""

    source: str
    feeds: tuple[str, ...]
    receipts: list[Receipt]
    read_as: str = ""
    may_hold_persons: bool = True


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
    rows used + rows quarantined = its rows. The outcome depends on the files alone, not on which are staged
    together, provided that a mapping's SQL keeps to one file too.

    Args:
        connection: its TimeZone must be UTC.
        plan: the source that the files belong to.
        files: what `discover` found, or a part of it.
        shop: gives time zone and currency.
        progress: is called with (files done, files in all).
    """
    with tempfile.TemporaryDirectory(prefix="ecom-") as scratch:
        return _Staging(connection, plan, shop, len(files), progress, Path(scratch)).run(files)


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

    def run(self, files: list[LandingFile]) -> Staged:
        self._prepare()
        for file in files:
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
        self._reject_whole_lines()
        add_raw_texts(self.connection, self.opened)
        receipts = {**{o.file.name: self._receipt(o) for o in self.opened}, **self.refused}
        self._add_counts(receipts)
        told = [receipts[file.name] for file in files]
        return Staged(self.plan.name, self.plan.feeds, told, self.plan.read_as, self.plan.may_hold_persons)

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
        except FileRefusedError as refusal:
            self._refuse(file, str(refusal))
            return None

    def _refuse(self, file: LandingFile, why: str, hashed: str | None = None) -> None:
        try:
            hashed = hashed or file_hash(file.path)
        except OSError:
            hashed = ""
        self.refused[file.name] = Receipt(file.name, file.size_bytes, hashed, refused=why)
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
        create_staged(self.connection, self.plan.mapping)
        for dataset in self.plan.feeds:
            texts = dataset_select(self.connection, self.plan, dataset, self.shop)
            try:
                self._execute(f"INSERT INTO {rows_table(dataset)} {self._judged(dataset, texts)}")
            except duckdb.Error as error:
                where = place_of(self.plan.mapping, dataset)
                raise MappingError(f"{where}: {str(error).splitlines()[0]}") from error

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
        names = list(self.refused)
        if not names:
            return
        tables = [*map(rows_table, self.plan.feeds), *map(suspects_table, self.suspicious)]
        for table in [*tables, *(["_lines"] if self.plan.mapping else [])]:
            self._execute(f"DELETE FROM {table} WHERE list_contains(?::VARCHAR[], source_file)", [names])

    def _reject_whole_lines(self) -> None:
        """Lines that are no record, and lines of an export that no dataset uses."""
        first = self.plan.feeds[0]
        usual = f"(select mode(business_date) from {rows_table(first)} r where r.source_file = f.source_file)"
        faults = [(one.file.name, fault) for one in self.opened for fault in one.faults]
        if faults:
            self._execute(
                "INSERT INTO _rejects SELECT ?, source_file, line, "
                f"{usual}, raw, [reason] FROM (SELECT unnest(?::VARCHAR[]) AS source_file, unnest(?::BIGINT[]) AS line,"
                " unnest(?::VARCHAR[]) AS raw, unnest(?::VARCHAR[]) AS reason) f",
                [
                    first,
                    [name for name, _ in faults],
                    [fault.line for _, fault in faults],
                    [fault.raw for _, fault in faults],
                    [fault.fault for _, fault in faults],
                ],
            )
        if self.plan.mapping:
            used = " union all ".join(
                f"select source_file, source_line from {rows_table(one)}" for one in self.plan.feeds
            )
            self._execute(
                f"INSERT INTO _rejects SELECT ?, source_file, source_line, {usual}, raw_text,"
                f" ['no dataset of the mapping uses this line'] FROM _lined f ANTI JOIN ({used}) u"
                " USING (source_file, source_line)",
                [first],
            )

    def _receipt(self, opened: Opened) -> Receipt:
        return Receipt(
            opened.file.name, opened.file.size_bytes, opened.file_hash, opened.line_count, warnings=opened.warnings
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
