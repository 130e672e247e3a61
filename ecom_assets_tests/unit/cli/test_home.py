"""menu, reset and ui: what can be done in a home, what is forgotten, and where the UI listens."""

import csv
import io
import socket
from contextlib import closing
from datetime import date, datetime

import pytest
import typer

from ecom_assets.cli import entry, log, menu, reset
from ecom_assets.cli.ui import free_port
from ecom_assets.orchestration.session import session
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import Home, Shop
from ecom_assets.warehouse import Warehouse, connect, labels, publish, writer_lock
from ecom_assets.warehouse.kept import UnreadableLabelsError

DEMO = "name: Demo\nfirst_day: 2024-03-01\nsources: {orders: simulated, refunds: simulated}\n"
MIXED = "name: Demo\nfirst_day: 2024-03-01\nsources: {orders: simulated, refunds: {kind: files, path: 'refunds/*'}}\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    for name in ("ECOM_SHOP", "ECOM_LANDING"):
        monkeypatch.delenv(name, raising=False)
    yield Home(tmp_path / "home")
    log.close_log()


def lived_in(home: Home, shop: str) -> None:
    """Put into the home what a run leaves there."""
    for folder in (home.published, home.dagster / "runs", home.logs, home.truth, home.landing / "orders",
                   home.landing / "refunds"):  # fmt: skip
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (home.published / "current").write_text("snapshot-00000001.duckdb")
    connect(home.warehouse).close()
    home.shop_file.write_text(shop)
    (home.root / "README.md").write_text("stays")
    ShopContext.resolve(home.shop_file).claim()


def with_labels(home: Home, shop: str) -> None:
    """The same, with one label and one snooze in its warehouse."""
    lived_in(home, shop)
    home.warehouse.unlink()
    with session(ShopContext.resolve(), "a test") as opened:
        opened.connection.execute(
            "insert into lineage.labels (notification_id, label, note, metric, start_date, labelled_at) "
            "values ('ab12', 'expected', 'as agreed', 'orders', '2024-03-05', '2024-03-09 10:11:12.5')"
        ).fetchall()
        labels.snooze(opened.connection, date(2030, 1, 1), metric="net_amount")


def said(home: Home) -> tuple[list[tuple], list[tuple]]:
    """What a run of the shop finds of labels and snoozes."""
    with session(ShopContext.resolve(home.shop_file), "a test") as opened:
        ask = opened.connection.execute
        return (
            ask("select notification_id, label, note, metric, start_date, labelled_at from lineage.labels").fetchall(),
            ask("select notification_id, metric, until_date from lineage.snoozes").fetchall(),
        )


SAID = (
    [("ab12", "expected", "as agreed", "orders", date(2024, 3, 5), datetime(2024, 3, 9, 10, 11, 12, 500_000))],
    [(None, "net_amount", date(2030, 1, 1))],
)


def left(home: Home) -> set[str]:
    return {str(path.relative_to(home.root)) for path in home.root.rglob("*") if path.is_file()}


def test_reset_forgets_a_simulated_shop_whole(home, capsys):
    lived_in(home, DEMO)
    assert entry.run(["reset", "--yes"]) == 0
    assert left(home) == {"README.md"}
    assert "`ecom demo` makes it anew" in capsys.readouterr().out


def test_reset_keeps_what_a_shop_brought(home, capsys):
    lived_in(home, MIXED)
    assert entry.run(["reset", "--yes"]) == 0
    assert left(home) == {"README.md", "shop.yaml", "landing/refunds/file"}
    again = f"`ecom run --shop {home.shop_file} --landing {home.landing}` makes it anew"
    assert again in capsys.readouterr().out, "the home no longer knows its shop"


@pytest.mark.parametrize("shop", [DEMO, MIXED])
def test_reset_keeps_what_no_run_can_make_again(home, capsys, shop):
    with_labels(home, shop)
    (home.root / "secret.key").write_text("of hashed addresses")
    assert entry.run(["reset", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "secret.key" in shown
    assert "labels, snoozes" in shown
    assert (home.root / "secret.key").read_text() == "of hashed addresses"
    assert not home.warehouse.exists()
    assert entry.run(["reset", "--yes"]) == 0, "once more, before anything was run"
    home.shop_file.write_text(shop)
    assert said(home) == SAID
    assert said(home) == SAID, "taken once"
    assert not list(home.root.glob("labels-*"))


@pytest.mark.parametrize("broken", ["{", "[]", '{"labels": [{"notification_id": "x", "raised_date": "soon"}]}'])
def test_a_file_of_labels_that_was_broken_is_named(home, broken):
    with_labels(home, MIXED)
    assert entry.run(["reset", "--yes"]) == 0
    (path,) = home.root.glob("labels-*.json")
    path.write_text(broken)
    with pytest.raises(UnreadableLabelsError, match=f"{path.name}: cannot be read .* delete it to go on without"):
        said(home)
    path.unlink()
    assert said(home) == ([], [])


def test_labels_of_one_simulated_shop_are_not_those_of_another(home):
    with_labels(home, DEMO)
    assert entry.run(["reset", "--yes"]) == 0
    home.shop_file.write_text(DEMO + "seed: 8\n")
    assert said(home) == ([], [])
    assert entry.run(["reset", "--yes"]) == 0
    home.shop_file.write_text(DEMO)
    assert said(home) == SAID


def test_reset_of_all_deletes_the_key_and_the_labels_too(home, capsys):
    with_labels(home, DEMO)
    (home.root / "secret.key").write_text("x")
    assert entry.run(["reset", "--yes"]) == 0
    assert entry.run(["reset", "--yes", "--all"]) == 0
    assert left(home) == {"README.md"}
    assert "secret.key" in capsys.readouterr().out


def test_a_warehouse_that_cannot_be_read_takes_no_label_with_it(home, capsys):
    with_labels(home, MIXED)
    with session(ShopContext.resolve(), "a test") as opened:
        opened.publish()
    home.warehouse.write_bytes(b"not a database" * 1000)
    assert entry.run(["reset", "--yes"]) == 0
    assert said(home) == SAID, "the snapshot had them"
    home.warehouse.write_bytes(b"not a database" * 1000)
    before = left(home)
    assert entry.run(["reset", "--yes"]) == 1
    assert "its labels and snoozes cannot be read to keep them" in capsys.readouterr().err
    assert left(home) >= before
    assert entry.run(["reset", "--yes", "--all"]) == 0
    assert not home.warehouse.exists()


def test_reset_never_touches_a_landing_folder_outside_the_home(home, tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_LANDING", str(tmp_path / "theirs"))
    lived_in(home, DEMO)
    assert home.landing not in [path.parent for path in reset.made(home)]


def test_reset_asks_and_takes_no_for_an_answer(home, monkeypatch, capsys):
    lived_in(home, DEMO)
    before = left(home)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: (_ for _ in ()).throw(typer.Abort()))
    assert entry.run(["reset"]) == 1
    assert "Nothing was done." in capsys.readouterr().err
    assert left(home) >= before


def test_reset_leaves_a_home_alone_that_is_being_written(home, capsys):
    lived_in(home, DEMO)
    before = left(home)
    with writer_lock(home, "a backfill"):
        assert entry.run(["reset", "--yes"]) == 1
    assert "is being written by a backfill" in capsys.readouterr().err
    assert left(home) >= before


def test_reset_of_an_empty_home_says_so(capsys):
    assert entry.run(["reset"]) == 0
    assert "Nothing was made" in capsys.readouterr().out


def test_the_menu_offers_what_can_be_done_now(home):
    verbs = [choice.arguments[0] for choice in menu.choices(home)]
    assert verbs == ["demo", "run", "ui"]
    lived_in(home, DEMO)
    verbs = [choice.arguments[0] for choice in menu.choices(home)]
    assert verbs == ["status", "query", "query", "quarantine", "lineage", "demo", "run", "ui", "reset"]
    (home.published / "current").unlink()
    assert [choice.arguments[0] for choice in menu.choices(home)] == ["demo", "run", "ui", "reset"]
    home.shop_file.unlink()
    assert [choice.arguments[0] for choice in menu.choices(home)] == ["run", "ui", "reset"]


def test_the_menu_does_what_is_chosen_until_nothing_is(home, monkeypatch, capsys):
    lived_in(home, DEMO)
    done = []
    monkeypatch.setattr(entry, "run", lambda arguments: done.append(arguments))
    answers = iter(["1", "3", "select 1", ""])
    menu.menu(lambda _: next(answers))
    assert done == [["status"], ["query", "select 1"]]
    assert "How does everything stand?" in capsys.readouterr().out


def test_what_the_menu_asks_in_sql_is_answered(home, capsys):
    """On a snapshot with every table of the project, of which the asked ones have a day."""
    home.root.mkdir()
    with closing(connect(home.warehouse)) as connection:
        warehouse = Warehouse(connection, Shop(name="Demo", first_day="2024-03-01", sources={"orders": "simulated"}))
        warehouse.prepare()
        day = "insert into kpi.daily_revenue (business_date, orders, net_amount) values ('2024-03-01', 3, 41.50)"
        connection.execute(day).fetchall()
        publish(connection, home, warehouse.contracts.values())
    home.shop_file.write_text(DEMO)
    ShopContext.resolve(home.shop_file).claim()
    asked = [each.arguments for each in menu.choices(home) if each.arguments[0] == "query" and not each.asks]
    assert asked, "the menu asks for the last days' sales"
    for arguments in asked:
        assert entry.run([*arguments, "--format", "csv"]) == 0, capsys.readouterr().err
        (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
        assert (row["business_date"], row["orders"], row["net_amount"]) == ("2024-03-01", "3", "41.50")


@pytest.mark.parametrize("answer", ["0", "99", "q", ""])
def test_any_other_answer_leaves_the_menu(home, monkeypatch, answer):
    monkeypatch.setattr(entry, "run", lambda _: pytest.fail("nothing was chosen"))
    menu.menu(lambda _: answer)


def test_the_menu_asks_for_the_settings_of_an_own_shop(home, monkeypatch):
    done = []
    monkeypatch.setattr(entry, "run", lambda arguments: done.append(arguments))
    answers = iter(["2", "my/shop.yaml", ""])
    menu.menu(lambda _: next(answers))
    assert done == [["run", "--shop", "my/shop.yaml"]]


def test_the_end_of_the_input_leaves_the_menu(home, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: (_ for _ in ()).throw(EOFError()))
    assert menu.menu() is None


def test_the_ui_takes_the_next_free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port("127.0.0.1", port) < port + 20


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])  # the first is of no machine (RFC 5737)
def test_the_ui_listens_only_where_this_machine_is(host):
    with pytest.raises(typer.BadParameter, match=f"--host {host}: "):
        free_port(host, 3000)
