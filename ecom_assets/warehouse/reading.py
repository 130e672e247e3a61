"""How readers open the published snapshot: read only, and confined to what was published. Nothing is written here.

DuckDB itself reaches whatever its user reaches: any file can be read, written or attached by one statement. So each
opening names the folders that the snapshot's own views need, then turns every other access off, then locks that.
"""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import TypeVar

import duckdb

from ecom_assets.settings import Home
from ecom_assets.warehouse.connection import Connection, literal, rows, value

POINTER = "current"
FOLDER = "days"  # of the files of days, below the folder of the snapshots
_TRIES = 50
_MEMORY = re.compile(r"\d+(\.\d+)?\s*[KMGT]i?B", re.IGNORECASE)
_SHARE = 0.5  # of the memory that DuckDB would take, four fifths of the machine's: readers leave room for the writer
# A process that opens a file twice has one database behind both connections: one confines it, the other finds it so.
_confining = threading.Lock()

_Result = TypeVar("_Result")


class NoSnapshotError(RuntimeError):
    """Nothing was published yet."""


class QueryLimitError(RuntimeError):
    """A question was ended as it took more time or memory than it may; the message says how to allow it more."""


def open_snapshot(published: Home | Path, memory: str | None = None) -> Connection:
    """A read-only connection to the newest snapshot of a home, or of a folder of snapshots that was copied elsewhere.

    It keeps a consistent view for as long as its snapshot is among the last ten. It reads the snapshot and its files
    of days, and no other file; its settings can be changed no more. Statements of others go through
    `guard.check_question` besides, which lets only SELECTs pass: DuckDB knows no folder that may only be read.

    Snapshots name their files of days relative to their own folder; this is the place that tells DuckDB where that
    is, for cursors of it too. DuckDB judges such a name by the working folder, so that must stay the same meanwhile.

    Args:
        published: the home, or the folder.
        memory: the most that all of its queries may take, such as "4GB"; by default about two fifths of the machine's.

    Raises:
        NoSnapshotError: nothing was published there.
        ValueError: `memory` is no amount.
    """
    folder = published.published if isinstance(published, Home) else published.expanduser().resolve()
    for _ in range(_TRIES):
        name = pointed_at(folder)
        if name is None:
            where = published.root if isinstance(published, Home) else folder
            raise NoSnapshotError(f"{where}: nothing is published yet; run `ecom run` or `ecom demo` first")
        try:
            return open_file(folder / name, memory)
        except duckdb.IOException:
            # Ten publications between reading the pointer and opening the file: the pointer has moved on.
            if pointed_at(folder) == name:
                raise
            sleep(0.02)
    raise NoSnapshotError(f"{folder}: the pointer moved {_TRIES} times while a snapshot was being opened")


def open_file(path: Path, memory: str | None = None) -> Connection:
    """The snapshot in the file `path`, as `open_snapshot` opens the newest one."""
    if memory is not None and not _MEMORY.fullmatch(memory.strip()):
        raise ValueError(f"memory: {memory!r} is no amount; write it like 4GB or 500MB")
    with _confining:
        connection = duckdb.connect(str(path), read_only=True)
        try:
            if not value(connection, "select current_setting('lock_configuration')"):
                _confine(connection, path.parent, memory)
        except BaseException:
            connection.close()
            raise
    return connection


def _confine(connection: Connection, folder: Path, memory: str | None) -> None:
    settings = {"global TimeZone": "'UTC'", "memory_limit": literal(memory or _usual_memory(connection))}
    if can_be_searched(folder):
        settings["global file_search_path"] = literal(str(folder))
        settings["allowed_directories"] = f"[{', '.join(map(literal, _folders_of_days(folder)))}]"
    # In this order: what is allowed cannot be said once access is off, and nothing can once settings are locked.
    settings |= {"enable_external_access": "false", "lock_configuration": "true"}
    for name, setting in settings.items():
        rows(connection, f"set {name} = {setting}")


def _usual_memory(connection: Connection) -> str:
    number, unit = str(value(connection, "select current_setting('memory_limit')")).split()
    return f"{float(number) * _SHARE:.1f}{unit}"


def _folders_of_days(folder: Path) -> list[str]:
    """The folders of each table's files, as they lie and as views name them.

    DuckDB judges a file's name as it stands in the view, then that of the file it found. A name that is relative counts
    from the working folder: `days/clean.orders` allows no file there unless that is a folder of snapshots too.
    """
    found = sorted(each.name for each in (folder / FOLDER).glob("*") if each.is_dir())
    return [place for name in found for place in (str(folder / FOLDER / name), f"{FOLDER}/{name}")]


def can_be_searched(folder: Path) -> bool:
    """Whether DuckDB can be told to look for files there: its setting is a list that commas divide."""
    return "," not in str(folder)


def pointed_at(folder: Path) -> str | None:
    """The name of the snapshot that readers are to open; None before the first publication."""
    try:
        return (folder / POINTER).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


class TimeLimit:
    """The seconds that a question may take, counted while the engine works and not while its rows are read."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._seconds, self._left = connection, seconds, float(seconds)

    def run(self, call: Callable[..., _Result], *given: object) -> _Result:
        """What `call` gives, on the connection or a result of it.

        Raises:
            QueryLimitError: it was ended, as all calls together took longer than they may, or more memory.
        """
        started = perf_counter()
        timer = threading.Timer(max(self._left, 0.0), self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return call(*given)
        except duckdb.InterruptException as error:
            if perf_counter() - started < self._left:
                raise  # by someone else, such as Ctrl-C
            raise QueryLimitError(f"the query was ended: it took longer than {self._seconds:g} seconds") from error
        except duckdb.OutOfMemoryException as error:
            limit = value(self._connection, "select current_setting('memory_limit')")
            raise QueryLimitError(f"the query was ended: it takes more memory than {limit}") from error
        finally:
            timer.cancel()
            self._left -= perf_counter() - started
