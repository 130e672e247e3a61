"""The queries of the layer `anomaly` on rows by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ecom_assets.contracts import contract, dataset_contracts
from ecom_assets.quality.evidence import evidence_sql
from ecom_assets.sql import Query
from ecom_assets.warehouse.ddl import LINEAGE_TABLES
from ecom_assets_tests.factories import empty_warehouse, insert_rows, make_row

FIRST = date(2026, 3, 2)


@pytest.fixture
def connection():
    """Every table, empty, with those of the ledger."""
    connection = empty_warehouse()
    for name, columns in LINEAGE_TABLES.items():
        connection.execute(f"create table lineage.{name} ({columns})")
    return connection


def add_metric(
    connection, metric: str, values: list, dimension: str = "total", member: str = "all", cases: float | None = None
) -> None:
    rows = [(FIRST + timedelta(days=n), metric, dimension, member, value, cases) for n, value in enumerate(values)]
    connection.executemany(
        "insert into kpi.daily_metrics by name select ? as business_date, ? as metric, ? as dimension, ? as member, "
        "?::double as value, ?::double as denominator", rows)  # fmt: skip


def cover(connection, metrics=("orders",), min_days=4) -> dict[tuple, tuple]:
    """anomaly.coverage made of the metrics that stand there: known days, and why a series is left out."""
    params = {"metrics": list(metrics), "is_judged": [name != "discount_rate" for name in metrics],
              "min_days": min_days, "min_cases": 20}  # fmt: skip
    connection.execute(f"insert into anomaly.coverage by name {Query('anomaly/coverage').sql}", params)
    found = connection.execute("select metric, dimension, member, known_days, left_out_because from anomaly.coverage")
    return {row[:3]: row[3:] for row in found.fetchall()}


def watched(connection, metrics=("orders",), trust=(None,), at_least=(None,), min_days=4) -> dict[tuple, list]:
    cover(connection, metrics, min_days)
    params = {"metrics": list(metrics), "trust_metrics": list(trust), "trust_minimums": list(at_least)}
    found: dict[tuple, list] = {}
    for _, metric, dimension, member, value, *_ in connection.execute(
        Query("anomaly/watched_series").sql, params
    ).fetchall():
        found.setdefault((metric, dimension, member), []).append(value)
    return found


def test_watched_metrics_come_with_all_their_members(connection):
    add_metric(connection, "orders", [1, 2, 3, 4])
    add_metric(connection, "orders", [1, 1, 1, 1], "channel", "email")
    add_metric(connection, "items", [9, 9, 9, 9])
    assert watched(connection) == {("orders", "", ""): [1, 2, 3, 4], ("orders", "channel", "email"): [1, 1, 1, 1]}


@pytest.mark.parametrize(
    ("values", "is_watched"),
    [([1, 2, 3], False), ([1, 2, 3, 4], True), ([0, 0, 0, 1, 5, 5, 5, 5, 5], False), ([0, 1, 0, 1], True),
     ([1, 1, 1, 1, *[0] * 20], True), ([1, None, None, None, None, None, 1, 1, 1], False)],
)  # fmt: skip
def test_a_series_that_has_nothing_usual_is_not_watched(connection, values, is_watched):
    add_metric(connection, "orders", values)
    assert bool(watched(connection)) == is_watched


@pytest.mark.parametrize(("cases", "is_watched"), [(3, False), (19, False), (20, True), (None, True)])
def test_a_ratio_of_few_cases_is_not_watched(connection, cases, is_watched):
    add_metric(connection, "page_apdex_score", [1.0, 0.9, 1.0, 0.8], cases=cases)
    assert bool(watched(connection, ["page_apdex_score"])) == is_watched


def test_why_a_series_is_left_out_is_named(connection):
    add_metric(connection, "orders", [5, 6, 5, 6, 5])
    add_metric(connection, "orders", [1, 2, 3], "channel", "email")
    add_metric(connection, "orders", [1, None, None, None, None, None, None, 1, 1, 1], "channel", "affiliate")
    add_metric(connection, "orders", [None, None, None, None], "channel", "display")
    add_metric(connection, "orders", [0, 0, 0, 1, 1], "channel", "organic")
    add_metric(connection, "page_apdex_score", [1.0, 0.9, 1.0, 0.8], cases=19)
    add_metric(connection, "items", [5, 5, 5, 5])
    assert cover(connection, ["orders", "page_apdex_score", "sessions"]) == {
        ("orders", "total", "all"): (5, None),
        ("orders", "channel", "email"): (3, "fewer than 4 known days"),
        ("orders", "channel", "affiliate"): (4, "mostly unknown"),
        ("orders", "channel", "display"): (0, "no known day"),
        ("orders", "channel", "organic"): (5, "mostly zero"),
        ("page_apdex_score", "total", "all"): (4, "fewer than 20 cases on a usual day"),
        ("sessions", "total", "all"): (0, "no known day"),
    }


def test_what_tells_of_promotions_comes_however_rare_they_are(connection):
    from ecom_assets.anomalies.allowance import DISCOUNT_METRIC

    add_metric(connection, DISCOUNT_METRIC, [0, 0, 0, 0, 0, 0.2])
    assert watched(connection, [DISCOUNT_METRIC]) == {(DISCOUNT_METRIC, "", ""): [0, 0, 0, 0, 0, 0.2]}


def test_what_was_forecast_of_a_day_stands_beside_it(connection):
    add_metric(connection, "orders", [1, 2, 3, 4])
    day, made_on = FIRST + timedelta(days=3), FIRST + timedelta(days=1)
    connection.execute(
        "insert into forecast.expectations by name select ? as business_date, 'orders' as metric, "
        "'total' as dimension, 'all' as member, ? as made_on, 2 as days_before, 4.0 as value, "
        "3.5 as expected, 3.0 as prophet_expected",
        [day, made_on],
    )
    cover(connection)
    params = {"metrics": ["orders"], "trust_metrics": [None], "trust_minimums": [None]}
    found = connection.execute(Query("anomaly/watched_series").sql, params).df()
    assert found["champion_expected"].isna().tolist() == [True, True, True, False]
    last = found.iloc[-1]
    assert (last["champion_expected"], last["prophet_expected"]) == (3.5, 3.0)
    assert last["foretold_on"].date() == made_on


def test_a_day_that_cannot_be_trusted_has_no_value(connection):
    add_metric(connection, "conversion_rate", [0.02, 0.03, 0.04, 0.05, 0.06])
    add_metric(connection, "tracking_coverage_rate", [0.9, 0.8, 0.79, None, 0.95])
    found = watched(connection, ["conversion_rate"], ["tracking_coverage_rate"], [0.8])
    assert found == {("conversion_rate", "", ""): [0.02, 0.03, None, None, 0.06]}


def add_label(connection, name: str, label: str, start: date, end: date, **series: str) -> None:
    series = {"metric": "orders", "dimension": "total", "member": "all", **series}
    connection.execute(
        "insert into lineage.labels by name select ? as notification_id, ? as label, ? as start_date, ? as end_date, "
        "? as metric, ? as dimension, ? as member", [name, label, start, end, *series.values()])  # fmt: skip


def test_what_was_expected_is_a_plan_once_it_is_over(connection):
    add_metric(connection, "orders", [1] * 30)  # to 31 March
    insert_rows(connection, "campaigns", [make_row("campaigns", campaign_name="Spring", kind="promotion")])
    add_label(connection, "over", "expected", date(2026, 3, 10), date(2026, 3, 12))
    add_label(
        connection, "email", "expected", date(2026, 3, 10), date(2026, 3, 12), dimension="channel", member="email"
    )
    add_label(connection, "open", "expected", date(2026, 3, 20), date(2026, 3, 24))
    add_label(connection, "false", "false_alarm", date(2026, 3, 10), date(2026, 3, 12))
    rows = connection.execute(Query("anomaly/plans").sql, {"quiet_days": 7}).fetchall()
    assert {(row[0], row[1], row[2]) for row in rows} == {
        ("Spring", "promotion", None), ("expected: over", "other", None), ("expected: email", "other", "email"),
    }  # fmt: skip


def test_a_metric_leads_to_the_datasets_of_its_columns(connection):
    edges = [("clean/orders", "order_id", "kpi/mid", "orders"), ("kpi/mid", "orders", "kpi/top", "orders"),
             ("clean/refunds", "goods_amount", "kpi/top", "refunds"),
             ("clean/order_items", "quantity", "kpi/top", "items"),
             ("clean/orders", "ordered_at", "kpi/top", "business_date")]  # fmt: skip
    connection.executemany("insert into lineage.column_edges values (?, ?, ?, ?)", edges)
    asked = {
        "metrics": ["a", "b", "b", "c"],
        "assets": ["kpi/top"] * 4,
        "columns": ["orders", "refunds", "items", "rows"],
    }
    found = connection.execute(Query("anomaly/metric_datasets").sql, asked).fetchall()
    assert found == [("a", "orders"), ("b", "order_items"), ("b", "refunds"), ("c", "orders")], "c counts rows"


def days(connection, *rows: tuple) -> None:
    connection.executemany(
        "insert into lineage.days by name select ? as asset, ? as business_date, ? as state, ? as row_count",
        [(asset, FIRST, state, count) for asset, state, count in rows])  # fmt: skip


def file(connection, dataset: str, name: str, used: int, bad: int, loaded_hour: int, last: date = FIRST,
         made_hour: int | None = None) -> None:  # fmt: skip
    made = datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=loaded_hour if made_hour is None else made_hour)
    connection.execute(
        "insert into lineage.source_files by name select ? as source, [?] as datasets, ? as source_file, "
        "? as last_business_date, ?::timestamp + interval (?) hour as loaded_at, ? as modified_ns",
        [dataset, dataset, name, last, FIRST + timedelta(days=1), loaded_hour,
         int(made.timestamp()) * 10**9])  # fmt: skip
    connection.execute(
        "insert into lineage.source_days by name select ? as dataset, ? as source, ? as source_file, "
        "? as business_date, ? as rows_used, ? as rows_quarantined",
        [dataset, dataset, name, FIRST, used, bad])  # fmt: skip


def check(connection, dataset: str, name: str, passed: bool, hour: int = 6, day: date = FIRST) -> None:
    connection.execute(
        "insert into lineage.check_results by name select ? as asset, ? as check_name, ? as partition_start, "
        "? as passed, 'error' as severity, ?::timestamp + interval (?) hour as evaluated_at",
        [f"clean/{dataset}", name, day, passed, FIRST + timedelta(days=1), hour])  # fmt: skip


def evidence(connection, first: date = FIRST) -> dict[str, dict]:
    query = Query("anomaly/evidence", text=evidence_sql(dataset_contracts().values()))
    bound = query.bind({"from_day": first, "to_day": first, "time_zone": "Europe/Berlin"})
    found = connection.execute(bound.sql, dict(bound.params))
    names = [column[0] for column in found.description]
    assert names == [column.name for column in contract("anomaly/evidence").columns]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["dataset"]: row for row in rows}


def test_an_accepted_day_tells_its_rows_and_last_hour(connection):
    at = datetime(2026, 3, 2, 21, 30)
    insert_rows(connection, "orders", [make_row("orders", ordered_at=at, customer_id="c1", order_id=name)
                                       for name in ("1", "1-2")], "Europe/Berlin")  # fmt: skip
    early = at - timedelta(hours=9)
    insert_rows(connection, "orders", [make_row("orders", ordered_at=early, customer_id="c2")], "Europe/Berlin")
    days(connection, ("clean/orders", "accepted", 3), ("kpi/daily_revenue", "accepted", 1))
    file(connection, "orders", "orders_2026-03-02.csv", 5, 2, loaded_hour=5)
    file(connection, "orders", "orders_2026-03-03.csv", 1, 0, loaded_hour=29, last=FIRST + timedelta(days=1))
    check(connection, "orders", "key_is_unique", True)
    (row,) = evidence(connection).values()
    assert row["rows"] == 3, "the rows that stand, however often they came"
    assert row["repeated_rows"] == 1, "the same order under another id"
    assert row["last_event_hour"] == 22.5, "in the shop's zone"
    assert (row["quarantined_rows"], row["_is_late"], row["is_missing"], row["failed_checks"]) == (2, False, False, 0)


def test_lines_of_an_order_that_came_twice_repeat_and_two_equal_lines_of_one_do_not(connection):
    line = {"ordered_at": datetime(2026, 3, 2, 12), "product_id": "mug", "quantity": 1}
    insert_rows(connection, "order_items", [
        *(make_row("order_items", order_id="1", line_number=number, **line) for number in (1, 2)),
        make_row("order_items", order_id="1-2", line_number=1, **line),
        make_row("order_items", order_id="2", line_number=1, **line | {"ordered_at": datetime(2026, 3, 2, 13)}),
    ])  # fmt: skip
    days(connection, ("clean/order_items", "accepted", 4))
    assert evidence(connection)["order_items"]["repeated_rows"] == 1


def test_an_export_of_dates_alone_tells_of_no_repeats_and_no_last_hour(connection):
    midnight = datetime(2026, 3, 1, 23)  # UTC: the local midnight at which the day begins
    insert_rows(connection, "order_items", [
        make_row("order_items", order_id=order, line_number=1, ordered_at=midnight, product_id="mug", quantity=1)
        for order in ("1", "2", "3")
    ], "Europe/Berlin")  # fmt: skip
    days(connection, ("clean/order_items", "accepted", 3))
    row = evidence(connection)["order_items"]
    assert (row["rows"], row["repeated_rows"], row["last_event_hour"]) == (3, None, None)


def test_a_refused_day_is_there_with_its_failed_checks(connection):
    days(connection, ("clean/order_items", "refused", None))
    file(connection, "order_items", "items_2026-03-02.csv", 40, 0, loaded_hour=5)
    check(connection, "order_items", "key_is_unique", True, hour=6)
    check(connection, "order_items", "key_is_unique", False, hour=8)
    check(connection, "order_items", "row_count_is_usual", False)
    check(connection, "order_items", "amount_is_in_range", True, day=FIRST - timedelta(days=1))
    (row,) = evidence(connection).values()
    assert (row["state"], row["rows"], row["repeated_rows"], row["last_event_hour"]) == ("refused", 40, None, None)
    assert (row["failed_checks"], row["failed_check_names"]) == (1, "key_is_unique"), (
        "the newest verdicts, but volume's"
    )
    assert row["missing_checks"] == 1, "another day was put to one more"


def test_a_day_that_never_came_is_missing_where_the_shop_trades(connection):
    days(connection, ("clean/orders", "missing", None), ("clean/refunds", "missing", None))
    check(connection, "orders", "rows_arrived", False)
    found = evidence(connection)
    assert found["orders"]["is_missing"]
    assert not found["refunds"]["is_missing"], "a closed day is put to no check of arrival"
    assert found["orders"]["failed_checks"] == found["orders"]["missing_checks"] == 0


def test_a_file_that_comes_after_the_day_was_judged_is_late(connection):
    days(connection, ("clean/orders", "accepted", 10))
    check(connection, "orders", "rows_arrived", False, hour=6)
    check(connection, "orders", "rows_arrived", True, hour=31)
    file(connection, "orders", "orders_2026-03-02.csv", 10, 0, loaded_hour=30)
    assert evidence(connection)["orders"]["_is_late"]


def test_a_file_that_is_only_read_again_is_not_late(connection):
    days(connection, ("clean/orders", "accepted", 10))
    check(connection, "orders", "rows_arrived", True, hour=6)
    file(connection, "orders", "orders_2026-03-02.csv", 10, 0, loaded_hour=30, made_hour=5)
    assert not evidence(connection)["orders"]["_is_late"]


def test_other_days_are_left_alone(connection):
    days(connection, ("clean/orders", "accepted", 10))
    assert evidence(connection, FIRST + timedelta(days=1)) == {}
