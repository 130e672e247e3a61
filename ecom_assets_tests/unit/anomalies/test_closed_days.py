"""A till that rings until eight, on Saturdays until two and on Sundays never: what is usual of it alarms nobody."""

import numpy as np
import pandas as pd
import pytest

from ecom_assets.anomalies.shop import detect_shop

DAYS = pd.date_range("2026-01-01", periods=180)
SATURDAY, SUNDAY = 5, 6
FACTORS = {"orders": 1.0, "ordered_amount": 40.0, "net_amount": 38.0}


def till(**faults: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Daily metrics and lineage without a row on Sundays; `faults` of orders' lineage on the Tuesday 2 June."""
    rng = np.random.default_rng(3)
    weekday = DAYS.day_of_week.to_numpy()
    orders = np.where(weekday == SATURDAY, 130, 200) * np.exp(rng.normal(0, 0.06, len(DAYS)))
    parts = [
        pd.DataFrame({"time": DAYS, "metric": metric, "dimension": "", "member": "",
                      "value": orders * factor * np.exp(rng.normal(0, 0.03, len(DAYS)))})
        for metric, factor in FACTORS.items()
    ]  # fmt: skip
    ends = np.where(weekday == SATURDAY, 13.9, 19.9) - rng.exponential(0.05, len(DAYS))
    lineage = pd.DataFrame({"business_date": DAYS, "dataset": "orders", "rows": orders, "last_event_hour": ends})
    lineage["repeated_rows"] = 0.35 * orders  # its clock tells hours
    for name, value in faults.items():
        lineage.loc[lineage["business_date"] == "2026-06-02", name] = value
    daily = pd.concat(parts, ignore_index=True)
    return daily[daily["time"].dt.day_of_week != SUNDAY], lineage[weekday != SUNDAY]


def test_what_is_usual_of_a_till_alarms_nobody():
    daily, lineage = till()
    assert detect_shop(daily, lineage=lineage).notifications.empty


@pytest.mark.parametrize("fault", [{"last_event_hour": 13.9}, {"repeated_rows": 140.0}])
def test_what_is_not_alarms_on_its_day(fault):
    daily, lineage = till(**fault)
    told = detect_shop(daily, lineage=lineage).notifications
    assert told["raised"].tolist() == [pd.Timestamp("2026-06-02")]
