"""A backfill of the sales domain against a plain DuckDB script that runs the same SQL on the same files.

The plain script reads the files into text tables and fills clean and KPI tables by the project's own SELECTs: no
row rules, no file ledger, no checks, no lineage, no snapshot, no Dagster. It is what the work costs at least.
"""

import argparse
import os
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ecom_assets.contracts import Contract, dataset_contracts, kpi_contracts
from ecom_assets.ingestion import clean_select
from ecom_assets.metrics import daily_metrics_sql
from ecom_assets.orchestration.runs import RunReport, execute
from ecom_assets.orchestration.shop import PROJECT, ShopContext
from ecom_assets.simulation import Simulator
from ecom_assets.sql import Query

SALES = {name: each for name, each in dataset_contracts().items() if each.domain in ("sales", "customers")}
SHOP = """\
name: Bench shop
time_zone: Europe/Berlin
currency: EUR
first_day: {first}
last_day: {last}
sources:
{sources}
"""


def main(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=PROJECT / "data") as folder:
        root = Path(folder)
        last = date(2026, 6, 30)
        first = last - timedelta(days=asked.days - 1)
        sources = "\n".join(f"  {name}: {{kind: files, path: '{name}/*.csv'}}" for name in SALES)
        (root / "shop.yaml").write_text(SHOP.format(first=first, last=last, sources=sources))
        size = _simulate(root / "home" / "landing", first, asked)
        print(f"  {asked.days} days of about {asked.orders} orders, {size / 1e6:,.0f} MB of CSV", flush=True)
        os.environ["ECOM_HOME"] = str(root / "home")
        context = ShopContext.resolve(root / "shop.yaml")
        report = execute(context)
        loading, transforming = _plain(context, root / "plain.duckdb")
        _print(report, loading, transforming)


def _simulate(landing: Path, first: date, asked: argparse.Namespace) -> int:
    """Write the landing files by a process of their own, whose memory and imports do not count."""
    simulator = Simulator({}, 7, first, time_zone="Europe/Berlin", orders_per_day=asked.orders)
    simulator.write_landing([first + timedelta(days=number) for number in range(asked.days)], landing, datasets=SALES)
    return sum(path.stat().st_size for path in landing.rglob("*.csv"))


def _plain(context: ShopContext, path: Path) -> tuple[float, float]:
    """Seconds to read the files, and to fill clean and KPI tables."""
    shop = context.shop
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema in ("raw", "clean", "kpi", "lineage"):
            connection.execute(f"create schema {schema}")
        connection.execute("create table raw.moved_keys (dataset varchar, key_hash ubigint)")
        started = time.perf_counter()
        for table in SALES.values():
            _read(connection, table, context.landing)
        loaded = time.perf_counter()
        days = {"from_day": shop.first_day, "to_day": shop.last_day}
        known = {**days, "history_complete_from": shop.history_complete_from, "time_zone": shop.time_zone,
                 "currency": shop.currency, "first_day": shop.first_day}  # fmt: skip
        for table in SALES.values():
            _fill(connection, Query(table.asset, text=clean_select(table, shop)).bind(known))
        connection.execute(
            "create view lineage.accepted_days as select 'clean/orders' as asset, business_date, count(*) as rows "
            "from clean.orders group by business_date"
        )
        connection.execute("create view lineage.sales_days as select distinct business_date from clean.orders")
        for query in _in_order():
            _fill(connection, query.bind(known))
        return loaded - started, time.perf_counter() - loaded


def _read(connection: duckdb.DuckDBPyConnection, table: Contract, landing: Path) -> None:
    files = str(landing / table.name / "*.csv").replace("'", "''")
    head = connection.execute(f"select * from read_csv('{files}', all_varchar=true, ignore_errors=true) limit 0")
    brought = [column[0] for column in head.description]
    columns = [column.name for column in table.input_columns]
    texts = ", ".join(f'"{name}"' if name in brought else f'null::varchar as "{name}"' for name in columns)
    # The business day of simulated timestamps, which are UTC, by the shop's clock; dates are days already.
    day = "null::date"
    if table.partitioned_by:
        column = f'"{table.partitioned_by}"'
        local = f"(try_cast({column} as timestamp) at time zone 'UTC' at time zone 'Europe/Berlin')::date"
        day = f"try_cast({column} as date)" if table.by_name[table.partitioned_by].type == "date" else local
    connection.execute(
        f'create table raw."{table.name}" as select filename as _source_file, row_number() over () as _source_line, '
        f"{day} as _business_date, {texts} "
        f"from read_csv('{files}', all_varchar=true, ignore_errors=true, filename=true)"
    )


def _in_order() -> list[Query]:
    """Queries of the KPI tables, each behind those that it reads."""
    waiting = {
        name: Query(f"kpi/{name}", text=daily_metrics_sql() if name == "daily_metrics" else None)
        for name in kpi_contracts()
    }
    ordered: list[Query] = []
    done = {table.asset for table in SALES.values()}
    while ready := [name for name, query in waiting.items() if query.tables() <= done]:
        ordered += [waiting.pop(name) for name in ready]
        done |= {query.name for query in ordered}
    return ordered  # what is left waiting is made of datasets that this shop does not have


def _fill(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    layer, table = query.name.split("/")
    connection.execute(f'create table {layer}."{table}" as {query.sql}', dict(query.params))


def _print(report: RunReport, loading: float, transforming: float) -> None:
    assert not report.errors, report.errors
    took = report.seconds
    apart = {name: took.get(name, 0.0) for name in ("imports", "judging", "event_log")}
    ours = took["total"] - sum(apart.values())
    plain = loading + transforming
    tables = took["sql"] + took["swap"]
    took = {**took, "dagster's steps, column lineage, plots": 2 * took["total"] - sum(took.values())}
    spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in took.items() if name != "total")
    print(f"  plain script  {plain:7.1f} s: reading files {loading:.1f}, clean and KPI tables {transforming:.1f}")
    print(f"  this project  {took['total']:7.1f} s: {spent}")
    print(f"  without imports, judging and event log {ours:.1f} s: {ours / plain:.2f} times the plain script")
    print(
        f"  of it: tables {tables:.1f} s, {tables / transforming:.2f} times; loading {took['load'] / loading:.2f} times"
    )
