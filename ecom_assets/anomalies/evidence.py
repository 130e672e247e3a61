"""What files, checks and other metrics say about an event: the evidence that `verdict` weighs. Reads no lineage itself.

The caller gathers one frame from lineage, one row a business date and dataset; here it is compared with its own
past and laid beside the event's days. All expectations rest on the days before the event.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.prices import EVIDENCE_COLUMNS as PRICE_COLUMNS
from ecom_assets.anomalies.prices import PRICE_METRIC, price_evidence

LINEAGE_COLUMNS = {
    # column: what it says of a dataset's business date, as known when the day was judged
    "business_date": "day, without zone",
    "dataset": "name of the dataset, such as 'orders'",
    "is_missing": "no rows of the day had come yet (bool)",
    "is_late": "its file came after the day was first judged (bool)",
    "rows": "rows used (number)",
    "repeated_rows": "rows used that repeat another row of the day in all columns but its key's last (number)",
    "quarantined_rows": "rows in quarantine (number)",
    "failed_checks": "checks of the day that failed, of any severity but volume's (number)",
    "missing_checks": "checks of the day that did not run (number)",
    "last_event_hour": "shop-local hour, 0 to 24, of the last row's business time; null for daily sums",
}
"""The lineage frame, one row a business date and dataset, every day from the first on, days without a file too.

Only business_date and dataset are required; a missing column or value is no evidence.
"""

SOURCES_OF = {
    "orders": ("orders", "order_items"), "ordered_amount": ("orders", "order_items"),
    "net_amount": ("orders", "order_items", "refunds"), "margin_amount": ("orders", "order_items", "refunds"),
    "average_order_value": ("orders", "order_items"), "new_customers": ("orders", "order_items"),
    "refund_amount": ("refunds",), "refund_rate": ("refunds", "orders", "order_items"),
    "sessions": ("website_traffic", "session_tracking"), "conversion_rate": ("orders", "website_traffic"),
    "tracking_coverage_rate": ("orders", "session_tracking"), "spend_amount": ("marketing_spend",),
    "return_on_ad_spend": ("orders", "order_items", "marketing_spend"),
    "price_index": ("orders", "order_items"),
}  # fmt: skip
"""Datasets that a metric is made of; metrics that are not named are of the session-level datasets."""

DATASET_METRICS = {
    "session_tracking": ("sessions", "active_users", "pages_per_session", "bounce_rate", "conversion_rate"),
    "clickstream": ("pages_per_session", "bounce_rate", "view_to_cart_rate", "cart_to_checkout_rate",
                    "checkout_to_payment_rate", "payment_to_purchase_rate", "cart_abandonment_rate", "active_users"),
    "api_logs": ("api_calls", "error_rate", "api_apdex_score", "response_time_p95_ms"),
    "page_load_times": ("lcp_p75_ms", "load_time_p95_ms", "page_apdex_score"),
    "support_tickets": ("tickets_opened", "ticket_backlog"),
    "cart_abandonment": ("abandoned_carts",),
    "user_feedback": ("rating_mean", "polarity_mean"),
}  # fmt: skip
"""Metrics of the session-level datasets; those of sales follow from `SOURCES_OF`."""
REPEATED_RATE, HOURS_MISSING, QUARANTINED_RATE = 0.03, 1.5, 0.05
WAKING_HOURS = 17.0
"""Hardly any rows are of the night: an hour that lacks at the end of a day is a seventeenth of it and no less."""
CHANCE_SIGMAS = 4.0
"""Of a share of rows that repeat others every day: what lies within so many of its spreads is no second delivery."""
ROWS_MISSING = 10.0
"""Of a day with five tickets the last may come at noon: chance leaves out a few rows and not ten."""


def metrics_of(dataset: str) -> set[str]:
    """Metrics that are made of a dataset."""
    made = {metric for metric, datasets in SOURCES_OF.items() if dataset in datasets}
    return made | set(DATASET_METRICS.get(dataset, ()))


def file_faults(lineage: pd.DataFrame) -> pd.DataFrame:
    """Days and datasets whose files are at fault: delivered twice in part, cut off, or mostly in quarantine.

    A late or missing file is none: its day is unknown, and what is unknown does not alarm.

    Args:
        lineage: see `LINEAGE_COLUMNS`.

    Returns:
        business_date, dataset, repeated_rate (share of rows that came twice, beyond those that repeat others anyhow),
        hours_missing (against when files of that weekday end) and quarantined_rate (beyond the median of the 28 days
        before), of the faulty ones.
    """
    frame = lineage.reindex(columns=list(LINEAGE_COLUMNS)).sort_values("business_date", kind="stable")
    rows = pd.to_numeric(frame["rows"], errors="coerce").astype("float64")
    bad = pd.to_numeric(frame["quarantined_rows"], errors="coerce").astype("float64")
    found = pd.DataFrame({"business_date": pd.to_datetime(frame["business_date"]), "dataset": frame["dataset"]})
    repeated = pd.to_numeric(frame["repeated_rows"], errors="coerce").astype("float64")
    found["repeated_rate"] = _delivered_twice(repeated / rows, rows, frame["dataset"])
    hour = pd.to_numeric(frame["last_event_hour"], errors="coerce").astype("float64")
    found["hours_missing"] = _hours_missing(_usual_end(hour, found["business_date"], frame["dataset"]) - hour, rows)
    share = bad / (bad + rows)
    found["quarantined_rate"] = (share - _usual(share, frame["dataset"])).fillna(0.0)
    is_faulty = (
        (found["repeated_rate"] >= REPEATED_RATE)
        | (found["hours_missing"] >= HOURS_MISSING)
        | (found["quarantined_rate"] >= QUARANTINED_RATE)
    )
    return found[is_faulty].reset_index(drop=True)


def _delivered_twice(share: pd.Series, rows: pd.Series, dataset: pd.Series) -> pd.Series:
    """Share of a day's rows that came twice, 0 where as many repeat others by chance.

    Where clocks tell only minutes, customers who buy the same repeat each other every day. If a row finds no twin with
    the chance 1 − u on a usual day, it finds none with (1 − u)^n among n times as many rows. Where a share e is
    expected and s repeat, copies are (s − e) / (1 − e) of the rows: it is their originals that repeat by chance.
    What is usual of a dataset, and within which spread, is known after two weeks: until then none came twice.
    """
    times_usual = (rows / _usual(rows, dataset)).clip(lower=1.0)
    expected = 1 - (1 - _usual(share, dataset)) ** times_usual
    beyond = share - expected
    chance = CHANCE_SIGMAS * 1.4826 * _usual(beyond.abs(), dataset)
    return (beyond / (1 - expected)).where(beyond > chance, 0.0).fillna(0.0)


def _hours_missing(hours: pd.Series, rows: pd.Series) -> pd.Series:
    """`hours` by which files end early, 0 where at the day's own pace too few rows would have come in them to tell."""
    came_in = (WAKING_HOURS - hours).clip(lower=1.0)
    return hours.mask(rows * hours / came_in < ROWS_MISSING, 0.0).fillna(0.0)


def _usual_end(hour: pd.Series, days: pd.Series, dataset: pd.Series) -> pd.Series:
    """Hour at which files of a dataset end on such a weekday: the median of 28 days, or earlier where the weekday does.

    Its own end is the earliest but one of its last eight: a shop may close early every Saturday, or every other one,
    and what happened once may have been a file that was cut off. Of a weekday that is known fewer than four times
    nothing is usual: the earliest end of 28 days stands in. By less than three quarters of an hour ends differ by
    chance, and the median tells better how much is missing.
    """
    own = hour.groupby([dataset, days.dt.day_of_week]).transform(
        # 0.14: of four to eight values, the least but one.
        lambda one: one.shift(1).rolling(8, min_periods=4).quantile(0.14, interpolation="higher")
    )
    earliest = hour.groupby(dataset).transform(lambda one: one.shift(1).rolling(28, min_periods=7).min())
    own, usual = own.fillna(earliest), _usual(hour, dataset)
    return usual.where(usual - own < HOURS_MISSING / 2, own)


def _usual(values: pd.Series, dataset: pd.Series) -> pd.Series:
    """Median of the 28 days before of the same dataset."""
    return values.groupby(dataset).transform(lambda one: one.shift(1).rolling(28, min_periods=7).median())


def event_evidence(
    notifications: pd.DataFrame, members: pd.DataFrame, points: pd.DataFrame, lineage: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What speaks for a fault in each notification: one row each, for `verdict.verdicts`.

    Args:
        notifications: of `shop.ShopDetected`.
        members: likewise.
        points: likewise.
        lineage: see `LINEAGE_COLUMNS`; None leaves the metrics' own evidence.

    Returns:
        event_id (the notification's), is_planned, and of the day raised: duplicate_rate, last_hours_missing,
        quarantined_rate, late_files, failed_checks, missing_checks, tracking_change_rate, tracking_zscore,
        tracking_member, amount_per_row_change_rate, volume_change_rate, other_volume_change_rate, and
        `prices.EVIDENCE_COLUMNS`.
    """
    faults = file_faults(lineage) if lineage is not None and len(lineage) else None
    wholes = points[(points["member"] == "") & points["metric"].isin(_COMPARED)]
    changes = wholes.assign(change=wholes["value"] / wholes["expected"] - 1)
    by_day = changes.pivot_table(index="time", columns="metric", values="change")
    rows = []
    chosen = notifications[["notification_id", "raised", "metric"]]
    for number, raised, metric in chosen.itertuples(index=False, name=None):
        day = pd.Timestamp(raised)
        mine = members[(members["notification_id"] == number) & (members["time"] == day)]
        row: dict[str, object] = {"event_id": number}
        change = by_day.loc[[day]].iloc[0].to_dict() if day in by_day.index else {}
        row |= _of_metrics(mine, points, day, change)
        row |= price_evidence(mine, points[points["time"] == day])
        if faults is not None and lineage is not None:
            row |= _of_files(set(mine["metric"]), faults, lineage, day)
        rows.append({**row, **_MOVES_NO_PRICES} if metric == PRICE_METRIC else row)
    return pd.DataFrame(rows, columns=EVIDENCE_COLUMNS)


_COMPARED = ("orders", "sessions", "tracking_coverage_rate", "average_order_value", "ordered_amount")
_WEIGHED = ("tracking_coverage_rate", "average_order_value")
_MOVES_NO_PRICES = {
    "duplicate_rate": 0.0, "last_hours_missing": 0.0, "tracking_change_rate": np.nan, "tracking_zscore": np.nan,
}  # fmt: skip
"""What proves nothing about a notification of prices: rows that came twice or are missing, or have lost their session,
have the prices that they had. It may be true of the same day, and is then another cause."""
EVIDENCE_COLUMNS = [
    "event_id", "is_planned", "duplicate_rate", "last_hours_missing", "quarantined_rate", "late_files",
    "failed_checks", "missing_checks", "tracking_change_rate", "tracking_zscore", "tracking_member",
    "amount_per_row_change_rate", "volume_change_rate", "other_volume_change_rate", *PRICE_COLUMNS,
]  # fmt: skip


def _of_metrics(mine: pd.DataFrame, points: pd.DataFrame, day: pd.Timestamp, change: dict) -> dict[str, object]:
    """Tracking against orders, amounts against rows, sessions against orders, on the whole shop or the worst member."""
    today = {
        (str(row["metric"]), str(row["dimension"]), str(row["member"])): row
        for row in points[(points["time"] == day) & points["metric"].isin(_WEIGHED)].to_dict("records")
    }
    amount, volume = change.get("average_order_value", np.nan), np.nan
    members = list(dict.fromkeys(mine[["dimension", "member"]].itertuples(index=False, name=None)))
    for dimension, member in members:
        key = ("average_order_value", dimension, member)
        if key in today:
            moved = _change(today[key])
            if abs(today[key]["zscore"]) >= 3 and abs(moved) > np.nan_to_num(abs(amount)):
                amount, volume = moved, change.get("orders", np.nan)
    is_planned = bool(len(mine)) and bool(mine["is_planned"].mean() > 0.5) if "is_planned" in mine else False
    return {
        "is_planned": is_planned, **_of_tracking(today, [("", ""), *members]),
        "amount_per_row_change_rate": amount, "volume_change_rate": volume, "other_volume_change_rate": np.nan,
    }  # fmt: skip


def _of_tracking(today: dict[tuple[str, str, str], dict], members: list[tuple[str, str]]) -> dict[str, object]:
    """Change and z-score of the tracked share of web orders where it fell furthest, of the whole or a member.

    By its own spread: what is lost in one channel moves the whole by little, and one that has few orders by chance.
    """
    known = [today[key] for key in [("tracking_coverage_rate", *member) for member in members] if key in today]
    worst = min((one for one in known if np.isfinite(one["zscore"])), key=lambda one: one["zscore"], default=None)
    if worst is None:
        return {"tracking_change_rate": np.nan, "tracking_zscore": np.nan, "tracking_member": ""}
    return {
        "tracking_change_rate": _change(worst), "tracking_zscore": float(worst["zscore"]),
        "tracking_member": f"{worst['dimension']} {worst['member'].replace('_', ' ')}".strip(),
    }  # fmt: skip


def _change(point: dict) -> float:
    return point["value"] / point["expected"] - 1 if point["expected"] else np.nan


def _of_files(metrics: set[str], faults: pd.DataFrame, lineage: pd.DataFrame, day: pd.Timestamp) -> dict[str, object]:
    concerned = [name for name in lineage["dataset"].unique() if metrics_of(str(name)) & metrics]
    worst = faults[(faults["business_date"] == day) & faults["dataset"].isin(concerned)]
    row: dict[str, object] = {}
    for name, column in (
        ("duplicate_rate", "repeated_rate"), ("last_hours_missing", "hours_missing"),
        ("quarantined_rate", "quarantined_rate"),
    ):  # fmt: skip
        row[name] = float(worst[column].max()) if len(worst) else 0.0
    today = lineage[(pd.to_datetime(lineage["business_date"]) == day) & lineage["dataset"].isin(concerned)]
    for name in ("failed_checks", "missing_checks"):
        if name in today:
            row[name] = float(pd.to_numeric(today[name], errors="coerce").sum())
    if "is_late" in today:
        row["late_files"] = float(today["is_late"].fillna(False).astype(bool).sum())
    return row
