"""What people are told: causes and plans that did not show, judged, with what people said of them. Reads no tables.

Labels and snoozes change who is told and what later days are measured by, never what was found: a notification that
was labelled stays, also where its days have become ordinary since.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.deliveries import said_of_deliveries
from ecom_assets.anomalies.events import severity
from ecom_assets.anomalies.foreseen import said_of_forecasts
from ecom_assets.anomalies.planned import MISSING_SIGMAS
from ecom_assets.anomalies.tables import SERIES, notification_id
from ecom_assets.metrics import TOTAL

NEAR_DAYS = 2
DEMAND = ("orders", "ordered_amount", "net_amount", "sessions")
"""A plan is told to be missing where the demand that it is for shows nothing of it; of many series one always does."""
RAISED_BY_FALSE_ALARM = float(np.log10(2))
"""Every false alarm of a series halves how often it may alarm by chance."""
COLUMNS = [
    "notification_id", "kind", "raised_date", "start_date", "end_date", "is_open", *SERIES, "direction", "severity",
    "score", "series_count", "value", "expected", "lower", "upper", "effect_rate", "verdict", "fault_score", "evidence",
    "datasets", "campaign_name", "label", "label_note", "is_notified", "muted_because",
]  # fmt: skip
_KEPT = [
    "notification_id", "kind", "raised_date", "start_date", "end_date", *SERIES, "direction", "severity", "score",
    "series_count", "campaign_name",
]  # fmt: skip


def shop_notifications(
    causes: pd.DataFrame,
    missing_plans: pd.DataFrame,
    deliveries: pd.DataFrame,
    newest_day: pd.DataFrame,
    metric_datasets: pd.DataFrame,
    forecasts: pd.DataFrame,
    labels: pd.DataFrame,
    snoozes: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of anomaly/notifications from those of anomaly/causes, missing_plans and evidence, and what people said.

    See `deliveries.said_of_deliveries`, `foreseen.said_of_forecasts` and `notifications` for the frames; `newest_day`
    has one row, business_date.
    """
    day = newest_day["business_date"].iloc[0]
    outside = said_of_forecasts(causes, forecasts)
    causes = causes.assign(reasons=_with_more(causes["reasons"], outside))
    said = said_of_deliveries(causes, deliveries, metric_datasets)
    return notifications(causes, missing_plans, said, labels, snoozes, None if pd.isna(day) else pd.Timestamp(day))


def notifications(
    causes: pd.DataFrame,
    missing_plans: pd.DataFrame,
    said: pd.DataFrame,
    labels: pd.DataFrame,
    snoozes: pd.DataFrame,
    newest: pd.Timestamp | None,
) -> pd.DataFrame:
    """One row a notification, with the columns of anomaly/notifications.

    Args:
        causes: rows of anomaly/causes.
        missing_plans: rows of anomaly/missing_plans.
        said: notification_id, datasets and deliveries (words) of the causes.
        labels: rows of lineage.labels.
        snoozes: rows of lineage.snoozes.
        newest: the newest day of the metrics, None where there is none.
    """
    found = causes.assign(kind="anomaly", campaign_name=None).merge(said, on="notification_id", how="left")
    found["evidence"] = _with_more(found["reasons"], found["deliveries"])
    found = _stacked([found, plans_that_did_not_show(missing_plans, newest)])
    table = _with_labels(found, labels)
    reasons = [_muted_because(row, labels, snoozes, newest) for row in table.to_dict("records")]
    table["muted_because"] = pd.Series(reasons, index=table.index, dtype="object")
    table["is_notified"] = table["muted_because"].isna()
    return _typed(table).sort_values(["raised_date", "notification_id"], ignore_index=True)[COLUMNS]


def _with_more(reasons: pd.Series, words: pd.Series) -> pd.Series:
    """Each reason with its further words behind it, where there are any."""
    return reasons.where(words.isna(), reasons + "; " + words.fillna("").astype("str"))


def plans_that_did_not_show(missing: pd.DataFrame, newest: pd.Timestamp | None) -> pd.DataFrame:
    """One row a campaign of which demand (the shop's, or its channel's) showed nothing, named after what lacks most."""
    rows = []
    for (name, starts_date), series in missing.groupby(["campaign_name", "starts_date"], sort=True):
        starts = pd.Timestamp(str(starts_date))
        meant = (series["dimension"] == TOTAL) | (series["member"] == series["channel"])
        demand = series[series["metric"].isin(DEMAND) & meant]
        if demand.empty:
            continue
        first = demand.iloc[int(np.argmax(demand["shortfall_sigmas"].to_numpy("float64")))]
        score = float(first["shortfall_sigmas"])
        rows.append(
            {
                "notification_id": notification_id(starts, "campaign", str(name), ""),
                "kind": "missing_plan", "raised_date": demand["business_date"].min(), "start_date": starts,
                "end_date": max(first["ends_date"], demand["business_date"].min()),
                "is_open": newest is not None and bool(first["ends_date"] >= newest),
                **{key: first[key] for key in SERIES}, "direction": "down",
                "severity": severity(score, MISSING_SIGMAS), "score": score, "series_count": len(series),
                "verdict": "business_change", "fault_score": 0.0, "campaign_name": name,
                "evidence": f"{first['kind']} {name} was planned from {starts:%Y-%m-%d} on, and "
                f"{_share(first['shown_rate'])} of its usual effect showed",
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _share(rate: float) -> str:
    return f"{rate:.0%}" if rate >= 0.005 else "nothing"  # less than nothing is no share of an effect


def _with_labels(found: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """`found` with labels; labelled notifications that are no longer found as they were when they were labelled."""
    found = found.assign(label=None, label_note=None)
    gone = []
    for said in labels.to_dict("records"):
        same = _is_the_same(found, said)
        if not same.any():
            gone.append(said)
            continue
        at = found.index[same][0]
        found.loc[at, ["notification_id", "label", "label_note"]] = [
            said["notification_id"],
            said["label"],
            said["note"],
        ]
        if said["label"] == "expected" and found.loc[at, "verdict"] != "data_fault":
            found.loc[at, "verdict"] = "planned"
            found.loc[at, "evidence"] = f"people expected it; {found.loc[at, 'evidence']}"
    if not gone:
        return found
    kept = pd.DataFrame(gone)
    verdict = np.where(kept["label"] == "expected", "planned", "business_change")
    told = "labelled as {}; its days are ordinary by what is known now"
    kept = kept[_KEPT].assign(
        label=kept["label"], label_note=kept["note"], verdict=verdict, is_open=False,
        evidence=[told.format(each.replace("_", " ")) for each in kept["label"]],
    )  # fmt: skip
    return _stacked([found, kept.reindex(columns=found.columns)])


def _is_the_same(found: pd.DataFrame, said: dict) -> pd.Series:
    """Bool a row: what was labelled, under its id or, where its first day was restated, its series and days."""
    by_id = found["notification_id"] == said["notification_id"]
    if by_id.any() or found.empty:
        return by_id
    near = pd.Timedelta(days=NEAR_DAYS)
    raised = pd.to_datetime(found["raised_date"])
    series = (found[SERIES] == [said[key] for key in SERIES]).all(axis=1)
    return series & raised.between(said["raised_date"] - near, said["end_date"] + near) & found["label"].isna()


def _muted_because(row: dict, labels: pd.DataFrame, snoozes: pd.DataFrame, newest: pd.Timestamp | None) -> str | None:
    for snooze in snoozes.to_dict("records"):
        until = pd.Timestamp(snooze["until_date"])
        if snooze["notification_id"] == row["notification_id"] and newest is not None and newest <= until:
            return f"snoozed until {until:%Y-%m-%d}"
        # What was raised before anyone snoozed the metric was told; the day before is told on the day of the snooze.
        since = pd.Timestamp(snooze["snoozed_at"]).normalize() - pd.Timedelta(days=1)
        if snooze["metric"] == row["metric"] and since <= pd.Timestamp(row["raised_date"]) <= until:
            return f"{row['metric']} is snoozed until {until:%Y-%m-%d}"
    if row["kind"] != "anomaly" or row["label"] is not None:
        return None
    same = (labels[SERIES] == [row[key] for key in SERIES]).all(axis=1) & (labels["label"] == "false_alarm")
    earlier = int((same & (pd.to_datetime(labels["raised_date"]) < pd.Timestamp(row["raised_date"]))).sum())
    bar = row["bar"] + earlier * RAISED_BY_FALSE_ALARM
    if not earlier or row["score"] >= bar:
        return None
    times = "a false alarm" if earlier == 1 else f"{earlier} false alarms"
    return f"{times} of this series raised its bar to {bar:.1f}, and it scored {row['score']:.1f}"


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Columns as the contract has them: what was stacked from several tables is of no type."""
    kinds: dict[str, str] = dict.fromkeys(("raised_date", "start_date", "end_date"), "datetime64[us]")
    numbers = ("score", "value", "expected", "lower", "upper", "effect_rate", "fault_score")
    kinds |= dict.fromkeys(numbers, "float64") | {"series_count": "int64", "is_open": "bool", "is_notified": "bool"}
    return table.astype(kinds)


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables; columns that one of them lacks are empty there."""
    columns = [*COLUMNS, "bar"]
    filled = [table.reindex(columns=columns).astype("object") for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns, dtype="object")
