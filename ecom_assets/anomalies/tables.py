"""What was found in a shop as the tables of the layer `anomaly`, under ids that stay. Reads no tables, finds nothing.

`detect_shop` calls the whole of a metric "" and numbers its notifications; readers get "total" and "all", as in
daily_metrics, and ids made of what a notification is about, so that it is called the same on every day.
"""

import hashlib

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import daily_threshold
from ecom_assets.anomalies.consensus import DETECTORS, agreement_table
from ecom_assets.anomalies.evidence import event_evidence
from ecom_assets.anomalies.grouping import ECHO_DAYS, shop_threshold
from ecom_assets.anomalies.shop import FALSE_A_MONTH, MIN_DAYS, ShopDetected, detect_shop
from ecom_assets.anomalies.verdict import verdicts
from ecom_assets.metrics import ALL, TOTAL, metrics

SERIES = ["metric", "dimension", "member"]
DETECTOR_COLUMNS = [
    "business_date", *SERIES, "value", "expected", "lower", "upper", "score", "surprise", "is_anomaly",
]  # fmt: skip
ALARMS = {
    "zscore": "is_zscore_alarm",
    "isolation_forest": "is_isolation_forest_alarm",
    "forecast_residual": "is_forecast_residual_alarm",
    "zscore+isolation_forest": "is_zscore_and_isolation_forest_alarm",
    "zscore+forecast_residual": "is_zscore_and_forecast_residual_alarm",
    "isolation_forest+forecast_residual": "is_isolation_forest_and_forecast_residual_alarm",
    "zscore+isolation_forest+forecast_residual": "is_unanimous_alarm",
    "two_of_three": "is_majority_alarm",
}
CONSENSUS_COLUMNS = [
    "business_date", *SERIES, "value", "expected", "lower", "upper", "score", "mean_surprise", "zscore", "agreeing",
    *ALARMS.values(), "is_anomaly", "is_planned", "is_watched", "event_number", "severity", "direction",
]  # fmt: skip
EVENT_COLUMNS = [
    *SERIES, "event_number", "start_date", "end_date", "raised_date", "days", "direction", "severity", "score",
    "effect_rate", "agreeing",
]  # fmt: skip
CAUSE_COLUMNS = [
    "notification_id", "raised_date", "start_date", "end_date", "is_open", *SERIES, "direction", "severity", "score",
    "bar", "series_count", "value", "expected", "lower", "upper", "effect_rate", "verdict", "fault_score", "reasons",
]  # fmt: skip
MEMBER_COLUMNS = ["notification_id", "business_date", *SERIES, "direction", "score", "zscore"]
MISSING_PLAN_COLUMNS = [
    "campaign_name", "channel", "kind", "starts_date", "ends_date", "business_date", *SERIES, "shown_rate",
    "shortfall_sigmas",
]  # fmt: skip


def shop_tables(daily: pd.DataFrame, plans: pd.DataFrame, deliveries: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Everything that is found in one shop, by asset, each frame with the columns of the asset's contract.

    All of them are empty where no series has `MIN_DAYS` known days: there is nothing usual yet.

    Args:
        daily: time, metric, dimension, member ("" = the whole) and value, one row a series and day.
        plans: what was planned, `forecasting.calendar.CAMPAIGN_COLUMNS` and channel.
        deliveries: rows of anomaly/evidence, which are `evidence.LINEAGE_COLUMNS` and more.
    """
    known = daily.dropna(subset=["value"]).groupby(SERIES).size()
    if known.empty or known.max() < MIN_DAYS:
        return _empty()
    found = detect_shop(daily, plans if len(plans) else None, lineage=deliveries)
    causes, ids = _causes(found, deliveries)
    return {
        **{f"anomaly/{name}": _detector(found.points, name) for name in DETECTORS},
        "anomaly/consensus": _consensus(found.points),
        "anomaly/events": _events(found.events),
        "anomaly/causes": causes,
        "anomaly/notification_members": _members(found.members, ids),
        "anomaly/missing_plans": _missing_plans(found.missing_plans, plans),
    }


def notification_id(raised: pd.Timestamp, metric: str, dimension: str, member: str) -> str:
    """Eight hexadecimal digits made of the day and the series that a notification is named after."""
    named = f"{raised:%Y-%m-%d}|{metric}|{dimension}|{member}"
    return hashlib.sha256(named.encode()).hexdigest()[:8]


def as_read(table: pd.DataFrame) -> pd.DataFrame:
    """Dimension and member of the whole as daily_metrics calls them."""
    is_whole = table["member"] == ""
    return table.assign(
        dimension=table["dimension"].where(~is_whole, TOTAL), member=table["member"].where(~is_whole, ALL)
    )


def _empty() -> dict[str, pd.DataFrame]:
    columns = {
        **{f"anomaly/{name}": DETECTOR_COLUMNS for name in DETECTORS},
        "anomaly/consensus": CONSENSUS_COLUMNS,
        "anomaly/events": EVENT_COLUMNS,
        "anomaly/causes": CAUSE_COLUMNS,
        "anomaly/notification_members": MEMBER_COLUMNS,
        "anomaly/missing_plans": MISSING_PLAN_COLUMNS,
    }
    return {asset: pd.DataFrame(columns=names, dtype="object") for asset, names in columns.items()}


def _detector(points: pd.DataFrame, name: str) -> pd.DataFrame:
    """One detector's table. Limits that a detector does not have are empty: a forest isolates, it does not expect."""
    limits = {"zscore": "{}_zscore", "forecast_residual": "{}"}.get(name, "{}_" + name)
    columns = {side: limits.format(side) for side in ("expected", "lower", "upper")}
    columns |= {"score": f"score_{name}", "surprise": f"surprise_{name}"}
    given = points.reindex(columns=[*columns.values()]).set_axis([*columns], axis=1)
    table = as_read(points[["time", *SERIES, "value"]].join(given)).rename(columns={"time": "business_date"})
    table = _in_order(table)
    alarms = (table["surprise"] >= daily_threshold()) & table["value"].notna()
    return table.assign(is_anomaly=alarms)[DETECTOR_COLUMNS]


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Expected between its limits, and no limit below zero of what the catalogue says cannot be negative."""
    floors = {name: 0.0 if metric.non_negative else -np.inf for name, metric in metrics().items()}
    lower = table["lower"].clip(lower=table["metric"].map(floors).fillna(-np.inf))
    expected = table["expected"].clip(lower=lower)
    return table.assign(lower=lower, expected=expected, upper=table["upper"].clip(lower=expected))


def _consensus(points: pd.DataFrame) -> pd.DataFrame:
    surprises = points[[f"surprise_{name}" for name in DETECTORS]].set_axis([*DETECTORS], axis=1)
    alarms = agreement_table(surprises, daily_threshold()).rename(columns=ALARMS)[[*ALARMS.values()]]
    alarms = alarms.where(points["value"].notna(), False).astype(bool)
    table = points.rename(
        columns={
            "time": "business_date", "consensus": "mean_surprise", "detectors": "agreeing", "event_id": "event_number",
        }
    )  # fmt: skip
    table = _in_order(as_read(table)).join(alarms)
    for name in ("agreeing", "severity", "direction"):
        table[name] = table[name].where(table[name] != "", None)
    table["event_number"] = table["event_number"].where(table["event_number"] > 0).astype("Int64")
    return table[CONSENSUS_COLUMNS]


def _events(events: pd.DataFrame) -> pd.DataFrame:
    table = events.rename(
        columns={
            "event_id": "event_number", "start": "start_date", "end": "end_date", "raised": "raised_date",
            "steps": "days", "detectors": "agreeing",
        }
    )  # fmt: skip
    return as_read(table)[EVENT_COLUMNS]


def _causes(found: ShopDetected, deliveries: pd.DataFrame) -> tuple[pd.DataFrame, dict[int, str]]:
    """The causes, and their ids by the numbers that detection gave them."""
    newest = found.points["time"].max()
    by_series = {key: rows.set_index("time") for key, rows in found.points.groupby(SERIES, sort=False)}
    bar = shop_threshold(found.points.loc[found.points["is_watched"], SERIES].drop_duplicates().shape[0], FALSE_A_MONTH)
    evidence = event_evidence(found.notifications, found.members, found.points, deliveries)
    judged = verdicts(evidence).set_index("event_id")
    rows, ids = [], {}
    named = found.notifications[SERIES].itertuples(index=False, name=None)
    for own, cause in zip(named, as_read(found.notifications).to_dict("records"), strict=True):
        points = by_series[own]
        raised = points.loc[cause["raised"]]
        ids[cause["notification_id"]] = notification_id(cause["raised"], *(cause[name] for name in SERIES))
        rows.append(
            {
                **{name: cause[name] for name in (*SERIES, "direction", "severity", "score")},
                "notification_id": ids[cause["notification_id"]],
                "raised_date": cause["raised"], "start_date": cause["start"], "end_date": cause["end"],
                "is_open": bool((newest - cause["end"]).days < ECHO_DAYS), "series_count": cause["series"], "bar": bar,
                **{name: raised[name] for name in ("value", "expected", "lower", "upper")},
                "effect_rate": effect_rate(points.loc[cause["start"] : cause["end"]]),
                "verdict": judged.loc[cause["notification_id"], "verdict"].replace(" ", "_"),
                **judged.loc[cause["notification_id"], ["fault_score", "reasons"]].to_dict(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=CAUSE_COLUMNS), ids


def effect_rate(points: pd.DataFrame) -> float:
    """Σ value ÷ Σ expected − 1 of days on which both are known; NaN where nothing was expected."""
    known = points.dropna(subset=["value", "expected"])
    expected = float(known["expected"].sum())
    return float(known["value"].sum()) / expected - 1 if expected else np.nan


def _members(members: pd.DataFrame, ids: dict[int, str]) -> pd.DataFrame:
    table = as_read(members).rename(columns={"time": "business_date"})
    return table.assign(notification_id=members["notification_id"].map(ids))[MEMBER_COLUMNS]


def _missing_plans(missing: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    table = missing.rename(columns={"time": "business_date", "shown_share": "shown_rate"})
    if table.empty:
        return pd.DataFrame(columns=MISSING_PLAN_COLUMNS, dtype="object")
    dates = {name: pd.to_datetime(table[name]) for name in ("starts_date", "ends_date", "business_date")}
    channels = plans[["campaign_name", "starts_date", "channel"]].drop_duplicates(["campaign_name", "starts_date"])
    channels = channels.assign(starts_date=pd.to_datetime(channels["starts_date"]))
    table = as_read(table.assign(**dates)).merge(channels, on=["campaign_name", "starts_date"], how="left")
    table = table.assign(campaign_name=table["campaign_name"].fillna(table["kind"]))
    return table.drop_duplicates(["campaign_name", "starts_date", *SERIES])[MISSING_PLAN_COLUMNS]
