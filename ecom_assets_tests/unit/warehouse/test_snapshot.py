import hashlib
import hmac
import stat

import duckdb
import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import NoSnapshotError, open_snapshot, publish
from ecom_assets_tests.unit.warehouse.small_shop import (
    BUYERS,
    CONTRACTS,
    SALES,
    StagedFiles,
    fetch,
    load,
    load_buyers,
    new_warehouse,
    sale,
    stage_rows,
    write_daily,
    write_sales,
)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(tmp_path):
    made = new_warehouse(tmp_path / "w.duckdb")
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale("s1")]})
    write_sales(made, 0)
    write_daily(made)
    return made


def read(home, sql):
    connection = open_snapshot(home)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def files(home):
    return sorted(path.name for path in home.published.iterdir() if path.is_file())


def test_nothing_published_is_one_clear_error(home):
    with pytest.raises(NoSnapshotError, match="nothing is published yet"):
        open_snapshot(home)


def test_readers_see_the_reader_facing_layers_and_not_raw(home, warehouse):
    fetch(warehouse, "create schema insight; create table insight.findings as select 'x' as finding")
    fetch(warehouse, "create schema forecast; create table forecast.forecasts as select 1 as value")
    fetch(warehouse, "create schema scratch; create table scratch.notes as select 'x' as note")
    fetch(warehouse, "create table clean._next_sales as select 1 as half")
    snapshot = publish(warehouse.connection, home, CONTRACTS, "run-1")
    assert (snapshot.version, snapshot.path.name) == (1, "snapshot-00000001.duckdb")
    assert snapshot.size_bytes == snapshot.path.stat().st_size
    tables = {row[0] for row in read(home, "select table_schema || '.' || table_name from information_schema.tables")}
    assert {
        "clean.sales",
        "clean.buyers",
        "kpi.daily",
        "insight.findings",
        "forecast.forecasts",
        "quarantine.sales",
    } <= tables
    assert {"lineage.check_results", "lineage.accepted_days", "lineage.table_status"} <= tables
    assert not [name for name in tables if name.startswith(("raw.", "scratch.")) or "_next_" in name]
    assert read(home, "select sales from kpi.daily") == [(1,)]
    assert read(home, 'select "rows" from lineage.table_status where asset = $$clean/sales$$') == [(1,)]
    assert read(home, "select version, run_id from lineage.snapshot") == [(1, "run-1")]


def test_a_snapshot_cannot_be_written(home, warehouse):
    publish(warehouse.connection, home, CONTRACTS)
    with pytest.raises(duckdb.Error, match="read-only"):
        read(home, "delete from kpi.daily")


def test_a_reader_keeps_its_view_while_others_see_the_new_one(home, warehouse):
    publish(warehouse.connection, home, CONTRACTS)
    old = open_snapshot(home)
    load(warehouse, SALES, {"b.csv": [sale("s2")]})
    write_sales(warehouse, 0)
    publish(warehouse.connection, home, CONTRACTS)
    assert old.execute("select count(*) from clean.sales").fetchall() == [(1,)]
    assert read(home, "select count(*) from clean.sales") == [(2,)]


def test_the_last_ten_are_kept_and_the_folder_can_move(home, warehouse, tmp_path):
    for _ in range(12):
        publish(warehouse.connection, home, CONTRACTS)
    assert files(home) == ["current", *(f"snapshot-{number:08d}.duckdb" for number in range(3, 13))]
    home.root.rename(tmp_path / "moved")
    assert read(Home(tmp_path / "moved"), "select version from lineage.snapshot") == [(12,)]


def test_what_a_crash_left_is_cleaned_and_never_shown(home, warehouse):
    publish(warehouse.connection, home, CONTRACTS)
    (home.published / "building-00000002.duckdb").write_bytes(b"half")
    (home.published / "building-00000002.duckdb.wal").write_bytes(b"half")
    (home.published / "snapshot-00000002.duckdb").write_bytes(b"built, and then the pointer was not switched")
    assert read(home, "select version from lineage.snapshot") == [(1,)]
    assert publish(warehouse.connection, home, CONTRACTS).version == 2
    assert files(home) == ["current", "snapshot-00000001.duckdb", "snapshot-00000002.duckdb"]
    assert read(home, "select version from lineage.snapshot") == [(2,)]


def test_a_failed_publication_leaves_the_last_one(home, warehouse):
    publish(warehouse.connection, home, CONTRACTS)
    fetch(warehouse, "create or replace table kpi.daily as select error('broken') as x from range(0)")
    fetch(warehouse, "create schema bad; create table bad.t as select 1 as x")
    broken = BUYERS.model_copy(update={"columns": (BUYERS.columns[0].model_copy(update={"name": "nope"}),)})
    fetch(warehouse, "attach ':memory:' as _snapshot")  # the name is taken: attaching fails
    with pytest.raises(duckdb.Error):
        publish(warehouse.connection, home, [broken])
    assert read(home, "select version from lineage.snapshot") == [(1,)]


def test_personal_columns_appear_as_the_contract_says(home, warehouse, monkeypatch):
    monkeypatch.setenv("ECOM_HASH_KEY", "a key of sixteen and more")
    publish(warehouse.connection, home, CONTRACTS)
    expected = hmac.new(b"a key of sixteen and more", b"b1@shop.test", hashlib.sha256).hexdigest()
    assert read(home, "select email, birth_year from clean.buyers") == [(expected, 1980)]
    columns = {row[0] for row in read(home, "describe clean.buyers")}
    assert "full_name" not in columns
    assert b"b1@shop.test" not in (home.published / "snapshot-00000001.duckdb").read_bytes()
    assert fetch(warehouse, "select email from clean.buyers") == [("b1@shop.test",)]


def test_a_key_is_made_once_and_for_the_owner_only(home, warehouse, monkeypatch):
    monkeypatch.delenv("ECOM_HASH_KEY", raising=False)
    publish(warehouse.connection, home, CONTRACTS)
    first = read(home, "select email from clean.buyers")
    publish(warehouse.connection, home, CONTRACTS)
    secret = home.root / "secret.key"
    assert read(home, "select email from clean.buyers") == first
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    expected = hmac.new(secret.read_bytes(), b"b1@shop.test", hashlib.sha256).hexdigest()
    assert first == [(expected,)]


def test_a_short_key_is_refused(home, warehouse, monkeypatch):
    monkeypatch.setenv("ECOM_HASH_KEY", "short")
    with pytest.raises(ValueError, match="at least 16 characters, found 5"):
        publish(warehouse.connection, home, CONTRACTS)


def test_raw_text_that_may_hold_a_person_is_withheld(home, warehouse):
    person = ("p.csv", 3, None, "b2;Ann Example;ann@shop.test", ["birth_year: '19x7' is no integer", "odd line"])
    load(
        warehouse,
        BUYERS,
        {"p.csv": []},
        rejects=[person],
        repairs=[("p.csv", 2, "birth_year", "1887", "birth_year: 1887 is low")],
    )
    line = ("a.csv", 9, None, "s9;;;", ["amount: missing"])
    load(warehouse, SALES, {"a.csv": [sale("s1")]}, rejects=[line], repairs=[("a.csv", 2, "stars", "9", "above 5")])
    publish(warehouse.connection, home, CONTRACTS)
    assert read(home, "select source_line, raw_text, reasons from quarantine.buyers") == [
        (3, None, ["birth_year: value withheld", "odd line"])
    ]
    assert read(home, "select raw_text from quarantine.sales") == [("s9;;;",)]
    found = read(home, "select dataset, found, reason from quarantine.repairs order by 1")
    assert found == [("buyers", None, "birth_year: value withheld"), ("sales", "9", "above 5")]
    assert fetch(warehouse, "select raw_text from quarantine.buyers") == [(person[3],)]


def test_lines_of_an_export_that_also_holds_persons_are_withheld(home, warehouse):
    line = ("x.csv", 4, None, "s7;Ann Example", ["amount: missing"])
    staged = stage_rows(warehouse, SALES, {"x.csv": []}, rejects=[line])
    fetch(warehouse, "create temp table _staged_buyers as select * from raw.buyers limit 0")
    warehouse.replace_files(StagedFiles("export", ("sales", "buyers"), staged.receipts), "load")
    publish(warehouse.connection, home, CONTRACTS)
    assert read(home, "select raw_text from quarantine.sales") == [(None,)]
