"""Who is told of what, and what labels and snoozes change: all by hand."""

import pandas as pd
import pytest

from ecom_assets.anomalies.notifications import (
    notifications,
    plans_that_did_not_show,
    shop_notifications,
)
from ecom_assets.contracts import contract

ORDERS = {"metric": "orders", "dimension": "total", "member": "all"}
EMAIL = {"metric": "sessions", "dimension": "channel", "member": "email"}
NEWEST = pd.Timestamp("2026-05-31")


def cause(name: str, day: str, series: dict | None = None, score: float = 3.0, **more) -> dict:
    at = pd.Timestamp(day)
    return {
        "notification_id": name, "raised_date": at, "start_date": at, "end_date": at + pd.Timedelta(days=1),
        "is_open": False, **(series or ORDERS), "direction": "down", "severity": "minor", "score": score,
        "series_count": 2, "value": 50.0, "expected": 100.0, "lower": 80.0, "upper": 120.0, "effect_rate": -0.5,
        "bar": 2.5, "verdict": "business_change", "fault_score": 0.1, "reasons": "no sign of a fault", **more,
    }  # fmt: skip


def label(name: str, said: str, day: str, series: dict | None = None) -> dict:
    kept = cause(name, day, series)
    fields = ("raised_date", "start_date", "end_date", *ORDERS, "direction", "severity", "score", "series_count")
    return {"notification_id": name, "label": said, "note": "as agreed", "kind": "anomaly", "campaign_name": None,
            **{key: kept[key] for key in fields}, "labelled_at": NEWEST}  # fmt: skip


def snooze(until: str, at: str, name: str | None = None, metric: str | None = None) -> dict:
    return {"notification_id": name, "metric": metric, "until_date": pd.Timestamp(until),
            "snoozed_at": pd.Timestamp(at)}  # fmt: skip


LABELS, SNOOZES, MISSING = list(label("a", "expected", "2026-05-01")), list(snooze("2026-05-01", "2026-05-01")), [
    "campaign_name", "channel", "kind", "starts_date", "ends_date", "business_date", *ORDERS, "shown_rate",
    "shortfall_sigmas",
]  # fmt: skip


def told(causes=(), labels=(), snoozes=(), missing=(), deliveries=None) -> pd.DataFrame:
    causes = pd.DataFrame(list(causes), columns=list(cause("a", "2026-05-01")))
    said = pd.DataFrame(
        [(each, "orders", deliveries) for each in causes["notification_id"]],
        columns=["notification_id", "datasets", "deliveries"],
    )
    return notifications(
        causes, pd.DataFrame(list(missing), columns=MISSING), said, pd.DataFrame(list(labels), columns=LABELS),
        pd.DataFrame(list(snoozes), columns=SNOOZES), NEWEST,
    ).set_index("notification_id")  # fmt: skip


def test_the_table_has_the_columns_of_its_contract():
    columns = [column.name for column in contract("anomaly/notifications").columns]
    for table in (told(), told([cause("a", "2026-05-01")])):
        assert ["notification_id", *table.columns] == columns


def test_an_unlabelled_cause_is_told():
    row = told([cause("a", "2026-05-01")]).loc["a"]
    assert (row["is_notified"], row["verdict"], row["kind"]) == (True, "business_change", "anomaly")
    assert row["muted_because"] is None


def test_what_was_wrong_with_deliveries_is_told_beside_the_reasons():
    row = told([cause("a", "2026-05-01")], deliveries="orders 2026-05-01 did not come").loc["a"]
    assert row["evidence"] == "no sign of a fault; orders 2026-05-01 did not come"


@pytest.mark.parametrize(("day", "is_told"), [("2026-05-10", True), ("2026-05-11", False)])
def test_a_forecast_is_told_where_the_day_left_it_and_missed_nowhere(day, is_told):
    causes = pd.DataFrame([cause("a", "2026-05-10")]).astype({"reasons": "str"})
    left = {"business_date": day, **ORDERS, "days_before": 2, "expected": 100.0, "lower_95": 90.0, "upper_95": 110.0,
            "prophet_expected": None, "zscore": -4.0}  # fmt: skip
    found = shop_notifications(
        causes, pd.DataFrame(columns=MISSING), pd.DataFrame(columns=["business_date", "dataset"]),
        pd.DataFrame({"business_date": [NEWEST]}), pd.DataFrame(columns=["metric", "dataset"]), pd.DataFrame([left]),
        pd.DataFrame(columns=LABELS), pd.DataFrame(columns=SNOOZES),
    )  # fmt: skip
    interval = "outside the 95 % forecast interval of 2 days before (90 to 110, -4.0 sigmas from 100)"
    assert found["evidence"].tolist() == ["no sign of a fault" + (f"; {interval}" if is_told else "")]


def test_what_people_expected_was_planned_unless_it_is_a_fault():
    found = [cause("a", "2026-05-01")]
    said = [label("a", "expected", "2026-05-01")]
    row = told(found, said).loc["a"]
    assert (row["verdict"], row["label"], row["label_note"]) == ("planned", "expected", "as agreed")
    fault = [cause("a", "2026-05-01", verdict="data_fault")]
    assert told(fault, said).loc["a", "verdict"] == "data_fault"
    assert told(found, [label("a", "confirmed", "2026-05-01")]).loc["a", "verdict"] == "business_change"


def test_each_false_alarm_halves_how_often_its_series_may_alarm():
    """The shop alarms from 2.5 on; each false alarm of a series adds log10(2) = 0.30 for that series."""
    false = [label("a", "false_alarm", "2026-05-01")]
    found = [cause("a", "2026-05-01"), cause("b", "2026-05-10", score=2.7), cause("c", "2026-05-10", score=2.85),
             cause("d", "2026-05-10", EMAIL, score=2.5), cause("e", "2026-04-01", score=2.5)]  # fmt: skip
    table = told(found, false)
    assert table["is_notified"].to_dict() == {"a": True, "b": False, "c": True, "d": True, "e": True}
    assert table.loc["b", "muted_because"] == ("a false alarm of this series raised its bar to 2.8, and it scored 2.7")
    twice = [*false, label("c", "false_alarm", "2026-05-10")]
    later = [*found, cause("f", "2026-05-20", score=3.0), cause("g", "2026-05-20", score=3.15)]
    table = told(later, twice)
    assert (table.loc["f", "is_notified"], table.loc["g", "is_notified"]) == (False, True)


def test_what_was_labelled_stays_when_it_is_found_no_more():
    table = told(
        [cause("b", "2026-05-20")], [label("a", "expected", "2026-05-01"), label("z", "confirmed", "2026-04-01")]
    )
    assert list(table.index) == ["z", "a", "b"]
    assert (table.loc["a", "verdict"], table.loc["a", "is_open"]) == ("planned", False)
    assert table.loc["z", "verdict"] == "business_change"
    assert "labelled as expected" in table.loc["a", "evidence"]
    assert pd.isna(table.loc["a", "value"])


def test_a_label_follows_a_notification_whose_first_day_was_restated():
    table = told([cause("new", "2026-05-02"), cause("far", "2026-05-20")], [label("old", "confirmed", "2026-05-01")])
    assert list(table.index) == ["old", "far"], "under the name that it was labelled by"
    assert table.loc["old", "label"] == "confirmed"
    assert table.loc["far", "label"] is None


def test_a_snoozed_notification_is_silent_until_the_day_has_passed():
    found = [cause("a", "2026-05-30"), cause("b", "2026-05-30")]
    table = told(found, snoozes=[snooze("2026-05-31", "2026-05-30", name="a")])
    assert table["is_notified"].to_dict() == {"a": False, "b": True}
    assert table.loc["a", "muted_because"] == "snoozed until 2026-05-31"
    assert told(found, snoozes=[snooze("2026-05-30", "2026-05-30", name="a")]).loc["a", "is_notified"]


def test_a_snoozed_metric_is_silent_for_what_is_raised_meanwhile():
    found = [cause("before", "2026-05-10"), cause("inside", "2026-05-20"), cause("after", "2026-05-26"),
             cause("other", "2026-05-20", EMAIL)]  # fmt: skip
    table = told(found, snoozes=[snooze("2026-05-25", "2026-05-15 09:00", metric="orders")])
    assert table["is_notified"].to_dict() == {"before": True, "inside": False, "after": True, "other": True}
    assert table.loc["inside", "muted_because"] == "orders is snoozed until 2026-05-25"


def plan(series: dict, sigmas: float, channel: str | None = None, name: str = "Spring sale") -> dict:
    return {
        "campaign_name": name, "channel": channel, "kind": "promotion", "starts_date": pd.Timestamp("2026-05-04"),
        "ends_date": pd.Timestamp("2026-05-08"), "business_date": pd.Timestamp("2026-05-05"), **series,
        "shown_rate": 0.1, "shortfall_sigmas": sigmas,
    }  # fmt: skip


def test_a_plan_that_did_not_show_is_told_once():
    channel = {"metric": "orders", "dimension": "channel", "member": "email"}
    table = told(missing=[plan(ORDERS, 4.5), plan({**ORDERS, "metric": "net_amount"}, 3.5), plan(channel, 9.0)])
    (row,) = table.to_dict("records")
    assert (row["kind"], row["metric"], row["score"], row["series_count"]) == ("missing_plan", "orders", 4.5, 3)
    assert (row["severity"], row["campaign_name"], row["direction"]) == ("major", "Spring sale", "down")
    assert "Spring sale was planned from 2026-05-04 on, and 10% of its usual effect showed" in row["evidence"]
    assert row["is_notified"]


def test_a_plan_is_missing_where_it_was_meant_to_show():
    email = {"metric": "orders", "dimension": "channel", "member": "email"}
    refunds = {"metric": "refund_amount", "dimension": "total", "member": "all"}
    assert told(missing=[plan(email, 9.0)]).empty, "the shop's demand showed it"
    assert told(missing=[plan(refunds, 9.0)]).empty, "refunds are no demand"
    assert len(told(missing=[plan(email, 9.0, channel="email")])) == 1
    assert plans_that_did_not_show(pd.DataFrame(columns=MISSING), None).empty


@pytest.mark.parametrize("said", ["expected", "false_alarm", "confirmed"])
def test_what_was_labelled_itself_is_not_silenced_by_its_label(said):
    assert told([cause("a", "2026-05-01", score=2.5)], [label("a", said, "2026-05-01")]).loc["a", "is_notified"]
