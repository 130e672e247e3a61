"""The real Online Retail export through its mapping: every published answer, from staged rows to clean tables."""

import csv
import io
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest

from ecom_assets.contracts import contract
from ecom_assets.ingestion import Receipt, clean_select, discover, plan_sources, stage_files
from ecom_assets.settings import load_shop
from ecom_assets_tests.shared import ROOT, shared_data

pytestmark = pytest.mark.integration
SHOP_FILE = ROOT / "examples" / "online_retail" / "shop.yaml"
BY_DAY = {
    1: "58635.56", 2: "46207.28", 3: "45620.46", 5: "31383.95", 6: "53860.18",
    7: "45059.05", 8: "44189.84", 9: "52532.13", 10: "57404.91", 12: "17240.92",
}  # fmt: skip


class Loaded:
    """The export in the folder `landing`, staged and cleaned."""

    def __init__(self, landing: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        shop = load_shop(SHOP_FILE, {})
        (plan,) = plan_sources(shop, SHOP_FILE)
        self.receipts: list[Receipt] = stage_files(self.connection, plan, discover(plan, landing), shop).receipts
        self.rows("create schema raw")
        self.rows("create schema clean")
        self.rows("create table raw.moved_keys (dataset varchar, key_hash ubigint)")
        for dataset in sorted(plan.feeds, key=lambda name: name != "orders"):  # their currency is looked at
            made = contract(f"clean/{dataset}")
            days = {"from_day": shop.first_day, "to_day": shop.last_day} if made.partitioned_by else {}
            self.rows(f"create table raw.{dataset} as from _staged_{dataset}")
            self.rows(f"create table clean.{dataset} as {clean_select(made, shop)}", days)

    def rows(self, sql: str, values: dict | None = None) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def value(self, sql: str):
        ((value,),) = self.rows(sql)
        return value


TOTAL_BY_DAY = """
    select business_date, sum(amount) from (
        select business_date, quantity * unit_price_amount as amount from clean.order_items
        union all
        select business_date, -(goods_amount + shipping_amount + tax_amount) from clean.refunds
    ) group by all order by all
"""


@pytest.fixture(scope="module")
def export() -> list[dict[str, str]]:
    """All lines as Python's own csv reader gives them: the independent ledger."""
    lines = []
    for path in sorted(shared_data("online_retail").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            lines += list(csv.DictReader(file))
    return lines


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return Loaded(shared_data("online_retail"))


def test_every_line_is_used(loaded):
    assert [receipt.refused for receipt in loaded.receipts] == [None] * 10
    assert sum(receipt.rows_used for receipt in loaded.receipts) == 26_732
    assert sum(receipt.rows_quarantined for receipt in loaded.receipts) == 0
    assert loaded.value("select count(*) from _rejects") == loaded.value("select count(*) from _repairs") == 0
    assert loaded.value("select count(*) from clean.order_items") == 26_732 - 411
    assert loaded.value("select count(*) from clean.refunds") == 411


def test_invoices_customers_and_guests(loaded, export):
    cancellations = loaded.value("select count(distinct split_part(refund_id, '-', 1)) from clean.refunds")
    assert (loaded.value("select count(*) from clean.orders"), cancellations) == (1_230 - 150, 150)
    assert loaded.value("select count(*) from clean.customers") == 691
    guest_lines = loaded.value(
        "select count(*) from clean.order_items join clean.orders using (order_id) where customer_id is null"
    )
    assert guest_lines + loaded.value("select count(*) from clean.refunds where customer_id is null") == 9_032
    buyers = {line["InvoiceNo"] for line in export if line["CustomerID"] and not line["InvoiceNo"].startswith("C")}
    assert loaded.value("select count(*) from clean.orders where customer_id is not null") == len(buyers)
    assert loaded.value("select count(*) from clean.refunds where order_id is not null") == 0


def test_money_to_the_cent(loaded):
    assert loaded.rows(TOTAL_BY_DAY) == [(date(2010, 12, day), Decimal(amount)) for day, amount in BY_DAY.items()]
    assert sum(amount for _, amount in loaded.rows(TOTAL_BY_DAY)) == Decimal("452134.28")
    positive = (
        "select sum(quantity * unit_price_amount) from clean.order_items where quantity > 0 and unit_price_amount > 0"
    )
    assert loaded.value(positive) == Decimal("515364.64")
    assert loaded.value("select count(*) from clean.order_items where unit_price_amount <= 0") == 185


NO_GOODS = {"POST", "DOT", "C2", "D", "M", "S", "BANK CHARGES", "AMAZONFEE"}


def test_lines_are_of_the_right_kind(loaded, export):
    expected = Counter()
    for line in export:
        code, amount = line["StockCode"], Decimal(line["UnitPrice"]) * int(line["Quantity"])
        kind = {"POST": "shipping", "DOT": "shipping", "C2": "shipping", "D": "discount"}.get(code)
        kind = kind or {"M": "adjustment", "S": "adjustment"}.get(code) or ("fee" if code in NO_GOODS else None)
        if line["InvoiceNo"].startswith("C"):
            expected["refunded", "shipping" if kind == "shipping" else "goods" if kind else "product"] -= amount
        else:
            expected["sold", kind or ("product" if amount > 0 else "adjustment")] += amount
    sold = loaded.rows("select line_type, sum(quantity * unit_price_amount) from clean.order_items group by all")
    assert {("sold", kind): amount for kind, amount in sold} == {k: v for k, v in expected.items() if k[0] == "sold"}
    refunded = loaded.rows(
        "select sum(goods_amount) filter (kind = 'cancellation'), sum(goods_amount) filter (kind = 'adjustment'),"
        " sum(shipping_amount) from clean.refunds"
    )[0]
    assert refunded == tuple(expected["refunded", kind] for kind in ("product", "goods", "shipping"))


def test_equal_lines_are_kept_and_numbered(loaded, export):
    sold = [line for line in export if not line["InvoiceNo"].startswith("C")]
    expected = Counter((line["InvoiceNo"], int(line["Quantity"]), Decimal(line["UnitPrice"])) for line in sold)
    rows = loaded.rows("select order_id, quantity, unit_price_amount from clean.order_items")
    assert Counter(rows) == expected
    whole_lines = Counter(tuple(line.values()) for line in sold)
    assert max(whole_lines.values()) > 1  # the export does hold equal lines
    assert loaded.value("select count(*) - count(distinct (order_id, line_number)) from clean.order_items") == 0


def test_times_are_londons(loaded):
    assert loaded.value("select ordered_at from clean.orders where order_id = '536365'") == datetime(2010, 12, 1, 8, 26)
    assert loaded.value("select count(distinct ordered_at) from clean.order_items where order_id = '536591'") == 1


def test_products_are_goods(loaded):
    codes = {row[0] for row in loaded.rows("select product_id from clean.products")}
    assert not codes & NO_GOODS
    assert {"85123A", "DCGS0076"} <= codes
    name = loaded.value("select product_name from clean.products where product_id = '22734'")
    assert name == "SET OF 6 RIBBONS VINTAGE CHRISTMAS"  # not 'amazon', a note on a write-off


def spreadsheet_time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour}:{moment.minute:02d}"


def in_cp1252(export: list[dict[str, str]], folder: Path) -> None:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, export[0])
    writer.writeheader()
    writer.writerows({**line, "InvoiceDate": spreadsheet_time(line["InvoiceDate"])} for line in export)
    text = sink.getvalue().replace("WHITE METAL LANTERN", "WHITE £ METAL LANTERN")
    (folder / "data.csv").write_bytes(text.encode("cp1252"))


def in_a_workbook(export: list[dict[str, str]], folder: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Online Retail")
    sheet.append(list(export[0]))
    for line in export:
        code = line["StockCode"]
        customer = float(line["CustomerID"]) if line["CustomerID"] else None
        sheet.append(
            [int(line["InvoiceNo"]) if line["InvoiceNo"].isdigit() else line["InvoiceNo"],
             int(code) if code.isdigit() else code, line["Description"] or None, int(line["Quantity"]),
             datetime.fromisoformat(line["InvoiceDate"]), float(line["UnitPrice"]), customer, line["Country"]]
        )  # fmt: skip
    book.save(folder / "Online Retail.xlsx")


@pytest.mark.parametrize("write", [in_cp1252, in_a_workbook])
def test_the_whole_export_in_one_file_gives_the_same(tmp_path, loaded, export, write):
    write(export, tmp_path)
    one = Loaded(tmp_path)
    (receipt,) = one.receipts
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 26_732, 0)
    assert one.rows(TOTAL_BY_DAY) == loaded.rows(TOTAL_BY_DAY)
    for table in ("orders", "order_items", "refunds"):
        columns = "* exclude (_source_file, _source_line)"
        same = f"select {columns} from clean.{table} order by all"
        assert one.rows(same) == loaded.rows(same)
    assert one.value("select count(*) from clean.customers") == 691


def test_special_bookings_of_the_whole_year(tmp_path):
    """Codes that the first ten days do not hold."""
    (tmp_path / "later.csv").write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom\n"
        "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom\n"
        "564761,gift_0001_20,Dotcomgiftshop Gift Voucher £20.00,3,2011-08-30 10:48:00,16.67,,Unspecified\n"
        "564762,PADS,PADS TO MATCH ALL CUSHIONS,2,2011-08-30 10:48:00,0.001,15618.0,United Kingdom\n"
        "564762,DCGSSBOY,BOYS PARTY BAG,1,2011-08-30 10:48:00,3.29,15618.0,United Kingdom\n"
        "564762,15056bl,EDWARDIAN PARASOL BLACK,1,2011-08-30 10:48:00,5.95,15618.0,United Kingdom\n"
        "C564763,CRUK,CRUK Commission,-1,2011-08-30 10:49:00,16.13,14096.0,United Kingdom\n"
        "C564763,POST,POSTAGE,-1,2011-08-30 10:49:00,18.00,14096.0,United Kingdom\n"
        "564764,,no code,1,2011-08-30 10:49:00,five,14096.0,United Kingdom\n",
        encoding="utf-8",
    )
    one = Loaded(tmp_path)
    assert [(receipt.rows_used, receipt.rows_quarantined) for receipt in one.receipts] == [(8, 1)]
    items = one.rows("select order_id, product_id, line_type from clean.order_items order by _source_line")
    assert items == [
        ("A563185", None, "adjustment"),
        ("A563186", None, "adjustment"),
        ("564761", None, "gift_card"),
        ("564762", "PADS", "product"),
        ("564762", "DCGSSBOY", "product"),
        ("564762", "15056BL", "product"),
    ]
    assert one.rows("select kind, goods_amount, shipping_amount from clean.refunds order by refund_id") == [
        ("adjustment", Decimal("16.13"), 0),
        ("cancellation", 0, Decimal("18.00")),
    ]
    assert one.value("select country from clean.orders where order_id = '564761'") == "unknown"
