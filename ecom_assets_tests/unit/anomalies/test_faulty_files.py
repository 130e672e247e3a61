import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.faulty_files import expected_move, with_faults
from ecom_assets.anomalies.judgement import Judgement
from ecom_assets.anomalies.space import Space
from ecom_assets.anomalies.wide import Wide
from ecom_assets.forecasting.transform import Transform

DAYS = pd.date_range("2026-01-01", periods=100)
SIGMA = {"orders": 0.1, "refund_rate": 0.2, "pages_per_session": 0.01, "error_rate": 0.1}
LEVEL = {"orders": 500.0, "refund_rate": 8.0, "pages_per_session": 5.0, "error_rate": 3.0}


@pytest.fixture(scope="module")
def wide() -> Wide:
    """Four metrics at their level, judged by their logarithm."""
    values = np.tile([*LEVEL.values()], (len(DAYS), 1))
    space = Space(Transform("log"), 0.0, 0.0, 0.01)
    return Wide(DAYS, [(metric, "", "") for metric in LEVEL], values, np.log(values), [space] * 4, np.full(4, True))


def judged(wide: Wide) -> Judgement:
    """Nothing is odd, and the noise of each metric is `SIGMA`."""
    quiet = np.zeros(wide.moved.shape)
    sigma = np.tile([SIGMA[metric] for metric, *_ in wide.keys], (len(DAYS), 1))
    expected = np.tile(np.log([LEVEL[metric] for metric, *_ in wide.keys]), (len(DAYS), 1))
    return Judgement(expected, sigma, quiet, quiet > 0, {}, quiet, expected, sigma, {})


def lineage(dataset: str, **of_last_day: float) -> pd.DataFrame:
    table = pd.DataFrame({"business_date": DAYS, "dataset": dataset, "rows": 1000.0, "repeated_rows": 0.0})
    table = table.assign(last_event_hour=23.9)
    for name, value in of_last_day.items():
        table.loc[99, name] = value
    return table


def scores(wide: Wide, table: pd.DataFrame) -> dict[str, float]:
    last = with_faults(wide, judged(wide), table).consensus[99]
    return {metric: score for (metric, *_), score in zip(wide.keys, last, strict=True)}


def test_rows_that_came_twice_move_orders_up_and_what_is_divided_by_them_down(wide):
    fault = {"dataset": "orders", "repeated_rate": 0.2, "hours_missing": 0.0}
    move = dict(zip([key[0] for key in wide.keys], expected_move(wide, judged(wide), 99, fault), strict=True))
    # A fifth of the rows are copies: a quarter more than there should be, of which the logarithm is 0.223.
    assert move["orders"] == pytest.approx(np.log(1.25) / 0.1)
    assert move["refund_rate"] == pytest.approx(-np.log(1.25) / 0.2)
    assert (move["pages_per_session"], move["error_rate"]) == (0, 0)


def test_what_a_file_moved_by_two_sigmas_is_sure_and_what_by_one_is_half(wide):
    said = scores(wide, lineage("orders", repeated_rows=200.0))
    assert (said["orders"], said["refund_rate"], said["error_rate"]) == (12.0, 6.0, 0.0)


def test_the_same_share_drowns_in_a_noisy_series(wide):
    assert set(scores(wide, lineage("orders", repeated_rows=100.0)).values()) == {0.0}
    assert scores(wide, lineage("clickstream", last_event_hour=22.2))["pages_per_session"] == 12.0


def test_all_that_is_made_of_a_file_is_marked_with_its_fault(wide):
    found = with_faults(wide, judged(wide), lineage("orders", last_event_hour=14.0)).faults
    marked = {key[0] for key, fault in zip(wide.keys, found[99], strict=True) if fault == "orders cut"}
    assert marked == {"orders", "refund_rate"}
    assert set(found[:99].ravel()) == {""}


def test_rows_that_repeat_others_every_day_move_nothing(wide):
    table = lineage("orders").assign(repeated_rows=350.0)
    assert with_faults(wide, judged(wide), table).consensus.max() == 0.0
    table.loc[99, "repeated_rows"] = 600.0
    assert scores(wide, table)["orders"] == 12.0


def test_a_file_that_was_cut_off_is_called_so_though_a_row_came_twice(wide):
    found = with_faults(wide, judged(wide), lineage("orders", last_event_hour=14.0, repeated_rows=5.0)).faults
    assert set(found[99]) == {"orders cut", ""}


def test_a_day_that_is_not_known_is_not_odd(wide):
    moved = wide.moved.copy()
    moved[99] = np.nan
    unknown = Wide(wide.days, wide.keys, wide.values, moved, wide.spaces, wide.is_told)
    assert set(scores(unknown, lineage("orders", repeated_rows=400.0)).values()) == {0.0}
