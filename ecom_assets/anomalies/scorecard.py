"""How good the detectors of one shop were, against its truth: alone, in pairs, together, and beside the trivial.

Only scoring reads truth; nothing here feeds back into an alarm.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd

from ecom_assets.anomalies.baselines import random_alarms, weekday_median_scores
from ecom_assets.anomalies.calibration import POOL_PRIOR, pooled_surprise
from ecom_assets.anomalies.consensus import DETECTORS
from ecom_assets.anomalies.grouping import notify
from ecom_assets.anomalies.incident_size import FIRST_DAYS, MOVED_SIGMAS
from ecom_assets.anomalies.scale import MAD_TO_SIGMA
from ecom_assets.anomalies.scoring import Matched, balanced_accuracy, match, score, scorecard
from ecom_assets.anomalies.space import HOME, Space, choose_space
from ecom_assets.anomalies.wide import KEYS

STRATA = {"clear": (6.0, np.inf), "faint": (3.0, 6.0), "hidden": (0.0, 3.0), "all": (0.0, np.inf)}
RANDOM_A_MONTH = 1.0
WARM_UP_DAYS = 120
LAST_DAYS = 2
EFFECT_COLUMNS = ["incident_id", "time", *KEYS, "with_incident", "without_incident"]
QUIET_COLUMNS = ["time", *KEYS, "value"]


def sized(incidents: pd.DataFrame, effects: pd.DataFrame, quiet: pd.DataFrame) -> pd.DataFrame:
    """`incidents` with size (D) and moved (the series moved by at least two sigmas, as tuples).

    Both are taken in the space in which a series is judged (logarithm, root or share): in its own unit the few large
    refunds of a small country would make incidents big that nobody can see.

    Args:
        incidents: incident_id, start, end and whatever else.
        effects: `EFFECT_COLUMNS`: each series on the incident's days, with and without it.
        quiet: `QUIET_COLUMNS`: days in a row of the shop without any incident; where they hold no expectation
            (`expected`), the residual is a day less the mean of the same weekdays beside it.
    """
    spaces: dict[tuple, Space] = {}
    sigmas: dict[tuple, float] = {}
    for key, rows in quiet.groupby(KEYS, sort=False):
        rows = rows.sort_values("time")
        values = rows["value"].to_numpy("float64")
        space = choose_space(values, str(key[0]))
        expected = rows["expected"].to_numpy("float64") if "expected" in rows else None
        spaces[tuple(key)], sigmas[tuple(key)] = space, _quiet_sigma(values, space, expected)
    parts = []
    for key, rows in effects.groupby(KEYS, sort=False):
        if tuple(key) in spaces:
            space = spaces[tuple(key)]
            was, would = (
                space.forward(rows[name].to_numpy("float64")) for name in ("with_incident", "without_incident")
            )
            parts.append(
                rows[["incident_id", "time", *KEYS]].assign(change=np.nan_to_num(was - would) / sigmas[tuple(key)])
            )
    sizes, moved = _size_and_moved(incidents, pd.concat(parts)) if parts else ({}, {})
    ids = incidents["incident_id"]
    return incidents.assign(
        size=[sizes.get(one, 0.0) for one in ids], moved=[moved.get(one, frozenset()) for one in ids]
    )


def _size_and_moved(incidents: pd.DataFrame, changes: pd.DataFrame) -> tuple[dict, dict]:
    """`incident_size` and `moved_series` of all incidents at once; `change` is in sigmas."""
    starts = changes["incident_id"].map(incidents.set_index("incident_id")["start"])
    day = (pd.to_datetime(changes["time"]) - pd.to_datetime(starts)).dt.days
    squares = changes[day.between(0, FIRST_DAYS - 1)].assign(square=lambda rows: rows["change"] ** 2)
    by_series = squares.groupby(["incident_id", *KEYS])["square"].sum() ** 0.5
    sizes = by_series.groupby("incident_id").max().to_dict()
    highest = changes.assign(size=changes["change"].abs()).groupby(["incident_id", *KEYS])["size"].max()
    far = highest[highest >= MOVED_SIGMAS].reset_index()
    moved = {
        incident: frozenset(rows[KEYS].itertuples(index=False, name=None))
        for incident, rows in far.groupby("incident_id")
    }
    return sizes, moved


def _quiet_sigma(values: np.ndarray, space: Space, expected: np.ndarray | None) -> float:
    """1.4826 × median absolute deviation of the quiet residual, in the series' space."""
    moved = space.forward(values)
    if expected is not None:
        rest = moved - space.forward(expected)
    else:
        beside = (moved[:-14] + moved[14:]) / 2
        rest = (moved[7:-7] - beside) / np.sqrt(1.5)  # a mean of two adds half of its own variance
    rest = rest[np.isfinite(rest)]
    if not rest.size:
        return space.floor
    return max(MAD_TO_SIGMA * float(np.median(np.abs(rest - np.median(rest)))), space.floor)


def named(notifications: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """`notifications` with names: the series that each named on the day it was raised."""
    raised = members.merge(
        notifications[["notification_id", "raised"]], left_on=["notification_id", "time"],
        right_on=["notification_id", "raised"],
    )  # fmt: skip
    names = {
        number: frozenset(zip(rows["metric"], rows["dimension"], rows["member"], strict=True))
        for number, rows in raised.groupby("notification_id")
    }
    said = pd.Series([names.get(one, frozenset()) for one in notifications["notification_id"]], dtype=object)
    return notifications.assign(names=said.to_numpy())


def matched(said: pd.DataFrame, incidents: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> Matched:
    """What became of the notifications and incidents of the scored days.

    An incident that ran into the first scored day is neither to be found nor false; one that starts in the last two
    days has had no time to be.

    Args:
        said: notifications with names.
        incidents: with size and moved, see `sized`.
        first: scored day.
        last: scored day.
    """
    inside = incidents["start"].between(first, last - pd.Timedelta(days=LAST_DAYS))
    told = match(said[said["raised"].between(first, last)], incidents[inside])
    notifications = told.notifications
    for start, end in incidents.loc[~inside, ["start", "end"]].itertuples(index=False):
        near = notifications["raised"].between(start, end + pd.Timedelta(days=7))
        notifications.loc[near & (notifications["outcome"] == "false"), "outcome"] = "neutral"
    return Matched(notifications, told.incidents)


def detector_scorecard(
    points: pd.DataFrame, notifications: pd.DataFrame, members: pd.DataFrame, incidents: pd.DataFrame,
    false_a_month: float, verdicts: pd.DataFrame | None = None, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """One row a detector, pair, triple, consensus or baseline, and stratum of incident size.

    Detectors and baselines notify by the same rule and budget as the consensus, from their own surprise.

    Args:
        points: of `shop.ShopDetected`.
        notifications: likewise.
        members: likewise.
        incidents: of the shop, with size and moved, see `sized`.
        false_a_month: budget that all are held to.
        verdicts: event_id and verdict of the notifications, or None.
        seed: of the random alarms.

    Returns:
        detector, stratum and the measures of `scoring.scorecard`; consensus rows also have balanced_accuracy of
        data fault against business change, over the incidents that it hit, where verdicts are given.
    """
    watched = points[points["is_watched"]] if "is_watched" in points else points
    first = watched["time"].min() + pd.Timedelta(days=WARM_UP_DAYS)
    last = watched["time"].max()
    said = {"consensus": named(notifications, members)}
    for name, make in alarmers().items():
        scored = watched[["time", *KEYS, "zscore"]].assign(score=make(watched))
        said[name] = named(*notify(scored, false_a_month))
    said["random"] = random_notifications(watched, first, last, seed)
    rows = []
    for name, told in said.items():
        outcome = matched(told, incidents, first, last)
        for stratum, sizes in STRATA.items():
            counts = {**score(outcome, sizes), "days": (last - first).days + 1}
            row = {"detector": name, "stratum": stratum, **scorecard(pd.DataFrame([counts]))}
            if name == "consensus" and verdicts is not None:
                row["balanced_accuracy"] = told_apart(outcome, verdicts)
            rows.append(row)
    return pd.DataFrame(rows).drop(columns="shops")


def told_apart(outcome: Matched, verdicts: pd.DataFrame) -> float:
    """Balanced accuracy of data fault against business change over the notifications that hit an incident."""
    hits = outcome.notifications[outcome.notifications["outcome"] == "hit"].merge(
        outcome.incidents[["incident_id", "is_data_fault"]], on="incident_id"
    )
    hits = hits.merge(verdicts[["event_id", "verdict"]], left_on="notification_id", right_on="event_id")
    if hits.empty:
        return float("nan")
    return balanced_accuracy(hits["is_data_fault"].to_numpy(bool), (hits["verdict"] == "data fault").to_numpy())


def alarmers() -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    """The surprise of every detector alone, of pairs (the lesser of two), all three, two of three, and a baseline."""
    columns = {name: f"surprise_{name}" for name in DETECTORS}

    def lesser(names: tuple[str, ...]) -> Callable[[pd.DataFrame], np.ndarray]:
        return lambda points: points[[columns[name] for name in names]].min(axis=1, skipna=False).to_numpy()

    found = {"+".join(names): lesser(names) for count in (1, 2, 3) for names in combinations(DETECTORS, count)}
    found["two_of_three"] = lambda points: np.sort(np.nan_to_num(points[[*columns.values()]].to_numpy()), axis=1)[:, 1]
    found["weekday_median"] = weekday_surprise
    return found


def weekday_surprise(points: pd.DataFrame) -> np.ndarray:
    """Surprise of the same weekday's median and median absolute deviation, planned days masked.

    Metrics that stand still on most days (`space.HOME`) are left to the others: of next to no deviation everything is
    far, and alarms of them alone break any budget.
    """
    table = points.pivot_table(index="time", columns=KEYS, values="value", dropna=False, sort=False)
    planned = points.pivot_table(index="time", columns=KEYS, values="is_planned", dropna=False, sort=False)
    masked = planned.reindex_like(table).to_numpy("float64") > 0
    values = np.where(masked, np.nan, table.to_numpy("float64"))
    scores = np.column_stack([weekday_median_scores(values[:, place]) for place in range(values.shape[1])])
    metrics = [str(key[0]) for key in table.columns]
    found = np.nan_to_num(pooled_surprise(scores, metrics, POOL_PRIOR, masked))
    found[:, [metric in HOME for metric in metrics]] = 0.0
    rows = table.index.get_indexer(pd.Index(points["time"]))
    return found[rows, table.columns.get_indexer(pd.MultiIndex.from_frame(points[KEYS]))]


def random_notifications(
    points: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp, seed: int, a_month: float = RANDOM_A_MONTH
) -> pd.DataFrame:
    """Alarms by dice that name everything: what luck alone would hit."""
    days = pd.date_range(first, last)
    raised = days[random_alarms(days, a_month, seed)]
    names = frozenset(points[KEYS].drop_duplicates().itertuples(index=False, name=None))
    return pd.DataFrame({"notification_id": range(len(raised)), "raised": raised, "names": [names] * len(raised)})
