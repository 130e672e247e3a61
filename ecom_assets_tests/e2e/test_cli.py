"""The `ecom` command from nothing: the demo, a corner shop's till, and the Online Retail export."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from ecom_assets.orchestration.shop import PROJECT
from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot, writer_lock
from ecom_assets.warehouse.queries import lineage_walk
from ecom_assets_tests.e2e.command import ecom, environment
from ecom_assets_tests.e2e.conftest import DAYS
from ecom_assets_tests.shared import shared_data

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HASHES = """
    select asset, partition_start, arg_max(content_hash, finished_at)::varchar as content_hash
    from lineage.materializations group by all order by all
"""


SALES = "select business_date, orders, gross_amount from kpi.daily_revenue order by 1"


def rows(home, sql: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ecom(home, "query", "--format", "csv", sql).stdout)))


@pytest.fixture(scope="module")
def corner(tmp_path_factory):
    """A copy of the example shop with its files, and a home in which it was run."""
    folder = tmp_path_factory.mktemp("corner")
    shutil.copytree(PROJECT / "examples" / "corner_shop", folder / "shop")
    ecom(folder / "home", "run", "--shop", str(folder / "shop" / "shop.yaml"))
    return folder


def test_the_demo_ends_with_its_last_day(demo_home):
    days = rows(demo_home, "select business_date, orders, net_amount from kpi.daily_revenue order by 1")
    refused = rows(demo_home, "select distinct business_date from lineage.days where state <> 'accepted'")
    assert len(days) + len({row["business_date"] for row in refused} - {row["business_date"] for row in days}) == DAYS
    assert all(int(row["orders"]) > 0 for row in days)
    accounts = "select sum(rows_used) as used, sum(rows_quarantined) as quarantined from lineage.sources"
    (lines,) = rows(demo_home, accounts)
    landing = demo_home / "landing"
    written = sum(len(list(csv.reader(path.open(newline="")))) - 1 for path in landing.rglob("*.csv"))
    written += sum(pq.read_metadata(path).num_rows for path in landing.rglob("*.parquet"))
    assert written == int(lines["used"]) + int(lines["quarantined"])


def test_the_demo_run_again_changes_nothing(demo_home, tmp_path):
    before = rows(demo_home, HASHES)
    again = ecom(demo_home, "demo")
    assert "sales of" in again.stdout
    assert rows(demo_home, HASHES) == before


def test_the_till_of_the_corner_shop_adds_up(corner):
    # By hand from the three files: receipt 1003 was void, 1008 is pending, 1009 has no readable time.
    assert rows(corner / "home", SALES) == [
        {"business_date": "2026-03-02", "orders": "2", "gross_amount": "3046.39"},  # 2×3.80 + 1.29 + 3×1012.50
        {"business_date": "2026-03-03", "orders": "3", "gross_amount": "30.35"},  # 4×1.29 + 3×3.80 + 12.50 + 1.29
        {"business_date": "2026-03-04", "orders": "1", "gross_amount": "19.00"},  # 5×3.80
    ]
    found = json.loads(ecom(corner / "home", "quarantine", "orders", "--format", "json").stdout)
    assert [(row["source_file"], row["source_line"]) for row in found] == [("till_2026-03-03.csv", 7)]
    assert "gestern" in found[0]["raw_text"]


def test_a_number_leads_back_to_its_files(corner):
    shown = ecom(corner / "home", "lineage", "kpi.daily_revenue.gross_amount").stdout
    for place in ("clean/order_items.quantity", "clean/order_items.unit_price_amount", "till_2026-03-02.csv"):
        assert place in shown


def test_any_published_number_leads_back_to_files(demo_home):
    with open_snapshot(Home(demo_home)) as connection:
        columns = connection.execute(
            "select table_schema || '.' || table_name || '.' || column_name from information_schema.columns "
            "where table_schema in ('kpi', 'anomaly', 'forecast', 'profile') order by 1"
        ).fetchall()
        lost = [name for (name,) in columns if lineage_walk(connection, name)[-1].kind != "file"]
    assert len(columns) > 300
    assert lost == []


def test_a_refused_file_is_named_and_takes_nothing_away(corner):
    before = rows(corner / "home", HASHES)
    path = corner / "shop" / "landing" / "till_2026-03-04.csv"
    good = path.read_text()
    path.write_text("<<<<<<< HEAD\n" + good)
    try:
        refused = ecom(corner / "home", "run", code=1)
        assert "refused  till_2026-03-04.csv" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert rows(corner / "home", HASHES) == before
        assert "till_2026-03-04.csv" in ecom(corner / "home", "status").stdout
    finally:
        path.write_text(good)
    ecom(corner / "home", "run")


def test_a_changed_mapping_reads_the_same_files_again(corner):
    mapping = corner / "shop" / "till.yaml"
    before, stated = rows(corner / "home", HASHES), mapping.read_text()
    sales = "select business_date, gross_amount from kpi.daily_revenue where business_date = '2026-03-04'"
    mapping.write_text(stated.replace("offen: pending", "offen: paid"))
    said = ecom(corner / "home", "run").stdout
    assert "till: its mapping, its contract or the shop's settings changed; 3 files" in said
    assert rows(corner / "home", sales) == [{"business_date": "2026-03-04", "gross_amount": "21.58"}]  # 19.00 + 2×1.29
    mapping.write_text(stated)
    ecom(corner / "home", "run")
    assert rows(corner / "home", HASHES) == before


def test_a_changed_time_zone_moves_rows_to_other_days(corner):
    shop = corner / "shop" / "shop.yaml"
    before, stated = rows(corner / "home", HASHES), shop.read_text()
    first = "select ordered_at from clean.orders order by 1 limit 1"
    was = rows(corner / "home", first)
    shop.write_text(stated.replace("Europe/Berlin", "America/New_York"))
    ecom(corner / "home", "run")
    assert rows(corner / "home", first)[0]["ordered_at"] > was[0]["ordered_at"], "the till's times are local ones"
    shop.write_text(stated)
    ecom(corner / "home", "run")
    assert rows(corner / "home", HASHES) == before


def test_ctrl_c_ends_a_run_and_the_next_one_does_the_rest(corner, tmp_path):
    home = tmp_path / "home"
    arguments = [sys.executable, "-m", "ecom_assets", "run", "--shop", str(corner / "shop" / "shop.yaml")]
    with subprocess.Popen(
        arguments, env=environment(home), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        said = [process.stderr.readline()]
        while "finished clean/orders" not in said[-1]:
            said.append(process.stderr.readline())
        process.send_signal(signal.SIGINT)
        said += process.stderr.read().splitlines()
    assert (process.returncode, said[-1]) == (130, "Interrupted; what was not finished has changed nothing.")
    assert not any("kpi/daily_metrics" in line for line in said), "nothing went on"
    ecom(home, "run")
    assert rows(home, SALES) == rows(corner / "home", SALES)


def test_a_ui_that_a_script_started_in_the_background_ends_at_sigterm(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "ecom_assets", "ui", "--port", "3400"], env=environment(tmp_path / "home"), cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell without job control does at `&`
    ) as process:  # fmt: skip
        try:
            assert any("Serving dagster-webserver" in line for line in process.stdout), "the UI did not come up"
            process.terminate()
            process.wait(20)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # whatever of its own processes is left


def test_a_second_writer_is_told_who_writes(corner):
    with writer_lock(Home(corner / "home"), "a long backfill"):
        told = ecom(corner / "home", "run", code=1).stderr
        assert "is being written by a long backfill (process" in told
        assert rows(corner / "home", "select 1 as one") == [{"one": "1"}], "a reader does not mind"


def test_another_shop_is_sent_to_a_home_of_its_own(corner):
    told = ecom(corner / "home", "run", "--shop", str(PROJECT / "shop.yaml"), code=2).stderr
    assert "one home holds one shop" in told
    assert "ECOM_HOME=" in told


@pytest.mark.integration
def test_every_known_answer_of_the_real_export_comes_out_to_the_cent(tmp_path):
    landing = shared_data("online_retail")
    home = tmp_path / "home"
    run = ["run", "--shop", str(PROJECT / "examples" / "online_retail" / "shop.yaml"), "--landing", str(landing)]
    first = ecom(home, *run)
    assert "0 refused, 0 not delivered" in first.stdout, "Saturdays without a file are no fault"
    total = "select business_date, total_sales_amount from kpi.daily_revenue order by 1"
    assert {row["business_date"][5:]: row["total_sales_amount"] for row in rows(home, total)} == {
        "12-01": "58635.56", "12-02": "46207.28", "12-03": "45620.46", "12-05": "31383.95", "12-06": "53860.18",
        "12-07": "45059.05", "12-08": "44189.84", "12-09": "52532.13", "12-10": "57404.91", "12-12": "17240.92",
    }  # fmt: skip
    assert rows(home, "select sum(total_sales_amount) as total from kpi.daily_revenue") == [{"total": "452134.28"}]
    lines = "select sum(rows_used + rows_quarantined) as lines from lineage.sources"
    assert rows(home, lines) == [{"lines": "26732"}]
    assert rows(home, "select count(*) as customers from clean.customers") == [{"customers": "691"}]
    before = rows(home, HASHES)
    ecom(home, *run)
    assert rows(home, HASHES) == before
