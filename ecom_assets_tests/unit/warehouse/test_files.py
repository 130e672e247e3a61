import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ecom_assets_tests.unit.warehouse.small_shop import (
    AS_OF,
    BUYERS,
    SALES,
    Plan,
    Receipt,
    StagedFiles,
    day,
    fetch,
    load,
    new_warehouse,
    sale,
    stage_rows,
    write_sales,
)

PLAN = Plan("sales", ("sales",))


@dataclass(frozen=True)
class File:
    name: str
    path: Path
    size_bytes: int
    modified_ns: int


@pytest.fixture
def warehouse():
    made = new_warehouse()
    fetch(made, "insert into clean.buyers (buyer_id) values ('b1')")
    return made


def raw(warehouse):
    return fetch(warehouse, "select _source_file, _source_line, sale_id, amount from raw.sales order by all")


def ledger(warehouse, columns="source_file, rows_used, rows_quarantined, refused"):
    return fetch(warehouse, f"select {columns} from lineage.sources order by source_file")


def test_a_changed_file_replaces_its_own_rows_only(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1"), sale("s2")], "b.csv": [sale("s3")]})
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 5)]})
    assert raw(warehouse) == [("a.csv", 2, "s1", "5"), ("b.csv", 2, "s3", "10")]
    assert ledger(warehouse) == [("a.csv", 1, 0, None), ("b.csv", 1, 0, None)]


def test_the_same_file_twice_changes_nothing(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1"), sale("s2")]})
    write_sales(warehouse, 0)
    before = raw(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("s1"), sale("s2")]})
    assert raw(warehouse) == before
    assert warehouse.days_to_do(AS_OF) == []


def test_quarantine_and_repairs_are_replaced_with_their_file(warehouse):
    reject = ("a.csv", 3, day(0), "s9;b1;;x", ["amount: unreadable", "sold_at: missing"])
    repair = ("a.csv", 2, "stars", "9", "stars: above 5")
    load(warehouse, SALES, {"a.csv": [sale("s1")], "b.csv": []}, rejects=[reject], repairs=[repair])
    kept = "select source_file, source_line, business_date, raw_text, reasons from quarantine.sales"
    assert fetch(warehouse, kept) == [reject]
    assert fetch(warehouse, "select * exclude (loaded_at) from quarantine.repairs") == [("sales", *repair)]
    assert ledger(warehouse)[0] == ("a.csv", 1, 1, None)
    load(warehouse, SALES, {"a.csv": [sale("s1"), sale("s9")]})
    assert fetch(warehouse, kept) == []
    assert fetch(warehouse, "from quarantine.repairs") == []
    assert ledger(warehouse)[0] == ("a.csv", 2, 0, None)


def test_a_refused_file_loses_nothing_and_says_why(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1"), sale("s2")]})
    write_sales(warehouse, 0)
    before = raw(warehouse)
    staged = stage_rows(warehouse, SALES, {})
    refused = Receipt("a.csv", 99, "other", 0, 0, refused="line 3: unclosed quote; close it")
    new = Receipt("n.csv", 9, "new", 0, 0, refused="no header")
    warehouse.replace_files(StagedFiles("sales", ("sales",), [refused, new]), "load")
    assert staged.receipts == []
    assert raw(warehouse) == before
    assert ledger(warehouse) == [
        ("a.csv", 2, 0, "line 3: unclosed quote; close it"),
        ("n.csv", 0, 0, "no header"),
    ]
    assert warehouse.days_to_do(AS_OF) == []
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 7)]})
    assert ledger(warehouse)[0] == ("a.csv", 1, 0, None)
    assert warehouse.days_to_do(AS_OF) == [day(0)]


def test_a_failed_load_leaves_everything_as_it_was(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1")]})
    before = raw(warehouse), ledger(warehouse)
    staged = stage_rows(warehouse, SALES, {"a.csv": [sale("s2")], "b.csv": [sale("s3")]})
    fetch(warehouse, "drop table _repairs")
    with pytest.raises(Exception, match="_repairs"):
        warehouse.replace_files(staged, "load")
    assert (raw(warehouse), ledger(warehouse)) == before


def test_staged_columns_must_be_those_of_raw(warehouse):
    staged = stage_rows(warehouse, SALES, {"a.csv": [sale("s1")]})
    fetch(warehouse, "alter table _staged_sales rename column stars to points")
    with pytest.raises(ValueError, match=r"raw/sales.*points.*stars"):
        warehouse.replace_files(staged, "load")


def test_only_new_and_changed_files_are_loaded_again(warehouse, tmp_path):
    def found(name, text, modified):
        path = tmp_path / name
        path.write_text(text)
        return File(name, path, len(text), modified)

    from ecom_assets.warehouse.known_files import hash_of

    files = [found("a.csv", "aaaa", 1), found("b.csv", "bbbb", 1)]
    assert warehouse.changed_files(PLAN, files) == (files, [])
    staged = stage_rows(warehouse, SALES, {"a.csv": [sale("s1")], "b.csv": [sale("s2")]})
    receipts = [
        replace(each, size_bytes=4, file_hash=hash_of(file.path))
        for each, file in zip(staged.receipts, files, strict=True)
    ]
    warehouse.replace_files(replace(staged, receipts=receipts), "load", files)
    assert warehouse.changed_files(PLAN, files) == ([], [])
    touched = [replace(files[0], modified_ns=2), found("b.csv", "bbbX", 2)]
    assert warehouse.changed_files(PLAN, touched) == ([touched[1]], [])
    assert warehouse.changed_files(PLAN, [found("a.csv", "aaaaa", 2)]) == (
        [replace(files[0], size_bytes=5, modified_ns=2)],
        ["b.csv"],
    )


def test_a_file_that_went_away_takes_its_rows_along_when_asked(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)], "b.csv": [sale("s2", 1)]})
    write_sales(warehouse, 0, 1)
    warehouse.forget_files(PLAN, ["b.csv"])
    assert raw(warehouse) == [("a.csv", 2, "s1", "10")]
    assert [row[0] for row in ledger(warehouse)] == ["a.csv"]
    assert warehouse.days_to_do(AS_OF) == [day(1)]
    outcome = write_sales(warehouse, 1)
    assert outcome.missing_days == (day(1),)
    assert fetch(warehouse, "select sale_id from clean.sales") == [("s1",)]


def test_a_day_is_delivered_for_every_dataset_that_its_source_feeds(warehouse):
    """An export of two datasets: a day with sales and no buyers was delivered for both."""
    staged = stage_rows(warehouse, SALES, {"x.csv": [sale("s1", 0)]})
    fetch(warehouse, "create temp table _staged_buyers as select * from raw.buyers limit 0")
    warehouse.replace_files(StagedFiles("export", ("sales", "buyers"), staged.receipts), "load")
    found = fetch(warehouse, "select dataset, business_date from lineage.fingerprints order by all")
    assert found == [("buyers", day(0)), ("sales", day(0))]
    assert warehouse.days_to_do(AS_OF) == [day(0)]


def test_arrival_order_is_the_rank_of_the_name(warehouse):
    load(warehouse, SALES, {"b.csv": [sale("s1", 0, 2)]})
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 1)]})
    assert fetch(warehouse, "select source_file, rank from lineage.sources order by rank") == [
        ("a.csv", 1),
        ("b.csv", 2),
    ]
    write_sales(warehouse, 0)
    assert fetch(warehouse, "select amount::int from clean.sales") == [(2,)]  # b.csv came last, whenever it was loaded


def test_the_ledger_knows_a_files_days_and_moments(warehouse):
    staged = stage_rows(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 2)]})
    moments = dt.datetime(2024, 3, 1, 10), dt.datetime(2024, 3, 3, 10)
    receipts = [replace(staged.receipts[0], first_event_at=moments[0], last_event_at=moments[1])]
    warehouse.replace_files(replace(staged, receipts=receipts), "load")
    columns = "first_event_at, last_event_at, first_business_date, last_business_date"
    assert ledger(warehouse, columns) == [(*moments, day(0), day(2))]
    assert fetch(warehouse, "select business_date, rows_used from lineage.source_days order by 1") == [
        (day(0), 1),
        (day(2), 1),
    ]


def test_nothing_of_the_staging_stays_in_memory(warehouse):
    load(warehouse, BUYERS, {"a.csv": [{"buyer_id": "b1"}]})
    assert fetch(warehouse, "select table_name from information_schema.tables where table_catalog = 'temp'") == []


def test_a_warehouse_that_cannot_tell_keys_loads_nothing(warehouse):
    from ecom_assets.warehouse import Warehouse

    unable = Warehouse(warehouse.connection, warehouse.shop, warehouse.contracts.values())
    with pytest.raises(ValueError, match="key_hash"):
        unable.replace_files(stage_rows(warehouse, SALES, {"a.csv": [sale("s1")]}), "load")


def test_a_file_that_cannot_be_read_now_counts_as_changed(warehouse, tmp_path):
    """Whoever loads it refuses it by name; looking for what is new must not end for it."""
    load(warehouse, SALES, {"a.csv": [sale("s1")]})
    ((size,),) = fetch(warehouse, "select size_bytes from lineage.source_files")
    gone = File("a.csv", tmp_path / "a.csv", size, 7)
    assert warehouse.changed_files(PLAN, [gone]) == ([gone], [])
