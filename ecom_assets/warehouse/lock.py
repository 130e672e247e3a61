"""One writer at a time: a lock file under the home, and beside it a record of who holds it.

The operating system gives the lock free when its holder ends, however it ends, so a record that outlives its
holder blocks nobody: it is read only to name the holder of a lock that is held.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ecom_assets.settings import Home


class LockedError(RuntimeError):
    """Another process is writing; the message names it."""


@contextmanager
def writer_lock(home: Home, purpose: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the home's writer lock.

    Args:
        home: whose tables are written.
        purpose: what is being done, for the message that a second writer gets.
        wait_seconds: how long to wait for the present holder.

    Raises:
        LockedError: naming the holder's purpose, process, host and since when.
        SettingsError: the home cannot be written.
    """
    home.require_writable()
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise LockedError(_held(home)) from None
    try:
        _record(home, purpose)
        yield
    finally:
        with suppress(OSError):
            _holder_file(home).unlink()
        lock.release()


def _holder_file(home: Home) -> Path:
    return home.lock.with_suffix(".json")


def _record(home: Home, purpose: str) -> None:
    holder = {
        "pid": os.getpid(),
        "what": purpose,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
    }
    half = _holder_file(home).with_suffix(".tmp")
    half.write_text(json.dumps(holder), encoding="utf-8")
    half.replace(_holder_file(home))


def _held(home: Home) -> str:
    advice = "wait until it has ended, or use another home with ECOM_HOME=…"
    try:
        holder = json.loads(_holder_file(home).read_text(encoding="utf-8"))
        who = f"{holder['what']} (process {holder['pid']} on {holder['host']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        who = "a process that has just begun"
    return f"{home.root} is being written by {who}; {advice}"
