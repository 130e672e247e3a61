"""Schemas, typed empty tables from contracts, and the tables and views of lineage. No data is written here.

No index, primary key or other constraint is ever made: DuckDB's secondary indexes have open corruption bugs, and
what a constraint would say, the checks of the contract say with a day and a count.
"""

from collections.abc import Iterable

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse.connection import Connection, columns_of, rows, table_exists, table_name, transaction
from ecom_assets.warehouse.moved import KEY_HASH

STAGED = "_next_"  # prefix of a table that was staged and not yet swapped

LINEAGE_TABLES = {
    "assets": """asset VARCHAR, layer VARCHAR, domain VARCHAR, owner VARCHAR, description VARCHAR,
        code_version VARCHAR""",
    "asset_edges": "upstream VARCHAR, downstream VARCHAR",
    "column_edges": """upstream VARCHAR, upstream_column VARCHAR, downstream VARCHAR, downstream_column VARCHAR""",
    "materializations": """asset VARCHAR, partition_start DATE, partition_end DATE, run_id VARCHAR, row_count BIGINT,
        content_hash HUGEINT, input_versions MAP(VARCHAR, VARCHAR), code_version VARCHAR, started_at TIMESTAMP,
        finished_at TIMESTAMP""",
    "check_results": """asset VARCHAR, check_name VARCHAR, partition_start DATE, content_hash HUGEINT, passed BOOLEAN,
        severity VARCHAR, found VARCHAR, run_id VARCHAR, evaluated_at TIMESTAMP""",
    "restatements": """asset VARCHAR, measure VARCHAR, "day" DATE, member VARCHAR, was DOUBLE, "is" DOUBLE,
        cause VARCHAR, run_id VARCHAR, restated_at TIMESTAMP""",
    # Whether files of a source may hold persons: if they once might, what they brought may, whatever is stated now.
    "feeds": "source VARCHAR, dataset VARCHAR, may_hold_persons BOOLEAN",
    # The SQL by which the hashes of a raw table's keys were made: another one makes them anew.
    "key_hashes": "dataset VARCHAR, made_by VARCHAR",
    # One row a landing file, as last seen; what stands in raw is `loaded_hash`, which a refused file leaves alone.
    # `over_limit` says of a file that stands why more of it is in quarantine than may be.
    "source_files": """source VARCHAR, datasets VARCHAR[], source_file VARCHAR, size_bytes BIGINT, modified_ns BIGINT,
        file_hash VARCHAR, loaded_hash VARCHAR, rows_used BIGINT, rows_quarantined BIGINT, first_event_at TIMESTAMP,
        last_event_at TIMESTAMP, first_business_date DATE, last_business_date DATE, refused VARCHAR,
        warnings VARCHAR[], run_id VARCHAR, loaded_at TIMESTAMP, read_as VARCHAR, over_limit VARCHAR""",
    "source_days": """dataset VARCHAR, source VARCHAR, source_file VARCHAR, business_date DATE, rows_used BIGINT,
        rows_quarantined BIGINT, file_hash VARCHAR, read_as VARCHAR""",
    # A day of a partitioned table, or with a null date a whole table: how it was last evaluated and what stands.
    "days": """asset VARCHAR, business_date DATE, state VARCHAR, stale BOOLEAN, fingerprint VARCHAR, reason VARCHAR,
        run_id VARCHAR, evaluated_at TIMESTAMP, row_count BIGINT, content_hash HUGEINT, newest_day DATE,
        written_at TIMESTAMP, stale_since TIMESTAMP, held BOOLEAN""",
    # Of a whole table that is made day by day: what each day was made of, and what it holds.
    "made_days": "asset VARCHAR, business_date DATE, made_of VARCHAR, row_count BIGINT, content_hash HUGEINT",
    # Which file readers get as a day of a table that is published by day; snapshots from `until_version` on use
    # another. `written_at` is that of the rows in lineage.days, `treatment` tells how personal columns appear.
    "published_days": """asset VARCHAR, business_date DATE, file VARCHAR, treatment VARCHAR, written_at TIMESTAMP,
        until_version BIGINT""",
    # What people said of notifications. No table is made of files alone once these are used, so they are never dropped;
    # a label keeps what the notification said when it was labelled.
    "labels": """notification_id VARCHAR, label VARCHAR, note VARCHAR, kind VARCHAR, raised_date DATE, start_date DATE,
        end_date DATE, metric VARCHAR, dimension VARCHAR, member VARCHAR, direction VARCHAR, severity VARCHAR,
        score DOUBLE, series_count BIGINT, campaign_name VARCHAR, labelled_at TIMESTAMP""",
    # Who is not to be told until when (inclusive): of one notification, or of all whose series is of a metric.
    "snoozes": "notification_id VARCHAR, metric VARCHAR, until_date DATE, snoozed_at TIMESTAMP",
}

LINEAGE_VIEWS = {
    # Arrival order is the rank of the file's name, never the clock, so that a replay gives the same result.
    "sources": """select source, datasets, source_file, size_bytes, file_hash,
            row_number() over (partition by source order by source_file) as rank, rows_used, rows_quarantined,
            first_event_at, last_event_at, first_business_date, last_business_date, refused, over_limit, warnings,
            loaded_at
        from lineage.source_files""",
    "accepted_days": """select asset, business_date, row_count as "rows" from lineage.days
        where business_date is not null and content_hash is not null""",
    # A day's sales are whole when its orders and their lines stand and no refund of it was refused: without its
    # lines a day would show orders and no money. A day without any refund file is whole; a late one restates it.
    "sales_days": """select business_date from lineage.days
        where business_date is not null and asset in ('clean/orders', 'clean/order_items', 'clean/refunds')
        group by business_date
        having count(*) filter (asset <> 'clean/refunds' and content_hash is not null) = 2
            and count(*) filter (asset = 'clean/refunds' and state = 'refused' and content_hash is null) = 0""",
    # What was delivered for a dataset's day: every file of a source that feeds it, whichever dataset it touched.
    "fingerprints": """with files as (
            select feeds.dataset, days.business_date,
                sum(hash(days.dataset, source_file, rows_used, rows_quarantined, file_hash, read_as)) as files
            from lineage.source_days days join lineage.feeds feeds on feeds.source = days.source
            group by feeds.dataset, days.business_date
        ), moved as (
            select dataset, business_date, sum(hash(key_hash, last_date)) as keys from lineage.moved_days
            group by dataset, business_date
        )
        select files.dataset, files.business_date,
            hash(files.files, coalesce(moved.keys, 0))::varchar as fingerprint
        from files left join moved on moved.dataset = files.dataset
            and moved.business_date is not distinct from files.business_date""",
    "table_status": """with standing as (
            select asset, max(newest_day) as newest_day, coalesce(sum(row_count), 0)::bigint as "rows",
                max(written_at) as last_written_at, min(stale_since) as stale_since,
                count(*) filter (where business_date is not null and content_hash is not null) as accepted_days,
                count(*) filter (where state = 'refused') as refused_days,
                count(*) filter (where state = 'missing') as missing_days,
                count(*) filter (where stale) as stale_days,
                arg_max(reason, evaluated_at) filter (where state = 'refused') as last_refusal
            from lineage.days group by asset
        )
        select * from standing""",
}


def table_columns(contract: Contract) -> dict[str, str]:
    """Column names and SQL types of the contract's table, in order, with those that the layer implies."""
    implied = {"business_date": "DATE"} if contract.partitioned_by and "business_date" not in contract.by_name else {}
    stated = {column.name: column.sql_type for column in contract.columns}
    origin = {"_source_file": "VARCHAR", "_source_line": "BIGINT"} if contract.layer == "clean" else {}
    return {**implied, **stated, **origin}


def raw_columns(contract: Contract) -> dict[str, str]:
    """Column names and SQL types of the dataset's raw table: everything as it came, with its place."""
    columns = {"_source_file": "VARCHAR", "_source_line": "BIGINT", "_business_date": "DATE"}
    return {**columns, **{column.name: "VARCHAR" for column in contract.input_columns}}


QUARANTINE_COLUMNS = {
    "source_file": "VARCHAR",
    "source_line": "BIGINT",
    "business_date": "DATE",
    "raw_text": "VARCHAR",
    "reasons": "VARCHAR[]",
    "loaded_at": "TIMESTAMP",
}
REPAIR_COLUMNS = {
    "dataset": "VARCHAR",
    "source_file": "VARCHAR",
    "source_line": "BIGINT",
    "column_name": "VARCHAR",
    "found": "VARCHAR",
    "reason": "VARCHAR",
    "loaded_at": "TIMESTAMP",
}


def create_all(connection: Connection, contracts: Iterable[Contract]) -> list[str]:
    """Make whatever is missing and return what was found out of date and made anew.

    A table whose contract changed is derived from raw, so it is made anew and empty and its days are to do again;
    raw itself only ever gains columns.
    """
    contracts = list(contracts)
    layers = {"raw", "clean", "kpi", "quarantine", "lineage", *(each.layer for each in contracts)}
    notes = []
    with transaction(connection):  # all or nothing, and one flush to disk instead of a hundred
        for layer in sorted(layers):
            rows(connection, f"create schema if not exists {quoted(layer)}")
        _create_lineage(connection)
    with transaction(connection):
        _create(connection, "quarantine", "repairs", REPAIR_COLUMNS)
        for contract in contracts:
            if contract.layer == "clean":
                _create_raw(connection, contract)
                _create(connection, "quarantine", contract.name, QUARANTINE_COLUMNS)
            notes += _create_derived(connection, contract)
        _drop_leftovers(connection)
    return notes


def _create(connection: Connection, schema: str, table: str, columns: dict[str, str]) -> None:
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    rows(connection, f"create table if not exists {quoted(schema)}.{quoted(table)} ({listed})")


def _create_lineage(connection: Connection) -> None:
    for name, columns in LINEAGE_TABLES.items():
        _create_lineage_table(connection, name, columns)
    # Keys that were seen on more than one business date, with each of those dates and the one that they moved to.
    rows(
        connection,
        "create table if not exists lineage.moved_days "
        "(dataset VARCHAR, key_hash UBIGINT, business_date DATE, last_date DATE)",
    )
    rows(
        connection,
        "create or replace view raw.moved_keys as select distinct dataset, key_hash from lineage.moved_days",
    )
    for name, select in LINEAGE_VIEWS.items():
        rows(connection, f"create or replace view lineage.{name} as {select}")


def _create_lineage_table(connection: Connection, name: str, columns: str) -> None:
    """Make the table, or add to an older one the columns that it lacks: what is known is never thrown away."""
    rows(connection, f"create or replace temp table _wanted ({columns})")
    rows(connection, f"create table if not exists lineage.{name} ({columns})")
    known = columns_of(connection, f"lineage.{name}")
    for column, kind in columns_of(connection, "temp.main._wanted").items():
        if column not in known:
            rows(connection, f"alter table lineage.{name} add column {quoted(column)} {kind}")
    rows(connection, "drop table temp.main._wanted")


def _create_raw(connection: Connection, contract: Contract) -> None:
    wanted = {**raw_columns(contract), **({KEY_HASH: "UBIGINT"} if contract.keys_can_move else {})}
    _create(connection, "raw", contract.name, wanted)
    known = columns_of(connection, f"raw.{quoted(contract.name)}")
    for name, kind in wanted.items():
        if name not in known:
            rows(connection, f"alter table raw.{quoted(contract.name)} add column {quoted(name)} {kind}")


def _create_derived(connection: Connection, contract: Contract) -> list[str]:
    table, wanted = table_name(contract.asset), table_columns(contract)
    if not table_exists(connection, contract.layer, contract.name):
        _create(connection, contract.layer, contract.name, wanted)
        return []
    if columns_of(connection, table) == wanted:
        return []
    rows(connection, f"drop table {table}")
    _create(connection, contract.layer, contract.name, wanted)
    rows(connection, "delete from lineage.days where asset = ?", [contract.asset])
    return [f"{contract.asset}: its contract changed, so the table was made anew and its days are to do again"]


def _drop_leftovers(connection: Connection) -> None:
    """Drop what a crash left staged; staged tables are no part of any state."""
    found = rows(
        connection,
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_database() and starts_with(table_name, ?)",
        [STAGED],
    )
    for schema, table in found:
        rows(connection, f"drop table {quoted(schema)}.{quoted(table)}")
