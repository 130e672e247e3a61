"""What is known of a day before it comes: campaigns, holidays, weekday, season of the year. No fitting."""

import re

import numpy as np
import pandas as pd

CAMPAIGN_COLUMNS = ("campaign_name", "kind", "starts_date", "ends_date", "discount_rate")
"""Columns of a campaign frame; only `kind`, `starts_date` and `ends_date` (inclusive) are needed."""

_YEAR = re.compile(r"[\s_-]*(19|20)\d\d[\s_-]*")


def planned_days(times: pd.DatetimeIndex, campaigns: pd.DataFrame | None) -> np.ndarray:
    """Whether each time lies in any campaign, bool of the shape of `times`."""
    planned = np.zeros(len(times), dtype=bool)
    for row in _rows(campaigns):
        planned |= _inside(times, row)
    return planned


def planned_effects(times: pd.DatetimeIndex, campaigns: pd.DataFrame | None) -> pd.DataFrame:
    """One column an effect that a plan may have, one row a time; empty without campaigns.

    Promotions share the columns `promotion` (is one on) and `promotion_depth` (sum of the discounts, the median
    one where it is not said). Holidays are columns of their own by name without the year, so that last year's
    Black Friday speaks for this one's; launches and others are one column a kind.
    """
    columns: dict[str, np.ndarray] = {}
    rows = _rows(campaigns)
    said = [row["discount_rate"] for row in rows if row["discount_rate"] == row["discount_rate"]]
    usual = float(np.median(said)) if said else 1.0
    for row in rows:
        inside = _inside(times, row).astype("float64")
        if row["kind"] == "promotion":
            depth = row["discount_rate"] if row["discount_rate"] == row["discount_rate"] else usual
            columns["promotion"] = np.maximum(columns.get("promotion", 0.0), inside)
            columns["promotion_depth"] = columns.get("promotion_depth", 0.0) + inside * depth
        else:
            name = f"holiday:{holiday_name(row['campaign_name'])}" if row["kind"] == "holiday" else str(row["kind"])
            columns[name] = np.maximum(columns.get(name, 0.0), inside)
    return pd.DataFrame(columns, index=times)


def holiday_name(name: object) -> str:
    """A holiday's name without its year: "Black Friday 2025" is "black friday"."""
    return _YEAR.sub(" ", str(name)).strip().lower() or "holiday"


def _rows(campaigns: pd.DataFrame | None) -> list[dict]:
    if campaigns is None or campaigns.empty:
        return []
    missing = [name for name in ("kind", "starts_date", "ends_date") if name not in campaigns]
    if missing:
        raise ValueError(f"campaigns lack the column {', '.join(missing)}; expected are {', '.join(CAMPAIGN_COLUMNS)}")
    frame = campaigns.reindex(columns=list(CAMPAIGN_COLUMNS))
    depth = pd.to_numeric(frame["discount_rate"], errors="coerce").to_numpy("float64")
    starts, ends = pd.to_datetime(frame["starts_date"]), pd.to_datetime(frame["ends_date"]) + pd.Timedelta(days=1)
    return [
        {"campaign_name": name, "kind": kind, "starts": start, "ends": end, "discount_rate": float(rate)}
        for name, kind, start, end, rate in zip(frame["campaign_name"], frame["kind"], starts, ends, depth, strict=True)
    ]


def _inside(times: pd.DatetimeIndex, row: dict) -> np.ndarray:
    return np.asarray((times >= row["starts"]) & (times < row["ends"]))
