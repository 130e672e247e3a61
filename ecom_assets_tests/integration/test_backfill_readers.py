"""Eight readers query the published snapshot while Dagster runs backfill twenty days again and again.

Some ten seconds by default; `ECOM_READ_SECONDS=60` reads for a minute.
"""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot
from ecom_assets_tests.integration import backfills

pytestmark = [pytest.mark.integration, pytest.mark.slow]
READERS = 8
SECONDS = float(os.environ.get("ECOM_READ_SECONDS") or 10)


def version(folder: Path) -> int:
    """The newest published snapshot."""
    with open_snapshot(Home(folder / "home")) as connection:
        return connection.execute("select version from lineage.snapshot").fetchall()[0][0]


def test_readers_beside_a_backfill_see_no_error_and_no_torn_day(tmp_path):
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    stop.set()  # one round, so that there is something to read
    backfills.backfill_rounds(str(tmp_path), stop)
    stop.clear()
    writer = context.Process(target=backfills.backfill_rounds, args=(str(tmp_path), stop))
    readers = [context.Process(target=backfills.watch, args=(str(tmp_path), stop, results)) for _ in range(READERS)]
    for process in (*readers, writer):
        process.start()
    started = time.monotonic()
    while time.monotonic() < started + SECONDS or (version(tmp_path) < 3 and time.monotonic() < started + 240):
        time.sleep(0.1)
    stop.set()
    seconds = time.monotonic() - started
    found = [results.get(timeout=120) for _ in readers]
    for process in (*readers, writer):
        process.join(300)
    versions = set().union(*(each[1] for each in found))
    print(f"{sum(each[0] for each in found)} reads in {seconds:.0f} s, of {len(versions)} snapshots")
    assert writer.exitcode == 0
    assert [fault for _, _, faults in found for fault in faults] == []
    assert len(versions) > 2, "the backfill published too little while they read"
    assert min(each[0] for each in found) > 0
