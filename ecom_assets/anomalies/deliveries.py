"""What was wrong with the deliveries that a notification's numbers are made of, in words. Judges nothing."""

import pandas as pd

LOOKED_AT_DAYS = 3
MOST_WORDS = 4


def said_of_deliveries(causes: pd.DataFrame, deliveries: pd.DataFrame, metric_datasets: pd.DataFrame) -> pd.DataFrame:
    """For each cause the datasets of its metric and what was wrong with them on its first days.

    A day that was refused or never came is in no metric: it cannot be why a number fell, and is told beside it.

    Args:
        causes: rows of anomaly/causes.
        deliveries: rows of anomaly/evidence.
        metric_datasets: metric and dataset, which it is made of.

    Returns:
        notification_id, datasets (joined by a comma, None where none is known), deliveries (words, None for nothing).
    """
    datasets = metric_datasets.groupby("metric")["dataset"].agg(list).to_dict()
    days = deliveries.assign(business_date=pd.to_datetime(deliveries["business_date"]))
    rows = []
    for cause in causes.to_dict("records"):
        first = pd.Timestamp(cause["start_date"])
        last = min(pd.Timestamp(cause["end_date"]), first + pd.Timedelta(days=LOOKED_AT_DAYS - 1))
        own = datasets.get(cause["metric"], [])
        near = days[days["business_date"].between(first, last) & days["dataset"].isin(own)]
        said = [words for words in map(_words, near.to_dict("records")) if words]
        rows.append((cause["notification_id"], ", ".join(own) or None, "; ".join(said[:MOST_WORDS]) or None))
    return pd.DataFrame(rows, columns=["notification_id", "datasets", "deliveries"])


def _words(day: dict) -> str | None:
    named = f"{day['dataset']} {day['business_date']:%Y-%m-%d}"
    checks = day["failed_check_names"] if isinstance(day["failed_check_names"], str) else None
    if day["is_missing"]:
        return f"{named} did not come"
    if day["state"] == "refused":
        return f"{named} was refused ({checks or 'held with another day'})"
    if day["is_late"]:
        return f"{named} came late or again"
    return f"{named} failed {checks}" if checks else None
