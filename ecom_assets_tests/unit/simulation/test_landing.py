"""Landing files: complete in the end, late where the mess says so, broken at the rate that was set."""

from collections import Counter
from datetime import date

import pyarrow as pa
import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets.simulation import Simulator, landing, mess
from ecom_assets_tests.unit.simulation.shops import CLEAN, FIRST, SALES, days, lines, shop, with_incident


def settings(**rates):
    return {"incidents": {"none_share": 1.0}, "mess": {**CLEAN["mess"], **rates}}


def file_date(path):
    return date.fromisoformat(path.stem.rsplit("_", 1)[1])


def landed(simulator, folder, last):
    """Rows of each dataset with the day of their file, after `last` days have arrived."""
    simulator.write_landing(days(0, last), folder, datasets=SALES)
    found: dict[str, list] = {}
    for path in sorted(folder.rglob("*.csv")):
        found.setdefault(path.parent.name, []).extend((file_date(path), row) for row in lines(path))
    return found


def test_late_rows_come_in_later_files_and_all_come(tmp_path):
    simulator = shop(orders_per_day=150, settings=settings(late_row_rate=0.1))
    found = landed(simulator, tmp_path, 20)
    first_seen: dict[str, date] = {}
    for on, row in found["orders"]:
        first_seen.setdefault(row["order_id"], on)
    late = 0
    for day in days(0, 14):
        for order_id in simulator.day(day, ["orders"])["orders"]["order_id"].to_pylist():
            delay = (first_seen[order_id] - day).days
            assert 0 <= delay <= 3
            late += delay > 0
    total = sum(simulator.day(day, ["orders"])["orders"].num_rows for day in days(0, 14))
    assert late / total == pytest.approx(0.1, abs=0.02)
    item_day = {(row["order_id"], row["line_number"]): on for on, row in reversed(found["order_items"])}
    assert all(on == first_seen[key[0]] for key, on in item_day.items() if on <= days(14, 14)[0])


def test_the_last_arrival_of_every_order_is_its_truth(tmp_path):
    simulator = shop(settings=CLEAN)
    found = landed(simulator, tmp_path, 40)
    last = {row["order_id"]: row for _, row in found["orders"]}
    for day in days(0, 5):
        for order in simulator.day(day, ["orders"])["orders"].to_pylist():
            row = last[order["order_id"]]
            shown = order["delivered_at"].strftime("%Y-%m-%d %H:%M:%SZ") if order["delivered_at"] else ""
            assert (row["status"], row["delivered_at"]) == (order["status"], shown)


def test_no_file_knows_a_delivery_that_lies_ahead(tmp_path):
    found = landed(shop(settings=CLEAN), tmp_path, 12)
    for on, row in found["orders"]:
        assert row["delivered_at"][:10] <= on.isoformat()


def test_rows_sent_twice_are_equal_and_as_many_as_set(tmp_path):
    simulator = shop(orders_per_day=300, settings=settings(resent_row_rate=0.05))
    found = landed(simulator, tmp_path, 12)
    counts = Counter(tuple(row.values()) for _, row in found["order_items"])
    assert max(counts.values()) == 2
    assert sum(count == 2 for count in counts.values()) / len(counts) == pytest.approx(0.05, abs=0.015)


def test_broken_rows_are_as_many_as_set_and_of_every_kind(tmp_path):
    simulator = shop(orders_per_day=300, settings=settings(bad_row_rate=0.05))
    simulator.write_landing(days(0, 9), tmp_path, datasets=("order_items",))
    whole = rejected_shape = unreadable = 0
    for day in days(0, 9):
        content = (tmp_path / "order_items" / f"order_items_{day}.csv").read_text().splitlines()
        fields = content[0].count(",")
        whole += len(content) - 1
        rejected_shape += sum(line.count(",") != fields for line in content[1:])
        unreadable += sum("0000-00-00" in line or "n/a" in line for line in content[1:])
    assert whole == sum(simulator.day(day, ["order_items"])["order_items"].num_rows for day in days(0, 9))
    assert rejected_shape / whole == pytest.approx(0.05 * 2 / len(mess.KINDS), rel=0.3)
    assert unreadable / whole == pytest.approx(0.05 * 2 / len(mess.KINDS), rel=0.3)


def test_a_late_file_is_not_there_before_its_day(tmp_path):
    simulator = shop(settings=with_incident("late_file", 0.5, day=4, dataset="orders"))
    name = f"orders_{days(4, 4)[0]}.csv"
    simulator.write_landing(days(0, 7), tmp_path, datasets=SALES)
    assert not (tmp_path / "orders" / name).exists()
    assert (tmp_path / "order_items" / f"order_items_{days(4, 4)[0]}.csv").exists()
    assert tmp_path / "orders" / name in simulator.write_landing(days(8, 8), tmp_path, datasets=SALES)


def test_whole_tables_come_on_the_first_day_and_as_news_after(tmp_path):
    simulator = shop(orders_per_day=150, settings=CLEAN)
    found = landed(simulator, tmp_path, 30)
    end = simulator.day(days(30, 30)[0], ["customers", "products"])
    assert [row["customer_id"] for _, row in found["customers"]] == end["customers"]["customer_id"].to_pylist()
    assert sum(on == FIRST for on, _ in found["customers"]) > 20 * sum(
        on == days(1, 1)[0] for on, _ in found["customers"]
    )
    last = {row["product_id"]: row["unit_price_amount"] for _, row in found["products"]}
    assert last == {row["product_id"]: str(row["unit_price_amount"]) for row in end["products"].to_pylist()}
    assert {on.weekday() for on, row in found["products"] if on != FIRST and row["product_id"] == "P0"} == {0}


def test_truth_lies_beside_and_never_in_the_landing_folder(tmp_path):
    simulator = Simulator(with_incident("stock_out", 0.8, day=3, category="Toys"), 4, FIRST, orders_per_day=100)
    simulator.write_landing(days(0, 5), tmp_path / "landing", datasets=SALES)
    paths = simulator.write_truth(tmp_path / "truth", days(5, 5)[0])
    assert [path.name for path in paths] == [
        "incidents.csv", "twin_differences.csv", "series_effects.csv", "quiet_series.csv",
    ]  # fmt: skip
    (row,) = lines(paths[0])
    assert (row["kind"], row["scope"], row["is_data_fault"]) == ("stock_out", "category=Toys", "false")
    assert any(row["measure"] == "gross_amount" for row in lines(paths[1]))
    assert not [path for path in (tmp_path / "landing").rglob("*") if "incident" in path.name or "truth" in path.name]


def test_every_dataset_arrives_and_late_events_come_in_later_files(tmp_path):
    simulator = shop(orders_per_day=30, settings=settings(late_row_rate=0.05))
    simulator.write_landing(days(0, 5), tmp_path)
    expected = set(simulator.day(FIRST, ["clickstream"])["clickstream"]["event_id"].to_pylist())
    parts = [
        {row["event_id"] for row in lines(tmp_path / "clickstream" / f"clickstream_{day}.csv")} for day in days(0, 5)
    ]
    assert 0.03 < 1 - len(parts[0] & expected) / len(expected) < 0.07
    assert expected <= set().union(*parts[:4])
    assert {path.name for path in tmp_path.iterdir()} == set(dataset_contracts())


def test_tickets_and_carts_come_again_once_they_are_settled(tmp_path):
    simulator = shop(orders_per_day=120, settings=CLEAN)
    simulator.write_landing(days(0, 30), tmp_path, datasets=("support_tickets", "cart_abandonment"))
    for dataset, key, told in (
        ("support_tickets", "ticket_id", "status"),
        ("cart_abandonment", "cart_id", "recovered_order_id"),
    ):
        last = {}
        for path in sorted((tmp_path / dataset).iterdir()):
            last |= {row[key]: row for row in lines(path)}
        for day in days(12, 15):
            for row in simulator.day(day, [dataset])[dataset].to_pylist():
                assert last[row[key]][told] == (row[told] or "")
    statuses = {row["status"] for path in (tmp_path / "support_tickets").iterdir() for row in lines(path)}
    assert statuses == {"new", "open", "solved", "closed"}


def test_csv_of_a_table_with_empty_chunks_is_its_rows_alone():
    text = pa.chunked_array([[], ["a"], [], ["b,c"]], pa.string())
    assert landing.csv_bytes(pa.table({"x": text})) == b'x\n"a"\n"b,c"\n'
    assert landing.csv_bytes(pa.table({"x": pa.chunked_array([[], [1], []], pa.int64())})) == b"x\n1\n"


def test_an_unknown_dataset_is_refused_with_those_that_exist(tmp_path):
    with pytest.raises(ValueError, match="no dataset clicks; there are products, customers"):
        shop().write_landing(days(0, 0), tmp_path, datasets=["clicks"])
