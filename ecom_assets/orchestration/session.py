"""An open warehouse: the writer's lock, the connection, and what was done with it.

One session serves a whole Dagster run, or several that the command does one after the other. It is the only place
where the lock is taken and the warehouse's file is opened; what is written, and how, is `warehouse`'s business.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from ecom_assets.orchestration.dead_runs import end_dead_runs
from ecom_assets.orchestration.shop import ShopContext

if TYPE_CHECKING:  # the warehouse brings pandas along, which definitions do not need to load
    from ecom_assets.warehouse import Outcome, Snapshot, Warehouse

Progress = Callable[[str, str], None]  # (asset, "started" | "finished" | "failed")


@dataclass
class Session:
    """What ops work with. `as_of` is one moment for all of them, so that they agree on which days are over."""

    context: ShopContext
    warehouse: "Warehouse"
    connection: Any
    as_of: datetime
    on_progress: Progress | None = None
    outcomes: list["Outcome"] = field(default_factory=list)
    receipts: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    snapshot: "Snapshot | None" = None
    is_published: bool = True

    def progress(self, asset: str, state: str) -> None:
        """Tell whoever follows that work on `asset` started, finished or failed."""
        if self.on_progress:
            self.on_progress(asset, state)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds spent inside to `what`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - started

    def refused_files(self, source: str | None = None) -> list[tuple[str, str]]:
        """Landing files that are refused at present, with the reason; of one source, or of all."""
        return self._told_of_files("refused", source)

    def files_over_limit(self, source: str | None = None) -> list[tuple[str, str]]:
        """Landing files that stand though more of their lines are in quarantine than may be, with what is wrong."""
        return self._told_of_files("over_limit", source)

    def _told_of_files(self, column: str, source: str | None) -> list[tuple[str, str]]:
        return self.connection.execute(
            f"select source_file, {column} from lineage.source_files where {column} is not null "
            "and ($source is null or source = $source) order by source_file",
            {"source": source},
        ).fetchall()

    def recorded_edges(self, asset: str, code_version: str) -> dict[str, list[tuple[str, str]]]:
        """The asset's column lineage as recorded for this version of its code; empty where it is not."""
        found = self.connection.execute(
            "select downstream_column, upstream, upstream_column from lineage.column_edges "
            "where downstream = $asset "
            "and exists (from lineage.assets where asset = $asset and code_version = $version) order by all",
            {"asset": asset, "version": code_version},
        ).fetchall()
        edges: dict[str, list[tuple[str, str]]] = {}
        for column, upstream, upstream_column in found:
            edges.setdefault(column, []).append((upstream, upstream_column))
        return edges

    def publish(self, run_id: str = "") -> "Snapshot":
        """Show readers what is accepted now, with lineage and quarantine."""
        from ecom_assets.warehouse import publish

        with self.timed("publish"):
            self.snapshot = publish(self.connection, self.context.home, self.warehouse.contracts.values(), run_id)
        self.is_published = True
        return self.snapshot


_open: list[Session] = []


@contextmanager
def session(
    context: ShopContext, purpose: str, on_progress: Progress | None = None, wait_seconds: float = 0.0
) -> Iterator[Session]:
    """The warehouse of `context`, open for writing; inside another session of this process, that one.

    Whatever was written is published at the end, also after a failure: lineage and quarantine must be able to say
    why. Nothing is published where the work itself already has, or where nothing was written.

    Raises:
        LockedError: naming who writes at the moment.
    """
    from ecom_assets.ingestion import key_hash_sql
    from ecom_assets.warehouse import Warehouse, kept, writer_lock
    from ecom_assets.warehouse.personal import hash_key

    if _open:
        yield _open[-1]
        return
    context.claim()
    with (
        writer_lock(context.home, purpose, wait_seconds),
        DuckDBResource(database=str(context.home.warehouse)).get_connection() as connection,
    ):
        warehouse = Warehouse(connection, context.shop, key_hash=key_hash_sql)
        notes = warehouse.prepare()
        hash_key(context.home)  # a wrong one is told before the work, not by the publication at its end
        taken = kept.take_back(connection, context.home, context.shop)
        notes += [f"labels and snoozes from before the reset are taken again ({taken})"] if taken else []
        opened = Session(context, warehouse, connection, context.now(), on_progress, notes=notes)
        _open.append(opened)
        try:
            yield opened
        finally:
            _open.remove(opened)
            if not opened.is_published:
                opened.publish()


class WarehouseResource(dg.ConfigurableResource):
    """Gives ops the session of their run: it is opened with the run's first op and closed after the last one.

    A run that finds another writer at work waits `wait_seconds` for it, then fails and names it.
    """

    wait_seconds: float = 60.0
    _session: Session | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:
        """Open the session; the lock's holder is named by the run."""
        run = context.run
        purpose = f"Dagster run {run.run_id[:8]} of {run.job_name}" if run else "a Dagster run"
        with session(ShopContext.resolve(), purpose, wait_seconds=self.wait_seconds) as opened:
            if context.instance:
                end_dead_runs(context.instance)
            self._session = opened
            yield self
        self._session = None

    @property
    def session(self) -> Session:
        """The open session.

        Raises:
            RuntimeError: outside a run.
        """
        if self._session is None:
            raise RuntimeError("the warehouse is open only inside a run")
        return self._session
