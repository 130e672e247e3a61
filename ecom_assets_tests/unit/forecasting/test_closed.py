"""Days to come on which nothing is sold: as stated, as seen, and where the two do not agree."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.closed import closed_ahead
from ecom_assets.forecasting.series import History
from ecom_assets.settings import Shop

NEWEST = pd.Timestamp("2026-04-25")  # a Saturday: Sundays lie 1, 8, 15 and 22 days ahead
HOLIDAY = date(2026, 5, 1)


def history(length: int = 112, sundays: float = np.nan) -> History:
    """Days up to NEWEST with a value on each but Sundays, of which it is as stated."""
    times = pd.date_range(end=NEWEST, periods=length).as_unit("ns")
    values = np.where(times.day_of_week == 6, sundays, 100.0)
    return History(times, values, (7,), True)


def shop(**calendar: object) -> Shop:
    return Shop(name="S", first_day="2024-01-01", sources={"orders": "simulated"}, **calendar)


def ahead(history: History, calendar: Shop | None = None) -> list[int]:
    """How many days ahead the closed ones lie."""
    closed = closed_ahead(history, 28, calendar.is_closed if calendar else None)
    assert closed.shape == (28,)
    return [int(step) + 1 for step in np.flatnonzero(closed)]


@pytest.mark.parametrize("length", [33, 60, 400])
def test_a_weekday_that_never_has_a_value_is_closed_though_nobody_stated_it(length):
    assert ahead(history(length)) == [1, 8, 15, 22]
    assert ahead(history(length, sundays=0.0)) == [], "zeros are values, which forecasters learn from"


def test_a_weekday_on_which_something_came_within_eight_weeks_is_not():
    opened = history()
    for weeks, is_open in ((8, True), (9, False)):
        values = opened.values.copy()
        values[-7 * weeks] = 70.0  # a Sunday
        assert opened.times[-7 * weeks].day_of_week == 6
        seen = History(opened.times, values, (7,), True)
        assert (ahead(seen) == []) == is_open


def test_stated_days_are_closed_beside_them():
    assert ahead(history(), shop(closed_days=(HOLIDAY,))) == [1, 6, 8, 15, 22]
    assert ahead(history(sundays=50.0), shop(closed_days=(HOLIDAY,))) == [6]


def test_a_stated_weekday_is_closed_where_nothing_came_on_it():
    assert ahead(history(sundays=0.0), shop(closed_weekdays=("sunday",))) == [1, 8, 15, 22]


def test_what_comes_on_closed_days_too_goes_on_coming():
    assert ahead(history(sundays=50.0), shop(closed_weekdays=("sunday",), closed_days=(HOLIDAY,))) == []


def test_a_shop_that_closed_its_sundays_a_month_ago_is_closed_on_them():
    values = history(sundays=50.0).values.copy()
    times = history().times
    values[(times.day_of_week == 6) & (times > NEWEST - pd.Timedelta(days=28))] = np.nan
    closing = History(times, values, (7,), True)
    assert ahead(closing) == [], "not yet by what was seen alone"
    assert ahead(closing, shop(closed_weekdays=("sunday",))) == [1, 8, 15, 22]
