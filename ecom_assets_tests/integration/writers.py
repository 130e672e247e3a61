"""What the processes of the crash and reader tests do."""

import csv
import random
import re
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot, publish, writer_lock
from ecom_assets_tests.unit.warehouse.small_shop import (
    AS_OF,
    CLEAN_SALES,
    DAILY,
    DAILY_SALES,
    SHOP,
    day,
    load,
    new_warehouse,
)
from ecom_assets_tests.unit.warehouse.small_shop import SALES as FULL_SALES

COLUMNS = ("sale_id", "buyer_id", "sold_at", "amount")
# An expectation costs milliseconds; with the fewer checks more of a cycle is writing.
SALES = FULL_SALES.model_copy(
    update={
        "columns": tuple(each for each in FULL_SALES.columns if each.name in COLUMNS),
        "rules": FULL_SALES.rules[:1],
        "references": (),
        "published_as": "daily_files",  # so that kills and readers meet files of days, too
    }
)
CLEAN = replace(CLEAN_SALES, sql=re.sub(r"coalesce\(channel.*?as stars,", "", CLEAN_SALES.sql, flags=re.DOTALL))
CONTRACTS = (SALES, DAILY)


def open_warehouse(home: Home):
    return new_warehouse(home.warehouse, SHOP, CONTRACTS)


def read_landing(home: Home) -> dict[str, list[dict[str, str]]]:
    files = {}
    for path in sorted(home.landing.glob("*.csv")):
        with path.open(newline="") as stream:
            files[path.name] = list(csv.DictReader(stream))
    return files


def cycle(warehouse, home: Home) -> None:
    """Load what changed, write the days to do and the table above them, publish."""
    known = dict(warehouse.connection.execute("select source_file, size_bytes from lineage.source_files").fetchall())
    for name, rows in read_landing(home).items():
        if known.get(name) != len(str((rows, []))):
            load(warehouse, SALES, {name: rows})
    days = warehouse.days_to_do(AS_OF)
    if days:
        warehouse.write(SALES, CLEAN, days, "run", "v1", AS_OF)
    # A kill between the two tables leaves the second one out of date, whether or not there are days to do.
    if not warehouse.is_current(DAILY, "v1", DAILY_SALES.reads):
        warehouse.write(DAILY, DAILY_SALES, None, "run", "v1", AS_OF)
    publish(warehouse.connection, home, CONTRACTS)


def run_once(root: str) -> None:
    home = Home(Path(root))
    with writer_lock(home, "one whole cycle"):
        warehouse = open_warehouse(home)
        cycle(warehouse, home)
        warehouse.connection.close()


def run_until_killed(root: str) -> None:
    """Cycles for ever; days are written again and again so that a kill finds a write at any time."""
    home = Home(Path(root))
    with writer_lock(home, "a loop that is to be killed"):
        warehouse = open_warehouse(home)
        while True:
            cycle(warehouse, home)
            days = [day(number) for number in range(4)]
            warehouse.write(SALES, CLEAN, days, "again", "v1", AS_OF)
            warehouse.write(DAILY, DAILY_SALES, None, "again", "v1", AS_OF)


def publish_rounds(root: str, stop) -> None:
    """In every round all amounts of a day are the round's number; written and published in two halves."""
    home = Home(Path(root))
    warehouse = open_warehouse(home)
    number = 0
    while not stop.is_set() or not number:
        number += 1
        rows = [
            {"sale_id": f"s{each}", "sold_at": f"{day(each % 5)} 09:00:00", "amount": str(number)} for each in range(50)
        ]
        load(warehouse, SALES, {"all.csv": rows})
        for half in ([0, 1, 2], [3, 4]):
            warehouse.write(SALES, CLEAN, [day(each) for each in half], "run", "v1", AS_OF)
            warehouse.write(DAILY, DAILY_SALES, None, "run", "v1", AS_OF)
            for _ in range(3):  # a version costs a tenth of a write, and it is versions that readers trip over
                publish(warehouse.connection, home, CONTRACTS)
    warehouse.connection.close()


def read_until(root: str, stop, seed: int, results) -> None:
    """Query the newest snapshot over and over; put (reads, newest version, faults) into `results`."""
    home, chance = Home(Path(root)), random.Random(seed)
    reads, newest, faults = 0, 0, []
    while not stop.is_set() or not reads:
        try:
            connection = open_snapshot(home)
            for _ in range(chance.randint(1, 3)):
                faults += look(connection)
                reads += 1
            version = connection.execute("select version from lineage.snapshot").fetchall()[0][0]
            if version < newest:
                faults.append(f"version {version} after {newest}")
            newest = version
            connection.close()
            time.sleep(0.02)
        except Exception as error:
            faults.append(repr(error))
    results.put((reads, newest, faults))


def look(connection) -> list[str]:
    """What is wrong in a snapshot: a day of two rounds, or one whose total is not that of its rows."""
    sql = """
        select sales.business_date, count(distinct sales.amount), count(*), sum(sales.amount), any_value(daily.amount)
        from clean.sales left join kpi.daily using (business_date) group by 1
    """
    found: list[tuple[date, int, int, object, object]] = connection.execute(sql).fetchall()
    torn = [f"torn {row}" for row in found if row[1] != 1 or row[2] != 10 or row[3] != row[4]]
    return torn if len(found) == 5 else [*torn, f"{len(found)} days"]
