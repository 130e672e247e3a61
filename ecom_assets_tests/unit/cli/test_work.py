"""run and demo: what they ask of a run, what they refuse to begin, and how they report."""

import io
from contextlib import closing
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml

from ecom_assets.cli import demo, entry, log, show, work
from ecom_assets.orchestration.shop import PROJECT, ShopContext
from ecom_assets.settings import Home, Shop
from ecom_assets.warehouse import Warehouse, connect, publish

FILES_SHOP = """\
name: Corner shop
first_day: 2024-03-01
sources:
  orders: {kind: files, path: "orders/*.csv"}
  refunds: {kind: files, path: "refunds/*.csv"}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECOM_AS_OF", "2026-11-21T06:25+00:00")
    for name in ("ECOM_SHOP", "ECOM_LANDING", "ECOM_FIRST_DAY"):
        monkeypatch.delenv(name, raising=False)
    yield Home(tmp_path / "home")
    log.close_log()


@pytest.fixture
def shop_file(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(FILES_SHOP)
    return path


def report(**more):
    facts = {
        "lines_used": 1200, "lines_quarantined": 3, "accepted_days": (date(2024, 3, 1), date(2024, 3, 2)),
        "refused_days": (), "missing_days": (), "restatements": (), "snapshot": None, "seconds": {}, "notes": (),
        "refused_files": (), "files_over_limit": (), "refusals": (), "errors": (), "succeeded": True,
    }  # fmt: skip
    return SimpleNamespace(**{**facts, **more})


@pytest.fixture
def asked(monkeypatch):
    """What was asked of `execute`, which then reports `asked.report`."""
    seen = SimpleNamespace(report=report(), calls=[])

    def execute(context, from_day=None, to_day=None, on_progress=None, simulate=None, purpose="ecom run"):
        on_progress("clean/orders", "started")
        on_progress("clean/orders", "finished")
        seen.calls.append((context, from_day, to_day, simulate))
        return seen.report

    monkeypatch.setattr("ecom_assets.orchestration.runs.execute", execute)
    return seen


def test_run_passes_on_shop_landing_and_days(asked, shop_file, tmp_path, capsys):
    landing = tmp_path / "in"
    (landing / "orders").mkdir(parents=True)
    (landing / "orders" / "a.csv").write_text("order_id\n")
    days = ["--from", "2024-03-01", "--to", "2024-03-02"]
    assert entry.run(["run", "--shop", str(shop_file), "--landing", str(landing), *days]) == 0
    ((context, from_day, to_day, simulate),) = asked.calls
    assert (context.shop.name, context.landing) == ("Corner shop", landing)
    assert (from_day, to_day, simulate) == (date(2024, 3, 1), date(2024, 3, 2), None)
    shown = capsys.readouterr()
    assert "1,200 used, 3 to quarantine" in shown.out
    assert "2 (2024-03-01 to 2024-03-02) accepted" in shown.out
    assert "finished clean/orders" in shown.err
    assert "No file for refunds (refunds/*.csv)" in shown.err


def test_run_simulates_the_days_that_a_simulated_shop_has_not_seen(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_AS_OF", "2024-03-05T06:00:00Z")
    shop = tmp_path / "simulated.yaml"
    shop.write_text("name: Sim\ntime_zone: UTC\ncurrency: EUR\nfirst_day: 2024-03-01\nsources: {orders: simulated}\n")
    landing = tmp_path / "in"
    assert entry.run(["run", "--shop", str(shop), "--landing", str(landing)]) == 0
    (landing / "orders").mkdir(parents=True)
    for day in (2, 4):
        (landing / "orders" / f"orders_2024-03-0{day}.csv").write_text("order_id\n")
        assert entry.run(["run", "--shop", str(shop), "--landing", str(landing)]) == 0
    assert entry.run(["run", "--shop", str(shop), "--landing", str(landing), "--from", "2024-03-01"]) == 0
    days = [simulate for *_, simulate in asked.calls]
    assert days == [(date(2024, 3, 1), date(2024, 3, 4)), (date(2024, 3, 3), date(2024, 3, 4)), None, None]


def test_run_names_what_was_refused_and_ends_with_one(asked, shop_file, tmp_path, capsys):
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "a.csv").write_text("order_id\n")
    reasons = tuple(f"clean/orders 2024-03-{day:02}: key_is_unique: 2 rows" for day in range(1, 20))
    asked.report = report(
        refused_files=(("orders/b.csv", "line 3: unclosed quote"),), refusals=reasons, succeeded=False
    )
    assert entry.run(["run", "--shop", str(shop_file), "--landing", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert "refused  orders/b.csv: line 3: unclosed quote" in shown
    assert "refused  clean/orders 2024-03-01: key_is_unique: 2 rows" in shown
    assert "and 8 more" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--landing", "nowhere"], "since there is no folder"),
        (["--landing", "."], "no file found for orders (orders/*.csv), refunds (refunds/*.csv) in"),
        (["--from", "2024-03-02", "--to", "2024-03-01"], "--to 2024-03-01 lies before --from 2024-03-02"),
        (["--from", "2099-01-01"], "--from 2099-01-01 lies after "),
        (["--to", "2024-02-29"], "--to 2024-02-29 lies before 2024-03-01, the first day of the shop"),
    ],
)
def test_run_does_not_begin_where_nothing_can_come_of_it(
    asked, shop_file, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    assert entry.run(["run", "--shop", str(shop_file), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert asked.calls == []


@pytest.mark.parametrize("folder", [None, PROJECT])  # in a checkout the demo's shop.yaml is the one that lies here
@pytest.mark.parametrize("arguments", [[], ["--landing", "files"]])
def test_run_invents_no_shop_where_none_is_named(asked, home, tmp_path, monkeypatch, capsys, folder, arguments):
    monkeypatch.chdir(folder or tmp_path)
    assert entry.run(["run", *arguments]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"no shop is named, and {home.root} holds none yet: name your own with --shop FILE")
    assert "`ecom demo`" in said
    assert asked.calls == []
    assert not home.root.exists()


def test_run_goes_on_with_the_demo_where_it_was_asked_for(asked, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_print_last_day", lambda *_: None)
    assert entry.run(["run", "--shop", str(PROJECT / "shop.yaml")]) == 0
    assert entry.run(["demo", "--days", "10"]) == 0
    asked.calls[-1][0].claim()
    assert entry.run(["run"]) == 0
    assert len(asked.calls) == 3
    assert asked.calls[-1][0].shop_file == home.shop_file


def test_run_takes_the_shop_that_lies_here(asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text("name: Sim\nfirst_day: 2026-11-01\nsources: {orders: simulated}\n")
    assert entry.run(["run"]) == 0
    assert asked.calls[0][0].shop.name == "Sim"


def test_a_day_on_which_the_shop_is_closed_is_not_missed(capsys):
    shop = Shop(name="S", first_day="2024-03-01", closed_weekdays=("sunday",), sources={"orders": "simulated"})
    work.print_report(show.console(), report(missing_days=(date(2024, 3, 2), date(2024, 3, 3))), shop)
    assert "1 not delivered" in capsys.readouterr().out


def test_a_bar_on_a_terminal_never_claims_to_be_done_early(monkeypatch):
    screen = show.Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(show, "errors", lambda: screen)
    with work.progress() as on_progress:
        for _ in range(200):
            on_progress("kpi/daily_revenue", "started")
            on_progress("kpi/daily_revenue", "finished")
    assert "kpi/daily_revenue" in screen.file.getvalue()


def test_the_demo_opens_as_many_days_before_its_last_finished_day(asked, home, monkeypatch):
    monkeypatch.setattr(demo, "_print_last_day", lambda *_: None)
    assert entry.run(["demo", "--days", "10", "--seed", "3", "--orders-per-day", "40"]) == 0
    ((context, _, _, simulate),) = asked.calls
    assert simulate == (date(2026, 11, 11), date(2026, 11, 20)), "on the 21st at 07:25 in Berlin the 20th is over"
    stated = yaml.safe_load(home.shop_file.read_text())
    assert stated["first_day"] == date(2026, 11, 11)
    assert (context.shop.seed, context.shop.simulation["orders_per_day"]) == (3, 40.0)
    assert context.landing == home.landing


def test_the_demo_never_writes_into_a_landing_folder_of_somebody_else(asked, home, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_print_last_day", lambda *_: None)
    monkeypatch.setenv("ECOM_LANDING", str(tmp_path / "theirs"))
    assert entry.run(["demo"]) == 0
    assert asked.calls[0][0].landing == home.landing


def test_the_demo_goes_on_where_it_stopped(asked, home, monkeypatch):
    monkeypatch.setattr(demo, "_print_last_day", lambda *_: None)
    assert entry.run(["demo", "--days", "30"]) == 0
    asked.calls[0][0].claim()
    (home.landing / "orders").mkdir(parents=True)
    for day in ("2026-11-17", "2026-11-18"):
        (home.landing / "orders" / f"orders_{day}.csv").touch()
    assert entry.run(["demo"]) == 0
    assert asked.calls[1][3] == (date(2026, 11, 18), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "4"], "--seed: "),
        (["--orders-per-day", "50"], "--orders-per-day: "),
        (["--days", "31"], "holds a demo that opened on 2026-10-22"),
    ],
)
def test_a_demo_of_another_kind_needs_another_home(asked, monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(demo, "_print_last_day", lambda *_: None)
    assert entry.run(["demo", "--days", "30"]) == 0
    asked.calls[0][0].claim()
    assert entry.run(["demo", *arguments]) == 2
    shown = capsys.readouterr().err.splitlines()[-1]
    assert words in shown
    assert "ecom reset" in shown
    assert len(asked.calls) == 1


def test_the_demo_leaves_another_shop_alone(asked, home, shop_file, tmp_path, capsys):
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "a.csv").write_text("order_id\n")
    assert entry.run(["run", "--shop", str(shop_file), "--landing", str(tmp_path)]) == 0
    asked.calls[0][0].claim()
    assert entry.run(["demo"]) == 2
    assert "holds the shop 'Corner shop'; give the demo a home of its own: ECOM_HOME=" in capsys.readouterr().err
    assert not home.shop_file.exists()


def test_the_demo_does_not_overwrite_a_shop_file_that_it_did_not_write(asked, home, capsys):
    home.root.mkdir()
    home.shop_file.write_text(FILES_SHOP)
    assert entry.run(["demo"]) == 2
    assert "was not written by `ecom demo`" in capsys.readouterr().err
    assert home.shop_file.read_text() == FILES_SHOP


def test_the_demos_last_day_says_who_counted_the_visits(home):
    """Two systems count them, and the rate of one times the sessions of the other is no number of orders."""
    home.root.mkdir()
    with closing(connect(home.warehouse)) as connection:
        warehouse = Warehouse(connection, Shop(name="Demo", first_day="2024-03-01", sources={"orders": "simulated"}))
        warehouse.prepare()
        connection.execute("""
            insert into kpi.daily_revenue (business_date, orders, net_amount, conversion_rate)
            values ('2024-03-01', 3, 41.50, 0.025)""")
        publish(connection, home, warehouse.contracts.values())
        shop_file = home.root / "shop.yaml"
        shop_file.write_text("name: Demo\ncurrency: EUR\nfirst_day: 2024-03-01\nsources: {orders: simulated}\n")
        screen = show.Console(file=io.StringIO(), width=100)
        demo._print_last_day(screen, ShopContext.resolve(shop_file))
    lines = [" ".join(line.split()) for line in screen.file.getvalue().splitlines()]
    assert "conversion rate (web analytics) 2.5% –" in lines
    assert "net amount (EUR) 41.50 –" in lines
    assert demo._named("sessions", "EUR") == "sessions (tracked)"


def test_the_projects_own_shop_is_all_simulated():
    stated = yaml.safe_load((PROJECT / "shop.yaml").read_text())
    assert set(stated["sources"].values()) == {"simulated"}


def test_the_way_on_names_the_command_as_it_was_called(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work.shutil, "which", lambda _: None)
    monkeypatch.setattr(work.sys, "argv", [str(tmp_path / ".venv" / "bin" / "ecom")])
    assert work._command() == str(Path(".venv/bin/ecom"))
    monkeypatch.setattr(work.shutil, "which", lambda _: "/usr/bin/ecom")
    assert work._command() == "ecom"


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        (("anomaly/evidence", "clean/orders", "kpi/daily_revenue"), "kpi.daily_revenue"),
        (("anomaly/evidence", "clean/order_items", "clean/orders"), "clean.orders"),
        (("clean/api_logs", "kpi/api_health", "kpi/page_speed"), "kpi.api_health"),
        (("anomaly/evidence", "clean/products"), "clean.products"),
        ((), "kpi.daily_revenue"),
    ],
)
def test_the_way_on_names_a_table_that_has_rows(home, monkeypatch, filled, told):
    def snapshot(published):
        assert published == home
        connection = duckdb.connect()
        connection.execute("create schema lineage")
        connection.execute('create table lineage.table_status (asset varchar, "rows" bigint)')
        every = dict.fromkeys(("clean/orders", "kpi/daily_revenue", "kpi/session_behavior"), 0)
        for asset, rows in {**every, **dict.fromkeys(filled, 5)}.items():
            connection.execute("insert into lineage.table_status values (?, ?)", [asset, rows])
        return connection

    monkeypatch.setattr("ecom_assets.warehouse.open_snapshot", snapshot)
    assert work._telling_table(home) == told


def test_the_way_on_names_sales_before_anything_is_published(home):
    assert work._telling_table(home) == "kpi.daily_revenue"
