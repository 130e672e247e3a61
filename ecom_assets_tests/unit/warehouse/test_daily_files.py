"""Tables that are published by day: which files are written, what stands in them, and what is left after a crash."""

import hashlib
import hmac
import shutil
from pathlib import Path

import duckdb
import pytest

from ecom_assets.contracts.model import Column, Contract
from ecom_assets.settings import Home
from ecom_assets.warehouse import daily_files, open_snapshot, publish
from ecom_assets_tests.unit.warehouse.small_shop import (
    BUYERS,
    CLEAN_SALES,
    DAILY,
    DAY,
    Sql,
    day,
    fetch,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_daily,
)
from ecom_assets_tests.unit.warehouse.small_shop import SALES as TABLE_SALES

SALES = TABLE_SALES.model_copy(update={"published_as": "daily_files"})
CONTRACTS = (BUYERS, SALES, DAILY)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(tmp_path):
    made = new_warehouse(tmp_path / "w.duckdb", contracts=CONTRACTS)
    load_buyers(made)
    for number in range(4):
        load(made, SALES, {f"{number}.csv": [sale(f"s{number}", number), sale(f"t{number}", number, 20)]})
    write(made, 0, 1, 2, 3)
    return made


def write(warehouse, *numbers, query=CLEAN_SALES, contract=SALES):
    outcome = warehouse.write(contract, query, [day(number) for number in numbers], "run", "v1")
    assert not outcome.refused_days
    write_daily(warehouse)


def show(warehouse, home, contracts=CONTRACTS):
    return publish(warehouse.connection, home, contracts)


def read(published, sql):
    with open_snapshot(published) as connection:
        return connection.execute(sql).fetchall()


def written(home, table=""):
    """Every file of days below the home, or of one table; with the moment of its last change."""
    return {
        path.relative_to(home.published).as_posix(): path.stat().st_mtime_ns
        for path in (home.published / daily_files.FOLDER).rglob("*")
        if path.is_file() and table in str(path) and (table or ".check_results" not in str(path))
    }


def newly_written(warehouse, home, contracts=CONTRACTS):
    """How many files of days a publication wrote, verdicts aside."""
    before = written(home)
    show(warehouse, home, contracts)
    return len(written(home).keys() - before.keys())


def days_of(names):
    return sorted(name.split("business_date=")[1][:10] for name in names)


def test_readers_get_the_same_rows_as_from_a_copy(home, warehouse, tmp_path):
    show(warehouse, home)
    other = Home(tmp_path / "copied")
    publish(warehouse.connection, other, (BUYERS, TABLE_SALES, DAILY))
    assert read(home, "describe clean.sales") == read(other, "describe clean.sales")
    everything = "select * from clean.sales order by sale_id"
    assert len(read(home, everything)) == 8
    assert read(home, everything) == read(other, everything)
    kinds = "select table_type from information_schema.tables where table_schema = 'clean' and table_name = 'sales'"
    assert (read(home, kinds), read(other, kinds)) == ([("VIEW",)], [("BASE TABLE",)])


def test_a_table_without_days_cannot_be_published_by_day():
    with pytest.raises(ValueError, match="goes with rows of a business_date"):
        Contract.model_validate({**BUYERS.model_dump(), "published_as": "daily_files"})


def test_only_the_days_that_changed_are_written(home, warehouse):
    assert newly_written(warehouse, home) == 4
    before = written(home)
    assert days_of(before) == [str(day(number)) for number in range(4)]
    load(warehouse, SALES, {"2.csv": [sale("s2", 2, 11), sale("t2", 2, 20)]})
    write(warehouse, 1, 2, 3)
    assert newly_written(warehouse, home) == 1
    after = written(home)
    assert days_of(after.keys() - before.keys()) == [str(day(2))]
    assert {name: after[name] for name in before} == before, "a file that stood was touched"
    assert read(home, "select amount::int from clean.sales where sale_id = 's2'") == [(11,)]
    assert read(home, "select count(*) from clean.sales") == [(8,)]


def test_equal_rows_written_again_need_no_file(home, warehouse):
    show(warehouse, home)
    before = written(home)
    write(warehouse, 0, 1, 2, 3)
    assert newly_written(warehouse, home) == 0
    assert written(home) == before


def test_a_whole_table_that_has_days_is_published_by_day_too(home, warehouse):
    contracts = (BUYERS, SALES, DAILY.model_copy(update={"published_as": "daily_files"}))
    assert newly_written(warehouse, home, contracts) == 8
    load(warehouse, SALES, {"2.csv": [sale("s2", 2, 11), sale("t2", 2, 20)]})
    write(warehouse, 1, 2)
    before = written(home)
    assert newly_written(warehouse, home, contracts) == 2
    assert days_of(written(home).keys() - before.keys()) == [str(day(2))] * 2
    assert read(home, "select sales, amount::int from kpi.daily order by business_date") == [
        (2, 30), (2, 30), (2, 31), (2, 30)
    ]  # fmt: skip


def test_verdicts_are_published_by_day(home, warehouse):
    show(warehouse, home)
    before = written(home, "lineage.check_results")
    write(warehouse, 2)
    show(warehouse, home)
    added = written(home, "lineage.check_results").keys() - before.keys()
    judged = {name.split("day=")[1][:10] for name in added}
    assert len(added) == 2
    assert str(day(2)) in judged, "the other one is today's, for the whole table"
    everything = "select * from lineage.check_results order by all"
    assert read(home, everything) == fetch(warehouse, everything)
    assert read(home, "describe lineage.check_results") == fetch(warehouse, "describe lineage.check_results")


def test_a_row_that_comes_from_another_line_is_another_row(home, warehouse):
    show(warehouse, home)
    load(warehouse, SALES, {"1.csv": [sale("t1", 1, 20), sale("s1", 1)]})
    write(warehouse, 1)
    assert newly_written(warehouse, home) == 1
    assert read(home, "select _source_line from clean.sales where sale_id = 's1'") == [(3,)]


def test_a_day_that_is_emptied_leaves_the_view(home, warehouse):
    show(warehouse, home)
    load(warehouse, SALES, {"3.csv": []})
    write(warehouse, 3)
    show(warehouse, home)
    assert read(home, "select max(business_date) from clean.sales") == [(day(2),)]


def test_a_table_without_rows_is_an_empty_view_with_its_types(home, tmp_path):
    warehouse = new_warehouse(tmp_path / "empty.duckdb", contracts=CONTRACTS)
    show(warehouse, home)
    assert read(home, "select * from clean.sales") == []
    described = {row[0]: row[1] for row in read(home, "describe clean.sales")}
    assert (described["business_date"], described["amount"]) == ("DATE", "DECIMAL(18,4)")
    assert (described["sold_at"], described["stars"]) == ("TIMESTAMP", "BIGINT")


def test_rows_that_lineage_does_not_account_for_are_shown_too(home, warehouse):
    show(warehouse, home)
    fetch(warehouse, f"insert into clean.sales by name select date '{day(9)}' as business_date, 'x' as sale_id")
    assert newly_written(warehouse, home) == 1
    assert read(home, f"select sale_id from clean.sales where business_date = '{day(9)}'") == [("x",)]


def test_a_question_about_a_day_opens_no_other_days_file(home, warehouse):
    show(warehouse, home)
    plan = read(home, f"explain analyze select count(amount) from clean.sales where business_date = '{day(1)}'")[0][1]
    assert "Total Files Read: 1" in plan


def test_a_moved_folder_is_read_where_it_is(home, warehouse, tmp_path, monkeypatch):
    show(warehouse, home)
    shutil.copytree(home.published, tmp_path / "a [copy] of 'it'")
    home.root.rename(tmp_path / "moved")
    monkeypatch.chdir("/")
    for place in (Home(tmp_path / "moved"), tmp_path / "moved" / "published", tmp_path / "a [copy] of 'it'"):
        with open_snapshot(place) as connection:
            assert connection.execute("select count(*) from clean.sales").fetchall() == [(8,)]
            assert connection.cursor().execute("select count(*) from clean.sales").fetchall() == [(8,)]


def test_a_stranger_reads_it_in_its_folder_and_is_told_so_elsewhere(home, warehouse, monkeypatch):
    path = show(warehouse, home).path
    monkeypatch.chdir(home.published)
    with duckdb.connect(path.name, read_only=True) as stranger:
        assert stranger.execute("select count(*) from clean.sales").fetchall() == [(8,)]
    monkeypatch.chdir("/")
    with duckdb.connect(str(path), read_only=True) as stranger:
        with pytest.raises(duckdb.IOException, match="business_date="):
            stranger.execute("select count(*) from clean.sales").fetchall()
        told = stranger.execute("select comment from duckdb_views() where view_name = 'sales'").fetchall()
        assert "file_search_path" in told[0][0]
        stranger.execute(f"set file_search_path = '{home.published}'")
        assert stranger.execute("select count(*) from clean.sales").fetchall() == [(8,)]


def test_a_home_whose_path_holds_a_comma_gets_copies(warehouse, tmp_path):
    home = Home(tmp_path / "Shop, Inc")
    show(warehouse, home)
    assert written(home) == {}
    assert read(home, "select count(*) from clean.sales") == [(8,)]


def test_files_are_kept_as_long_as_a_kept_snapshot_names_them(home, warehouse):
    show(warehouse, home)
    (old,) = [name for name in written(home) if str(DAY) in name]
    load(warehouse, SALES, {"0.csv": [sale("s0", 0, 12), sale("t0", 0, 20)]})
    write(warehouse, 0)
    for _ in range(9):
        show(warehouse, home)
    first = home.published / "snapshot-00000001.duckdb"
    assert old in written(home)
    with duckdb.connect(str(first), read_only=True) as oldest:
        oldest.execute(f"set file_search_path = '{home.published}'")
        assert oldest.execute("select sum(amount)::int from clean.sales").fetchall() == [(120,)]
    show(warehouse, home)
    assert not first.exists()
    assert old not in written(home)
    assert len(written(home)) == 4
    assert read(home, "select sum(amount)::int from clean.sales") == [(122,)]


def test_a_day_that_reads_as_it_once_did_keeps_its_file(home, warehouse):
    show(warehouse, home)
    first = written(home)
    for amount in (12, 10):
        load(warehouse, SALES, {"0.csv": [sale("s0", 0, amount), sale("t0", 0, 20)]})
        write(warehouse, 0)
        show(warehouse, home)
    for _ in range(12):
        show(warehouse, home)
    assert written(home) == first, "the file of the amount in between went, the one that is used again stayed"
    assert read(home, "select count(*) from clean.sales") == [(8,)]


def test_a_crash_while_files_are_written_leaves_the_last_snapshot(home, warehouse, monkeypatch):
    show(warehouse, home)
    load(warehouse, SALES, {"0.csv": [sale("s0", 0, 12)], "1.csv": [sale("s1", 1, 13)]})
    write(warehouse, 0, 1)
    flush, flushed = daily_files.flush, []

    def crash(path):
        flushed.append(path)
        if len(flushed) == 2:
            raise KeyboardInterrupt
        flush(path)

    monkeypatch.setattr(daily_files, "flush", crash)
    with pytest.raises(KeyboardInterrupt):
        show(warehouse, home)
    monkeypatch.setattr(daily_files, "flush", flush)
    assert [name for name in written(home) if "/half/" in name], "nothing was half written"
    assert read(home, "select sum(amount)::int from clean.sales") == [(120,)]
    assert show(warehouse, home).version == 2
    assert not [name for name in written(home) if "/half/" in name]
    assert read(home, "select sum(amount)::int from clean.sales") == [(85,)]


def test_a_crash_before_the_pointer_moves_leaves_the_last_snapshot(home, warehouse, monkeypatch):
    show(warehouse, home)
    for amount, moves in ((12, False), (13, True)):
        load(warehouse, SALES, {"0.csv": [sale("s0", 0, amount), sale("t0", 0, 20)]})
        write(warehouse, 0)
        with monkeypatch.context() as patched:
            if not moves:
                patched.setattr("ecom_assets.warehouse.snapshot._switch", crashing)
                with pytest.raises(KeyboardInterrupt):
                    show(warehouse, home)
            else:
                show(warehouse, home)
        assert read(home, "select sum(amount)::int from clean.sales") == [(123 if moves else 120,)]
    assert len(written(home)) == 5, "the file of the snapshot that readers never saw is swept up, the first one is kept"


def crashing(*_):
    raise KeyboardInterrupt


def test_a_lost_ledger_costs_no_file_that_readers_need(home, warehouse):
    show(warehouse, home)
    before = written(home)
    fetch(warehouse, "delete from lineage.published_days")
    (home.published / "building-00000002.duckdb").write_bytes(b"half")
    stray = home.published / daily_files.FOLDER / "clean.sales" / f"business_date={DAY}" / "stray.parquet"
    stray.write_bytes(b"a crash left it")
    assert show(warehouse, home).version == 2
    assert written(home) == before
    assert read(home, "select count(*) from clean.sales") == [(8,)]


def test_files_that_somebody_deleted_are_written_again(home, warehouse):
    show(warehouse, home)
    shutil.rmtree(home.published)
    assert show(warehouse, home).version == 1
    assert read(home, "select count(*) from clean.sales") == [(8,)]


def personal(**treated):
    columns = tuple(
        column.model_copy(update={"personal": treated.get(column.name)}) for column in (*SALES.columns, *MORE)
    )
    return Contract.model_validate({**SALES.model_dump(exclude={"columns"}), "columns": columns})


MORE = (
    Column(name="email", description="Mail."),
    Column(name="note", description="Words."),
    Column(name="birth_year", type="integer", description="Year."),
)
PERSONAL = Sql(
    CLEAN_SALES.sql.replace("_source_file, _source_line\n", "email, note, birth_year::bigint as birth_year,"
                            " _source_file, _source_line\n")
)  # fmt: skip


@pytest.fixture
def people(tmp_path):
    contract = personal(email="keyed_hash", note="drop", birth_year="band")
    made = new_warehouse(tmp_path / "p.duckdb", contracts=(BUYERS, contract, DAILY))
    load_buyers(made)
    row = sale("s0", 0, email="ann@shop.test", note="call Ann", birth_year="1987")
    load(made, contract, {"0.csv": [row]})
    write(made, 0, query=PERSONAL, contract=contract)
    return made, contract


def test_personal_columns_are_treated_before_they_reach_a_file(home, people, monkeypatch):
    monkeypatch.setenv("ECOM_HASH_KEY", "a key of sixteen and more")
    warehouse, contract = people
    show(warehouse, home, (BUYERS, contract, DAILY))
    expected = hmac.new(b"a key of sixteen and more", b"ann@shop.test", hashlib.sha256).hexdigest()
    assert read(home, "select email, birth_year from clean.sales") == [(expected, 1980)]
    (name,) = written(home)
    columns = {row[0] for row in duckdb.sql(f"describe from '{home.published / name}'").fetchall()}
    assert "note" not in columns
    assert "email" in columns
    stored = duckdb.sql(f"from '{home.published / name}'").fetchall()
    assert "ann@shop.test" not in str(stored)
    assert "1987" not in str(stored)
    for path in filter(Path.is_file, home.published.rglob("*")):
        assert not any(secret in path.read_bytes() for secret in (b"ann@shop.test", b"call Ann", b"a key of sixteen"))


def test_another_treatment_or_key_writes_every_file_anew(home, people, monkeypatch):
    monkeypatch.setenv("ECOM_HASH_KEY", "a key of sixteen and more")
    warehouse, contract = people
    assert newly_written(warehouse, home, (BUYERS, contract, DAILY)) == 1
    assert newly_written(warehouse, home, (BUYERS, contract, DAILY)) == 0
    stricter = personal(email="drop", note="drop", birth_year="band")
    assert newly_written(warehouse, home, (BUYERS, stricter, DAILY)) == 1
    assert "email" not in {row[0] for row in read(home, "describe clean.sales")}
    monkeypatch.setenv("ECOM_HASH_KEY", "another key of sixteen")
    assert newly_written(warehouse, home, (BUYERS, stricter, DAILY)) == 1
