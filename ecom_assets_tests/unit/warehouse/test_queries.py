import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot, publish
from ecom_assets.warehouse.queries import lineage_walk, quarantine_summary, status
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


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """Day 0 accepted, day 1 refused after it was accepted once (stale), day 2 missing, day 3 refused, one file too."""
    folder = tmp_path_factory.mktemp("queries")
    made = new_warehouse(folder / "w.duckdb")
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1), sale("s4", 3, -1)]})
    write_sales(made, 0, 1, 2, 3)
    rejects = [
        ("b.csv", 3, day(1), "x", ["amount: missing", "sold_at: odd"]),
        ("b.csv", 4, day(1), "y", ["amount: missing"]),
    ]
    load(made, SALES, {"b.csv": [sale("s3", 1)]}, rejects=rejects)
    write_sales(made, 1)
    stage_rows(made, SALES, {})
    made.replace_files(StagedFiles("sales", ("sales",), [Receipt("c.csv", 1, "h", 0, 0, refused="no header")]), "load")
    write_daily(made)
    made.record_assets(
        [
            {"asset": "kpi/daily", "description": "One row per day.", "upstream": ["clean/sales"]},
            {"asset": "clean/sales", "upstream": ["raw/sales"]},
            {"asset": "raw/sales"},
        ]
    )
    made.record_column_edges("kpi/daily", {"amount": [("clean/sales", "amount")], "sales": []})
    home = Home(folder / "home")
    publish(made.connection, home, CONTRACTS)
    connection = open_snapshot(home)
    yield connection
    connection.close()


def test_status_tells_how_each_table_stands(snapshot):
    found = {each.asset: each for each in status(snapshot).tables}
    sales = found["clean/sales"]
    assert (sales.newest_day, sales.rows, sales.accepted_days) == (day(1), 2, 2)
    assert (sales.refused_days, sales.missing_days, sales.stale_days) == (2, 1, 1)
    assert sales.stale_since is not None
    assert "quarantined_share_is_low" in sales.last_refusal
    assert (found["kpi/daily"].newest_day, found["kpi/daily"].rows) == (day(1), 2)
    assert found["kpi/daily"].stale_since is None


def test_status_names_days_checks_and_files(snapshot):
    found = status(snapshot)
    assert [(each.business_date, each.state, each.stale) for each in found.faults] == [
        (day(3), "refused", False),
        (day(2), "missing", False),
        (day(1), "refused", True),
    ]
    assert {(each.check_name, each.business_date, each.severity) for each in found.failed_checks} == {
        ("amount_is_not_negative", day(3), "error"),
        ("quarantined_share_is_low", day(1), "error"),
        ("rows_arrived", day(2), "warn"),
    }
    assert found.refused_files == (("c.csv", "no header"),)
    assert (found.lines_used, found.lines_quarantined) == (5, 2)
    assert found.checks_passed > 0


def test_quarantine_is_summed_by_reason_with_a_place_to_look(snapshot):
    found = [
        (each.reason, each.rows, each.first_file, each.first_line) for each in quarantine_summary(snapshot, "sales")
    ]
    assert found == [("amount: missing", 2, "b.csv", 3), ("sold_at: odd", 1, "b.csv", 3)]
    assert {each.dataset for each in quarantine_summary(snapshot)} == {"sales"}
    with pytest.raises(KeyError, match="buyers, sales"):
        quarantine_summary(snapshot, "orders")


@pytest.mark.parametrize("name", ["daily", "kpi.daily", "kpi/daily"])
def test_a_table_is_walked_up_to_its_files(snapshot, name):
    steps = [(each.depth, each.kind, each.name) for each in lineage_walk(snapshot, name)]
    assert steps == [
        (0, "table", "kpi/daily"),
        (1, "table", "clean/sales"),
        (2, "table", "raw/sales"),
        (3, "file", "a.csv"),
        (3, "file", "b.csv"),
    ]


def test_a_column_is_walked_up_to_its_files(snapshot):
    found = lineage_walk(snapshot, "kpi.daily.amount")
    assert [(each.depth, each.kind, each.name) for each in found] == [
        (0, "column", "kpi/daily.amount"),
        (1, "column", "clean/sales.amount"),
        (2, "file", "a.csv"),
        (2, "file", "b.csv"),
    ]
    assert found[-1].detail == f"1 rows used, 2 quarantined, {day(1)} … {day(1)}"


def test_a_column_that_is_made_of_no_other_is_walked_by_table(snapshot):
    found = lineage_walk(snapshot, "kpi.daily.sales")
    assert [(each.depth, each.kind, each.name) for each in found] == [
        (0, "column", "kpi/daily.sales"),
        (1, "table", "clean/sales"),
        (2, "table", "raw/sales"),
        (3, "file", "a.csv"),
        (3, "file", "b.csv"),
    ]
    assert "at the level of tables" in found[0].detail
    assert "at the level of tables" not in lineage_walk(snapshot, "kpi.daily.amount")[0].detail


def test_a_count_is_walked_by_the_day_that_it_is_counted_on():
    made = new_warehouse()
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale("s1", 0)]})
    made.record_assets([{"asset": "kpi/daily", "upstream": ["clean/sales", "clean/buyers"]}, {"asset": "clean/sales"}])
    made.record_column_edges("kpi/daily", {"sales": [], "business_date": [("clean/sales", "business_date")]})
    found = lineage_walk(made.connection, "kpi.daily.sales")
    assert [(each.depth, each.kind, each.name) for each in found] == [
        (0, "column", "kpi/daily.sales"),
        (1, "column", "clean/sales.business_date"),
        (2, "file", "a.csv"),
    ], "the buyers' files are not what sales are counted in"
    assert "the day of its rows" in found[0].detail


@pytest.mark.parametrize("name", ["nothing", "kpi.nothing", "kpi.daily.nothing", "kpi.daily.amount.more"])
def test_an_unknown_name_is_an_error_that_names_what_there_is(snapshot, name):
    with pytest.raises(KeyError, match="kpi/daily"):
        lineage_walk(snapshot, name)
