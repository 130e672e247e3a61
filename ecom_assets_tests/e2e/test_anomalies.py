"""A small simulated shop with stated incidents: from its files to what people are told, and what they say of it."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from ecom_assets.cli import entry, log
from ecom_assets_tests.graph import Graph

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOST, LATE, LAST = date(2026, 9, 8), date(2026, 9, 15), date(2026, 9, 18)
SHOP = f"""\
name: Small simulated
time_zone: Europe/Berlin
first_day: 2026-06-01
last_day: {LAST}
seed: 11
simulation:
  orders_per_day: 60
  incidents:
    none_share: 1.0
    scheduled:
      - {{kind: tracking_loss, starts: {LOST}, hours: 48, size: 0.7}}
      - {{kind: late_file, starts: {LATE}, hours: 24, size: 0.1, scope: {{dataset: order_items}}}}
sources: {{products: simulated, customers: simulated, campaigns: simulated, marketing_spend: simulated,
  website_traffic: simulated, orders: simulated, order_items: simulated, refunds: simulated}}
"""
CAUSES = "select notification_id, raised_date, metric, dimension, member from anomaly.causes order by all"
DAY = f"""select is_missing, _is_late, state from anomaly.evidence
    where dataset = 'order_items' and business_date = '{LATE}'"""  # fmt: skip


@pytest.fixture(scope="module")
def morning(tmp_path_factory):
    """The morning on which the lines of a day have not come, and what it said."""
    folder = tmp_path_factory.mktemp("simulated")
    (folder / "shop.yaml").write_text(SHOP)
    graph = Graph(SimpleNamespace(shop_file=folder / "shop.yaml"), folder / "home")
    report = graph.run(simulate=(date(2026, 6, 1), LATE))
    assert not report.errors
    return SimpleNamespace(graph=graph, causes=graph.ask(CAUSES), late_day=graph.ask(DAY))


@pytest.fixture(scope="module")
def later(morning):
    """Three days later the file has come too."""
    assert not morning.graph.run(simulate=(LATE, LAST)).errors
    return morning


@pytest.fixture
def ecom(later, monkeypatch, capsys):
    monkeypatch.setenv("ECOM_HOME", str(later.graph.context.home.root))
    monkeypatch.delenv("ECOM_SHOP", raising=False)
    monkeypatch.delenv("ECOM_LANDING", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = entry.run(arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    yield run
    log.close_log()


def _lost(graph: Graph) -> tuple:
    """The notification of the days on which tracking was lost."""
    (found,) = graph.ask(f"""select notification_id, metric, verdict, evidence, direction from anomaly.notifications
        where raised_date between '{LOST}' and '{LOST + timedelta(days=2)}'""")  # fmt: skip
    return found


def test_lost_tracking_is_one_notification_and_a_fault_in_the_data(later):
    _, _, verdict, evidence, direction = _lost(later.graph)
    assert (verdict, direction) == ("data_fault", "down")
    assert re.search("tracked share of web orders( of [a-z ]+)? moved by -", evidence)


def test_a_day_without_its_lines_is_evidence_and_no_drop(later):
    assert later.late_day == [(True, False, "missing")]
    assert later.graph.ask(DAY) == [(False, True, "accepted")]
    assert not [row for row in later.causes if row[1] == LATE]


def test_what_was_said_stays_said(later):
    assert later.causes, "something was said on that morning"
    assert set(later.causes) <= set(later.graph.ask(CAUSES))


def test_every_series_has_its_days_in_every_table(later):
    counts = later.graph.ask("""
        select count(*), count(distinct (metric, dimension, member)), max(business_date) from anomaly.consensus
        union all select count(*), count(distinct (metric, dimension, member)), max(business_date) from anomaly.zscore
    """)
    assert counts[0] == counts[1]
    assert counts[0][1] > 50
    assert counts[0][2] == LAST


def test_labels_are_kept_used_and_taken_back(later, ecom):
    name = _lost(later.graph)[0]
    code, out, _ = ecom("anomalies", "list")
    assert code == 0
    assert f"{name}  {LOST}" in out
    assert ecom("anomalies", "label", name[:6], "confirmed", "--note", "the tag was gone")[0] == 0
    said = later.graph.ask("select label, label_note, verdict from anomaly.notifications where label is not null")
    assert said == [("confirmed", "the tag was gone", "data_fault")]
    assert name not in ecom("status")[1], "what people have seen is no news"
    assert ecom("anomalies", "label", name, "none")[0] == 0
    assert later.graph.ask("select count(*) from lineage.labels") == [(0,)]
    _, out, _ = ecom("status")
    assert f"alarm    {LOST}" in out


def test_a_snooze_is_kept_until_it_is_undone(later, ecom):
    name = _lost(later.graph)[0]
    sql = f"select is_notified, muted_because from anomaly.notifications where notification_id = '{name}'"
    assert ecom("anomalies", "snooze", name, "--until", "2099-12-31")[0] == 0
    assert later.graph.ask(sql) == [(False, "snoozed until 2099-12-31")]
    assert ecom("anomalies", "snooze", name, "--undo")[0] == 0
    assert later.graph.ask(sql) == [(True, None)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("label", "zzzz", "expected"), "no notification zzzz; the newest are "),
        (("label", "zzzz", "nice"), "'nice' is not one of 'expected', 'false_alarm', 'confirmed', 'none'"),
        (("snooze", "--until", "2026-12-31"), "name either a notification or --metric METRIC"),
        (("snooze", "--metric", "sesions", "--until", "2026-12-31"), "no metric 'sesions'"),
        (("snooze", "--metric", "sessions"), "say --until DAY, or --undo"),
    ],
)
def test_what_cannot_be_said_is_one_clear_line(ecom, arguments, words):
    code, _, err = ecom("anomalies", *arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_equal_inputs_give_equal_tables(later):
    def hashes() -> dict:
        return {key: value for key, value in later.graph.hashes().items() if key[0].startswith("anomaly/")}

    before = hashes()
    assert len(before) > 9
    later.graph.run(LATE, LAST)
    assert hashes() == before
