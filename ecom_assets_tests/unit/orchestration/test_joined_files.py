"""Files that a mapping's SQL joins: a changed one sees the others again, and what cannot be known is not made up."""

from datetime import date

import pytest

from ecom_assets.orchestration.loading import WITHIN_LIMIT
from ecom_assets_tests.unit.orchestration.test_loading import ITEMS, ORDERS, Loads, march

SHOP = """\
name: Joined
currency: EUR
first_day: 2026-03-01
sources:
  export: {kind: files, path: "*.csv", mapping: export.yaml}
"""
MAPPING = """\
name: export
columns: [order]
optional_columns: [date, line, pieces, price]
datasets: {orders: {sql: orders.sql}, order_items: {sql: items.sql}}
"""
ORDERS_SQL = (
    'select source_file, source_line, "order" as order_id, date as ordered_at from staged where date is not null'
)
ITEMS_SQL = """
select i.source_file, i.source_line, i."order" as order_id, i.line as line_number, o.date as ordered_at,
    i.pieces as quantity, coalesce(i.price, p.price) as unit_price_amount
from staged i join staged o on o."order" = i."order" and o.date is not null
left join staged p on p."order" = 'list' and p.line = i.line
where i.line is not null and i."order" <> 'list'
"""
LINES = "order,line,pieces,price\n"


@pytest.fixture
def shop(tmp_path):
    """Two orders on the second of March and one on the third, their lines in another file: 30 and 7."""
    beside = {"export_yaml": MAPPING, "orders_sql": ORDERS_SQL, "items_sql": ITEMS_SQL}
    loads = Loads(tmp_path, SHOP, **beside).files(
        orders="order,date\n1,2026-03-02\n2,2026-03-02\n3,2026-03-03\n",
        lines=LINES + "1,1,1,10\n2,1,2,10\n3,1,1,7\n",
    )
    loads.load()
    loads.write(loads.to_do())
    return loads


def gross(loads) -> dict[date, float]:
    sql = """select business_date, sum(quantity * unit_price_amount)::double from clean.order_items
        where business_date in (select business_date from lineage.sales_days) group by all"""
    return dict(loads.rows(sql))


def known(loads) -> list[date]:
    """Days that readers get a number for, be it zero."""
    return [day for (day,) in loads.rows("select business_date from lineage.sales_days order by all")]


def refused(loads) -> list[str]:
    return [name for name, _ in loads.session.refused_files()]


def test_a_changed_file_sees_the_others_again(shop):
    assert gross(shop) == {march(2): 30, march(3): 7}
    shop.files(lines=LINES + "1,1,1,10\n2,1,2,10\n3,1,1,7\n1,2,1,5\n").load()
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 35, march(3): 7}
    assert (refused(shop), shop.session.files_over_limit()) == ([], [])


def test_unchanged_files_are_read_only_where_something_changed(shop):
    seen = len(shop.session.receipts)
    shop.load()
    assert (len(shop.session.receipts), shop.to_do()) == (seen, [])


def test_lines_take_what_a_changed_file_says_of_them(shop):
    """Neither the lines' own file nor their number changed, but a price that they take from a list without days."""
    shop.files(lines=LINES + "1,1,1,10\n2,1,2,10\n3,1,1,\n", prices=LINES + "list,1,,7\n").load()
    assert shop.rows("select reasons from quarantine.orders") == []
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 30, march(3): 7}
    shop.files(prices=LINES + "list,1,,8\n").load()
    assert march(3) in shop.to_do()
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 30, march(3): 8}


@pytest.mark.parametrize("harm", ["refused", "gone"])
def test_lines_whose_orders_cannot_be_seen_stay_as_they_were(shop, harm):
    """The orders' rows still stand, so that nothing else may be lost beside them."""
    if harm == "gone":
        (shop.landing / "orders.csv").unlink()
    else:
        shop.files(orders="order,day\n1,2026-03-02\n")
    shop.files(more="order,date,line,pieces,price\n4,2026-03-04,,,\n4,,1,1,9\n").load()
    assert refused(shop) == (["orders.csv"] if harm == "refused" else [])
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 30, march(3): 7, march(4): 9}


def test_a_new_file_that_is_refused_holds_nothing_back(shop):
    shop.files(orders="order,date\n1,2026-03-03\n2,2026-03-02\n3,2026-03-03\n", junk="colour\nred\n").load()
    assert refused(shop) == ["junk.csv"]
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 20, march(3): 17}


def test_a_file_none_of_whose_lines_fits_is_refused_and_keeps_what_it_brought(shop):
    shop.files(lines=LINES + "x1,1,1,10\nx2,1,2,10\n").load()
    ((name, why),) = shop.session.refused_files()
    assert name == "lines.csv"
    assert why.startswith("none of its 2 lines could be used; mostly: no dataset of the mapping uses this line (first")
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 30, march(3): 7}


def test_too_many_files_to_be_joined_are_refused_in_words(shop, monkeypatch):
    from ecom_assets.ingestion import MappingError, discovery

    monkeypatch.setattr(discovery, "_TOGETHER_BYTES", 50)
    shop.files(lines=LINES + "1,1,1,10\n")
    with pytest.raises(MappingError, match=r"sources\.export: the SQL of its mapping looks beyond one file"):
        shop.load()
    assert gross(shop) == {march(2): 30, march(3): 7}


PLAIN = """\
name: Plain
currency: EUR
first_day: 2026-03-01
last_day: 2026-03-10
sources:
  orders: {kind: files, path: "orders*.csv"}
  order_items: {kind: files, path: "items*.csv"}
  refunds: {kind: files, path: "refunds*.csv"}
"""


@pytest.fixture
def plain(tmp_path):
    loads = Loads(tmp_path, PLAIN).files(
        orders=ORDERS + "1,2026-03-02,,\n2,2026-03-03,,\n",
        items=ITEMS + "1,1,2026-03-02,1,10\n1,2,2026-03-02,1,5\n2,1,2026-03-03,1,7\n",
    )
    loads.load()
    loads.write(loads.to_do())
    return loads


def test_product_lines_that_vanish_make_a_day_unknown(plain):
    """Of the third only a shipping line came again, of the second nothing."""
    header = ITEMS.replace("quantity", "line_type,quantity")
    plain.files(items=header + "2,9,2026-03-03,shipping,1,3\n" + "2,8,2026-03-03,shipping,1,3\n")
    plain.files(orders=ORDERS + "1,2026-03-02,,\n2,2026-03-03,,\n3,2026-03-03,,\n").load()
    outcomes = plain.write(plain.to_do())
    assert outcomes["order_items"].refused_days == (march(3),)
    assert outcomes["order_items"].reasons[march(3)] == "orders_have_their_lines: 2 orders and not one product line"
    assert outcomes["order_items"].missing_days == (march(2),)
    assert (gross(plain), known(plain)) == ({march(3): 7}, [march(3)]), "the third keeps its rows; none for the second"


def test_a_day_whose_orders_never_had_lines_is_unknown(plain):
    plain.files(
        orders_b=ORDERS + "3,2026-03-04,,\n", items_b=ITEMS + "3,1,2026-03-04,x,10\n9,1,2026-03-05,1,5\n"
    ).load()
    plain.write(plain.to_do())
    assert known(plain) == [march(2), march(3)]


def test_orders_that_come_before_their_lines_are_unknown_until_then(shop):
    """One source feeds both, so that its files speak for the day of the lines too: it would stand with none."""
    orders = "order,date\n1,2026-03-02\n2,2026-03-02\n3,2026-03-03\n4,2026-03-04\n"
    shop.files(orders=orders).load()
    outcome = shop.write(shop.to_do())["order_items"]
    assert outcome.reasons == {march(4): "orders_have_their_lines: 1 orders and not one product line"}
    assert known(shop) == [march(2), march(3)]
    shop.files(more=LINES + "4,1,3,4\n").load()
    shop.write(shop.to_do())
    assert gross(shop) == {march(2): 30, march(3): 7, march(4): 12}


@pytest.mark.parametrize(
    ("orders", "lines"),
    [
        ("3,2026-03-04,,\n", "3,1,2026-03-04,gift_card,1,50\n"),  # sold nothing but a gift card
        ("3,2026-03-04,,void\n", ""),  # sold nothing
    ],
)
def test_a_day_without_products_is_a_day_of_zero_where_nothing_is_missing(plain, orders, lines):
    plain.files(
        orders_b=ORDERS.replace("fx_rate", "status") + orders + "9,2026-03-05,,paid\n",
        items_b=ITEMS.replace("quantity", "line_type,quantity") + lines + "9,1,2026-03-05,product,1,5\n",
    ).load()
    outcome = plain.write(plain.to_do())["order_items"]
    assert outcome.refused_days == ()


def test_a_day_that_lost_all_its_orders_is_not_a_day_without_sales(shop):
    """The orders' file came with its header alone; their lines stand."""
    shop.files(orders="order,date\n").load()
    outcome = shop.write(shop.to_do())["orders"]
    assert outcome.refused_days == (march(2), march(3))
    assert outcome.reasons[march(2)].endswith("lines_have_their_orders: 2 order lines and not one order")
    assert gross(shop) == {march(2): 30.0, march(3): 7.0}
    shop.files(orders="order,date\n", lines=LINES).load()
    assert shop.write(shop.to_do())["orders"].refused_days == (), "their lines are gone, too"
    assert gross(shop) == {}


def test_lines_of_no_day_that_is_judged_are_told_by_file(plain):
    """Half of the lines are unreadable, and all lie behind the shop's last day: no day's share says so."""
    late = "".join(f"{n},{n % 7},2026-04-02,{'x' if n % 2 else 1},10\n" for n in range(40))
    told = plain.files(items_b=ITEMS + late).load()
    assert plain.to_do() == []
    said = (
        "items_b.csv",
        "20 of 40 lines are in quarantine, at most 20% may be; mostly: quantity is not an integer (first on line 3)",
    )
    assert plain.session.files_over_limit() == [said]
    (check,) = [one for one in told if getattr(one, "check_name", "") == WITHIN_LIMIT and not one.passed]
    assert check.asset_key.path == ["raw", "order_items"]
    assert not any(check.passed for check in plain.load() if getattr(check, "check_name", "") == WITHIN_LIMIT and
                   check.asset_key.path[-1] == "order_items"), "as long as the file lies there"  # fmt: skip
    assert plain.session.files_over_limit() == [said]
    plain.files(items_b=ITEMS + "8,1,2026-04-02,1,10\n").load()
    assert plain.session.files_over_limit() == [], "corrected"


def test_a_file_over_its_limit_that_went_away_is_told_no_longer(plain):
    plain.files(items_b=ITEMS + "".join(f"{n},1,2026-04-02,{'x' if n % 2 else 1},10\n" for n in range(40))).load()
    assert len(plain.session.files_over_limit()) == 1
    (plain.landing / "items_b.csv").unlink()
    assert plain.is_to_load() == ["order_items"]
    plain.load()
    assert (plain.session.files_over_limit(), plain.is_to_load()) == ([], [])
    assert ("items_b.csv", 20) in plain.known(), "what it brought stays"


def test_a_few_bad_lines_of_a_short_file_exceed_nothing(plain):
    plain.files(items_b=ITEMS + "8,1,2026-04-02,x,10\n8,2,2026-04-02,1,10\n8,3,2026-04-02,1,10\n").load()
    assert plain.session.files_over_limit() == []
