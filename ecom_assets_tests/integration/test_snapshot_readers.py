"""Eight readers query the published snapshot while a writer publishes: no error, no torn day, never an older one.

A few seconds by default; `ECOM_READ_SECONDS=60` reads for a minute.
"""

import multiprocessing
import os
import time

import pytest

from ecom_assets.settings import Home
from ecom_assets_tests.integration import writers

pytestmark = pytest.mark.integration
READERS = 8
PUBLISHED = 13  # more than are kept, so that files are deleted under the readers' eyes
SECONDS = float(os.environ.get("ECOM_READ_SECONDS") or 5)


def test_readers_never_see_an_error_or_a_torn_day(tmp_path):
    home = Home(tmp_path / "home")
    home.root.mkdir()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ecom_assets_tests.integration.warm"])
    stop = context.Event()
    stop.set()  # one round, so that there is something to read
    first = context.Process(target=writers.publish_rounds, args=(str(home.root), stop))
    first.start()
    first.join(120)
    assert first.exitcode == 0
    stop.clear()
    results = context.Queue()
    writer = context.Process(target=writers.publish_rounds, args=(str(home.root), stop))
    readers = [
        context.Process(target=writers.read_until, args=(str(home.root), stop, seed, results))
        for seed in range(READERS)
    ]
    for process in (writer, *readers):
        process.start()
    started = time.monotonic()
    while time.monotonic() < started + SECONDS or (version(home) < PUBLISHED and time.monotonic() < started + 240):
        time.sleep(0.1)
    seconds = time.monotonic() - started
    stop.set()
    found = [results.get(timeout=120) for _ in readers]
    for process in (writer, *readers):
        process.join(120)
    assert writer.exitcode == 0
    assert [fault for _, _, faults in found for fault in faults] == []
    reads, newest = sum(each[0] for each in found), max(each[1] for each in found)
    print(f"{reads} reads by {READERS} readers in {seconds:.0f} s, up to version {newest}, without an error")
    assert version(home) >= PUBLISHED, "the writer published too little while they read"
    assert newest > 3, "the readers did not follow the pointer"


def version(home: Home) -> int:
    """The snapshot that the pointer names."""
    return int((home.published / "current").read_text().split("-")[1].split(".")[0])


def test_the_look_finds_a_torn_day():
    import duckdb

    connection = duckdb.connect()
    connection.execute("create schema clean; create schema kpi")
    connection.execute("create table kpi.daily as select d as business_date, 10 as amount from range(5) t(d)")
    connection.execute(
        "create table clean.sales as select d as business_date, 1 as amount from range(5) t(d), range(10)"
    )
    assert writers.look(connection) == []
    connection.execute("update clean.sales set amount = 2 where business_date = 3 and rowid % 2 = 0")
    assert len(writers.look(connection)) == 1
    connection.execute("delete from clean.sales where business_date = 4")
    assert "4 days" in writers.look(connection)
