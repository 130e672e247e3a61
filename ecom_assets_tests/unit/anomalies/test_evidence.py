import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.evidence import event_evidence, file_faults

DAYS = pd.date_range("2026-03-01", periods=40)


def lineage(**of_last_day: float) -> pd.DataFrame:
    """Forty days of orders, the last of them as stated."""
    quiet = {"rows": 300.0, "repeated_rows": 0.0, "quarantined_rows": 1.0, "last_event_hour": 23.9}
    table = pd.DataFrame({"business_date": DAYS, "dataset": "orders", "is_missing": False, "is_late": False, **quiet})
    for name, value in of_last_day.items():
        table.loc[39, name] = value
    return table


def test_quiet_files_are_at_no_fault():
    assert file_faults(lineage()).empty


def test_rows_that_came_twice():
    said = file_faults(lineage(rows=390.0, repeated_rows=90.0))
    assert said["business_date"].tolist() == [DAYS[39]]
    assert said["repeated_rate"].iloc[0] == 90 / 390


def minute_lines(rng: np.random.Generator, orders: int) -> np.ndarray:
    """Lines of a day whose clock tells only minutes of ten hours: 600 × product, of which a few sell most."""
    products = rng.choice(30, p=np.arange(30, 0, -1) / 465, size=orders)
    return rng.integers(600, size=orders) * 30 + products


def repeats(rows: np.ndarray) -> dict[str, float]:
    return {"rows": len(rows), "repeated_rows": len(rows) - len(np.unique(rows))}


@pytest.fixture(scope="module")
def minutes() -> list[np.ndarray]:
    """Days on which about a row in seven repeats another by chance."""
    rng = np.random.default_rng(5)
    return [minute_lines(rng, rng.poisson(4_000)) for _ in DAYS]


def test_rows_that_repeat_others_every_day_came_once(minutes):
    days = pd.DataFrame([repeats(rows) for rows in minutes])
    assert (days["repeated_rows"] / days["rows"]).mean() > 0.1
    assert file_faults(lineage().assign(**days)).empty


@pytest.mark.parametrize("copies", [400, 4_000])
def test_what_came_twice_is_found_among_rows_that_repeat_others_every_day(minutes, copies):
    resent = np.concatenate([minutes[39], minutes[39][:copies]])
    days = pd.DataFrame([repeats(rows) for rows in [*minutes[:39], resent]])
    said = file_faults(lineage().assign(**days))
    assert said["business_date"].tolist() == [DAYS[39]]
    # A day of more rows repeats more by chance, which is not held against it: the share may be told too low.
    assert 0.5 * copies / len(resent) < said["repeated_rate"].iloc[0] < 1.1 * copies / len(resent)


def test_a_busy_day_repeats_more_by_chance(minutes):
    busy = minute_lines(np.random.default_rng(6), 10_000)
    days = pd.DataFrame([repeats(rows) for rows in [*minutes[:39], busy]])
    share = days["repeated_rows"] / days["rows"]
    assert share.iloc[39] > share.iloc[:39].max() + 0.1
    assert file_faults(lineage().assign(**days)).empty


def test_a_file_that_ends_early():
    assert np.isclose(file_faults(lineage(last_event_hour=17.9))["hours_missing"].iloc[0], 6.0)


def till(ends: dict[str, float], weeks: int = 12, closed: str = "Sunday") -> pd.DataFrame:
    """A till's days from a Monday on: it rings until eight, on the weekdays of `ends` until then, on one not at all."""
    days = pd.date_range("2026-03-02", periods=7 * weeks)
    table = pd.DataFrame({"business_date": days, "dataset": "orders", "rows": 200.0, "last_event_hour": 19.9})
    for weekday, end in ends.items():
        table.loc[days.day_name() == weekday, "last_event_hour"] = end
    return table[days.day_name() != closed]


@pytest.mark.parametrize("weeks", [2, 4, 6, 12])
def test_a_shop_may_close_early_on_one_weekday(weeks):
    assert file_faults(till({"Saturday": 13.9}, weeks)).empty


def test_a_shop_may_close_early_every_other_saturday():
    table = till({"Saturday": 15.9})
    first = table["business_date"].dt.isocalendar().week % 2 == 0
    table.loc[first & (table["business_date"].dt.day_of_week == 5), "last_event_hour"] = 12.9
    assert file_faults(table).empty


@pytest.mark.parametrize(("day", "end", "missing"), [("2026-05-16", 11.9, 2.0), ("2026-05-15", 13.9, 6.0)])
def test_a_file_that_ends_before_its_weekday_does_is_cut_off(day, end, missing):
    table = till({"Saturday": 13.9})
    table.loc[table["business_date"] == day, "last_event_hour"] = end
    said = file_faults(table)
    assert said["business_date"].tolist() == [pd.Timestamp(day)], "and the same weekday a week later is not the less"
    assert said["hours_missing"].iloc[0] == pytest.approx(missing)


def test_two_files_that_were_cut_off_on_one_weekday_are_both_found():
    table = till({"Saturday": 13.9})
    cut = table["business_date"].isin(pd.to_datetime(["2026-04-29", "2026-05-13"]))
    table.loc[cut, "last_event_hour"] = 13.9
    assert file_faults(table)["business_date"].tolist() == table.loc[cut, "business_date"].tolist()


def test_a_weekday_on_which_the_shop_opens_at_last_has_no_usual_end():
    opened = till({"Saturday": 13.9, "Sunday": 15.9}, closed="")
    is_closed = (opened["business_date"].dt.day_of_week == 6) & (opened["business_date"] < "2026-05-01")
    assert file_faults(opened[~is_closed]).empty


def test_more_in_quarantine_than_usual():
    assert file_faults(lineage(rows=200.0, quarantined_rows=100.0))["quarantined_rate"].iloc[0] > 0.3


def test_what_is_not_said_is_no_evidence():
    assert file_faults(lineage()[["business_date", "dataset"]]).empty


def test_another_datasets_past_is_not_ones_own():
    other = lineage().assign(dataset="page_load_times", last_event_hour=12.0)
    assert file_faults(pd.concat([lineage(), other])).empty


def test_a_file_of_few_rows_may_end_early_by_chance():
    few = lineage(last_event_hour=17.9).assign(rows=9.0)
    assert file_faults(few).empty
    assert not file_faults(few.assign(rows=30.0)).empty


def test_tracking_is_weighed_where_it_fell_furthest_by_its_own_spread():
    key = {"metric": "tracking_coverage_rate", "time": DAYS[39]}
    points = pd.DataFrame(
        [
            {**key, "dimension": "", "member": "", "value": 0.95, "expected": 1.0, "zscore": -1.2},
            {**key, "dimension": "channel", "member": "email", "value": 0.97, "expected": 1.0, "zscore": -9.0},
            {**key, "dimension": "channel", "member": "direct", "value": 0.5, "expected": 1.0, "zscore": -20.0},
        ]
    )
    said = pd.DataFrame({"notification_id": [1], "raised": [DAYS[39]], "metric": ["orders"]})
    members = points.iloc[[1]].assign(notification_id=1)
    row = event_evidence(said, members, points).iloc[0]
    assert row["tracking_change_rate"] == pytest.approx(-0.03)
    assert row["tracking_zscore"] == -9.0
    assert row["tracking_member"] == "channel email"
    assert event_evidence(said, members.iloc[:0], points).iloc[0]["tracking_member"] == "", "of the whole shop"


@pytest.mark.parametrize(("metric", "twice"), [("orders", 90 / 390), ("price_index", 0.0)])
def test_rows_that_came_twice_have_the_prices_that_they_had(metric, twice):
    """Prices that someone set wrongly on the day of a faulty file are a cause of their own."""
    key = {"time": DAYS[39], "dimension": "category", "member": "Toys"}
    points = pd.DataFrame(
        [
            {**key, "metric": "orders", "value": 80.0, "expected": 60.0, "zscore": 4.0, "is_watched": True},
            {**key, "metric": "price_index", "value": 0.6, "expected": 1.0, "zscore": -20.0, "is_watched": True},
        ]
    )
    said = pd.DataFrame({"notification_id": [1], "raised": [DAYS[39]], "metric": [metric]})
    members = points.assign(notification_id=1)
    row = event_evidence(said, members, points, lineage(rows=390.0, repeated_rows=90.0)).iloc[0]
    assert row["duplicate_rate"] == pytest.approx(twice)
    assert row["price_change_rate"] == pytest.approx(-0.4)
