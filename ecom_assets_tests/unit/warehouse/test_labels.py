"""Labels and snoozes: kept beside what was found, found again by the first digits, taken back."""

from datetime import date

import pandas as pd
import pytest

from ecom_assets.contracts import contract, table_contracts
from ecom_assets.settings import Home, Shop
from ecom_assets.warehouse import Warehouse, connect, open_snapshot, publish
from ecom_assets.warehouse.labels import UnknownNotificationError, find_notification, label, snooze
from ecom_assets_tests.unit.anomalies.test_notifications import cause, told

SHOP = Shop(name="Labels", first_day=date(2026, 3, 1), sources={"orders": "simulated"})
NOTIFICATIONS = contract("anomaly/notifications")


@pytest.fixture
def warehouse(tmp_path):
    """Three notifications, two of which begin alike."""
    warehouse = Warehouse(connect(tmp_path / "w.duckdb"), SHOP)
    warehouse.prepare()
    write(warehouse, [cause("ab12", "2026-05-01"), cause("ab99", "2026-05-03"), cause("cd34", "2026-05-02")])
    yield warehouse
    warehouse.connection.close()


def write(warehouse: Warehouse, causes: list[dict]) -> None:
    table = told(causes).reset_index()
    assert warehouse.write(NOTIFICATIONS, table, None, "run").accepted


def labels(warehouse: Warehouse) -> list[tuple]:
    sql = "select notification_id, label, note, metric, start_date from lineage.labels order by 1"
    return warehouse.connection.execute(sql).fetchall()


def test_the_first_digits_are_enough(warehouse):
    assert find_notification(warehouse.connection, "cd") == "cd34"
    assert find_notification(warehouse.connection, "AB1") == "ab12"


def test_an_id_that_is_not_there_or_not_clear_is_explained(warehouse):
    with pytest.raises(UnknownNotificationError, match="no notification ff; the newest are ab99, cd34, ab12"):
        find_notification(warehouse.connection, "ff")
    with pytest.raises(UnknownNotificationError, match="2 notifications begin with ab: ab99, ab12"):
        find_notification(warehouse.connection, "ab")
    with pytest.raises(UnknownNotificationError, match="no notification "):
        find_notification(warehouse.connection, "")


def test_a_label_replaces_the_one_before_and_can_be_taken_back(warehouse):
    label(warehouse.connection, "ab12", "false_alarm")
    label(warehouse.connection, "ab12", "expected", "as agreed")
    assert labels(warehouse) == [("ab12", "expected", "as agreed", "orders", date(2026, 5, 1))]
    label(warehouse.connection, "ab12", None)
    assert labels(warehouse) == []


def test_another_word_is_no_label(warehouse):
    with pytest.raises(ValueError, match="label must be one of expected, false_alarm, confirmed or none, found 'nice'"):
        label(warehouse.connection, "ab12", "nice")
    with pytest.raises(UnknownNotificationError):
        label(warehouse.connection, "ffff", "expected")
    assert labels(warehouse) == []


def test_a_label_outlives_its_notification_and_the_table(warehouse):
    label(warehouse.connection, "ab12", "expected")
    write(warehouse, [cause("cd34", "2026-05-02")])
    assert find_notification(warehouse.connection, "ab") == "ab12"
    label(warehouse.connection, "ab12", "confirmed")
    changed = NOTIFICATIONS.model_copy(update={"columns": NOTIFICATIONS.columns[:-1], "rules": ()})
    others = [each for each in table_contracts().values() if each != NOTIFICATIONS]
    notes = Warehouse(warehouse.connection, SHOP, [*others, changed]).prepare()
    assert any("anomaly/notifications" in note for note in notes), "its contract changed: the table was made anew"
    assert labels(warehouse) == [("ab12", "confirmed", None, "orders", date(2026, 5, 1))]


def test_labels_are_published(warehouse, tmp_path):
    label(warehouse.connection, "ab12", "expected", "as agreed")
    home = Home(tmp_path / "home")
    publish(warehouse.connection, home, warehouse.contracts.values())
    with open_snapshot(home) as connection:
        assert connection.execute("select label, note from lineage.labels").fetchall() == [("expected", "as agreed")]


def test_a_snooze_is_of_a_notification_or_a_metric_and_can_be_ended(warehouse):
    def silent() -> list[tuple]:
        sql = "select notification_id, metric, until_date from lineage.snoozes order by all"
        return warehouse.connection.execute(sql).fetchall()

    snooze(warehouse.connection, date(2026, 6, 1), notification_id="ab12")
    snooze(warehouse.connection, date(2026, 6, 1), metric="orders")
    snooze(warehouse.connection, date(2026, 7, 1), metric="orders")
    assert silent() == [("ab12", None, date(2026, 6, 1)), (None, "orders", date(2026, 7, 1))]
    snooze(warehouse.connection, None, notification_id="ab12")
    assert silent() == [(None, "orders", date(2026, 7, 1))]
    with pytest.raises(ValueError, match="either a notification or a metric"):
        snooze(warehouse.connection, date(2026, 6, 1))


def test_what_is_written_reads_as_it_was_made(warehouse):
    found = warehouse.connection.execute("select * from anomaly.notifications order by notification_id").df()
    assert list(found) == [column.name for column in NOTIFICATIONS.columns]
    row = found.iloc[0]
    assert (row["raised_date"], row["value"], row["is_notified"]) == (pd.Timestamp("2026-05-01"), 50.0, True)
