"""A home that cannot be written: what reads works, what writes says so in one line."""

import os
from contextlib import closing

import pytest

from ecom_assets.cli import entry
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import Home
from ecom_assets.warehouse import publish
from ecom_assets_tests.unit.warehouse.small_shop import CONTRACTS, new_warehouse

SHOP = "name: Corner shop\nfirst_day: 2024-03-01\nsources: {orders: {kind: files, path: 'orders/*.csv'}}\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """One with a snapshot to ask; that nothing can be written is what the system says of its folders."""
    home = Home(tmp_path / "home")
    monkeypatch.setenv("ECOM_HOME", str(home.root))
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "landing" / "orders").mkdir(parents=True)
    (tmp_path / "landing" / "orders" / "a.csv").write_text("order_id\n")
    ShopContext.resolve(tmp_path / "shop.yaml", tmp_path / "landing").claim()
    warehouse = new_warehouse(home.warehouse)
    with closing(warehouse.connection):
        publish(warehouse.connection, home, CONTRACTS)
    system = os.access  # root, as whom tests may run, is refused by no mode of a folder

    def access(path, mode, **more):
        is_ours = str(path).startswith(str(home.root))
        return system(path, mode, **more) and not (is_ours and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)
    return home


@pytest.mark.parametrize("verb", [["run"], ["ui"]])
def test_what_writes_says_so_in_one_line(home, capsys, verb):
    before = sorted(home.root.rglob("*"))
    assert entry.run(verb) == entry.MISUSED
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"ECOM_HOME: {home.root} cannot be written")
    assert sorted(home.root.rglob("*")) == before


def test_what_reads_works(home, capsys):
    before = sorted(home.root.rglob("*"))
    assert entry.run(["query", "-f", "csv", "select 40 + 2 as answer"]) == 0
    assert entry.run(["status"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("answer\n42\n")
    assert "Corner shop" in shown.out
    assert shown.err == ""
    assert sorted(home.root.rglob("*")) == before


def test_a_home_that_cannot_be_made_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECOM_HOME", "/proc/nowhere/home")
    (tmp_path / "shop.yaml").write_text(SHOP.replace("{kind: files, path: 'orders/*.csv'}", "simulated"))
    assert entry.run(["run", "--shop", str(tmp_path / "shop.yaml")]) == entry.MISUSED
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("ECOM_HOME: /proc/nowhere/home cannot be made (")
