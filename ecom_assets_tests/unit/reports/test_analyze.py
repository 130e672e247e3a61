"""Each domain's analysis on the small shop: its words against counts made here, its charts as files."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from statistics import mean

import pytest

from ecom_assets.reports import DOMAINS, Analysis, NothingToAnalyzeError, UnknownDomainError, analyze, write_charts
from ecom_assets.reports.analysis import Chart, count, duration, percent
from ecom_assets.reports.charts import draw
from ecom_assets_tests.unit.behaviour import reference
from ecom_assets_tests.unit.behaviour.small_shop import DAYS, SmallShop, small_shop
from ecom_assets_tests.unit.behaviour.tables import Tables
from ecom_assets_tests.unit.behaviour.test_kpi_tables import BUILT, CLEAN, polarity_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def shop() -> SmallShop:
    return small_shop()


@pytest.fixture(scope="module")
def tables(shop: SmallShop) -> Tables:
    tables = Tables()
    for name, rows in shop.tables():
        tables.add(f"clean/{name}", rows)
    for name in CLEAN:
        tables.accept(f"clean/{name}", DAYS)
    moods = [
        {"feedback_id": key, "business_date": DAYS[0], "polarity": mood, "is_contradiction": contradicts}
        for key, (mood, contradicts) in polarity_of(shop).items()
    ]
    tables.add("kpi/feedback_polarity", moods)
    sales = {"orders": 4, "valued_orders": 4, "ordered_amount": 100, "gross_amount": 110, "net_amount": 90}
    days = [{"business_date": day, **sales, "total_sales_amount": 95, "refund_amount": 10} for day in DAYS]
    tables.add("kpi/daily_revenue", days)
    tables.add("kpi/sales_by_segment", [{**day, "channel": "email"} for day in days])
    tables.build(*BUILT)
    tables.profile()
    return tables


@pytest.fixture(scope="module")
def analyses(tables: Tables) -> dict[str, Analysis]:
    return {domain: analyze(tables.connection, domain) for domain in DOMAINS}


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_analysis_has_words_tables_and_charts(analyses: dict[str, Analysis], domain: str) -> None:
    analysis = analyses[domain]
    text = " ".join(analysis.sentences)
    assert analysis.domain == domain
    assert f"From {DAYS[0]} to {DAYS[-1]}" in text
    assert "unknown" not in text
    assert all(table.rows and len(table.rows[0]) == len(table.columns) for table in analysis.tables)
    assert len({chart.name for chart in analysis.charts}) == len(analysis.charts) >= 3
    for chart in analysis.charts:
        assert chart.x
        assert all(len(values) == len(chart.x) for values in chart.series.values())


def test_words_say_what_was_counted(analyses: dict[str, Analysis], shop: SmallShop) -> None:
    visits = reference.sessions(shop)
    people = [visit for visit in visits if visit["is_start"] and not visit["is_bot"]]
    stars = [piece["rating"] for piece in shop.user_feedback if piece["rating"] is not None]
    answered = [call for call in shop.api_logs if call["status_code"] is not None]
    failed = [call for call in answered if call["status_code"] >= 500]
    bounced = sum(visit["is_bounce"] for visit in people) / len(people)
    said = {domain: " ".join(analysis.sentences) for domain, analysis in analyses.items()}
    assert f"there were {count(len(people))} sessions" in said["sessions"]
    assert f"{percent(bounced)} bounced" in said["sessions"]
    assert f"{count(len(shop.page_load_times))} page loads" in said["page-load-times"]
    assert f"{count(len(failed))} failed, {percent(len(failed) / len(answered))}" in said["api-logs"]
    assert f"{mean(stars):.2f} stars on average" in said["feedback"]
    assert f"{count(len(shop.support_tickets))} tickets were opened" in said["support"]
    assert "132 orders brought 2,970 net, 3,135 in all" in said["orders"]
    bought = sum(visit["has_purchase"] and not visit["is_bot"] for visit in visits)
    assert f"{count(bought)} bought" in said["clickstream"]


def test_statistics_are_of_the_dataset(analyses: dict[str, Analysis], shop: SmallShop) -> None:
    statistics = analyses["support"].tables[-1]
    by_column = {row[0]: dict(zip(statistics.columns, row, strict=True)) for row in statistics.rows}
    scores = [ticket["satisfaction"] for ticket in shop.support_tickets]
    known = [score for score in scores if score is not None]
    assert by_column["satisfaction"]["nulls"] == scores.count(None)
    assert by_column["satisfaction"]["mean"] == pytest.approx(mean(known), abs=1e-5)
    assert by_column["subject"]["minimum"] is None, "a customer's words are not shown"


def test_charts_are_written_as_png_and_svg_alike_each_time(analyses: dict[str, Analysis], tmp_path: Path) -> None:
    written = write_charts(analyses["sessions"], tmp_path / "a")
    again = write_charts(analyses["sessions"], tmp_path / "b")
    assert len(written) == 2 * len(analyses["sessions"].charts)
    for first, second in zip(written, again, strict=True):
        data = first.read_bytes()
        assert data == second.read_bytes()
        if first.suffix == ".png":
            assert data.startswith(PNG)
        else:
            assert ElementTree.fromstring(data).tag.endswith("svg")
    assert "Sessions a day" in (tmp_path / "a" / "sessions-sessions.svg").read_text()


def test_a_chart_without_values_says_so() -> None:
    figure = draw(Chart("x", "Nothing", "line", (1, 2), {"a": (None, None)}, "y"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["no values"]


def test_an_empty_snapshot_names_the_dataset_that_is_missing() -> None:
    empty = Tables()
    for domain in DOMAINS:
        with pytest.raises(NothingToAnalyzeError, match="run `ecom run`"):
            analyze(empty.connection, domain)
    empty.connection.execute("drop table kpi.api_health")
    with pytest.raises(NothingToAnalyzeError, match="api_logs"):
        analyze(empty.connection, "api-logs")


def test_a_shop_with_orders_alone_is_told_that_their_items_lack() -> None:
    shop = Tables()
    shop.add("clean/orders", [{"order_id": "o1", "business_date": DAYS[0]}])
    with pytest.raises(NothingToAnalyzeError) as told:
        analyze(shop.connection, "orders")
    assert str(told.value).startswith("nothing was published of order_items yet (of orders there are rows): name it")
    shop.add("clean/order_items", [{"order_id": "o1", "line_number": 1, "business_date": DAYS[0]}])
    with pytest.raises(NothingToAnalyzeError, match="though orders and order_items came: `ecom status` names"):
        analyze(shop.connection, "orders")


def test_an_unknown_domain_is_told_those_that_there_are(tables: Tables) -> None:
    with pytest.raises(UnknownDomainError, match=r"did you mean sessions\?.*clickstream"):
        analyze(tables.connection, "session")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59 seconds"), (119, "119 seconds"), (120, "2.0 minutes"), (7200, "2.0 hours"), (200_000, "2.3 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
