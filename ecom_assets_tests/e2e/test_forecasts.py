"""Forecasts of a simulated shop through the whole graph: what a run makes, keeps and makes anew."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ecom_assets.forecasting.shop import FIRST_ORIGINS, HORIZON
from ecom_assets.orchestration.runs import open_instance
from ecom_assets.orchestration.writing import ORIGINS_TAG
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import SmallShop

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FIRST_DAY, DAYS = date(2026, 1, 5), 100
SHOP = """\
name: Forecast shop
time_zone: UTC
currency: EUR
first_day: {first}
last_day: {last}
closed_days: [{closed}]
seed: 11
simulation: {{orders_per_day: 25}}
sources:
  campaigns: simulated
  orders: simulated
  order_items: simulated
"""
FIRST, LAST = FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1)
CLOSED = LAST + timedelta(days=9)


class SimulatedShop(SmallShop):
    """A shop of the simulator, of a hundred days; its sales alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.shop_file = folder / "shop.yaml"
        self.until(LAST)

    def until(self, last: date) -> None:
        self.shop_file.write_text(SHOP.format(first=FIRST, last=last, closed=CLOSED))


def _weekly(graph: Graph) -> dg.ExecuteInProcessResult:
    """What the weekly schedule starts, with one origin instead of twelve."""
    with graph.environment(), open_instance() as instance:
        from ecom_assets.definitions import defs

        job = defs().resolve_job_def("weekly_champions")
        assert int(job.tags[ORIGINS_TAG]) > FIRST_ORIGINS
        return job.execute_in_process(instance=instance, tags={ORIGINS_TAG: "1"})


def test_forecasts_of_a_shop_from_its_first_run_to_the_weekly_one(tmp_path):
    shop = SimulatedShop(tmp_path / "shop")
    graph = Graph(shop, tmp_path / "home")
    report = graph.run(simulate=(FIRST, LAST))
    assert not report.errors
    newest = graph.ask("select max(business_date) from kpi.daily_metrics")[0][0]
    series = "metric, dimension, member"

    (marked,) = graph.ask(f"select count(distinct ({series})) from forecast.series")
    spans = graph.ask(f"select {series}, min(business_date), max(business_date), count(*), min(made_on), "
                      "min(mean), min(lower_95) from forecast.forecasts group by all")  # fmt: skip
    closed = dict(graph.ask("select metric, max(abs(mean) + abs(lower_95) + abs(upper_95)) from forecast.forecasts "
                            f"where business_date = '{CLOSED}' group by all"))  # fmt: skip
    assert closed["orders"] == closed["net_amount"] == 0, "the shop's calendar closes it"
    assert len(spans) > 12
    assert len(spans) <= marked[0]
    for metric, _, _, first, last, days, made_on, mean, lower in spans:
        open_days = HORIZON - (metric not in closed)
        assert (first, last, days) == (newest + timedelta(days=1), newest + timedelta(days=HORIZON), open_days)
        assert made_on == newest
        if metric != "net_amount":
            assert min(mean, lower) >= 0
    assert {row[:3] for row in spans} >= {("orders", "total", "all"), ("net_amount", "channel", "email")}
    assert {row[0] for row in spans} - closed.keys() == {"average_order_value"}, "a ratio has no row on a closed day"
    assert not {row[0] for row in spans} & {"items", "gross_amount"}, "not marked in the catalogue"
    assert {row[1] for row in spans if row[0] == "ordered_amount"} == {"total"}, "its members are not marked"

    tested = f"select {series}, model, origin_date, step, mean, tested_on from forecast.backtests order by all"
    first_tests = graph.ask(tested)
    assert len({row[4] for row in first_tests}) >= FIRST_ORIGINS
    assert all(row[-1] == newest for row in first_tests)
    chosen = dict(graph.ask("select metric || dimension || member, model from forecast.champions where is_champion"))
    said = dict(graph.ask("select distinct metric || dimension || member, model from forecast.forecasts"))
    assert {name: said[name] for name in chosen} == chosen

    shop.until(LAST + timedelta(days=1))
    graph = Graph(shop, tmp_path / "home")
    graph.run(simulate=(LAST + timedelta(days=1), LAST + timedelta(days=1)))
    assert graph.ask(tested) == first_tests, "a day later the champions stand"
    assert {row[0] for row in graph.ask("select made_on from forecast.forecasts")} == {newest + timedelta(days=1)}

    assert _weekly(graph).success
    assert {row[0] for row in graph.ask("select distinct tested_on from forecast.backtests")} == {
        newest + timedelta(days=1)
    }
    assert {row[0] for row in graph.ask("select distinct origins from forecast.champions")} == {1}

    with graph.environment(), open_instance() as instance:
        for asset, name in (("forecasts", "forecast"), ("champions", "accuracy")):
            event = instance.get_latest_materialization_event(dg.AssetKey(["forecast", asset]))
            assert "data:image/png;base64," in event.asset_materialization.metadata[name].value
