"""Refunds of a refused day that are corrected by hand: its sales are told with them, or not at all."""

import shutil
from datetime import date

import dagster as dg
import duckdb
import pytest

from ecom_assets.orchestration.days import range_tags
from ecom_assets.orchestration.runs import open_instance
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import SmallShop

pytestmark = pytest.mark.e2e

RAW = dg.AssetSelection.keys(["raw", "refunds"])
REFUNDS = dg.AssetSelection.keys(["clean", "refunds"])
SNAPSHOT = dg.AssetSelection.keys(["publish", "snapshot"])


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A shop of two days, of whose second the refunds were refused, and its home."""
    folder = tmp_path_factory.mktemp("refunds")
    shop = SmallShop(folder / "shop", days=2).write()
    good = shop.refunds(shop.days[1])  # of a file without any good line the file would be refused, and not the day
    shop.write_refunds(shop.days[1], [*good, {**good[0], "refund_id": "bad", "goods_amount": "much"}])
    graph = Graph(shop, folder / "home")
    for day in shop.days:
        _materialize(graph, day, dg.AssetSelection.groups("raw"), dg.AssetSelection.groups("clean"))
    _materialize(graph, shop.days[0], dg.AssetSelection.groups("kpi") | SNAPSHOT)
    return graph


@pytest.fixture
def graph(refused, tmp_path):
    """That shop in a home of its own, where nothing is told of its second day; the refunds are corrected now."""
    shutil.copytree(refused.context.home.root, tmp_path / "home")
    graph = Graph(refused.shop, tmp_path / "home")
    assert graph.days("kpi.sales_by_segment") == [refused.shop.days[0]]
    refused.shop.write_day(refused.shop.days[1])
    return graph


def _materialize(graph: Graph, day: date, *steps: dg.AssetSelection) -> None:
    """What somebody does who clicks on one selection after the other."""
    with graph.environment(), open_instance() as instance:
        from ecom_assets.definitions import defs

        loaded = defs()
        assets = loaded.resolve_asset_graph()
        for selection in steps:
            loaded.resolve_job_def("backfill").execute_in_process(
                instance=instance,
                asset_selection=sorted(selection.resolve(assets)),
                tags=range_tags((day, day)),
                raise_on_error=False,
            )


def _sales(graph: Graph, table: str) -> list[tuple]:
    return graph.ask(f"""select business_date, sum(orders), sum(net_amount)::double from kpi.{table}
        group by all order by 1""")  # fmt: skip


def _expected(shop: SmallShop) -> list[tuple]:
    return [(day, shop.orders_a_day, round(shop.gross(day) - shop.discounts(day) - 8.0, 2)) for day in shop.days]


def test_with_everything_downstream_the_day_is_told_whole(graph):
    downstream = REFUNDS.downstream() - dg.AssetSelection.groups("anomaly", "forecast")  # which take long
    _materialize(graph, graph.shop.days[1], RAW, downstream)
    assert _sales(graph, "sales_by_segment") == _sales(graph, "daily_revenue") == _expected(graph.shop)


def test_otherwise_the_day_waits_for_a_plain_run(graph):
    """Its orders' worth was not counted yet: without that the day would be 0 orders and the refund as a loss."""
    shop, bad = graph.shop, graph.shop.days[1]
    _materialize(graph, bad, RAW, REFUNDS, dg.AssetSelection.keys(["kpi", "sales_by_segment"]) | SNAPSHOT)
    assert graph.days("kpi.sales_by_segment") == [shop.days[0]]
    _tell_the_loss(graph, bad)
    assert graph.run().succeeded
    assert _sales(graph, "sales_by_segment") == _sales(graph, "daily_revenue") == _expected(shop)


def _tell_the_loss(graph: Graph, bad: date) -> None:
    """The state that earlier versions left: the day as a loss, made of orders' worth that passed for current."""
    with duckdb.connect(str(graph.context.home.warehouse)) as warehouse:
        warehouse.execute(f"""insert into kpi.sales_by_segment by name
            (select * replace ('{bad}'::date as business_date, 0 as orders, -8 as net_amount)
            from kpi.sales_by_segment limit 1)""")
        warehouse.execute("""update lineage.materializations set input_versions = map_from_entries(
            list_filter(map_entries(input_versions), lambda entry: entry.key <> 'clean/refunds'))
            where asset = 'kpi/order_values'""")
