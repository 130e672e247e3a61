"""Kill -9 at random moments of a load, write and publish loop; what is left is checked against an outside ledger.

The parent delivers files, keeps what it delivered, kills the writer, and then looks: every file stands in raw whole,
as one of the versions delivered and never an older one than before; every day's rows are those that its verdicts
judged; the snapshot can be read. In the end one undisturbed cycle must give what a plain dictionary gives.
`ECOM_KILLS` sets the number of kills, `ECOM_KILL_SEED` the seed.
"""

import csv
import multiprocessing
import os
import random
import signal
import time

import pytest

from ecom_assets.quality import content_hash_sql
from ecom_assets.settings import Home
from ecom_assets.warehouse import NoSnapshotError, connect, open_snapshot
from ecom_assets_tests.integration import writers
from ecom_assets_tests.integration.writers import DAILY, SALES
from ecom_assets_tests.unit.warehouse.small_shop import sale

pytestmark = [pytest.mark.integration, pytest.mark.slow]
KILLS = int(os.environ.get("ECOM_KILLS") or 100)
SEED = int(os.environ.get("ECOM_KILL_SEED") or 20240301)
DAYS, KEYS = 4, 30


class Ledger:
    """What was delivered, version by version, kept by nobody but the parent."""

    def __init__(self, home: Home, chance: random.Random) -> None:
        self.home, self.chance = home, chance
        self.versions: dict[str, list[list[tuple]]] = {}
        self.seen: dict[str, int] = {}

    def deliver(self, good: bool = False) -> None:
        """A new version of one of a few files: rows of any day, corrected rows, now and then a bad one."""
        name = f"{self.chance.randrange(6)}.csv"
        rows = [
            sale(f"s{self.chance.randrange(KEYS)}", self.chance.randrange(DAYS), self.chance.randint(1, 99))
            for _ in range(self.chance.randint(1, 12))
        ]
        if not good and self.chance.random() < 0.15:
            rows.append(sale("bad", self.chance.randrange(DAYS), -1))
        self._write(name, rows)

    def correct(self) -> None:
        """Deliver every file that holds a bad row again, without it."""
        for name, versions in self.versions.items():
            rows = [dict(zip(writers.COLUMNS, row, strict=True)) for row in versions[-1] if row[0] != "bad"]
            if len(rows) < len(versions[-1]):
                self._write(name, rows)

    def _write(self, name: str, rows: list[dict]) -> None:
        half = self.home.landing / f"{name}.part"
        with half.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, writers.COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        self.versions.setdefault(name, []).append([tuple(row[name] for name in writers.COLUMNS) for row in rows])
        half.replace(self.home.landing / name)

    def expected(self) -> list[tuple]:
        """Last arrival wins: by file name, then line."""
        last = {
            row[0]: (row[0], row[2][:10], int(row[3]))
            for name in sorted(self.versions)
            for row in self.versions[name][-1]
        }
        return sorted(last.values())

    def check_raw(self, connection) -> None:
        sql = f"select _source_file, _source_line, {', '.join(writers.COLUMNS)} from raw.sales order by 1, 2"
        standing: dict[str, list[tuple]] = {}
        for name, line, *row in connection.execute(sql).fetchall():
            assert line == len(standing.setdefault(name, [])) + 2, f"{name}: a line is missing or doubled"
            standing[name].append(tuple(row))
        for name, rows in standing.items():
            matching = [number for number, version in enumerate(self.versions[name]) if version == rows]
            assert matching, f"{name} holds rows that are no version of it: {rows}"
            assert matching[-1] >= self.seen.get(name, 0), f"{name} fell back to an older version"
            self.seen[name] = matching[-1]
        assert set(self.seen) <= set(standing), "a file's rows are gone"


def check_warehouse(connection) -> None:
    """Every day's rows are those that its newest verdicts and its materialization speak of; no key stands twice."""
    rows = connection.execute(
        f"select business_date, count(*), {content_hash_sql(SALES)} from clean.sales group by 1"
    ).fetchall()
    standing = {row[0]: row[1:] for row in rows}
    ledger = connection.execute(
        "select business_date, state, stale, row_count, content_hash, evaluated_at from lineage.days "
        "where asset = 'clean/sales'"
    ).fetchall()
    assert set(standing) <= {row[0] for row in ledger}
    for on, state, stale, count, content_hash, evaluated_at in ledger:
        assert standing.get(on, (0, 0)) == (count or 0, content_hash or 0), f"{on} is not as the ledger says"
        verdicts = connection.execute(
            "select content_hash, passed, severity from lineage.check_results "
            "where asset = 'clean/sales' and partition_start = ? and evaluated_at = ?",
            [on, evaluated_at],
        ).fetchall()
        if state == "accepted":
            assert {each[0] for each in verdicts} == {content_hash}
            assert all(each[1] for each in verdicts if each[2] == "error")
        elif state == "refused":
            assert not all(each[1] for each in verdicts if each[2] == "error")
            assert stale == (content_hash is not None)
        written = connection.execute(
            "select arg_max(content_hash, finished_at) from lineage.materializations "
            "where asset = 'clean/sales' and partition_start = ?",
            [on],
        ).fetchall()
        assert content_hash in (written[0][0], None)  # nothing stands where its files came to hold other days
    assert connection.execute("select sale_id from clean.sales group by 1 having count(*) > 1").fetchall() == []
    check_daily(connection)


def check_daily(connection) -> None:
    recomputed = connection.execute(f"select {content_hash_sql(DAILY)} from kpi.daily").fetchall()[0][0]
    known = connection.execute("select content_hash from lineage.days where asset = 'kpi/daily'").fetchall()
    assert recomputed == (known[0][0] if known else 0)


def check_snapshot(home: Home) -> int:
    try:
        connection = open_snapshot(home)
    except NoSnapshotError:
        return 0
    unlike = connection.execute(
        "select business_date from (select business_date, sum(amount) as amount from clean.sales group by 1) a "
        "full join kpi.daily b using (business_date) where a.amount is distinct from b.amount"
    ).fetchall()
    assert unlike == []
    version = connection.execute("select version from lineage.snapshot").fetchall()[0][0]
    connection.close()
    return version


def run_once(context, home: Home) -> None:
    """One cycle that nobody disturbs."""
    process = context.Process(target=writers.run_once, args=(str(home.root),))
    process.start()
    process.join(120)
    assert process.exitcode == 0


def test_a_hundred_kills_lose_and_tear_nothing(tmp_path):
    chance = random.Random(SEED)
    home = Home(tmp_path / "home")
    home.landing.mkdir(parents=True)
    ledger = Ledger(home, chance)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ecom_assets_tests.integration.warm"])
    ledger.deliver(good=True)
    run_once(context, home)  # the fork server is warm after this one
    started = time.monotonic()
    run_once(context, home)
    cycle = min(1.5 * (time.monotonic() - started), 2.0)
    published, loaded, started = 0, 0, time.monotonic()
    for _ in range(KILLS):
        for _ in range(chance.randint(1, 2)):
            ledger.deliver()
        writer = context.Process(target=writers.run_until_killed, args=(str(home.root),))
        writer.start()
        time.sleep(cycle * chance.random())
        assert writer.is_alive(), "the writer ended by itself"
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        version = check_snapshot(home)
        assert version >= published
        # About a third of the kills should come after a publication, however busy the machine is.
        cycle = cycle * 0.95 if version > published else min(cycle * 1.03, 3.0)
        published = version
        if home.warehouse.exists():
            connection = connect(home.warehouse)
            if connection.execute(
                "select 1 from information_schema.tables where table_name = 'table_status'"
            ).fetchall():
                ledger.check_raw(connection)
                check_warehouse(connection)
                loaded = sum(ledger.seen.values())
            connection.close()
    ledger.correct()
    ledger.deliver(good=True)
    ledger.correct()
    run_once(context, home)
    connection = connect(home.warehouse)
    ledger.check_raw(connection)
    check_warehouse(connection)
    sql = "select sale_id, business_date::varchar, amount::int from clean.sales order by 1"
    assert connection.execute(sql).fetchall() == ledger.expected()
    states = connection.execute("select distinct state from lineage.days where asset = 'clean/sales'").fetchall()
    assert ("refused",) not in states
    connection.close()
    assert check_snapshot(home) > published
    print(
        f"{KILLS} kills in {time.monotonic() - started:.0f} s (seed {SEED}): {loaded} file "
        f"versions were loaded and {published} snapshots published between them; nothing lost, doubled or torn"
    )
    assert published >= KILLS / 20, "the kills came too early for the loop to get anywhere"
