"""What had been expected of a day: the nearest origin before it, the champion's and Prophet's, and the residual."""

from datetime import date, timedelta

import duckdb
import pytest

from ecom_assets.sql import Query

FIRST = date(2026, 3, 1)


@pytest.fixture
def shop() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema forecast")
    connection.execute(
        "create table forecast.series as select business_date::date as business_date, 'orders' as metric, "
        "'total' as dimension, 'all' as member, value::double as value "
        f"from (values ('{FIRST + timedelta(days=1)}', 100), ('{FIRST + timedelta(days=2)}', 130), "
        f"('{FIRST + timedelta(days=9)}', 80)) as t(business_date, value)"
    )
    connection.execute(
        "create table forecast.backtests (metric text, dimension text, member text, model text, origin_date date, "
        "step int, business_date date, mean double, lower_95 double, upper_95 double)"
    )
    connection.execute(
        "create table forecast.expectations (business_date date, metric text, dimension text, member text, "
        "value double, made_on date, days_before int, expected double, lower_95 double, upper_95 double, "
        "prophet_expected double, prophet_lower_95 double, prophet_upper_95 double, zscore double, is_outside boolean)"
    )
    for model, origin, step, mean in (
        ("champion", 0, 1, 100.0), ("champion", 0, 2, 110.0), ("champion", 0, 9, 111.0), ("champion", 7, 2, 90.0),
        ("champion", 7, 3, 91.0), ("prophet", 0, 2, 120.0), ("prophet", 7, 2, 95.0), ("theta", 1, 1, 5.0),
    ):  # fmt: skip
        origin_date = FIRST + timedelta(days=origin)
        connection.execute(
            "insert into forecast.backtests values ('orders', 'total', 'all', ?, ?, ?, ?, ?, ?, ?)",
            [model, origin_date, step, origin_date + timedelta(days=step), mean, mean - 5, mean + 10],
        )
    return connection


def test_the_newest_origin_before_the_day_speaks_for_it(shop):
    said = shop.execute(Query("forecast/expectations").sql).df()
    assert said["days_before"].tolist() == [1, 2, 2]
    assert said["expected"].tolist() == [100, 110, 90]
    assert said["prophet_expected"].fillna(-1).tolist() == [-1, 120, 95]
    assert said["is_outside"].tolist() == [False, True, True]
    assert said["zscore"].tolist() == pytest.approx([0, 1.96 * 20 / 10, -1.96 * 10 / 5])


def test_what_was_once_said_of_a_day_stays_and_is_compared_with_what_came(shop):
    shop.register("said", shop.execute(Query("forecast/expectations").sql).df())
    shop.execute("insert into forecast.expectations by name select * from said where days_before < 2 or expected = 90")
    shop.execute("update forecast.series set value = value + 1")
    shop.execute("update forecast.backtests set mean = 2 * mean, origin_date = origin_date - 1, step = step + 1")
    later = shop.execute(Query("forecast/expectations").sql).df()
    assert later["value"].tolist() == [101, 131, 81]
    assert later["expected"].tolist() == [100, 220, 90], "only the day that nothing was said of is told anew"
    assert later["days_before"].tolist() == [1, 3, 2]


def test_tests_that_reach_further_back_say_nothing_of_days_before_the_first_that_was_spoken_of(shop):
    shop.execute(
        "insert into forecast.expectations by name select * from "
        f"({Query('forecast/expectations').sql}) where days_before = 2 and expected = 110"
    )
    later = shop.execute(Query("forecast/expectations").sql).df()
    assert later["business_date"].dt.day.tolist() == [3, 10]


def test_without_an_interval_nothing_is_said_of_how_far_a_day_lies(shop):
    shop.execute("update forecast.backtests set lower_95 = null, upper_95 = null")
    said = shop.execute(Query("forecast/expectations").sql).df()
    assert said["expected"].notna().all()
    assert said[["zscore", "is_outside"]].isna().all(axis=None)
