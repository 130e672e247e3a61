"""Days to come on which a shop will not trade, as one series and a given calendar show. Forecasts nothing."""

from collections.abc import Callable
from datetime import date

import numpy as np

from ecom_assets.forecasting.series import History

IsClosed = Callable[[date], bool]
"""Whether the shop's calendar says that it does not trade on a day."""

LOOK_BACK_DAYS = 56
STATED_DAYS = 8


def closed_ahead(history: History, horizon: int, is_closed: IsClosed | None = None) -> np.ndarray:
    """Which of the next `horizon` days of a daily series will have no value, bool of that shape.

    A weekday that had none in the last eight weeks, whatever the calendar states: few will think of stating it. And
    days that the calendar states, unless on most of the last eight such days something came all the same: people ask
    for help on days on which nothing is sold.
    """
    past, ahead = history.times, history.future(horizon)
    has_value = np.isfinite(history.values)
    open_weekdays = past[-LOOK_BACK_DAYS:][has_value[-LOOK_BACK_DAYS:]].day_of_week
    never = ~ahead.day_of_week.isin(open_weekdays)
    if is_closed is None:
        return never
    stated_before = np.flatnonzero([is_closed(day) for day in past.date])[-STATED_DAYS:]
    came = has_value[stated_before] & (history.values[stated_before] != 0)
    if came.size and came.mean() > 0.5:
        return never
    return never | np.array([is_closed(day) for day in ahead.date], dtype=bool)
