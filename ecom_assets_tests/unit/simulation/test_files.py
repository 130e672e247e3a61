"""Sample files: the landing folder's rows under the datasets' names, in the size that was asked for."""

import csv
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets.simulation import Simulator, columns, simulate_files
from ecom_assets.simulation.landing import COLLECTED
from ecom_assets_tests.unit.simulation.shops import CLEAN, FIRST, QUIET, contents, days

SMALL = {"sessions_per_day": 300.0, "days": 4, "seed": 9, "first_day": FIRST}


def test_csv_files_are_the_landing_files_one_after_another(tmp_path):
    written = simulate_files(tmp_path / "out", "csv", config=QUIET, **SMALL)
    assert {path.stem for path in written.paths} == set(dataset_contracts())
    rate = Simulator(QUIET, 9, FIRST).config.traffic.conversion_rate
    shop = Simulator(QUIET, 9, FIRST, orders_per_day=300 * rate)
    arrived = shop.write_landing(days(0, 3), tmp_path / "landing")
    for dataset in dataset_contracts():
        files = sorted(path for path in arrived if path.parent.name == dataset and path.suffix == ".csv")
        lines = [line for path in files for line in path.read_text().splitlines()[1:]]
        found = (tmp_path / "out" / f"{dataset}.csv").read_text().splitlines()[1:]
        assert found == lines or dataset in COLLECTED
        assert written.rows[dataset] == len(found)


def test_parquet_files_hold_the_rows_of_the_landing_files_one_after_another(tmp_path):
    simulate_files(tmp_path / "out", "parquet", config=QUIET, datasets=COLLECTED, **SMALL)
    rate = Simulator(QUIET, 9, FIRST).config.traffic.conversion_rate
    Simulator(QUIET, 9, FIRST, orders_per_day=300 * rate).write_landing(days(0, 3), tmp_path / "landing")
    for dataset in COLLECTED:
        files = sorted((tmp_path / "landing" / dataset).iterdir())
        landed = pa.concat_tables([pq.read_table(path) for path in files])
        assert pq.read_table(tmp_path / "out" / f"{dataset}.parquet").equals(landed)


@pytest.mark.parametrize("partition_by", [None, "date"])
def test_the_same_seed_writes_the_same_parquet_byte_for_byte(tmp_path, partition_by):
    for name in ("one", "two"):
        simulate_files(tmp_path / name, "parquet", partition_by, config={"orders_per_day": 30}, days=5, seed=4)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_parquet_holds_the_typed_rows_of_the_csv(tmp_path):
    simulate_files(tmp_path / "csv", "csv", config=CLEAN, **SMALL)
    written = simulate_files(tmp_path / "parquet", "parquet", config=CLEAN, **SMALL)
    for path in written.paths:
        with (tmp_path / "csv" / f"{path.stem}.csv").open(newline="") as source:
            rows = list(csv.DictReader(source))
        table = pq.read_table(path)
        assert table.num_rows == len(rows) == written.rows[path.stem]
        key = dataset_contracts()[path.stem].key[-1]
        assert [str(value) for value in table[key].to_pylist()] == [row[key] for row in rows]
    kinds = duckdb.sql(f"describe select * from '{tmp_path}/parquet/clickstream.parquet'").fetchall()
    assert {name: kind for name, kind, *_ in kinds}["event_type"] == "VARCHAR"


def test_broken_rows_of_a_typed_format_are_left_out_or_emptied_as_they_would_be_repaired(tmp_path):
    messy = {**QUIET, "mess": {"bad_row_rate": 0.2}}
    written = simulate_files(tmp_path, "parquet", config=messy, datasets=("orders", "clickstream"), **SMALL)
    clean = simulate_files(tmp_path / "clean", "parquet", config=CLEAN, datasets=("orders", "clickstream"), **SMALL)
    share = written.rows["clickstream"] / clean.rows["clickstream"]
    assert share == pytest.approx(1 - 0.2 * 4 / 7, abs=0.02), "a missing key is made of the event's content"
    assert "(not set)" in pq.read_table(tmp_path / "clickstream.parquet")["event_type"].to_pylist()


def test_by_date_there_is_one_file_a_dataset_and_day(tmp_path):
    written = simulate_files(tmp_path, "parquet", "date", config=CLEAN, datasets=("clickstream", "customers"), **SMALL)
    names = {str(path.relative_to(tmp_path)) for path in written.paths}
    assert {f"clickstream/clickstream_{day}.parquet" for day in days(0, 3)} <= names
    assert len(names) == 8


def test_sizes_come_out_about_as_asked(tmp_path):
    seen = []
    written = simulate_files(
        tmp_path / "a", "parquet", days=6, events=60_000, config=CLEAN, progress=lambda *p: seen.append(p)
    )
    assert written.rows["clickstream"] == pytest.approx(60_000, rel=0.5)
    assert seen == [(done, 6) for done in range(1, 7)]
    written = simulate_files(
        tmp_path / "b", "parquet", days=5, customers=2_000, sessions_per_day=500, config=CLEAN, datasets=("customers",)
    )
    assert written.rows["customers"] == pytest.approx(2_000, rel=0.1)
    written = simulate_files(tmp_path / "c", "parquet", days=5, customers=700, config=CLEAN, datasets=("customers",))
    assert written.rows["customers"] == pytest.approx(700, rel=0.15)


def test_wishes_that_contradict_each_other_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not both"):
        simulate_files(tmp_path, events=10, sessions_per_day=5)
    with pytest.raises(ValueError, match=r"customers after 5 days, not 10,000,000; change one of the two"):
        simulate_files(tmp_path, days=5, customers=10_000_000, sessions_per_day=100)
    with pytest.raises(ValueError, match="at least 1"):
        simulate_files(tmp_path, days=0)


def test_a_failing_write_leaves_no_file_under_its_name(tmp_path):
    (tmp_path / "orders.csv").mkdir()
    with pytest.raises(OSError, match="orders"):
        simulate_files(tmp_path, "csv", config=CLEAN, datasets=("orders",), **SMALL)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(".")]


def test_long_ids_are_their_numbers():
    numbers = np.array([0, 7, 38_608_000_000_000_000, 999_999_999_999_999_999])
    assert columns.long_ids("E", numbers).to_pylist() == [f"E{number:019d}" for number in numbers.tolist()]


def test_timestamps_as_text_are_those_of_the_clock():
    at = [
        datetime(1969, 12, 31, 23, 59, 59, 5000, UTC),
        None,
        datetime(2026, 3, 29, 1, 2, 3, 999000, UTC),
    ]
    shown = columns.as_text(
        pa.table({"s": pa.array(at, columns.UTC_MS).cast(columns.UTC, safe=False), "ms": pa.array(at, columns.UTC_MS)})
    )
    assert shown["ms"].to_pylist() == ["1969-12-31 23:59:59.005Z", None, "2026-03-29 01:02:03.999Z"]
    assert shown["s"].to_pylist()[1:] == [None, "2026-03-29 01:02:03Z"]
