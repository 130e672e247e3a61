"""What is known of a day before it comes: campaigns, holidays, weekday, season of the year. No fitting."""

import re

import numpy as np
import pandas as pd

CAMPAIGN_COLUMNS = ("campaign_name", "kind", "starts_date", "ends_date", "discount_rate")
"""Columns of a campaign frame; only `kind`, `starts_date` and `ends_date` (inclusive) are needed."""

ANNUAL = "annual:"
"""What the columns of events that come back every year begin with."""
YEAR_APART = (350, 380)
MAX_PROFILE_DAYS = 7
DAY_NS = 86_400_000_000_000

_YEAR = re.compile(r"[\s_-]*(19|20)\d\d[\s_-]*")


def planned_days(times: pd.DatetimeIndex, campaigns: pd.DataFrame | None) -> np.ndarray:
    """Whether each time lies in any campaign, bool of the shape of `times`."""
    stamps, planned = _stamps(times), np.zeros(len(times), dtype=bool)
    for row in _rows(campaigns):
        planned |= _inside(stamps, row)
    return planned


def planned_effects(times: pd.DatetimeIndex, campaigns: pd.DataFrame | None) -> pd.DataFrame:
    """One column an effect that a plan may have, one row a time; empty without campaigns in these times.

    Promotions share the columns `promotion` (is one on) and `promotion_depth` (sum of the discounts, the median
    one where it is not said). Holidays are columns of their own by name without the year, so that last year's
    Black Friday speaks for this one's; launches and others are one column a kind. A promotion or launch that comes
    back a year later under its name has columns of its own too, one for each of its days where it lasts a week at
    most: a Black Friday is no usual promotion, and its Friday is not its Saturday.
    """
    columns: dict[str, np.ndarray] = {}
    rows, stamps = _rows(campaigns), _stamps(times)
    said = [row["discount_rate"] for row in rows if row["discount_rate"] == row["discount_rate"]]
    usual = float(np.median(said)) if said else 1.0
    for row in rows:
        inside = _inside(stamps, row).astype("float64")
        if not inside.any():
            continue
        if row["kind"] == "promotion":
            depth = row["discount_rate"] if row["discount_rate"] == row["discount_rate"] else usual
            columns["promotion"] = np.maximum(columns.get("promotion", 0.0), inside)
            columns["promotion_depth"] = columns.get("promotion_depth", 0.0) + inside * depth
        else:
            name = f"holiday:{row['name']}" if row["kind"] == "holiday" else str(row["kind"])
            columns[name] = np.maximum(columns.get(name, 0.0), inside)
        if row["kind"] == "holiday" or _comes_back(row, rows):
            columns.update(_profile(stamps, row, inside, columns))
    return pd.DataFrame(columns, index=times)


def holiday_name(name: object) -> str:
    """A holiday's name without its year: "Black Friday 2025" is "black friday"."""
    return _YEAR.sub(" ", str(name)).strip().lower() or "holiday"


def _comes_back(row: dict, rows: list[dict]) -> bool:
    """Whether an event of the same name stands in the calendar a year before or after."""
    apart = (abs(row["starts"] - other["starts"]) / DAY_NS for other in rows if other["name"] == row["name"])
    return any(YEAR_APART[0] <= days <= YEAR_APART[1] for days in apart)


def _profile(stamps: np.ndarray, row: dict, inside: np.ndarray, columns: dict[str, np.ndarray]) -> dict:
    """The event's own columns, by its days where they are few."""
    name, days = f"{ANNUAL}{row['name']}", (row["ends"] - row["starts"]) // DAY_NS
    if days > MAX_PROFILE_DAYS:
        return {name: np.maximum(columns.get(name, 0.0), inside)}
    day = (stamps - row["starts"]) // DAY_NS
    found = {f"{name} {number + 1}": inside * (day == number) for number in range(days)}
    return {each: np.maximum(columns.get(each, 0.0), one) for each, one in found.items()}


def _rows(campaigns: pd.DataFrame | None) -> list[dict]:
    """Campaigns with their bare name, and start and end (exclusive) in nanoseconds: pandas' own are slow one by one."""
    if campaigns is None or campaigns.empty:
        return []
    missing = [name for name in ("kind", "starts_date", "ends_date") if name not in campaigns]
    if missing:
        raise ValueError(f"campaigns lack the column {', '.join(missing)}; expected are {', '.join(CAMPAIGN_COLUMNS)}")
    frame = campaigns.reindex(columns=list(CAMPAIGN_COLUMNS))
    depth = pd.to_numeric(frame["discount_rate"], errors="coerce").to_numpy("float64").tolist()
    starts, ends = _stamps(pd.to_datetime(frame["starts_date"])), _stamps(pd.to_datetime(frame["ends_date"])) + DAY_NS
    names = [holiday_name(name) for name in frame["campaign_name"]]
    return [
        {"name": name, "kind": kind, "starts": start, "ends": end, "discount_rate": rate}
        for name, kind, start, end, rate in zip(
            names, frame["kind"], starts.tolist(), ends.tolist(), depth, strict=True
        )
    ]


def _stamps(times: pd.DatetimeIndex | pd.Series) -> np.ndarray:
    return pd.DatetimeIndex(times).as_unit("ns").asi8


def _inside(stamps: np.ndarray, row: dict) -> np.ndarray:
    return (stamps >= row["starts"]) & (stamps < row["ends"])
