"""A shop that is pointed at the files of `ecom simulate` gets the tables that the simulated shop gets, hash for hash.

Its lines are the same lines in the same order of arrival, so that of two versions of a row the same one stands. What
differs is where a line lies, and that a collector's Parquet never held the rows that CSV brings broken beyond use: raw
tables and quarantine differ, KPI tables do not, nor do clean ones but for keys that are made of text or place.
"""

from datetime import date, timedelta

import pytest
import yaml

from ecom_assets.contracts import dataset_contracts
from ecom_assets.orchestration.runs import execute
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.simulation import simulate_files
from ecom_assets.warehouse import open_snapshot

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FIRST, DAYS, SEED = date(2026, 3, 24), 6, 5  # the clocks change on the last day in Berlin
# Where a row brings no key, its key is made of its text or its place, and both are the file's own.
PLACED = {"clean/clickstream", "clean/page_load_times", "clean/api_logs"}
SHOP = {
    "name": "Twice", "time_zone": "Europe/Berlin", "currency": "EUR", "first_day": FIRST,
    "last_day": FIRST + timedelta(days=DAYS - 1), "seed": SEED,
}  # fmt: skip
# Much of what a landing folder can bring: late and doubled rows, broken ones, late files, an outage.
SETTINGS = {
    "orders_per_day": 25,
    "mess": {"bad_row_rate": 0.01, "late_row_rate": 0.05, "resent_row_rate": 0.02, "late_file_rate": 0.1},
    "incidents": {
        "none_share": 1.0,
        "scheduled": [
            {"kind": "payment_outage", "starts": 2, "start_hour": 8, "hours": 10, "size": 0.7},
            {"kind": "duplicate_delivery", "starts": 3, "hours": 24, "size": 0.2, "scope": {"dataset": "orders"}},
            {"kind": "late_file", "starts": 3, "hours": 24, "size": 0.2, "scope": {"dataset": "orders"}},
        ],
    },
}


def hashes(folder, sources, simulate=None, **more):
    """Content hash of each day of each clean and KPI table of a shop that is brought up to date."""
    folder.mkdir()
    (folder / "shop.yaml").write_text(yaml.safe_dump({**SHOP, **more, "sources": sources}))
    context = ShopContext.resolve(folder / "shop.yaml", environ={"ECOM_HOME": str(folder / "home")})
    report = execute(context, simulate=simulate)
    assert not report.errors
    connection = open_snapshot(context.home)
    found = connection.execute(
        "select asset, business_date, state, row_count, content_hash from lineage.days "
        "where split_part(asset, '/', 1) in ('clean', 'kpi') order by all"
    ).fetchall()
    connection.close()
    return {(asset, day): rest for asset, day, *rest in found}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "shop"
    sources = dict.fromkeys(dataset_contracts(), "simulated")
    return hashes(folder, sources, (FIRST, SHOP["last_day"]), simulation=SETTINGS)


@pytest.mark.parametrize(("format", "partition_by"), [("csv", None), ("parquet", None)])
def test_tables_from_files_are_those_of_the_simulated_shop(tmp_path, simulated, format, partition_by):
    simulate_files(
        tmp_path / "files", format, partition_by, DAYS, seed=SEED, config=SETTINGS, first_day=FIRST,
        time_zone=SHOP["time_zone"], currency=SHOP["currency"],
    )  # fmt: skip
    pattern = "{0}/*.{1}" if partition_by else "{0}.{1}"
    sources = {name: {"kind": "files", "path": pattern.format(name, format)} for name in dataset_contracts()}
    found = hashes(tmp_path / "shop", sources, landing=str(tmp_path / "files"))
    kpi = {asset for asset, _ in simulated if asset.startswith("kpi/")}
    assert len(kpi) > 20
    assert any(rows for (asset, _), (_, rows, _) in simulated.items() if asset == "kpi/cost_of_friction")
    differing = {asset for asset, day in simulated.keys() | found.keys()
                 if simulated.get((asset, day)) != found.get((asset, day))}  # fmt: skip
    assert differing <= PLACED
