"""What the definitions hold for one shop or another, and that what they declare is what their SQL reads."""

from pathlib import Path

import dagster as dg
import pytest

from ecom_assets.contracts import LAYERS, contract, dataset_contracts, table_contracts
from ecom_assets.orchestration.table_asset import judged_against
from ecom_assets.quality import checks
from ecom_assets.settings import load_shop
from ecom_assets.sql import Query

KPIS = {
    "category_performance", "channel_performance", "cohort_retention", "customer_demographics", "daily_metrics",
    "daily_revenue", "monthly_revenue", "order_values", "product_performance", "sales_by_segment",
    "sales_seasonality", "usual_prices",
}  # fmt: skip
FORECAST = {"backtests", "champions", "expectations", "forecasts", "series"}
ANOMALIES = {
    "causes", "consensus", "coverage", "detector_scorecard", "events", "evidence", "forecast_residual",
    "isolation_forest", "missing_plans", "notification_members", "notifications", "zscore",
}  # fmt: skip
MADE = {"kpi": KPIS, "anomaly": ANOMALIES, "forecast": FORECAST}
DATASETS = {
    "campaigns", "customers", "marketing_spend", "order_items", "orders", "products", "refunds", "website_traffic",
}  # fmt: skip


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Definitions of a shop that has these sources."""

    def loaded(sources: dict[str, str], more: str = "") -> dg.Definitions:
        lines = "\n".join(f"  {name}: {kind}" for name, kind in sources.items())
        shop = tmp_path / "shop.yaml"
        shop.write_text(f"name: Shop\nfirst_day: 2026-01-01\ntime_zone: Europe/Berlin\n{more}sources:\n{lines}\n")
        monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("ECOM_SHOP", str(shop))
        from ecom_assets.definitions import defs

        return defs()

    return loaded


def _names(definitions: dg.Definitions) -> set[str]:
    return {"/".join(node.key.path) for node in definitions.resolve_asset_graph().asset_nodes}


def _all_simulated() -> dict[str, str]:
    return dict.fromkeys(sorted(DATASETS), "simulated")


def test_a_whole_shop_has_every_asset(load):
    expected = {f"{layer}/{name}" for layer in ("landing", "raw", "clean", "profile") for name in DATASETS}
    expected |= {f"{layer}/{name}" for layer, names in MADE.items() for name in names} | {"publish/snapshot"}
    assert _names(load(_all_simulated())) == expected


def test_declared_dependencies_are_the_tables_that_the_sql_reads(load):
    definitions = load(_all_simulated())
    graph = definitions.resolve_asset_graph()
    for node in graph.asset_nodes:
        asset = "/".join(node.key.path)
        if node.group_name in ("kpi", "forecast"):  # the anomaly layer is made of frames of several queries each
            text = None
            if asset == "kpi/daily_metrics":
                from ecom_assets.metrics import daily_metrics_sql

                text = daily_metrics_sql()
            reads = Query(asset, text=text).tables()
        elif node.group_name == "clean":
            from ecom_assets.ingestion import clean_select

            shop = load_shop(Path(_shop_file()))
            reads = Query(asset, text=clean_select(contract(asset), shop)).tables()
        else:
            continue
        reads = {table for table in reads if table in _names(definitions)}  # a shop without it has an empty table
        reads -= {asset}  # what stands decides what is made anew
        judged = set(judged_against(contract(asset)))
        declared = {"/".join(key.path) for key in node.parent_keys}
        assert declared == reads | judged, asset
        assert {*node.metadata["requires"], *node.metadata["uses"]} == reads, asset


def _shop_file() -> str:
    import os

    return os.environ["ECOM_SHOP"]


def test_what_the_checks_look_at_is_written_before(load):
    """sqlglot reads the reconciliations' queries too: no table that they name may be missing among the parents."""
    for table in (*dataset_contracts().values(), *table_contracts().values()):
        named = {asset for each in table.reconciliations for asset in Query("x", text=each.query).tables()}
        assert named - {table.asset} <= set(judged_against(table)), table.asset


def test_an_asset_is_left_out_only_with_what_it_requires(load):
    orders_alone = load({"orders": "simulated", "order_items": "simulated"})
    names = _names(orders_alone)
    assert {"kpi/daily_revenue", "kpi/product_performance", "kpi/daily_metrics", "publish/snapshot"} <= names
    assert "kpi/customer_demographics" not in names, "it requires customers"
    assert not {name for name in names if name.startswith("clean/")} - {"clean/orders", "clean/order_items"}
    node = orders_alone.resolve_asset_graph().get(dg.AssetKey(["kpi", "product_performance"]))
    assert dg.AssetKey(["clean", "refunds"]) not in node.parent_keys, "used, not there, an empty table"

    without_orders = _names(load({"website_traffic": "simulated"}))
    assert without_orders == {"landing/website_traffic", "raw/website_traffic", "clean/website_traffic",
                              "profile/website_traffic", "publish/snapshot"}  # fmt: skip


@pytest.mark.parametrize("sources", [{"website_traffic": "simulated"}, {"orders": "simulated"}, _all_simulated()])
def test_jobs_load_whatever_is_left_out(load, sources):
    definitions = load(sources)
    for job in ("daily_refresh", "backfill", "load_files", "weekly_champions"):
        assert definitions.resolve_job_def(job)


def test_files_of_others_are_external_assets(load):
    source = "{kind: files, path: 'orders/*.csv'}"
    graph = load({"orders": source}).resolve_asset_graph()
    landing = graph.get(dg.AssetKey(["landing", "orders"]))
    assert not landing.is_executable
    assert graph.get(dg.AssetKey(["raw", "orders"])).parent_keys == {landing.key}


def test_days_are_the_shops_own(load):
    definitions = load(_all_simulated(), "last_day: 2026-02-01\n")
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["clean", "orders"]))
    assert node.partitions_def == dg.DailyPartitionsDefinition(
        start_date="2026-01-01", timezone="Europe/Berlin", end_date="2026-02-02"
    )
    assert node.partitions_def.get_partition_keys()[-1] == "2026-02-01"
    assert node.backfill_policy == dg.BackfillPolicy.single_run()
    partitioned = {"/".join(each.key.path) for each in definitions.resolve_asset_graph().asset_nodes
                   if each.is_partitioned and each.group_name != "landing"}  # fmt: skip
    daily = {f"clean/{name}" for name, each in dataset_contracts().items() if name in DATASETS and each.partitioned_by}
    assert partitioned == daily | {"anomaly/evidence"}


def test_every_asset_says_what_it_is(load):
    definitions = load(_all_simulated())
    graph = definitions.resolve_asset_graph()
    for node in graph.asset_nodes:
        assert node.group_name == node.key.path[0]
        assert node.description
        assert node.owners, node.key
        assert node.tags.get("domain") in ("sales", "customers", "reliability"), node.key
        assert node.code_version, node.key
        if node.group_name in ("clean", *LAYERS):
            table = contract("/".join(node.key.path))
            shown = node.metadata["dagster/column_schema"].columns
            names = [column.name for column in shown]
            assert [name for name in names if name in table.by_name] == [column.name for column in table.columns]
            assert node.metadata["dagster/table_name"] == f"{table.layer}.{table.name}"
            assert {key.name for key in node.check_keys} == {check.name for check in checks(table)}
            described = node.description.lower()
            assert described.startswith("one row"), "a description starts with the grain"


def test_a_setting_of_the_shop_makes_tables_out_of_date(load):
    def version(more: str) -> str:
        graph = load({"orders": "simulated", "order_items": "simulated"}, more).resolve_asset_graph()
        return graph.get(dg.AssetKey(["kpi", "daily_revenue"])).code_version

    assert version("") == version("")
    assert version("history_complete_from: 2026-02-01\n") != version("")
