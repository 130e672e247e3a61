"""The layer `anomaly`: what it reads, one piece of work for several tables, and a shop that is too young for it."""

import base64
import re
from datetime import timedelta

import dagster as dg
import pytest

from ecom_assets.contracts import table_contracts
from ecom_assets.orchestration.rows import Charts, Frames
from ecom_assets.orchestration.runs import open_instance
from ecom_assets.orchestration.session import session
from ecom_assets.orchestration.table_asset import table_group, version_of_code
from ecom_assets.orchestration.writing import bound
from ecom_assets.sql import Query
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import SmallShop

LAYER = {asset: each for asset, each in table_contracts().items() if each.layer == "anomaly"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("young")
    graph = Graph(SmallShop(folder / "shop", days=5).write(), folder / "home")
    assert graph.run().succeeded
    return graph


def _definitions(graph: Graph) -> dg.Definitions:
    from ecom_assets.definitions import defs

    with graph.environment():
        return defs()


def _reads(queries) -> set[str]:
    return {asset for query in queries for asset in query.tables()}


def test_what_the_layer_declares_is_what_it_reads(graph):
    from ecom_assets.defs.anomaly.detection import COVERAGE, QUERIES
    from ecom_assets.defs.anomaly.notifications import EVIDENCE, NOTIFICATION_QUERIES
    from ecom_assets.defs.anomaly.scorecard import SCORED

    assets = _definitions(graph).resolve_asset_graph()
    there = {"/".join(node.key.path) for node in assets.asset_nodes}
    parents = {asset: {"/".join(key.path) for key in assets.get(dg.AssetKey(asset.split("/"))).parent_keys}
               for asset in LAYER}  # fmt: skip
    detectors = {"anomaly/zscore", "anomaly/isolation_forest", "anomaly/forecast_residual"}
    for asset in detectors:
        assert parents[asset] == _reads(QUERIES.values()) & there, asset
    assert parents["anomaly/consensus"] == detectors
    assert parents["anomaly/coverage"] == _reads([COVERAGE]) == {"kpi/daily_metrics"}
    assert parents["anomaly/evidence"] == _reads([EVIDENCE]) & there
    assert parents["anomaly/notifications"] == _reads(NOTIFICATION_QUERIES.values())
    assert parents["anomaly/detector_scorecard"] == _reads(SCORED.values())
    read = {"kpi/daily_metrics", "clean/campaigns", "anomaly/coverage", "anomaly/evidence", "forecast/expectations"}
    assert read == _reads(QUERIES.values())


def test_the_numbers_of_days_are_those_that_detection_counts_by():
    from ecom_assets.anomalies.allowance import DISCOUNT_METRIC
    from ecom_assets.anomalies.evidence import LINEAGE_COLUMNS
    from ecom_assets.anomalies.grouping import ECHO_DAYS
    from ecom_assets.anomalies.shop import MIN_DAYS
    from ecom_assets.defs.anomaly import detection

    assert (detection.MIN_DAYS, detection.ECHO_DAYS, detection.DISCOUNTS) == (MIN_DAYS, ECHO_DAYS, DISCOUNT_METRIC)
    told = {name.removeprefix("_") for name in LAYER["anomaly/evidence"].by_name}
    assert LINEAGE_COLUMNS.keys() <= told


def test_every_table_is_published_after_it_is_written(graph):
    assets = _definitions(graph).resolve_asset_graph()
    shown = {"/".join(key.path) for key in assets.get(dg.AssetKey(["publish", "snapshot"])).parent_keys}
    assert LAYER.keys() <= shown


def test_a_young_shop_has_empty_tables_and_no_error(graph):
    for asset in LAYER:
        (count,) = graph.ask(f"select count(*) from {asset.replace('/', '.')}")
        assert (count[0] > 0) == (asset in ("anomaly/evidence", "anomaly/coverage")), asset
    (said,) = graph.ask("select distinct left_out_because from anomaly.coverage where known_days > 0")
    assert said == ("fewer than 60 known days",)
    states = graph.ask("select state from lineage.days where asset like 'anomaly/%' and business_date is null")
    assert states == [("accepted",)] * (len(LAYER) - 1)


def test_some_tables_of_one_work_can_be_asked_for_alone(graph):
    def written() -> dict[str, int]:
        with graph.environment(), session(graph.context, "look") as opened:
            sql = "select asset, count(*) from lineage.materializations where asset like 'anomaly/%' group by asset"
            return dict(opened.connection.execute(sql).fetchall())

    before = written()
    with graph.environment(), open_instance() as instance, session(graph.context, "test"):
        result = (
            _definitions(graph)
            .resolve_job_def("backfill")
            .execute_in_process(instance=instance, asset_selection=[dg.AssetKey(["anomaly", "events"])])
        )
    assert result.success
    after = written()
    assert {asset for asset in after if after[asset] > before.get(asset, 0)} == {"anomaly/events"}


def test_a_group_needs_contracts():
    with pytest.raises(KeyError):
        table_group("x", {"anomaly/no_such_table": ()}, code_version="1")(lambda shop: Frames({}, dict))


def test_the_code_that_makes_rows_is_part_of_their_version(tmp_path):
    assert version_of_code("anomalies") == version_of_code("anomalies")
    assert version_of_code("anomalies") != version_of_code("anomalies", "forecasting")


def test_a_frame_is_made_of_several_queries(graph):
    from ecom_assets.orchestration.rows import Frame

    frame = Frame(Query("a", text="select 1 as one"), lambda a, b: (a["one"][0], b["two"][0]),
                  {"b": Query("b", text="select 2 as two")})  # fmt: skip
    with graph.environment(), session(graph.context, "test") as opened:
        assert bound(frame, opened) == (1, 2)


def test_a_picture_is_shown_as_a_png(graph):
    from ecom_assets.orchestration.metadata import image
    from ecom_assets.reports.alarms import alarms_png, notifications_png

    def rows(count: int):
        import pandas as pd

        day = pd.date_range("2026-03-02", periods=count)
        series = {"metric": "orders", "dimension": "channel", "member": "paid_search"}
        values = {"value": 5.0, "expected": 6.0, "lower": 4.0, "upper": 8.0}
        told = {"notification_id": "ab", "start_date": day[:1].append(day[:0]).max(), "end_date": day.max(),
                "verdict": "data_fault", "severity": "major"}  # fmt: skip
        return pd.DataFrame({"business_date": day, **series, **values, "is_anomaly": True, **told})

    for draw in (alarms_png, notifications_png):
        ((name, png),) = draw(rows(30)).items()
        (encoded,) = re.findall(r"base64,([^)]+)\)", image(name, png).md_str)
        assert base64.b64decode(encoded).startswith(PNG)
        assert draw(rows(30).iloc[:0]) == {}
    assert Charts(Query("anomaly/newest_alarms"), alarms_png).query.tables() == {"anomaly/consensus"}


def test_days_of_the_evidence_are_the_shops(graph):
    assert graph.days("anomaly.evidence") == graph.shop.days
    day = graph.shop.days[0] + timedelta(days=1)
    found = graph.ask(f"""select dataset, state, "rows", is_missing, _is_late, failed_checks from anomaly.evidence
        where business_date = '{day}' and dataset in ('orders', 'refunds') order by 1""")  # fmt: skip
    assert found == [("orders", "accepted", 6, False, False, 0), ("refunds", "accepted", 1, False, False, 0)]
