"""What forecasters had foretold of each day, led along by what came since they said it. Decides no alarm.

A forecast of a week or a month ago knows season, trend and calendar; where the level stands it does not know any more.
So each forecast is moved by a level that begins at nothing on the day it was made and follows the errors since, as
slowly as `follow` does and clipped alike: an anomaly stays one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecom_assets.anomalies.follow import CLIP_SIGMAS, LEVEL_GAIN
from ecom_assets.anomalies.wide import KEYS, Wide
from ecom_assets.anomalies.zscore import Expectation

FORECASTERS = ("champion_expected", "prophet_expected")
MADE_ON = "foretold_on"


@dataclass(frozen=True)
class StandingForecasts:
    """Forecasts of some series.

    Attributes:
        places: columns of `Wide` that have any.
        expected: by forecaster, [day, place] in the space of each series, NaN where nothing was foretold.
        made_on: [day, place], the last day that was known when it was said (days since 1970), NaN where nothing was.
    """

    places: np.ndarray
    expected: tuple[np.ndarray, ...]
    made_on: np.ndarray


def standing_forecasts(daily: pd.DataFrame, wide: Wide) -> StandingForecasts | None:
    """The forecasts in `daily`: columns `FORECASTERS` in the series' own unit, and `MADE_ON`; None without any."""
    if MADE_ON not in daily or not daily[MADE_ON].notna().any():
        return None
    known = daily[daily[MADE_ON].notna()]
    known = known.assign(**{MADE_ON: pd.to_datetime(known[MADE_ON]).to_numpy("datetime64[D]").astype("float64")})
    keys = list(map(tuple, known[KEYS].drop_duplicates().to_numpy()))
    places = np.array([place for place, key in enumerate(wide.keys) if key in set(keys)], dtype=int)
    columns = pd.MultiIndex.from_tuples([wide.keys[place] for place in places], names=KEYS)
    spaces = [wide.spaces[place] for place in places]

    def told(name: str) -> np.ndarray:
        table = known.pivot_table(index="time", columns=KEYS, values=name, dropna=False)
        return table.reindex(index=wide.days, columns=columns).to_numpy("float64")

    expected = tuple(
        np.column_stack([space.forward(values) for space, values in zip(spaces, told(name).T, strict=True)])
        for name in FORECASTERS
    )
    return StandingForecasts(places, expected, told(MADE_ON))


def with_forecasts(
    followed: Expectation, forecasts: StandingForecasts, moved: np.ndarray, planned: np.ndarray
) -> Expectation:
    """Expectations of all series, [day, series]: the middle one of the follower, the champion and Prophet.

    One of them alone that is carried away cannot lead the middle of three astray; where two speak it is their mean.
    On planned days the follower's stands, from which what a plan may do is reckoned.

    Args:
        followed: of all series.
        forecasts: of those that are forecast.
        moved: values of all series, each in its space.
        planned: [day, series].
    """
    places = forecasts.places
    own, sigma, teaches = followed.expected[:, places], followed.sigma[:, places], ~planned[:, places]
    champion, prophet = (_led(each, forecasts.made_on, moved[:, places], sigma, teaches) for each in forecasts.expected)
    middle = np.where(np.isfinite(prophet), np.median([own, champion, prophet], axis=0), (own + champion) / 2)
    expected = followed.expected.copy()
    expected[:, places] = np.where(np.isfinite(middle) & teaches, middle, own)
    return Expectation(expected, followed.sigma)


def _led(
    foretold: np.ndarray, made_on: np.ndarray, moved: np.ndarray, sigma: np.ndarray, teaches: np.ndarray
) -> np.ndarray:
    """Forecasts with the level of the errors since each was made, [day, series]."""
    expected, level, origin = np.full(moved.shape, np.nan), np.zeros(moved.shape[1]), np.full(moved.shape[1], np.nan)
    for day in range(len(moved)):
        is_new = np.isfinite(made_on[day]) & (made_on[day] != origin)
        level, origin = np.where(is_new, 0.0, level), np.where(is_new, made_on[day], origin)
        expected[day] = foretold[day] + level
        error = moved[day] - expected[day]
        known = np.isfinite(error) & teaches[day]
        clip = CLIP_SIGMAS * sigma[day]
        level = level + LEVEL_GAIN * np.clip(np.where(known, error, 0.0), -clip, clip)
    return expected
