"""Which series are forecast, and what stands in their gaps."""

from datetime import date

from ecom_assets.sql import Query
from ecom_assets_tests.factories import build, empty_warehouse, fetch

FIRST, SECOND, THIRD = (date(2026, 3, day) for day in (1, 2, 3))


def made(rows: list[tuple], wanted: list[str]) -> dict[tuple, float]:
    connection = empty_warehouse()
    connection.executemany("insert into kpi.daily_metrics values (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("drop table forecast.series")
    build(connection, Query("forecast/series", {"wanted": wanted}), {})
    return {
        (row["metric"], row["member"], row["business_date"]): row["value"]
        for row in fetch(connection, "forecast.series")
    }


def additive(day: date, metric: str, member: str, value: float) -> tuple:
    return (day, metric, "total" if member == "all" else "channel", member, value, None, value)


def ratio(day: date, metric: str, member: str, above: float, below: float) -> tuple:
    return (day, metric, "total" if member == "all" else "channel", member, above, below, above / below)


def test_a_sum_without_a_row_is_zero_from_the_members_first_day_on():
    rows = [additive(day, "orders", "all", 5) for day in (FIRST, SECOND, THIRD)]
    found = made([*rows, additive(SECOND, "orders", "email", 2)], ["orders by total", "orders by channel"])
    assert {key[2]: value for key, value in found.items() if key[1] == "email"} == {SECOND: 2.0, THIRD: 0.0}


def test_a_day_on_which_the_total_is_unknown_stays_unknown():
    rows = [additive(FIRST, "orders", "all", 5), additive(THIRD, "orders", "all", 5)]
    found = made([*rows, additive(FIRST, "orders", "email", 2)], ["orders by total", "orders by channel"])
    assert sorted(key[2] for key in found if key[1] == "email") == [FIRST, THIRD]


def test_a_ratio_without_a_row_is_unknown():
    rows = [ratio(day, "conversion_rate", "all", 5, 100) for day in (FIRST, SECOND)]
    found = made([*rows, ratio(FIRST, "conversion_rate", "email", 1, 10)],
                 ["conversion_rate by total", "conversion_rate by channel"])  # fmt: skip
    assert [key[2] for key in found if key[1] == "email"] == [FIRST]


def test_what_is_not_marked_is_not_there():
    rows = [additive(FIRST, "orders", "all", 5), additive(FIRST, "items", "all", 9),
            additive(FIRST, "orders", "email", 2)]  # fmt: skip
    assert set(made(rows, ["orders by total"])) == {("orders", "all", FIRST)}
