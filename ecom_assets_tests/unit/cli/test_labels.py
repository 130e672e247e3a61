"""What was found, as lines that a person reads."""

import json
from contextlib import closing
from datetime import date

import pytest

from ecom_assets.cli import entry, log
from ecom_assets.cli.labels import newest_alarms
from ecom_assets.contracts import contract
from ecom_assets.settings import Home, Shop
from ecom_assets.warehouse import Warehouse, connect, open_snapshot, publish
from ecom_assets_tests.unit.anomalies.test_notifications import EMAIL, cause, label, snooze, told

SHOP = Shop(name="Labels", first_day=date(2026, 3, 1), sources={"orders": "simulated"})
FOUND = [
    cause("aaaa0001", "2026-05-01"),
    cause("aaaa0002", "2026-05-10", EMAIL, is_open=True, expected=None),
    cause("aaaa0003", "2026-05-20"),
    cause("aaaa0004", "2026-05-21"),
]


def home_with(folder, table, series=None) -> Home:
    """A home whose notifications are `table`; each series is watched (True), too noisy (False), or left out (why)."""
    home = Home(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with closing(connect(folder / "w.duckdb")) as connection:
        warehouse = Warehouse(connection, SHOP)
        warehouse.prepare()
        if table is not None:
            assert warehouse.write(contract("anomaly/notifications"), table.reset_index(), None, "run").accepted
        else:
            connection.execute("drop table anomaly.notifications")
        for metric, state in (series or {}).items():
            why = state if isinstance(state, str) else None
            connection.execute(
                "insert into anomaly.coverage by name select ? as metric, 'total' as dimension, 'all' as member, "
                "true as is_judged, 90 as known_days, ? as left_out_because", [metric, why])  # fmt: skip
            if isinstance(state, bool):
                connection.execute(
                    "insert into anomaly.consensus by name select date '2026-05-29' + day::integer as business_date, "
                    "? as metric, 'total' as dimension, 'all' as member, ? as is_watched, false as is_planned, "
                    "case when day > 0 then 0.5 end as mean_surprise from range(3) as days(day)",
                    [metric, state])  # fmt: skip
        publish(connection, home, warehouse.contracts.values())
    return home


@pytest.fixture
def ecom(monkeypatch, capsys):
    def run(home: Home, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("ECOM_HOME", str(home.root))
        code = entry.run(arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    yield run
    log.close_log()


def test_each_is_a_line_with_its_evidence(tmp_path, ecom):
    home = home_with(tmp_path, told(FOUND, [label("aaaa0003", "confirmed", "2026-05-20")],
                                    [snooze("2026-12-31", "2026-05-31", name="aaaa0004")]))  # fmt: skip
    code, out, _ = ecom(home, "anomalies", "list")
    assert code == 0
    assert out.splitlines()[::2] == [
        "aaaa0004  2026-05-21 to 2026-05-22  orders down -50%  (minor business change, snoozed until 2026-12-31)",
        "aaaa0003  2026-05-20 to 2026-05-21  orders down -50%  (minor business change, confirmed)",
        "aaaa0002  2026-05-10 to 2026-05-11  sessions of channel email down  (minor business change, open)",
        "aaaa0001  2026-05-01 to 2026-05-02  orders down -50%  (minor business change)",
    ]
    assert out.splitlines()[1].strip() == "no sign of a fault"
    assert ecom(home, "anomalies", "list", "--open")[1].startswith("aaaa0002")
    rows = json.loads(ecom(home, "anomalies", "list", "--format", "json")[1])
    assert [row["notification_id"] for row in rows] == ["aaaa0004", "aaaa0003", "aaaa0002", "aaaa0001"]


def test_news_are_the_newest_two_that_nobody_labelled_or_silenced(tmp_path):
    home = home_with(tmp_path, told(FOUND, [label("aaaa0004", "confirmed", "2026-05-21")]))
    with open_snapshot(home) as connection:
        assert newest_alarms(connection) == [
            "alarm    2026-05-20 to 2026-05-21  orders down -50%  (minor business change)",
            "alarm    2026-05-10 to 2026-05-11  sessions of channel email down  (minor business change, open)"
            " (and 1 earlier: ecom anomalies list)",
        ]


def test_nothing_found_and_nothing_looked_for(tmp_path, ecom):
    quiet = home_with(tmp_path / "quiet", told(), {"orders": True, "sessions": True})
    blind = home_with(tmp_path / "blind", None)
    looked_at = "Looked at 2 of 2 series, on 2 days from 2026-05-30 to 2026-05-31.\n"
    nothing = "Nothing was out of the ordinary in 2 series on 2 days.\n"
    assert ecom(quiet, "anomalies", "list")[:2] == (0, nothing + looked_at)
    assert ecom(quiet, "anomalies", "list", "--open")[:2] == (0, "Nothing is open.\n" + looked_at)
    code, _, err = ecom(blind, "anomalies", "list")
    assert (code, "nothing was looked for yet" in err) == (2, True)
    for home in (quiet, blind):
        with open_snapshot(home) as connection:
            assert newest_alarms(connection) == []


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({}, ["Nothing was looked at: detectors read kpi.daily_metrics, and it is made only where a shop has orders "
              "and order_items."]),
        ({"orders": "fewer than 60 known days", "sessions": "no known day"},
         ["Nothing was looked at.", "Looked at 0 of 2 series.", "  1 not: fewer than 60 known days (orders)",
          "  1 not: no known day (sessions)"]),
        ({"orders": False, "items": False, "sessions": True},
         ["Nothing was out of the ordinary in 1 series on 2 days.",
          "Looked at 1 of 3 series, on 2 days from 2026-05-30 to 2026-05-31.",
          "  2 not: too noisy by the day, or the prices of another series (items, orders)"]),
        ({"orders": None}, ["Nothing was looked at.", "Looked at 0 of 1 series.", "  1 not: not judged yet (orders)"]),
    ],
)  # fmt: skip
def test_what_nobody_looked_at_is_never_called_ordinary(tmp_path, ecom, series, said):
    home = home_with(tmp_path, told(), series)
    code, out, _ = ecom(home, "anomalies", "list")
    assert (code, out.splitlines()) == (0, said)
    for pipe in ("json", "csv"):
        out, err = ecom(home, "anomalies", "list", "--format", pipe)[1:]
        watched = sum(state is True for state in series.values())
        assert (f"{watched} of {len(series)} series looked at" if series else "no series looked at") in err
        assert "looked at" not in out


def test_a_day_that_is_over_silences_nothing(tmp_path, ecom, monkeypatch):
    home = home_with(tmp_path, told(FOUND))
    (tmp_path / "shop.yaml").write_text(
        "name: L\ntime_zone: Asia/Tokyo\nfirst_day: 2026-03-01\nsources: {orders: simulated}\n"
    )
    monkeypatch.setenv("ECOM_SHOP", str(tmp_path / "shop.yaml"))
    monkeypatch.setenv("ECOM_AS_OF", "2026-06-01T16:00+00:00")
    monkeypatch.setattr("ecom_assets.cli.labels._tell", lambda *_: None)
    code, out, err = ecom(home, "anomalies", "snooze", "aaaa0001", "--until", "2026-06-01")
    assert (code, out) == (2, "")
    assert err == "--until 2026-06-01 is over, today is 2026-06-02: say --undo to be told again\n", "in Tokyo"
    code, out, _ = ecom(home, "anomalies", "snooze", "aaaa0001", "--until", "2026-06-02")
    assert (code, out) == (0, "aaaa0001 is silent until 2026-06-02, inclusive.\n")
