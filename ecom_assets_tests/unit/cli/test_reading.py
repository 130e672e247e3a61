"""status, query, quarantine and lineage on the published snapshot of a small shop."""

import csv
import io
import json
from contextlib import closing

import pytest

from ecom_assets.cli import entry, log
from ecom_assets.settings import Home
from ecom_assets.warehouse import publish
from ecom_assets_tests.unit.warehouse.small_shop import (
    CONTRACTS,
    SALES,
    Receipt,
    StagedFiles,
    day,
    load,
    load_buyers,
    new_warehouse,
    sale,
    stage_rows,
    write_daily,
    write_sales,
)

SHOP_FILE = """\
name: Small
first_day: 2024-03-01
sources: {sales: simulated, buyers: simulated}
"""
REJECT = ("sales_1.csv", 9, day(0), "s9,b1,yesterday,3", ["sold_at: unreadable", "amount: missing"])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Two good days, a refused third (its buyers are unknown), a refused file, and one row in quarantine."""
    home = Home(tmp_path_factory.mktemp("shop"))
    (home.root / "shop.yaml").write_text(SHOP_FILE)
    warehouse = new_warehouse(home.warehouse)
    with closing(warehouse.connection):
        load_buyers(warehouse)
        first = [sale("s1", 0, "10.50"), sale("s2", 0, 2), *(sale(f"gift{number}", 0, 0) for number in range(3))]
        load(warehouse, SALES, {"sales_1.csv": first}, rejects=[REJECT])
        load(warehouse, SALES, {"sales_2.csv": [sale("s3", 1, 7)]})
        load(warehouse, SALES, {"sales_3.csv": [sale("s4", 2, 5, buyer_id="nobody")]})
        staged = stage_rows(warehouse, SALES, {})
        wrong = Receipt("sales_4.csv", 3, "h", 0, 0, refused="no header on line 1; write one")
        warehouse.replace_files(StagedFiles(staged.source, staged.feeds, [wrong]), "load")
        write_sales(warehouse, 0, 1, 2)
        write_daily(warehouse)
        edges = [
            {"asset": "clean/sales", "upstream": ["raw/sales"]},
            {"asset": "kpi/daily", "upstream": ["clean/sales"]},
        ]
        facts = {"domain": "sales", "owner": "team:growth", "description": "Sales of a day.", "code_version": "v1"}
        warehouse.record_assets([{**facts, **edge} for edge in edges])
        warehouse.record_column_edges("kpi/daily", {"amount": [("clean/sales", "amount")]})
        warehouse.record_column_edges("clean/sales", {"amount": [("raw/sales", "amount")]})
        publish(warehouse.connection, home, CONTRACTS)
    return home


@pytest.fixture
def ecom(published, monkeypatch, capsys):
    """Run the command on that home: its exit code, standard output and standard error."""
    monkeypatch.setenv("ECOM_HOME", str(published.root))
    monkeypatch.setenv("ECOM_SHOP", str(published.root / "shop.yaml"))
    monkeypatch.delenv("ECOM_LANDING", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = entry.run(arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    yield run
    log.close_log()


def test_query_gives_a_pipe_nothing_but_rows(ecom):
    sql = "select business_date, sales, amount from kpi.daily order by 1"
    code, out, err = ecom("query", "--format", "csv", sql)
    assert (code, err) == (0, "")
    assert list(csv.reader(io.StringIO(out))) == [
        ["business_date", "sales", "amount"],
        ["2024-03-01", "5", "12.50"],
        ["2024-03-02", "1", "7.00"],
    ]
    code, out, err = ecom("query", sql, "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)[0] == {"business_date": "2024-03-01", "sales": 5, "amount": 12.5}


def test_a_name_of_brackets_and_control_characters_is_shown_as_it_is(ecom, published):
    shop_file = published.root / "shop.yaml"
    try:
        shop_file.write_text(SHOP_FILE.replace("name: Small", r'name: "[/x] \e[31m [bold]"'))
        code, out, _ = ecom("status")
    finally:
        shop_file.write_text(SHOP_FILE)
    assert code == 0
    assert out.splitlines()[0].startswith(r"[/x] \x1b[31m [bold]  home ")


def test_query_reads_standard_input(ecom, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select 6 * 7 as answer"))
    assert ecom("query", "-", "-f", "csv")[1] == "answer\n42\n"


def test_query_shows_a_table(ecom):
    code, out, _ = ecom("query", "select sale_id, amount from clean.sales order by 1")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert [row for row in rows if row[:1] in (["s1"], ["s2"], ["s3"])] == [
        ["s1", "10.50"],
        ["s2", "2.00"],
        ["s3", "7.00"],
    ]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select * from kpi.dayly", "Table with name dayly does not exist"),
        ("selekt 1", 'syntax error at or near "selekt"'),
        ("select net from kpi.daily", 'Referenced column "net" not found'),
        ("delete from kpi.daily", "read-only"),
        ("create table kpi.mine (a int)", "read-only"),
        ("select 'x'::int", "Could not convert string"),
    ],
)
def test_sql_that_cannot_be_answered_is_one_line(ecom, sql, words):
    code, out, err = ecom("query", sql)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("sql", ["", " ", ";"])
def test_no_statement_is_said_so(ecom, sql):
    assert ecom("query", sql) == (2, "", "there is no statement to run\n")


def test_readers_see_no_personal_column(ecom):
    out = ecom("query", "-f", "json", "select * from clean.buyers")[1]
    (buyer,) = json.loads(out)
    assert buyer["birth_year"] == 1980
    assert "full_name" not in buyer
    assert "@" not in buyer["email"]


def test_status_says_what_stands_and_what_was_refused(ecom):
    code, out, _ = ecom("status")
    assert code == 0
    assert "Small" in out
    rows = [line.split() for line in out.splitlines()]
    assert next(row[:3] for row in rows if row[:1] == ["kpi.daily"]) == ["kpi.daily", "2024-03-02", "2"]
    header = next(line for line in out.splitlines() if "newest day" in line)
    assert "refused" in header
    assert "stale since" not in header, "nothing is stale: the column would be empty"
    clean = next(row for row in rows if row[:1] == ["clean.sales"])
    assert clean == ["clean.sales", "2024-03-02", "6", "2", "1"], "newest day, rows, accepted and refused days"
    assert "8 used, 1 in quarantine" in out
    assert "days     1 refused, 0 not delivered, summed over the tables" in out, "a run counts a day once"
    assert any({"2024-03-03", "clean/sales", "buyer_id_found_in_buyers:"} <= set(row) for row in rows)
    assert "sales_4.csv: no header on line 1; write one" in out


def test_quarantine_counts_every_reason_and_shows_the_place(ecom):
    out = ecom("quarantine", "-f", "csv")[1]
    assert list(csv.DictReader(io.StringIO(out))) == [
        {"dataset": "sales", "reason": reason, "rows": "1", "first_file": "sales_1.csv", "first_line": "9"}
        for reason in ("amount: missing", "sold_at: unreadable")
    ]
    code, out, err = ecom("quarantine", "sales", "-f", "json")
    assert (code, err) == (0, "")
    (row,) = json.loads(out)
    assert (row["source_file"], row["source_line"], row["raw_text"]) == (*REJECT[:2], REJECT[3])
    assert row["reasons"] == REJECT[4]


def test_quarantine_of_no_dataset_names_those_that_there_are(ecom):
    code, _, err = ecom("quarantine", "sale")
    assert code == 2
    assert "no dataset sale; there are buyers, sales" in err


def test_lineage_walks_from_a_column_to_the_files(ecom):
    code, out, _ = ecom("lineage", "kpi.daily.amount")
    assert code == 0
    words = [line.split()[0] for line in out.splitlines() if line.strip()]
    assert words[:3] == ["kpi/daily.amount", "clean/sales.amount", "raw/sales.amount"]
    assert words[-3:] == ["sales_1.csv", "sales_2.csv", "sales_3.csv"]
    assert "5 rows used, 1 quarantined" in out


def test_lineage_of_a_count_says_that_it_is_by_table(ecom):
    code, out, _ = ecom("lineage", "kpi.daily.sales")
    assert code == 0
    assert "at the level of tables" in out.splitlines()[0]
    assert "No file feeds it" not in out
    assert out.splitlines()[-1].split()[0] == "sales_3.csv"


def test_lineage_of_an_unknown_table_names_those_that_there_are(ecom):
    code, _, err = ecom("lineage", "kpi.dayly")
    assert code == 2
    assert "no table kpi.dayly" in err
    assert "kpi/daily" in err
