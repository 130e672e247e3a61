"""The clean table: last arrival wins wherever its day is; originals, rates and defaults."""

from datetime import date, datetime

from ecom_assets.contracts import contract
from ecom_assets.ingestion import clean_select, key_hash_sql
from ecom_assets_tests.unit.ingestion.conftest import make_shop

CLEAN_ORDERS = clean_select(contract("clean/orders"), make_shop())
HEADER = "order_id,ordered_at,shipping_amount,channel\n"
MAY_1, MAY_2 = (date(2024, 5, 1), date(2024, 5, 1)), (date(2024, 5, 2), date(2024, 5, 2))


def refresh_moved(bench, dataset: str = "orders") -> None:
    """What the warehouse keeps: keys that raw holds on more than one business date."""
    bench.rows(
        f"insert into raw.moved_keys select '{dataset}', {key_hash_sql(contract(f'clean/{dataset}'))} as key_hash"
        f" from raw.{dataset} group by all having min(_business_date) <> max(_business_date)"
    )


def test_the_last_arrival_of_a_key_stands(bench):
    bench.stage(
        {
            "a.csv": HEADER
            + "o1,2024-05-01 10:00:00,1,email\no2,2024-05-01 11:00:00,1,\n o1 ,2024-05-01 12:00:00,2,\n",
            "b.csv": HEADER + "o2,2024-05-01 13:00:00,3,\n",
        }
    )
    bench.to_raw("orders")
    found = bench.clean("orders", "order_id, shipping_amount::int, _source_file, _source_line")
    assert found == [("o1", 2, "a.csv", 4), ("o2", 3, "b.csv", 2)]


def test_a_row_whose_day_was_corrected_leaves_its_old_day(bench):
    bench.stage(
        {
            "a.csv": HEADER + "o1,2024-05-01 10:00:00,1,\no2,2024-05-01 10:00:00,1,\n",
            "b.csv": HEADER + "o1,2024-05-02 10:00:00,2,\n",
        }
    )
    bench.to_raw("orders")
    refresh_moved(bench)
    assert len(bench.rows("from raw.moved_keys")) == 1
    columns = "business_date, order_id, shipping_amount::int"
    assert bench.clean("orders", columns, MAY_1) == [(date(2024, 5, 1), "o2", 1)]
    assert bench.clean("orders", columns, MAY_2) == [(date(2024, 5, 2), "o1", 2)]
    both = (MAY_1[0], MAY_2[0])
    assert bench.clean("orders", columns, both) == [(date(2024, 5, 1), "o2", 1), (date(2024, 5, 2), "o1", 2)]


def test_a_row_that_came_back_to_an_earlier_day(bench):
    bench.stage({"a.csv": HEADER + "o1,2024-05-02 10:00:00,1,\n", "b.csv": HEADER + "o1,2024-05-01 10:00:00,2,\n"})
    bench.to_raw("orders")
    refresh_moved(bench)
    assert bench.clean("orders", "order_id, shipping_amount::int", MAY_1) == [("o1", 2)]
    assert bench.clean("orders", "order_id", MAY_2) == []


def test_keys_are_compared_as_values_not_as_spelling(bench):
    content = (
        "order_id,line_number,ordered_at,quantity,unit_price_amount\n"
        "o1,1,2024-05-01,1,1\no1,01,2024-05-01,2,1\no1,2.0,2024-05-01,3,1\n"
    )
    bench.stage({"a.csv": content}, make_shop("order_items"))
    bench.to_raw("order_items")
    assert bench.clean("order_items", "line_number, quantity") == [(1, 2), (2, 3)]


def test_values_outside_a_set_become_other_and_keep_their_original(bench):
    day = "2024-05-01"
    content = (
        f"traffic_date,channel,device,sessions\n{day},TikTok,mobile,1\n{day},Snap Ads,mobile,2\n"
        f"{day},Paid Search,,3\n{day},other,mobile,4\n"
    )
    bench.stage({"a.csv": content}, make_shop("website_traffic"))
    bench.to_raw("website_traffic")
    found = bench.clean("website_traffic", "channel, source_channel, device, source_device, sessions")
    assert found == [
        ("other", "TikTok", "mobile", None, 1),
        ("other", "Snap Ads", "mobile", None, 2),
        ("paid_search", None, "unknown", None, 3),
        ("other", None, "mobile", None, 4),
    ]


def test_whole_datasets_take_no_days(bench):
    files = {"a.csv": "product_id,unit_price_amount\np1,1\np2,1\n", "b.csv": "product_id,unit_price_amount\np1,2\n"}
    bench.stage(files, make_shop("products"))
    bench.to_raw("products")
    assert bench.clean("products", "product_id, unit_price_amount::int") == [("p2", 1), ("p1", 2)]


def test_columns_are_the_contracts_in_name_order_and_type(bench):
    bench.stage({"a.csv": HEADER + "o1,2024-05-01 10:00:00,1,\n"})
    bench.to_raw("orders")
    made = contract("clean/orders")
    values = {"from_day": date(2024, 5, 1), "to_day": date(2024, 5, 1)}
    found = bench.rows(f"describe {clean_select(made, bench.shop)}", values)
    expected = [("business_date", "DATE"), *((column.name, column.sql_type) for column in made.columns)]
    expected += [("_source_file", "VARCHAR"), ("_source_line", "BIGINT")]
    assert [(name, kind) for name, kind, *_ in found] == expected


def test_defaults_and_utc(bench):
    bench.stage({"a.csv": HEADER + "o1,2024-07-01 10:00:00,,\n"})
    bench.to_raw("orders")
    found = bench.clean("orders", "ordered_at, store_id, status, shipping_amount::int, currency, fx_rate::int")
    assert found == [(datetime(2024, 7, 1, 8), "main", "paid", 0, "EUR", 1)]


def test_a_line_without_a_currency_has_that_of_its_order(bench):
    bench.stage({"o.csv": "order_id,ordered_at,currency,fx_rate\no1,2024-05-01,JPY,0.006\no2,2024-05-01,,\n"})
    bench.to_raw("orders")
    made = f"insert into clean.orders by name select * exclude (_source_file, _source_line) from ({CLEAN_ORDERS})"
    bench.rows(made, {"from_day": date(2024, 5, 1), "to_day": date(2024, 5, 1)})
    (bench.landing / "o.csv").unlink()
    content = (
        "store_id,order_id,line_number,ordered_at,quantity,unit_price_amount,currency,fx_rate\n"
        ", o1 ,1,2024-05-01,1,10000,,\nmain,o1,2,2024-05-01,1,10000, ,1\n"  # a rate alone says nothing
        "main,o1,3,2024-05-01,1,10,USD,0.9\nmain,o1,4,2024-05-01,1,10,EUR,\n"  # its own currency stays
        "main,o2,1,2024-05-01,1,10,,\nother,o1,1,2024-05-01,1,10,,\n"  # an order at home, another store's order
    )
    bench.stage({"i.csv": content}, make_shop("order_items"))
    bench.to_raw("order_items")
    found = bench.clean("order_items", "currency, fx_rate::double, unit_price_amount::double")
    home = ("EUR", 1.0, 10.0)
    assert found == [("JPY", 0.006, 60.0), ("JPY", 0.006, 60.0), ("USD", 0.9, 9.0), home, home, home]
