"""Dagster's SQLite event log, kept open between events.

Here stands only how events reach the disk; which events there are, and how they are mirrored into the index,
stays Dagster's. The stock storage opens, syncs and checkpoints a database several times an event (50–110 ms on a
disk, most of a two-year backfill); this one keeps a connection per database, commits once an event or batch and
leaves the syncing to SQLite's write-ahead log: a crash of the process loses nothing, a power cut at most the
newest events, never the consistency of the log.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool
from watchdog.observers import Observer

BATCH_SIZE = 500
OPEN_SHARDS = 16  # the UI walks over old runs, each a database of its own: keep the newest few open


class _Shard:
    """One open database, the lock that serialises its use in this process, and the connection in use."""

    def __init__(self, engine: Engine, identity: tuple[int, int]) -> None:
        self.engine = engine
        self.identity = identity
        self.lock = threading.RLock()
        self.connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The shard's connection inside a transaction; inside another one of the same thread, that one."""
        with self.lock:
            if self.connection is not None:
                yield self.connection
                return
            with self.engine.begin() as connection:
                self.connection = connection
                try:
                    yield connection
                finally:
                    self.connection = None


class TunedSqliteEventLogStorage(SqliteEventLogStorage):
    """The stock storage with open connections, one commit an event or batch, and no sync per commit."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # The only switch that makes Dagster hand over the events of a partition range as one batch.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_SIZE))
        self._shards: OrderedDict[str, _Shard] = OrderedDict()
        self._shards_lock = threading.Lock()
        self._process = os.getpid()
        self._known: set[str] = set()
        self.seconds = 0.0  # spent on storing, for reports of where a run's time went
        self._newest: dict[tuple[Any, Any], tuple[EventLogEntry, int]] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "TunedSqliteEventLogStorage":
        """The storage that `dagster.yaml` configures; the stock method names its own class."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._open(shard).transaction() as connection:
            yield connection

    def _open(self, name: str) -> _Shard:
        path = self.path_for_shard(name)
        with self._shards_lock:
            if self._process != os.getpid():  # SQLite connections must not cross a fork; the parent closes its own
                self._shards, self._process = OrderedDict(), os.getpid()
            shard = self._shards.get(name)
            if shard is None or shard.identity != _identity(path):  # another process may have wiped the file
                self._shards[name] = shard = self._opened(name, path)
                self._close_oldest()
            self._shards.move_to_end(name)
            return shard

    def _opened(self, name: str, path: str) -> _Shard:
        engine = create_engine(
            self.conn_string_for_shard(name),
            poolclass=QueuePool,
            pool_size=1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        db.event.listen(engine, "connect", _without_sync)
        self._initdb(engine)
        return _Shard(engine, _identity(path))

    def _close_oldest(self) -> None:
        for name in [name for name in self._shards if name != INDEX_SHARD_NAME][:-OPEN_SHARDS]:
            shard = self._shards[name]
            if shard.lock.acquire(blocking=False):  # one in use stays open until the next look
                try:
                    if shard.connection is None:
                        del self._shards[name]
                        shard.engine.dispose()
                finally:
                    shard.lock.release()

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event in its run's database and the index, with one commit each."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events with one commit a run's database and one for the index.

        The run's databases commit first, as in the stock storage: an event is never in the index alone.
        """
        started = time.perf_counter()
        with ExitStack() as transactions:
            transactions.callback(self._newest.clear)
            index = transactions.enter_context(self.index_connection())
            for run_id in sorted({event.run_id for event in events}):
                transactions.enter_context(self.run_connection(run_id))
            for event in events:
                super().store_event(event)
            for event, event_id in self._newest.values():
                super()._store_asset_event(index, event, event_id)
        self.seconds += time.perf_counter() - started

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        # An asset's row holds its newest event of each type: of a batch's 730 days one is worth writing.
        # `store_event_batch` holds the index, so nobody else sees or fills this in between.
        dagster_event = event.get_dagster_event()
        self._newest[(dagster_event.asset_key, dagster_event.event_type)] = (event, event_id)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; asked with every event, so a yes is remembered."""
        return self._remembered(table_name, lambda: super(TunedSqliteEventLogStorage, self).has_table(table_name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        stock = super()._has_asset_key_col_on_connection
        return self._remembered(f"asset_keys.{column_name}", lambda: stock(conn, column_name))

    def _remembered(self, fact: str, look: Any) -> bool:
        if fact not in self._known and look():
            self._known.add(fact)
        return fact in self._known

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Tell `callback` of each event of the run as it is stored, by this process or another."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _Watchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (watchdog, self._obs.schedule(watchdog, self._base_dir, recursive=True))

    def wipe(self) -> None:
        """Remove all events; open databases are closed first, as their files go."""
        self._close_all()
        super().wipe()

    def dispose(self) -> None:
        """Stop watching and close every database."""
        super().dispose()
        self._close_all()

    def _close_all(self) -> None:
        with self._shards_lock:
            shards, self._shards = list(self._shards.values()), OrderedDict()
        for shard in shards:  # outside the lock: whoever uses a shard may be waiting to open another
            with shard.lock:
                shard.engine.dispose()


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Looks at the write-ahead log too: with connections kept open the database itself seldom changes."""

    def __init__(self, storage: TunedSqliteEventLogStorage, run_id: str, callback: Any, cursor: str | None) -> None:
        super().__init__(storage, run_id, callback, cursor)
        self._patterns = [self._log_path, f"{self._log_path}-wal"]
        self._processing = threading.Lock()

    def on_modified(self, event: Any) -> None:
        """Hand on what is new since the last look."""
        with self._processing:
            self._process_log()


def _identity(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _without_sync(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
