"""The warehouse as its users see it: load files, ask which days are to do, write tables. The work lies beside it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from ecom_assets.contracts import Contract, dataset_contracts, profile_contracts, table_contracts
from ecom_assets.settings import Shop
from ecom_assets.warehouse import days, ddl, files, known_files, moved, records
from ecom_assets.warehouse.connection import Connection, configure, rows, transaction
from ecom_assets.warehouse.moved import KeyHash
from ecom_assets.warehouse.outcome import Outcome
from ecom_assets.warehouse.recording import Recorder
from ecom_assets.warehouse.stage import Select
from ecom_assets.warehouse.writing import Write


class Warehouse:
    """One shop's tables on an open, writable DuckDB connection. Hold `writer_lock` while you use it."""

    def __init__(
        self,
        connection: Connection,
        shop: Shop,
        contracts: Iterable[Contract] | None = None,
        key_hash: KeyHash | None = None,
    ) -> None:
        """Nothing is read or made yet.

        Args:
            connection: open for writing; its time zone is set to UTC.
            shop: whose tables these are.
            contracts: of its tables; by default every dataset's, its profile's and every other table's.
            key_hash: the SQL by which clean recognises a key in raw, `ingestion.key_hash_sql`; needed to load
                files, for it must be the very expression that the clean SELECTs use.
        """
        self.connection = configure(connection)
        self._key_hash = key_hash
        self.shop = shop
        if contracts is None:
            contracts = [*dataset_contracts().values(), *table_contracts().values(), *profile_contracts().values()]
        self.contracts = {each.asset: each for each in contracts}

    def prepare(self) -> list[str]:
        """Make every schema, table and view that is missing and drop what a crash left half-made.

        Returns:
            What was made anew because its contract changed, in words.
        """
        notes = ddl.create_all(self.connection, self.contracts.values())
        if self._key_hash is not None:
            with transaction(self.connection):
                for contract in self._datasets().values():
                    moved.hash_keys(self.connection, contract, self._key_hash)
        return notes

    def changed_files(self, plan: known_files.Plan, found: Sequence[known_files.File]) -> tuple[list[Any], list[str]]:
        """The landing files that are new or changed, and the names of files of this source that went away."""
        return known_files.changed_files(self.connection, plan, found)

    def read_otherwise(self, plan: known_files.Plan) -> int:
        """How many files of this source were last read by another mapping, contract or setting than now."""
        return known_files.read_otherwise(self.connection, plan)

    def standing_files(self, plan: known_files.Plan, names: Iterable[str]) -> list[str]:
        """Those of the named files of this source that brought what stands of them in raw."""
        return known_files.standing_files(self.connection, plan.name, names)

    def replace_files(self, staged: files.StagedFiles, run_id: str, seen: Iterable[known_files.File] = ()) -> None:
        """Put what ingestion staged in the place of what the same files brought before, in one transaction."""
        files.replace_files(self.connection, self._datasets(), self._keys(), staged, run_id, seen)

    def forget_files(self, plan: known_files.Plan, names: Sequence[str]) -> None:
        """Take away all that these files of a source brought; their days are to do again."""
        files.forget_files(self.connection, self._datasets(), self._keys(), plan.name, names, plan.feeds)

    def complaints(self, plan: known_files.Plan, names: Sequence[str]) -> list[str]:
        """Those of these files of a source that were refused, or of which more is in quarantine than may be."""
        return known_files.complaints(self.connection, plan.name, names)

    def forget_complaints(self, plan: known_files.Plan, names: Sequence[str]) -> None:
        """Forget what was wrong with these files of a source, which lie there no more; what they brought stays."""
        known_files.forget_complaints(self.connection, plan.name, names)

    def ask_again(self, asset: str, asked: Sequence[date]) -> None:
        """Have days of a clean table written again, though its own files are what they were."""
        sql = """update lineage.days set fingerprint = null
            where asset = $asset and business_date in (select unnest($days::date[]))"""
        rows(self.connection, sql, {"asset": asset, "days": list(asked)})

    def days_to_do(self, as_of: datetime) -> list[date]:
        """Days of which something else was delivered than what was last evaluated, oldest first."""
        return days.days_to_do(self.connection, self.shop, self.contracts.values(), as_of)

    def pending(self, as_of: datetime) -> list[days.Pending]:
        """Rows that wait in raw since their day is not over, or is not one of the shop's days."""
        return days.pending(self.connection, self.shop, self.contracts.values(), as_of)

    def write(
        self,
        contract: Contract,
        query: Select | pd.DataFrame,
        days: Sequence[date] | None,
        run_id: str,
        code_version: str = "",
        as_of: datetime | None = None,
        reads: Iterable[str] | None = None,
    ) -> Outcome:
        """Stage the rows of `query`, judge them, and swap in what is accepted.

        Args:
            contract: of the table to write.
            query: a SELECT to run inside the engine, or a frame. A SELECT for a partitioned table is given
                `$from_day` and `$to_day` (inclusive) where it names them.
            days: the days to write of a partitioned table; None for a whole one.
            run_id: the run that asks.
            code_version: of the code that made the rows.
            as_of: the present moment, which decides which days are over; by default the clock's.
            reads: the assets that the rows were made from; by default those that the SELECT names.

        Raises:
            ValueError: a partitioned table without days, or a whole one with.
        """
        if bool(contract.partitioned_by) != (days is not None):
            given, wanted = ("no days", "the days to write") if days is None else ("days", "None: it is written whole")
            raise ValueError(f"{contract.asset}: got {given}, expected {wanted}")
        if reads is None:
            reads = frozenset() if isinstance(query, pd.DataFrame) or contract.layer == "clean" else query.tables()
        recorder = Recorder(self.connection, contract, frozenset(reads), run_id, code_version, records.now())
        moment = as_of or datetime.now(UTC)
        write = Write(self.connection, contract, self.shop, query, self._unknown(), moment, recorder)
        return write.whole() if days is None else write.days(days)

    def is_current(self, contract: Contract, code_version: str, reads: Iterable[str] = ()) -> bool:
        """Whether a whole table stands as it would be written now, so that writing it again would change nothing."""
        return Recorder(self.connection, contract, frozenset(reads), "", code_version, records.now()).is_current()

    def record_assets(self, assets: Iterable[Mapping[str, Any]]) -> None:
        """Keep what the assets are (asset, domain, owner, description, code_version, upstream) in lineage."""
        records.record_assets(self.connection, assets)

    def record_column_edges(self, asset: str, columns: Mapping[str, Iterable[tuple[str, str]]]) -> None:
        """Keep which (asset, column) pairs each column of `asset` is made of."""
        records.record_column_edges(self.connection, asset, columns)

    def _keys(self) -> KeyHash:
        if self._key_hash is None:
            raise ValueError("loading files needs Warehouse(..., key_hash=ingestion.key_hash_sql)")
        return self._key_hash

    def _datasets(self) -> dict[str, Contract]:
        return {each.name: each for each in self.contracts.values() if each.layer == "clean"}

    def _unknown(self) -> frozenset[str]:
        """Datasets that the shop does not have: no source carries their name, and none ever fed them."""
        fed = {row[0] for row in rows(self.connection, "select distinct dataset from lineage.feeds")}
        return frozenset(self._datasets().keys() - fed - self.shop.sources.keys())
