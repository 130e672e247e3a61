"""Loading a source: what came, what went away, and which days are asked for again."""

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from ecom_assets.ingestion import clean_select, key_hash_sql, plan_sources
from ecom_assets.orchestration.loading import READABLE, is_to_load, load_source
from ecom_assets.orchestration.session import Session
from ecom_assets.settings import load_shop
from ecom_assets.sql import Query
from ecom_assets.warehouse import Outcome, Warehouse

AS_OF = datetime(2026, 3, 14, tzinfo=UTC)
SHOP = """\
name: X
currency: EUR
first_day: 2026-03-01
sources:
  orders: {kind: files, path: "orders*.csv", delete_with_file: true}
  order_items: {kind: files, path: "items*.csv"}
  refunds: {kind: files, path: "refunds*.csv"}
"""
ITEMS = "order_id,line_number,ordered_at,quantity,unit_price_amount\n"
REFUNDS = "refund_id,order_id,refunded_at,goods_amount\n"
ORDERS = "order_id,ordered_at,currency,fx_rate\n"


class Loads:
    """A shop whose files are given as text; `load` is what the raw assets do."""

    def __init__(self, folder: Path, shop: str = SHOP, **beside: str) -> None:
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.shop_file = folder / "shop.yaml"
        self.shop_file.write_text(shop)
        for name, text in beside.items():
            (folder / name.replace("_", ".")).write_text(text)
        self.shop = load_shop(self.shop_file, {})
        self.warehouse = Warehouse(duckdb.connect(), self.shop, key_hash=key_hash_sql)
        self.warehouse.prepare()
        context = SimpleNamespace(shop=self.shop, landing=self.landing)
        self.session = Session(context, self.warehouse, self.warehouse.connection, AS_OF)

    def files(self, **files: str) -> "Loads":
        for name, text in files.items():
            (self.landing / f"{name}.csv").write_text(text)
        return self

    def load(self) -> list:
        context = SimpleNamespace(run_id="run", log=logging.getLogger("a test"))
        plans = plan_sources(self.shop, self.shop_file)
        return [told for plan in plans for told in load_source(context, self.session, plan)]

    def is_to_load(self) -> list[str]:
        """Names of the sources that a plain run would load."""
        return [plan.name for plan in plan_sources(self.shop, self.shop_file) if is_to_load(self.session, plan)]

    def known(self) -> list[tuple[str, int]]:
        """The files of the ledger, with the rows that they brought."""
        sql = "select source_file, rows_used from lineage.source_files order by 1"
        return self.warehouse.connection.execute(sql).fetchall()

    def write(self, days: list[date]) -> dict[str, Outcome]:
        return {name: self.write_one(name, days) for name in ("orders", "order_items", "refunds")}

    def write_one(self, name: str, days: list[date]) -> Outcome:
        contract = self.warehouse.contracts[f"clean/{name}"]
        query = Query(contract.asset, text=clean_select(contract, self.shop))
        return self.warehouse.write(contract, query, days, "run", as_of=AS_OF)

    def rows(self, sql: str) -> list[tuple]:
        return self.warehouse.connection.execute(sql).fetchall()

    def to_do(self) -> list[date]:
        return self.warehouse.days_to_do(AS_OF)


@pytest.fixture
def loads(tmp_path):
    return Loads(tmp_path)


def march(day: int) -> date:
    return date(2026, 3, day)


def test_lines_and_refunds_are_in_the_currency_of_their_order(loads):
    loads.files(
        orders=ORDERS + "1,2026-03-02,JPY,0.006\n2,2026-03-02,,\n",
        items=ITEMS + "1,1,2026-03-02,1,10000\n2,1,2026-03-02,1,20\n",
        refunds=REFUNDS + "r1,1,2026-03-05,5000\n",
    )
    loads.load()
    loads.write(loads.to_do())
    lines = loads.rows("select currency, unit_price_amount::double from clean.order_items order by order_id")
    assert lines == [("JPY", 60.0), ("EUR", 20.0)]
    assert loads.rows("select currency, goods_amount::double from clean.refunds") == [("JPY", 30.0)]
    assert loads.to_do() == []


def test_an_order_that_comes_after_its_refund_or_is_corrected_asks_for_the_refunds_day_again(loads):
    loads.files(refunds=REFUNDS + "r1,1,2026-03-05,5000\nr2,2,2026-03-06,7\n")
    loads.load()
    loads.write(loads.to_do())
    assert loads.rows("select goods_amount::int from clean.refunds order by all") == [(7,), (5000,)]
    loads.files(orders=ORDERS + "1,2026-03-02,JPY,0.006\n2,2026-03-03,EUR,\n")
    loads.load()
    assert loads.to_do() == [march(2), march(3), march(5)], "the refund of the sixth is in the shop's currency"
    loads.write(loads.to_do())
    assert loads.rows("select goods_amount::int from clean.refunds order by all") == [(7,), (30,)]
    loads.files(orders=ORDERS + "1,2026-03-02,JPY,0.010\n2,2026-03-03,EUR,\n")
    loads.load()
    assert march(5) in loads.to_do()
    loads.write(loads.to_do())
    assert loads.rows("select goods_amount::int from clean.refunds order by all") == [(7,), (50,)]
    assert loads.to_do() == []


@pytest.fixture
def two_files(loads):
    loads.files(orders_a=ORDERS + "1,2026-03-02,,\n", orders_b=ORDERS + "2,2026-03-03,,\n").load()
    return loads


def order_ids(loads) -> list[str]:
    return [name for (name,) in loads.rows("select order_id from raw.orders order by all")]


def test_a_file_that_went_away_takes_its_rows_along(two_files):
    (two_files.landing / "orders_a.csv").unlink()
    two_files.load()
    assert order_ids(two_files) == ["2"]
    assert two_files.session.notes == ["orders: 1 file (orders_a.csv) went away and took the rows along"]
    two_files.files(orders_c=ORDERS + "3,2026-03-03,,\n")
    (two_files.landing / "orders_b.csv").unlink()
    two_files.load()
    assert order_ids(two_files) == ["3"], "an export under a new name takes the place of the old one"


def test_a_landing_folder_that_is_missing_deletes_nothing(two_files):
    two_files.landing.rename(two_files.landing.with_name("unmounted"))
    two_files.load()
    assert order_ids(two_files) == ["1", "2"]
    (said,) = two_files.session.notes
    assert said == (
        f"orders: there is no landing folder {two_files.landing}; "
        "the rows of 2 files (orders_a.csv, orders_b.csv) are kept"
    )
    two_files.landing.with_name("unmounted").rename(two_files.landing)
    two_files.load()
    assert two_files.session.notes == [said], "nothing is to be said of what is back"


def test_all_files_that_went_at_once_take_nothing_along(two_files):
    for name in ("orders_a.csv", "orders_b.csv"):
        (two_files.landing / name).unlink()
    two_files.load()
    assert order_ids(two_files) == ["1", "2"]
    assert "no file is left" in two_files.session.notes[-1]
    assert "lay a file with a header and no rows there" in two_files.session.notes[-1]
    two_files.files(orders_none=ORDERS).load()
    assert order_ids(two_files) == [], "the way out that was named"


def test_files_of_a_source_that_keeps_its_rows_are_named_when_they_go(loads):
    loads.files(**{f"items_{n}": ITEMS + f"{n},1,2026-03-02,1,5\n" for n in range(7)}).load()
    for path in loads.landing.iterdir():
        path.unlink()
    loads.load()
    kept = ", ".join(f"items_{n}.csv" for n in range(5))
    assert loads.session.notes == [f"order_items: 7 files ({kept}, …) went away; the rows are kept"]
    assert loads.rows("select count(*) from raw.order_items") == [(7,)]


def _readable(told: list) -> bool:
    return all(each.passed for each in told if getattr(each, "check_name", "") == READABLE)


def test_a_refused_file_that_goes_away_is_told_no_longer(loads):
    """Such as a picture that was laid there by mistake; `order_items` keeps rows of files that go."""
    loads.files(items_1=ITEMS + "o1,1,2026-03-01 10:00:00,1,5.00\n", items_picture="\x00\x01\x02")
    assert not _readable(loads.load())
    assert [name for name, _ in loads.session.refused_files()] == ["items_picture.csv"]
    (loads.landing / "items_picture.csv").unlink()
    assert loads.is_to_load() == ["order_items"]
    assert _readable(loads.load())
    assert loads.session.refused_files() == []
    assert loads.known() == [("items_1.csv", 1)]
    assert loads.session.notes == [
        "order_items: 1 file (items_picture.csv) went away; what was wrong there is told no longer"
    ]
    assert loads.is_to_load() == []


def test_a_file_that_brought_rows_and_was_refused_keeps_them_when_it_goes(loads):
    good, bad = ITEMS + "o1,1,2026-03-01 10:00:00,1,5.00\n", "\x00\x01\x02"
    loads.files(items_1=good).load()
    loads.files(items_1=bad).load()
    assert [name for name, _ in loads.session.refused_files()] == ["items_1.csv"]
    (loads.landing / "items_1.csv").unlink()
    loads.load()
    assert loads.session.refused_files() == []
    assert loads.known() == [("items_1.csv", 1)]
    assert "order_items: 1 file (items_1.csv) went away; the rows are kept" in " ".join(loads.session.notes)
    loads.files(items_1=bad).load()
    assert len(loads.session.refused_files()) == 1, "back with what could not be read, it is refused again"
    loads.files(items_1=good).load()
    assert loads.session.refused_files() == []
    assert loads.known() == [("items_1.csv", 1)]


def test_where_nothing_is_new_what_went_away_is_told_all_the_same(loads):
    loads.files(items_1=ITEMS + "o1,1,2026-03-01 10:00:00,1,5.00\n").load()
    (loads.landing / "items_1.csv").unlink()
    assert loads.is_to_load() == []
    assert loads.session.notes == ["order_items: 1 file (items_1.csv) went away; the rows are kept"]
    loads.files(orders_1=ORDERS + "o1,2026-03-01 10:00:00,EUR,1\n", orders_2=ORDERS).load()
    (loads.landing / "orders_1.csv").unlink()
    assert loads.is_to_load() == ["orders"], "its rows go along"
