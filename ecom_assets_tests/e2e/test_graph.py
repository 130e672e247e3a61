"""The whole graph on a small shop: what comes in, what is kept out, and that the order of runs does not matter."""

import os
import random
import subprocess
import sys
from datetime import timedelta

import dagster as dg
import pytest

from ecom_assets.orchestration.days import range_tags
from ecom_assets.orchestration.runs import open_instance
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import SmallShop

pytestmark = pytest.mark.e2e

DAY = timedelta(days=1)


def _spoiled(shop: SmallShop, day) -> list[dict]:
    """Half of the day's orders without a readable time: far above the share that may be in quarantine."""
    orders = shop.orders(day)
    return [{**order, "ordered_at": "soon"} if number % 2 else order for number, order in enumerate(orders)]


def _corrected(shop: SmallShop) -> None:
    """The second day's file brings one order of the first day again, now dated on the second."""
    first, second = shop.days[:2]
    moved = {**shop.orders(first)[0], "ordered_at": f"{second} 21:00:00"}
    shop.write_day(second, orders=[*shop.orders(second), moved])


@pytest.fixture
def graph(tmp_path):
    return Graph(SmallShop(tmp_path / "shop", days=5).write(), tmp_path / "home")


def _materialize(graph: Graph, selection: list[str], tags: dict[str, str] | None) -> dg.ExecuteInProcessResult:
    """What Dagster's UI does when somebody clicks on Materialize."""
    with graph.environment(), open_instance() as instance:
        from ecom_assets.definitions import defs

        job = defs().resolve_job_def("backfill")
        return job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name.split("/")) for name in selection],
            tags=tags,
            raise_on_error=False,
        )


def test_sales_come_out_as_they_went_in(graph):
    report = graph.run()
    assert report.succeeded, (report.refusals, report.errors, report.refused_files)
    assert list(report.accepted_days) == graph.shop.days
    found = graph.ask("select business_date, gross_amount::double, discount_amount::double, refund_amount::double, "
                      "orders from kpi.daily_revenue order by 1")  # fmt: skip
    assert found == [
        (day, graph.shop.gross(day), graph.shop.discounts(day), 8.0, graph.shop.orders_a_day) for day in graph.shop.days
    ]
    lines = sum(len(graph.shop.orders(day)) + len(graph.shop.items(day)) + 1 for day in graph.shop.days) + 3 + 8
    assert (report.lines_used, report.lines_quarantined) == (lines, 0)


def test_running_again_changes_nothing(graph):
    graph.run()
    before = graph.hashes()
    again = graph.run()
    assert again.accepted_days == ()
    assert again.snapshot is None, "nothing new to show"
    assert again.run_ids == (), "and nothing to be told in Dagster"
    graph.run(graph.shop.days[0], graph.shop.days[-1])
    assert graph.hashes() == before


def test_a_bad_day_is_kept_out_whoever_asks(graph):
    shop, bad = graph.shop, graph.shop.days[2]
    good = [day for day in shop.days if day != bad]
    shop.write_day(bad, orders=_spoiled(shop, bad))

    report = graph.run()
    assert report.refused_days == (bad,)
    assert list(report.accepted_days) == good, "the good days beside it go through"
    assert any(str(bad) in line and "quarantined_share_is_low" in line and "clean/orders" in line
               for line in report.refusals)  # fmt: skip

    def kept_out() -> bool:
        tables = ("clean.orders", "kpi.daily_revenue", "kpi.channel_performance", "kpi.daily_metrics")
        return all(bad not in graph.days(table) for table in tables)

    assert kept_out()
    assert graph.days("kpi.daily_revenue") == good
    judged = graph.ask(f"select asset, state from lineage.days where business_date = '{bad}'")
    assert ("clean/order_items", "refused") in judged, "its lines were judged, too"
    again = graph.run()
    assert kept_out(), "a later run"
    assert again.run_ids == (), "which finds nothing to do"
    assert again.notes == ("1 day refused by an earlier run: `ecom status` says which and why",)
    graph.run(bad, bad)
    assert kept_out(), "a run for that day alone"
    graph.run(bad - DAY, bad + DAY)
    assert kept_out(), "a range that includes it"
    one_day = range_tags((bad, bad))
    whole = ("kpi/order_values", "kpi/daily_revenue", "kpi/daily_metrics", "publish/snapshot")
    for asset, tags in [("clean/orders", one_day), ("clean/order_items", one_day), *((each, None) for each in whole)]:
        _materialize(graph, [asset], tags)
        assert kept_out(), f"a manual run of {asset}"
    assert graph.days("kpi.daily_revenue") == good


@pytest.mark.parametrize("lines", ["refused", "not_delivered"])
def test_orders_are_not_shown_without_their_lines(graph, lines):
    shop, bad = graph.shop, graph.shop.days[2]
    spoiled = [{**item, "quantity": "few"} if number % 2 else item for number, item in enumerate(shop.items(bad))]
    shop.write_day(bad, items=spoiled)
    if lines == "not_delivered":
        (shop.landing / "order_items" / f"items_{bad}.csv").unlink()
    graph.run()
    assert bad in graph.days("clean.orders")
    for table in ("kpi.daily_revenue", "kpi.channel_performance", "kpi.product_performance", "kpi.daily_metrics"):
        assert bad not in graph.days(table), table
    shop.write_day(bad)
    graph.run()
    assert graph.days("kpi.daily_revenue") == shop.days


def test_a_refused_day_keeps_its_last_accepted_rows(graph):
    shop, bad = graph.shop, graph.shop.days[1]
    graph.run()
    before = graph.hashes()
    shop.write_day(bad, orders=_spoiled(shop, bad))
    report = graph.run()
    assert report.refused_days == (bad,)
    after = graph.hashes()
    assert after[("clean/orders", bad)] == before[("clean/orders", bad)]
    assert after[("kpi/daily_revenue", None)] == before[("kpi/daily_revenue", None)]
    one_day = f"asset = 'clean/orders' and business_date = '{bad}'"
    ((state, stale, reason),) = graph.ask(f"select state, stale, reason from lineage.days where {one_day}")
    assert (state, stale) == ("refused", True)
    assert "quarantined_share_is_low" in reason
    shop.write_day(bad)
    assert graph.run().succeeded
    assert graph.hashes() == before, "the corrected file brings the day back"


def test_dagster_records_what_was_accepted_and_nothing_else(graph):
    shop, bad = graph.shop, graph.shop.days[2]
    shop.write_day(bad, orders=_spoiled(shop, bad))
    report = graph.run()
    with graph.environment(), open_instance() as instance:
        recorded = instance.get_materialized_partitions(dg.AssetKey(["clean", "orders"]))
        assert recorded == {str(day) for day in shop.days if day != bad}
        evaluations = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(["clean", "orders"]), "quarantined_share_is_low"), limit=5
        )
        evaluation = evaluations[0].event.dagster_event.asset_check_evaluation_data
        assert not evaluation.passed
        assert evaluation.severity == dg.AssetCheckSeverity.ERROR
        assert str(bad) in evaluation.description
        alone = _materialize(graph, ["clean/orders", "kpi/order_values"], range_tags((bad, bad)))
        assert not alone.success
        (failure,) = alone.filter_events(lambda event: event.is_step_failure)
        message = failure.step_failure_data.error.to_string()
        assert "quarantined_share_is_low" in message
        assert str(bad) in message
        assert not alone.filter_events(lambda event: event.is_step_materialization), "and nothing downstream ran"
        load, write = (instance.get_run_by_id(run_id) for run_id in report.run_ids)
        assert (load.job_name, load.status, write.job_name, write.status) == (
            "load_files", dg.DagsterRunStatus.SUCCESS, "backfill", dg.DagsterRunStatus.FAILURE)  # fmt: skip
        (told,) = instance.all_logs(write.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert told.dagster_event.message.startswith("Refused: clean/orders quarantined_share_is_low: " + str(bad))
        of_the_job = dg.RunsFilter(tags={".dagster/repository": "__repository__@ecom_assets"}, job_name="backfill")
        assert write.run_id in {run.run_id for run in instance.get_runs(of_the_job)}, "as its page asks"
        assert write.remote_job_origin.location_name == "ecom_assets", "as the timeline asks"


@pytest.mark.parametrize("at", ["raw/orders finished", "clean/orders failed", "kpi/order_values started",
                                "kpi/daily_revenue finished"])  # fmt: skip
def test_an_interrupted_run_lets_nothing_bad_through(graph, at):
    """The process ends at once, as by kill -9, at several moments; the next run makes up for it."""
    shop, bad = graph.shop, graph.shop.days[2]
    shop.write_day(bad, orders=_spoiled(shop, bad))
    script = (
        "import os, sys\n"
        "from ecom_assets.orchestration.runs import execute\n"
        "from ecom_assets.orchestration.shop import ShopContext\n"
        "def stop(asset, state):\n"
        f"    if f'{{asset}} {{state}}' == {at!r}: os._exit(9)\n"
        "execute(ShopContext.resolve(), on_progress=stop)\n"
    )
    environ = {**os.environ, "ECOM_HOME": str(graph.context.home.root), "ECOM_SHOP": str(shop.shop_file)}
    killed = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert killed.returncode == 9, killed.stderr[-2000:]
    graph.run()
    with graph.environment(), open_instance() as instance:
        assert instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])) == []
    good = [day for day in shop.days if day != bad]
    assert graph.days("clean.orders") == good
    assert graph.days("kpi.daily_revenue") == good
    found = graph.ask("select business_date, gross_amount::double from kpi.daily_revenue order by 1")
    assert found == [(day, shop.gross(day)) for day in good]


@pytest.mark.slow
def test_the_order_of_runs_does_not_matter(tmp_path):
    """Forward, backward, shuffled, day by day and in one range, each with a re-run in between."""
    shop = SmallShop(tmp_path / "shop", days=4).write()
    _corrected(shop)
    shuffled = random.Random(5).sample(shop.days, len(shop.days))
    ways = {
        "range": [(shop.days[0], shop.days[-1])],
        "forward": [(day, day) for day in shop.days],
        "backward": [(day, day) for day in reversed(shop.days)],
        "shuffled": [(day, day) for day in shuffled],
    }
    hashes = {}
    for way, ranges in ways.items():
        graph = Graph(shop, tmp_path / way)
        for number, (first, last) in enumerate(ranges):
            report = graph.run(first, last)
            assert report.succeeded, (way, first, report.refusals, report.errors)
            if number == len(ranges) // 2:
                graph.run(first, last)
        hashes[way] = graph.hashes()
    assert len({tuple(sorted(each.items(), key=str)) for each in hashes.values()}) == 1
    (orders,) = graph.ask(f"select count(*) from clean.orders where business_date = '{shop.days[1]}'")
    assert orders == (shop.orders_a_day + 1,), "the corrected order left its old day"


def test_a_partitioned_asset_without_a_partition_is_refused(graph):
    graph.run()
    before = graph.hashes()
    result = _materialize(graph, ["clean/orders"], None)
    assert not result.success
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "this run names none" in failure.step_failure_data.error.to_string()
    assert graph.hashes() == before


def test_a_whole_asset_in_a_run_for_a_range_is_written_whole(graph):
    graph.run()
    before = graph.hashes()
    result = _materialize(graph, ["kpi/daily_revenue", "clean/products"], range_tags((graph.shop.days[0],) * 2))
    assert result.success
    assert graph.hashes() == before


def test_a_second_writer_is_told_who_writes(graph):
    from ecom_assets.orchestration.session import session
    from ecom_assets.warehouse import LockedError

    script = (
        "from ecom_assets.orchestration.runs import execute\n"
        "from ecom_assets.orchestration.shop import ShopContext\n"
        "execute(ShopContext.resolve())\n"
    )
    environ = {**os.environ, "ECOM_HOME": str(graph.context.home.root), "ECOM_SHOP": str(graph.shop.shop_file)}
    with session(graph.context, "a long backfill"):
        other = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert LockedError.__name__ in other.stderr
    assert "a long backfill" in other.stderr
    assert str(os.getpid()) in other.stderr
