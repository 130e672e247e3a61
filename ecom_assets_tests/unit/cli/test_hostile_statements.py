"""`ecom query` and statements that do more than ask: each is refused in one line, and nothing is changed or read."""

import hashlib
import io
import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ecom_assets.cli import entry, log
from ecom_assets.settings import Home
from ecom_assets.warehouse import QueryLimitError, TimeLimit, open_snapshot, publish
from ecom_assets_tests.unit.warehouse.small_shop import (
    CONTRACTS,
    SALES,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_sales,
)

SECRET = "a key that nobody may read"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    """A published shop of which a table lies in files of days, with a secret and a writer's file beside it."""
    home = Home(tmp_path_factory.mktemp("shop"))
    warehouse = new_warehouse(home.warehouse)
    with closing(warehouse.connection):
        load_buyers(warehouse)
        load(warehouse, SALES, {"a.csv": [sale("s1", 0, "10.50"), sale("s2", 0, 2)]})
        write_sales(warehouse, 0)
        publish(warehouse.connection, home, CONTRACTS)
    (home.root / "secret.key").write_text(SECRET)
    (home.root / "outside.csv").write_text(f"a,b\n1,{SECRET}\n")
    return home


@pytest.fixture
def ecom(home, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ECOM_HOME", str(home.root))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = entry.run(words)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield run
    log.close_log()


def state(folder: Path) -> dict[str, str]:
    """Every file below the folder by a hash of what it holds; logs, which say that a command ran, left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.parts
    }


# {home} and {day} stand for the home's folder and one of its published files.
HOSTILE = [
    "attach '{home}/warehouse.duckdb' as w; delete from w.clean.sales",
    "attach '{home}/warehouse.duckdb' as w (read_only); select * from w.raw.buyers",
    "attach ':memory:' as m",
    "detach database shop",
    "delete from clean.buyers",
    "update clean.buyers set email = 'x'",
    "insert into clean.buyers select * from clean.buyers",
    "merge into clean.buyers using clean.buyers b on true when matched then delete",
    "drop table clean.buyers",
    "create table kpi.mine as select 1",
    "create temp table mine as from read_text('{home}/secret.key')",
    "create macro f() as 1",
    "copy clean.buyers to '{home}/stolen.csv'",
    "copy (select 1) to '{day}' (format parquet)",
    "copy clean.buyers from '{home}/outside.csv'",
    "explain analyze copy (select 1) to '{home}/stolen.csv'",
    "export database '{home}/stolen'",
    "import database '{home}'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset allowed_directories",
    "pragma memory_limit = '99GB'",
    "call enable_logging(storage = 'file', storage_path = '{home}/log')",
    "select * from enable_logging(storage := 'file', storage_path := '{home}/log')",
    "create secret s (type s3)",
    "select * from read_text('{home}/secret.key')",
    "select * from read_csv('{home}/outside.csv')",
    "select * from read_blob('/etc/hostname')",
    "select * from '{home}/outside.csv'",
    "select * from glob('{home}/*')",
    "select 1 where 1 in (select count(*) from sniff_csv('{home}/outside.csv'))",
    "select * from read_parquet('{home}/published/days/../../outside.csv')",
    "select * from query('from read_text(''{home}/secret.key'')')",
    "from query_table('{home}/outside.csv')",
    "select * from pandas_scan(1, 2, 3)",
    "with a as (from read_text('{home}/secret.key')) select * from a",
    "select 1; copy (select 1) to '{home}/stolen.csv'",
    "prepare q as delete from clean.buyers",
    "vacuum clean.buyers",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_what_does_more_than_ask_is_refused_in_one_line(home, ecom, sql):
    day = next((home.published / "days").rglob("*.parquet"))
    ecom("query", "select 1")  # whatever the first command of a home leaves there
    before = state(home.root)
    code, out, err = ecom("query", sql.format(home=home.root, day=day))
    assert (code, out) == (2, "")
    assert err.strip()
    assert len(err.splitlines()) == 1
    assert not any(word in err for word in (SECRET, "Traceback"))
    assert state(home.root) == before


def test_the_connection_itself_reaches_no_other_file(home):
    """Whoever opens a snapshot in Python is confined by the engine, whatever statement he runs."""
    with closing(open_snapshot(home)) as connection:
        for sql in HOSTILE:
            if any(word in sql for word in ("read_", "attach '{home}", "set ", "copy clean", "export", "load http")):
                with pytest.raises((duckdb.Error, RuntimeError)):
                    connection.execute(sql.format(home=home.root, day="")).fetchall()
        assert connection.cursor().execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]
        assert connection.execute("select count(*) from clean.sales").fetchall() == [(2,)]


def test_what_only_asks_is_answered(ecom):
    for sql, answer in {
        "select count(*) as n from clean.sales": [{"n": 2}],
        "with a as (select 1 as n) from a": [{"n": 1}],
        "select 1 as n; select 2 as n": [{"n": 2}],  # of several, the last one's rows
        "select sum(range) as n from range(4)": [{"n": 6}],
    }.items():
        code, out, _ = ecom("query", sql, "-f", "json")
        assert (code, json.loads(out)) == (0, answer)
    for sql in ("describe clean.sales", "show all tables", "summarize clean.sales", "explain select * from clean.sales",
                "pivot clean.sales on buyer_id in ('b1') using count(*)", "from duckdb_tables()"):  # fmt: skip
        code, out, err = ecom("query", sql)
        assert (code, err, bool(out)) == (0, "", True)


def test_a_process_may_open_it_twice(home):
    with closing(open_snapshot(home)) as first, closing(open_snapshot(home)) as second:
        assert first.execute("from clean.sales").fetchall() == second.execute("from clean.sales").fetchall()


def test_a_query_has_limits_of_time_and_memory(ecom):
    endless = "select count(*) from range(1000000000) a, range(1000000000) b where a.range + b.range = 3"
    code, out, err = ecom("query", endless, "--seconds", "1")
    assert (code, out) == (1, "")
    assert err == "the query was ended: it took longer than 1 seconds; --seconds and --memory allow it more\n"
    code, out, err = ecom("query", "select len(list(range)) from range(30000000)", "--memory", "60MB")
    assert (code, out) == (1, "")
    assert err.startswith("the query was ended: it takes more memory than 57.2 MiB; --seconds")
    code, out, err = ecom("query", "select 1", "--memory", "much")
    assert (code, err) == (2, "memory: 'much' is no amount; write it like 4GB or 500MB\n")


def test_a_confined_query_still_spills_to_disk(home):
    """A sort of ten times the memory: what does not fit goes to a file beside the snapshot, and away again."""
    with closing(open_snapshot(home, memory="100MB")) as connection:
        sql = "select count(*) from (select row_number() over (order by hash(range)) from range(8000000))"
        assert connection.execute(sql).fetchall() == [(8_000_000,)]
    assert list(home.published.glob("*.tmp")) == []


def test_time_counts_while_the_engine_works_alone(home):
    with closing(open_snapshot(home)) as connection:
        limit = TimeLimit(connection, 0.5)
        found = limit.run(connection.execute, "select * from range(10000000000)")
        limit.run(found.fetchmany, 10)
        with pytest.raises(QueryLimitError):
            limit.run(connection.execute, "select max(a.range) from range(10000000000) a")


@pytest.mark.parametrize("format", ["table", "csv", "csv-raw", "json"])
def test_names_and_values_are_shown_literally(ecom, format):
    """Brackets are no markup in values and headings, and what has no glyph reaches no terminal."""
    sql = "select 'a [/x] b' as \"[/col]\", '[bold]' as \"[red]b\", ':warning:' as e, chr(27) || '[31m' as esc"
    code, out, err = ecom("query", sql, "--format", format)
    assert (code, err) == (0, "")
    for text in ("a [/x] b", "[/col]", "[bold]", "[red]b", ":warning:"):
        assert text in out
    assert ("\x1b" in out) == (format in ("csv", "csv-raw"))  # to a pipe; a terminal is another test's


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_format_sends_control_characters_to_a_terminal():
    from ecom_assets.cli import show

    for format in (show.Format.csv, show.Format.csv_raw, show.Format.json):
        screen = Terminal()
        show.print_rows(["a\x1b"], [("x\x1b[2J\x07\x9b\u202ey",)], format, screen)
        assert not set(screen.getvalue()) & set("\x1b\x07\x9b\u202e")
    assert json.loads(screen.getvalue()) == [{"a\x1b": "x\x1b[2J\x07\x9b\u202ey"}]


def test_csv_guards_texts_that_a_spreadsheet_would_run(ecom):
    sql = "select '=1+1' as a, '+49' as b, '-x' as c, '@y' as d, -5 as e, -5.50 as f, 'a=b' as g, chr(9) || '=1' as h"
    _, out, _ = ecom("query", sql, "--format", "csv")
    assert out == "a,b,c,d,e,f,g,h\n'=1+1,'+49,'-x,'@y,-5,-5.50,a=b,'\t=1\n"
    _, out, _ = ecom("query", sql, "--format", "csv-raw")
    assert out == "a,b,c,d,e,f,g,h\n=1+1,+49,-x,@y,-5,-5.50,a=b,\t=1\n"
