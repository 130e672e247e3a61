import numpy as np
import pandas as pd
import pytest

from ecom_assets.forecasting.series import extend, refit_starts, regular, season_lengths


def frame(times, values) -> pd.DataFrame:
    return pd.DataFrame({"time": pd.to_datetime(times), "value": np.asarray(values, dtype="float64")})


def test_unordered_daily_rows_with_a_gap_become_a_regular_grid():
    history = regular(frame(["2026-01-04", "2026-01-01", "2026-01-02", "2026-01-05"], [4, 1, 2, 5]))
    assert list(history.times) == list(pd.date_range("2026-01-01", "2026-01-05"))
    np.testing.assert_array_equal(history.values, [1, 2, np.nan, 4, 5])


def test_jittered_hours_are_snapped_and_two_values_of_one_hour_averaged():
    times = pd.date_range("2026-01-01 00:00:01", periods=60, freq="h").to_series(index=range(60))
    times[10] += pd.Timedelta(minutes=7)
    times[20] = times[19]
    history = regular(pd.DataFrame({"time": times, "value": np.arange(60.0)}))
    assert len(history) == 60
    assert history.times[10] == pd.Timestamp("2026-01-01 10:00:01")
    assert history.values[19] == 19.5
    assert np.isnan(history.values[20])


def test_month_ends_are_months():
    history = regular(frame(pd.date_range("2024-01-31", periods=30, freq="ME"), range(30)))
    assert history.times[1] == pd.Timestamp("2024-02-01")
    assert not np.isnan(history.values).any()
    assert list(history.future(2)) == [pd.Timestamp("2026-07-01"), pd.Timestamp("2026-08-01")]
    assert history.seasons == (12,)


@pytest.mark.parametrize(
    ("freq", "periods", "expected"),
    [("h", 1_000, (24, 168)), ("h", 200, (24,)), ("D", 100, (7,)), ("D", 800, (7, 365)), ("7D", 150, (52,)),
     ("30min", 1_000, (48, 336)), ("MS", 40, (12,)), ("D", 10, ())],
)  # fmt: skip
def test_season_lengths_follow_from_the_calendar(freq, periods, expected):
    assert season_lengths(pd.date_range("2020-01-06", periods=periods, freq=freq)) == expected


def test_days_are_extended_by_days():
    times = pd.date_range("2026-02-20", periods=5)
    assert list(extend(times, 3)) == [pd.Timestamp(f"2026-02-{day}") for day in (25, 26, 27)]


def test_single_events_are_no_series():
    rng = np.random.default_rng(0)
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 1e7, 200) ** 2 / 1e7), unit="s")
    with pytest.raises(ValueError, match="not regular"):
        regular(frame(times, range(200)))


def test_two_points_are_no_series():
    with pytest.raises(ValueError, match="at least 3"):
        regular(frame(["2026-01-01", "2026-01-02"], [1, 2]))


def test_a_shorter_history_knows_fewer_seasons():
    history = regular(frame(pd.date_range("2020-01-01", periods=800), range(800)))
    assert history.until(100).seasons == (7,)
    assert len(history.until(100)) == 100


def test_refits_do_not_depend_on_where_the_series_ends():
    short, long = refit_starts(21, 400, 28, 1 / 8), refit_starts(21, 900, 28, 1 / 8)
    assert short == [start for start in long if start < 400]
    assert short[:3] == [21, 49, 77]
    assert long[-1] - long[-2] == long[-2] // 8
