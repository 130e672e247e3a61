"""What files tell of persons, planted where nobody expects it, and looked for in all that readers and logs hold."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from ecom_assets.cli import entry
from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot
from ecom_assets_tests.small_shop import SmallShop

SOURCES = """\
sources:
  products: {kind: files, path: "products/*.csv"}
  customers: {kind: files, path: "customers/*.csv", ignore_columns: [phone]}
  orders: {kind: files, path: "orders/*.csv", ignore_columns: [mail]}
  order_items: {kind: files, path: "order_items/*.csv"}
  refunds: {kind: files, path: "refunds/*.csv", mapping: refunds.yaml}
"""
# A mapping whose SQL alone looks at the name of who returned something.
REFUNDS = """\
name: returns
columns: [refund_id, order_id, refunded_at, goods_amount, who]
datasets: {refunds: {sql: refunds.sql}}
"""
REFUNDS_SQL = "select source_file, source_line, refund_id, order_id, refunded_at, goods_amount from staged"
# Each is unique, and none stands where a contract calls it a value that readers may see.
MARKERS = [f"marker{number}person" for number in range(1, 13)]
PERSONAL, SHIFTED, IGNORED, IGNORED_SHIFTED, OUTSIDE, HEADER, HEADER_REQUIRED, *OF_ORDERS = MARKERS
ORDER_TEXT, ORDER_SHIFTED, ORDER_HEADER, SQL_ONLY, SQL_SHIFTED = OF_ORDERS


def planted(shop: SmallShop) -> None:
    """Files of the shop, in which persons stand in the wrong places."""
    text = shop.shop_file.read_text()
    shop.shop_file.write_text(text[: text.index("sources:")] + SOURCES)
    (shop.folder / "refunds.yaml").write_text(REFUNDS)
    (shop.folder / "refunds.sql").write_text(REFUNDS_SQL)
    landing = shop.write().landing
    head = "customer_id,email,full_name,birth_year,signed_up_at,phone\n"
    people = [
        f"c20,{PERSONAL}@shop.test,{PERSONAL} Doe,1980,2026-03-01 10:00:00,{IGNORED}",
        f"c21,Ann,1980,2026-03-01,{SHIFTED}@shop.test,",  # shifted: an address where a time is due
        f"c22,b@shop.test,B,{OUTSIDE},2026-03-01 10:00:00,",  # repaired: no year
        f",d@shop.test,{PERSONAL},1980,2026-03-01 10:00:00,{IGNORED_SHIFTED}",  # rejected: no key
    ]
    (landing / "customers" / "more.csv").write_text(head + "\n".join(people) + "\n")
    # Without a header, a first row is taken for one; it holds the name of one column by chance.
    (landing / "customers" / "headless.csv").write_text(f"c30,{HEADER}@shop.test,country,1980\n")
    (landing / "customers" / "keyless.csv").write_text(f"country,phone\n{HEADER_REQUIRED},1\n")
    (landing / "customers" / "keyless2.csv").write_text(f"{HEADER_REQUIRED},country\nx,1\n")
    day = shop.days[0]
    order = "order_id,ordered_at,currency,mail\n"
    rows = [f",{day} 08:00:00,EUR,{ORDER_TEXT}@shop.test", f"x1,{ORDER_SHIFTED}@shop.test,EUR,"]
    good = [f"x{number},{day} 09:00:00,EUR,y@shop.test" for number in range(2, 60)]
    (landing / "orders" / "more.csv").write_text(order + "\n".join([*rows, *good]) + "\n")
    (landing / "orders" / "headless.csv").write_text(f"x3,currency,{ORDER_HEADER}@shop.test\n")
    for path in (landing / "refunds").iterdir():
        path.unlink()
    returned = [f"r1,{shop.orders(day)[1]['order_id']},{day} 18:00:00,8.00,{SQL_ONLY}",
                f"r2,{shop.orders(day)[1]['order_id']},{SQL_SHIFTED},8.00,"]  # fmt: skip
    text = "refund_id,order_id,refunded_at,goods_amount,who\n" + "\n".join(returned) + "\n"
    (landing / "refunds" / "returns.csv").write_text(text)


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[Home, SmallShop, str]:
    """The home after `ecom run`, its shop, and what `ecom run`, `status` and `quarantine` printed."""
    folder = tmp_path_factory.mktemp("doors")
    shop = SmallShop(folder / "brought", days=3)
    planted(shop)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setenv("ECOM_HOME", str(folder / "home"))
        assert entry.run(["run", "--shop", str(shop.shop_file)]) == 1, said.getvalue()  # files were refused
        for words in (["status"], ["quarantine"], ["quarantine", "customers"], ["quarantine", "orders", "-f", "json"]):
            assert entry.run(words) == 0
    return Home(folder / "home"), shop, said.getvalue()


def test_no_person_is_told_by_a_side_door(ran):
    home, _, said = ran
    hits = [f"printed: {marker}" for marker in MARKERS if marker in said]
    for folder in (home.published, home.dagster, home.logs):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files, folder
        for path in files:
            data = path.read_bytes()
            hits += [f"{path.relative_to(home.root)}: {marker}" for marker in MARKERS if marker.encode() in data]
    assert hits == []


def test_no_published_table_tells_of_a_person_or_of_a_folder(ran):
    home, shop, _ = ran
    texts = published_texts(home)
    assert "signed_up_at: value withheld, it is not a time" in texts  # what is kept: column and kind of fault
    assert any("more.csv" in text for text in texts)
    wanted = [*MARKERS, str(shop.folder), str(home.root)]
    assert [text for text in texts if any(each in text for each in wanted)] == []


def test_where_and_what_is_wrong_is_kept(ran):
    home, *_ = ran
    with open_snapshot(home) as connection:
        found = connection.execute(
            "select source_file, source_line, raw_text, reasons from quarantine.customers order by all"
        ).fetchall()
        refused = dict(
            connection.execute("select source_file, refused from lineage.source_files where refused is not null")
            .fetchall()
        )  # fmt: skip
    assert ("customers/more.csv", 5, None, ["customer_id: missing"]) in found
    assert refused["customers/headless.csv"].startswith(
        "line 1: unknown column (its name is withheld, it is the 1. field)"
    )
    assert len(refused) == 4


def published_texts(home: Home) -> set[str]:
    """Every text of every published table, those inside lists and maps too."""
    with open_snapshot(home) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() union all "
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        found: set[str] = set()
        for schema, table in tables:
            rows = connection.execute(f'select columns(*)::varchar from "{schema}"."{table}"').fetchall()
            found |= {text for row in rows for text in row if text}
            quoted = {part for text in found if text.startswith("[") for part in text.strip("[]").split("', '")}
            found |= {part.strip("'\"") for part in quoted}
    return found


def test_the_markers_are_in_the_files_and_in_the_warehouse(ran):
    """Or the tests above would find nothing, whatever is told."""
    home, shop, _ = ran
    landed = "".join(path.read_text() for path in Path(shop.landing).rglob("*.csv"))
    assert [marker for marker in MARKERS if marker not in landed] == []
    assert IGNORED_SHIFTED.encode() in home.warehouse.read_bytes()
