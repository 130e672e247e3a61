"""Replacing all that a file brought by what it brings now. Which files are new is asked of `known_files`.

Raw is kept and replaced by file. What a file brought are its raw rows, quarantined rows, logged repairs, the days
it touched and its line in the ledger; all of it changes in one transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse import moved, records
from ecom_assets.warehouse.connection import Connection, columns_of, rows, transaction
from ecom_assets.warehouse.ddl import QUARANTINE_COLUMNS, REPAIR_COLUMNS, raw_columns
from ecom_assets.warehouse.known_files import File, standing_files


class StagedFiles(Protocol):
    """What ingestion staged: temp tables `_staged_<dataset>`, `_rejects`, `_repairs`, and a receipt a file.

    Where it `mixes_files`, a file's rows may be others though the file is what it was.
    """

    source: str
    feeds: tuple[str, ...]
    receipts: Sequence[Any]
    read_as: str
    may_hold_persons: bool
    mixes_files: bool


def replace_files(
    connection: Connection,
    contracts: dict[str, Contract],
    key_hash: moved.KeyHash,
    staged: StagedFiles,
    run_id: str,
    seen: Iterable[File] = (),
) -> None:
    """Put what was staged in the place of what the same files brought before, in one transaction.

    A file that was refused loses nothing: only the ledger learns that it was seen and why it was refused.

    Args:
        connection: the warehouse.
        contracts: dataset contracts by name.
        key_hash: the SQL by which clean recognises a key in raw.
        staged: what ingestion staged; its temp tables are dropped afterwards.
        run_id: the run that loads.
        seen: the files as found, for the modification times that let the next run skip them.
    """
    taken = [receipt for receipt in staged.receipts if not receipt.refused]
    names = [receipt.source_file for receipt in taken]
    at = records.now()
    for dataset in staged.feeds:
        _compare(connection, contracts[dataset])
    with transaction(connection):
        _record_feeds(connection, staged)
        replaced = standing_files(connection, staged.source, names)
        touched = {
            dataset: moved.touched_keys(
                connection, contracts[dataset], key_hash, replaced, f"temp.main.{_staged(dataset)}"
            )
            for dataset in staged.feeds
        }
        _forget_rows(connection, staged.source, staged.feeds, replaced)
        for dataset in staged.feeds:
            _keep_rows(connection, contracts[dataset], key_hash)
            _quarantine(connection, dataset, at)
        _keep_repairs(connection, at)
        _record_days(connection, staged, taken)
        for dataset in staged.feeds:
            moved.refresh(connection, contracts[dataset], touched[dataset])
        _record_files(connection, staged, run_id, at, {file.name: file.modified_ns for file in seen})
    _free_staged(connection)


def forget_files(
    connection: Connection,
    contracts: dict[str, Contract],
    key_hash: moved.KeyHash,
    source: str,
    names: Sequence[str],
    feeds: Sequence[str],
) -> None:
    """Take away everything that the named files of a source brought, in one transaction."""
    with transaction(connection):
        known = standing_files(connection, source, names)
        touched = {
            dataset: moved.touched_keys(connection, contracts[dataset], key_hash, known, None) for dataset in feeds
        }
        _forget_rows(connection, source, feeds, known)
        for dataset in feeds:
            moved.refresh(connection, contracts[dataset], touched[dataset])
        sql = "delete from lineage.source_files where source = $source and source_file in (select unnest($names))"
        rows(connection, sql, {"source": source, "names": list(names)})


def _record_feeds(connection: Connection, staged: StagedFiles) -> None:
    source = [staged.source]
    before = rows(connection, "select 1 from lineage.feeds where source = ? and may_hold_persons", source)
    rows(connection, "delete from lineage.feeds where source = ?", source)
    may_hold_persons = staged.may_hold_persons or bool(before)
    records.insert(connection, "feeds", [(staged.source, dataset, may_hold_persons) for dataset in staged.feeds])


def _staged(dataset: str) -> str:
    return quoted(f"_staged_{dataset}")


def _free_staged(connection: Connection) -> None:
    """Drop what was staged: temp tables hold as much memory as the files that they were read from."""
    sql = """select table_name, table_type from information_schema.tables
        where table_catalog = 'temp' and starts_with(table_name, '_') order by table_type = 'VIEW' desc"""
    for table, kind in rows(connection, sql):
        rows(connection, f"drop {'view' if kind == 'VIEW' else 'table'} if exists temp.main.{quoted(table)}")


def _compare(connection: Connection, contract: Contract) -> None:
    found, wanted = columns_of(connection, f"temp.main.{_staged(contract.name)}"), raw_columns(contract)
    if found != {name: wanted.get(name) for name in found} or found.keys() != wanted.keys():
        differing = sorted(set(found.items()) ^ set(wanted.items()))
        raise ValueError(f"raw/{contract.name}: the staged columns are not those of the contract: {differing}")


def _keep_rows(connection: Connection, contract: Contract, key_hash: moved.KeyHash) -> None:
    columns = [quoted(name) for name in raw_columns(contract)]
    if contract.keys_can_move:
        columns.append(f"{key_hash(contract)} as {moved.KEY_HASH}")
    select = f"select {', '.join(columns)} from temp.main.{_staged(contract.name)}"
    rows(connection, f"insert into raw.{quoted(contract.name)} by name {select}")


def _forget_rows(connection: Connection, source: str, feeds: Sequence[str], names: list[str]) -> None:
    if not names:
        return  # nothing to look for: most files are new, and a search reads the whole history
    bound = {"names": names}
    for dataset in feeds:
        rows(connection, f"delete from raw.{quoted(dataset)} where _source_file in (select unnest($names))", bound)
        sql = f"delete from quarantine.{quoted(dataset)} where source_file in (select unnest($names))"
        rows(connection, sql, bound)
        sql = "delete from quarantine.repairs where source_file in (select unnest($names)) and dataset = $dataset"
        rows(connection, sql, {**bound, "dataset": dataset})
    sql = "delete from lineage.source_days where source = $source and source_file in (select unnest($names))"
    rows(connection, sql, {"source": source, **bound})


def _quarantine(connection: Connection, dataset: str, at: Any) -> None:
    columns = ", ".join(name for name in QUARANTINE_COLUMNS if name != "loaded_at")
    sql = f"""insert into quarantine.{quoted(dataset)} by name
        select {columns}, $at::timestamp as loaded_at from temp.main._rejects where dataset = $dataset"""
    rows(connection, sql, {"at": at, "dataset": dataset})


def _keep_repairs(connection: Connection, at: Any) -> None:
    columns = ", ".join(name for name in REPAIR_COLUMNS if name != "loaded_at")
    sql = f"""insert into quarantine.repairs by name
        select {columns}, $at::timestamp as loaded_at from temp.main._repairs"""
    rows(connection, sql, {"at": at})


def _record_days(connection: Connection, staged: StagedFiles, taken: Sequence[Any]) -> None:
    hashes = {"files": [each.source_file for each in taken], "hashes": [each.file_hash for each in taken]}
    # Where rows depend on other files, what came of a file tells whether its days are to be written again.
    rows_hash = "sum(hash(_row))::varchar" if staged.mixes_files else "null::varchar"
    for dataset in staged.feeds:
        sql = f"""
            with used as (
                select _source_file as source_file, _business_date as business_date, count(*) as n,
                    {rows_hash} as rows_hash
                from temp.main.{_staged(dataset)} _row group by all
            ), rejected as (
                select source_file, business_date, count(*) as n from temp.main._rejects
                where dataset = $dataset group by all
            ), hashes as (
                select unnest($files::varchar[]) as source_file, unnest($hashes::varchar[]) as file_hash
            )
            insert into lineage.source_days by name
            select $dataset as dataset, $source as source, hashes.source_file,
                coalesce(used.business_date, rejected.business_date) as business_date,
                coalesce(used.n, 0) as rows_used, coalesce(rejected.n, 0) as rows_quarantined,
                concat_ws(' ', file_hash, rows_hash) as file_hash, $read_as as read_as
            from used full join rejected on rejected.source_file = used.source_file
                and rejected.business_date is not distinct from used.business_date
            join hashes on hashes.source_file = coalesce(used.source_file, rejected.source_file)
        """
        rows(connection, sql, {"dataset": dataset, "source": staged.source, "read_as": staged.read_as, **hashes})


def _record_files(connection: Connection, staged: StagedFiles, run_id: str, at: Any, modified: dict[str, int]) -> None:
    names = {"source": staged.source, "names": [each.source_file for each in staged.receipts]}
    listed = (
        "select source_file, loaded_hash, rows_used, rows_quarantined, first_event_at, last_event_at, "
        "first_business_date, last_business_date, over_limit, loaded_at from lineage.source_files "
        "where source = $source and source_file in (select unnest($names::varchar[]))"
    )
    before = {row[0]: row[1:] for row in rows(connection, listed, names)}
    sql = """select source_file, min(business_date), max(business_date) from lineage.source_days
        where source = $source and source_file in (select unnest($names::varchar[])) group by source_file"""
    days = {row[0]: row[1:] for row in rows(connection, sql, names)}
    found = []
    for each in staged.receipts:
        if each.refused:
            *standing, over_limit, loaded_at = before.get(each.source_file, (None, 0, 0, *[None] * 6))
        else:
            events = (each.first_event_at, each.last_event_at)
            touched = days.get(each.source_file, (None, None))
            standing = [each.file_hash, each.rows_used, each.rows_quarantined, *events, *touched]
            over_limit, loaded_at = each.over_limit, at
        seen = (each.size_bytes, modified.get(each.source_file), each.file_hash)
        found.append(
            (staged.source, list(staged.feeds), each.source_file, *seen, *standing, each.refused, list(each.warnings),
             run_id, loaded_at, staged.read_as, over_limit)
        )  # fmt: skip
    sql = """delete from lineage.source_files
        where source = $source and source_file in (select unnest($names::varchar[]))"""
    rows(connection, sql, names)
    records.insert(connection, "source_files", found)
