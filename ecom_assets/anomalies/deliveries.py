"""Deliveries beside those of the days before, laid beside what was found: the evidence that `verdict` weighs.

Every expectation rests on the days before the day that is judged. Reads no lineage itself.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.tables import SERIES
from ecom_assets.anomalies.verdict import verdicts
from ecom_assets.metrics import ALL, TOTAL

USUAL_DAYS, FEWEST_USUAL_DAYS = 28, 7
WEEKS, FEWEST_WEEKS = 8, 3
LOOKED_AT_DAYS = 3
TRACKING, AMOUNT = "tracking_coverage_rate", "average_order_value"
SAME_VISITORS = ("website_traffic", "session_tracking", "clickstream", "page_load_times")
SAME_ORDERS = ("orders", "order_items")
"""Datasets that tell of the same visitors, or the same orders: where only one of them moved, customers did not."""
_DAY_COLUMNS = [
    "failed_checks", "missing_checks", "missing_days", "late_files", "duplicate_rate", "quarantined_rate",
    "last_hours_missing",
]  # fmt: skip


def judged(
    causes: pd.DataFrame, deliveries: pd.DataFrame, daily: pd.DataFrame, metric_datasets: pd.DataFrame
) -> pd.DataFrame:
    """The verdict on each cause: notification_id, verdict, fault_score, evidence (in words) and datasets.

    Args:
        causes: rows of anomaly/causes.
        deliveries: rows of anomaly/evidence.
        daily: business_date, dimension, member and value of tracking_coverage_rate and average_order_value (metric).
        metric_datasets: metric and dataset, which it is made of.
    """
    beside = beside_usual(deliveries)
    changes = {key: _changes(rows) for key, rows in daily.groupby(SERIES)}
    datasets = metric_datasets.groupby("metric")["dataset"].agg(list).to_dict()
    rows = [_evidence(cause, beside, changes, datasets.get(cause["metric"], [])) for cause in causes.to_dict("records")]
    found = verdicts(pd.DataFrame(rows)) if rows else verdicts(pd.DataFrame(columns=["event_id"]))
    said = [row["words"] for row in rows]
    return pd.DataFrame(
        {
            "notification_id": found["event_id"],
            "verdict": found["verdict"].str.replace(" ", "_"),
            "fault_score": found["fault_score"],
            "evidence": [f"{reasons}{words}" for reasons, words in zip(found["reasons"], said, strict=True)],
            "datasets": [", ".join(datasets.get(cause, [])) or None for cause in causes["metric"]],
        }
    )


def beside_usual(deliveries: pd.DataFrame) -> pd.DataFrame:
    """`deliveries` with what is out of the ordinary of each, as columns of the evidence that `verdict` knows.

    Rates and hours are what lies beyond nine in ten of the 28 days before. The volume is compared with the median
    of the same weekday in the eight weeks before, or of the 28 days before where fewer than three of these are known.
    """
    parts = [_beside_usual(rows.sort_values("business_date")) for _, rows in deliveries.groupby("dataset", sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else deliveries.assign(**dict.fromkeys(_DAY_COLUMNS, np.nan))


def _beside_usual(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = rows.astype(dict.fromkeys(("rows", "repeated_rows", "quarantined_rows", "last_event_hour"), "float64"))
    count, came = numbers["rows"], numbers["rows"].where(numbers["rows"] > 0)
    weekday = pd.to_datetime(rows["business_date"]).dt.dayofweek
    by_weekday = came.groupby(weekday).transform(lambda each: each.shift(1).rolling(WEEKS, FEWEST_WEEKS).median())
    usual = by_weekday.fillna(_usual(came))
    repeated = numbers["repeated_rows"] / came
    quarantined = numbers["quarantined_rows"] / (count + numbers["quarantined_rows"]).where(lambda each: each > 0)
    return rows.assign(
        volume_change_rate=count / usual - 1,
        duplicate_rate=(repeated - _beyond(repeated, 0.9)).clip(lower=0),
        quarantined_rate=(quarantined - _beyond(quarantined, 0.9)).clip(lower=0),
        last_hours_missing=(_beyond(numbers["last_event_hour"], 0.1) - numbers["last_event_hour"]).clip(lower=0),
        failed_checks=(rows["failed_checks"] - _usual(rows["failed_checks"]).fillna(0)).clip(lower=0),
        missing_checks=(rows["missing_checks"] - _usual(rows["missing_checks"]).fillna(0)).clip(lower=0),
        missing_days=rows["is_missing"].astype("float64"),
        late_files=rows["is_late"].astype("float64"),
    )


def _usual(values: pd.Series) -> pd.Series:
    return values.astype("float64").shift(1).rolling(USUAL_DAYS, FEWEST_USUAL_DAYS).median()


def _beyond(values: pd.Series, share: float) -> pd.Series:
    """What one day in ten lies beyond: a small dataset's last row comes at any hour, and a few lines are always bad."""
    return values.shift(1).rolling(USUAL_DAYS, FEWEST_USUAL_DAYS).quantile(share)


def _changes(rows: pd.DataFrame) -> pd.Series:
    """Value ÷ its usual − 1 by day."""
    values = rows.set_index(pd.to_datetime(rows["business_date"]))["value"].astype("float64").sort_index()
    return values / _usual(values) - 1


def _evidence(cause: dict, beside: pd.DataFrame, changes: dict[tuple, pd.Series], datasets: list[str]) -> dict:
    first = pd.Timestamp(cause["start_date"])
    last = min(pd.Timestamp(cause["end_date"]), first + pd.Timedelta(days=LOOKED_AT_DAYS - 1))
    at = pd.to_datetime(beside["business_date"]).between(first, last)
    days = beside[at & beside["dataset"].isin(datasets)]
    own, other = _one_sided(beside[at], datasets)
    series = (cause["dimension"], cause["member"])
    is_tracked = cause["metric"] == TRACKING or bool(set(datasets) & set(SAME_VISITORS))
    return {
        "event_id": cause["notification_id"],
        "is_planned": cause["is_planned"],
        **{name: round(float(days[name].max()), 2) if len(days) else np.nan for name in _DAY_COLUMNS},
        "volume_change_rate": own,
        "other_volume_change_rate": other,
        "tracking_change_rate": _moved(TRACKING, series, changes, first, last) if is_tracked else np.nan,
        "amount_per_row_change_rate": _moved(AMOUNT, series, changes, first, last),
        "words": _words(days),
    }


def _one_sided(days: pd.DataFrame, datasets: list[str]) -> tuple[float, float]:
    """How far the volume of one of the datasets moved, and the median of those that tell of the same customers.

    Of all days and datasets the one that left its neighbours farthest behind; NaN where none has a neighbour.
    """
    farthest = (np.nan, np.nan)
    for family in (SAME_VISITORS, SAME_ORDERS):
        moved = days[days["dataset"].isin(family)].pivot(
            index="business_date", columns="dataset", values="volume_change_rate"
        )
        for dataset in (name for name in moved if name in datasets):
            pairs = pd.DataFrame({"own": moved[dataset], "other": moved.drop(columns=dataset).median(axis=1)})
            for own, other in pairs.dropna().astype("float64").itertuples(index=False, name=None):
                gap = abs(own) - abs(other)
                if np.isnan(farthest).any() or gap > abs(farthest[0]) - abs(farthest[1]):
                    farthest = (own, other)
    return farthest


def _moved(
    metric: str, series: tuple[str, str], changes: dict[tuple, pd.Series], first: pd.Timestamp, last: pd.Timestamp
) -> float:
    """The largest change of a metric in these days, of the same member or, where it has none, of the whole."""
    known = changes.get((metric, *series), changes.get((metric, TOTAL, ALL)))
    days = known.loc[first:last].dropna() if known is not None else pd.Series(dtype="float64")
    return float(days.iloc[int(np.argmax(np.abs(days.to_numpy())))]) if len(days) else np.nan


def _words(days: pd.DataFrame) -> str:
    """Which deliveries were not as usual, named with their day: at most four."""
    said = []
    for day in days.to_dict("records"):
        named = f"{day['dataset']} {pd.Timestamp(day['business_date']):%Y-%m-%d}"
        if day["is_missing"]:
            said.append(f"{named} did not come")
        elif day["state"] == "refused":
            said.append(f"{named} was refused ({day['failed_check_names'] or 'held with another day'})")
        elif day["is_late"]:
            said.append(f"{named} came late or again")
        elif day["failed_checks"] > 0 and day["failed_check_names"]:
            said.append(f"{named} failed {day['failed_check_names']}")
    return f"; {'; '.join(said[:4])}" if said else ""
