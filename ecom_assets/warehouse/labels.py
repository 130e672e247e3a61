"""What people say of notifications: labels and snoozes, kept in lineage beside what the machine found.

They are never dropped with derived tables, and are published with lineage. Each statement replaces what was said of
the same notification or metric before. Call these while holding `writer_lock`.
"""

from datetime import date

from ecom_assets.warehouse import records
from ecom_assets.warehouse.connection import Connection, rows, transaction

LABELS = ("expected", "false_alarm", "confirmed")
_COPIED = (
    "kind", "raised_date", "start_date", "end_date", "metric", "dimension", "member", "direction", "severity", "score",
    "series_count", "campaign_name",
)  # fmt: skip


class UnknownNotificationError(LookupError):
    """No notification, or more than one, begins with the id that was given."""


def find_notification(connection: Connection, beginning: str) -> str:
    """The id of the one notification, found or labelled, that begins so.

    Raises:
        UnknownNotificationError: naming the newest ids that there are, or those that begin so.
    """
    sql = """
        select notification_id, max(raised_date) as raised_date from (
            select notification_id, raised_date from anomaly.notifications
            union all select notification_id, raised_date from lineage.labels
        )
        group by notification_id order by raised_date desc, notification_id
    """
    known = [row[0] for row in rows(connection, sql)]
    found = [each for each in known if beginning and each.startswith(beginning.lower())]
    if len(found) == 1 or beginning.lower() in found:
        return found[0] if len(found) == 1 else beginning.lower()
    if found:
        raise UnknownNotificationError(f"{len(found)} notifications begin with {beginning}: {', '.join(found[:8])}")
    there = f"the newest are {', '.join(known[:8])}" if known else "there is none yet"
    raise UnknownNotificationError(f"no notification {beginning}; {there} (ecom anomalies list)")


def label(connection: Connection, notification_id: str, said: str | None, note: str | None = None) -> None:
    """Say what a notification was; None takes back what was said.

    Args:
        connection: the warehouse.
        notification_id: as `find_notification` gives it.
        said: one of `LABELS`, or None.
        note: in people's own words.

    Raises:
        ValueError: another label.
    """
    if said is not None and said not in LABELS:
        raise ValueError(f"label must be one of {', '.join(LABELS)} or none, found {said!r}")
    copied = ", ".join(_COPIED)
    # What was labelled before may no longer be found: then what the label kept of it is kept on.
    sql = f"""
        select {copied} from (
            select {copied}, 1 as rank from anomaly.notifications where notification_id = $id
            union all select {copied}, 2 from lineage.labels where notification_id = $id
        )
        order by rank limit 1
    """
    known = rows(connection, sql, {"id": notification_id})
    if not known:
        raise UnknownNotificationError(f"no notification {notification_id} (ecom anomalies list)")
    with transaction(connection):
        rows(connection, "delete from lineage.labels where notification_id = ?", [notification_id])
        if said is not None:
            records.insert(connection, "labels", [(notification_id, said, note, *known[0], records.now())])


def snooze(
    connection: Connection, until: date | None, notification_id: str | None = None, metric: str | None = None
) -> None:
    """Tell nobody of a notification, or of those named after a metric, up to and including a day; None ends it.

    Raises:
        ValueError: not exactly one of notification and metric is given.
    """
    if (notification_id is None) == (metric is None):
        raise ValueError("snooze takes either a notification or a metric")
    with transaction(connection):
        rows(
            connection,
            "delete from lineage.snoozes where notification_id is not distinct from $id "
            "and metric is not distinct from $metric",
            {"id": notification_id, "metric": metric},
        )
        if until is not None:
            records.insert(connection, "snoozes", [(notification_id, metric, until, records.now())])
