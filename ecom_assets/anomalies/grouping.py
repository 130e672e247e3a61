"""One notification a cause: alarms of many series, day by day, joined by what moves together.

Decided forwards only: what a later day shows never changes what an earlier day notified.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import budget_threshold, surprise
from ecom_assets.anomalies.events import severity

WHOLE = ""
JOIN_SHARE = 0.6
MIN_CORRELATION = 0.5
CORRELATION_DAYS = 180
GAP_DAYS = 2
ECHO_DAYS = 7
MONTH_DAYS = 30.4
KEYS = ["metric", "dimension", "member"]
NOTIFICATION_COLUMNS = (
    "notification_id", "raised", "start", "end", "metric", "dimension", "member", "direction", "severity", "score",
    "series",
)  # fmt: skip
MEMBER_COLUMNS = ("notification_id", "metric", "dimension", "member", "time", "direction", "score", "zscore")


@dataclass
class _Event:
    number: int
    raised: pd.Timestamp
    last: pd.Timestamp
    series: set[int]
    rows: list[dict] = field(default_factory=list)


def notify(scored: pd.DataFrame, alarms_a_month: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Notifications from the scored days of all series of one shop.

    The shop alarms on a day when the highest score of its series has a surprise, against the highest scores of the
    days before, that quiet days reach `alarms_a_month` times a month. A series joins an event that day from 60 % of
    the threshold of its own score on, if it is related to a series of the event: the whole and a member of the same
    metric, or two series whose z-scores went together (correlation ≥ 0.5 over the 180 days before). A related alarm
    within two days after an event continues it; within seven days after its end it is its echo (recovery, catching
    up) and raises nothing.

    Args:
        scored: one row a series and day: time, metric, dimension, member ("" = the whole), score (consensus mean)
            and zscore (signed).
        alarms_a_month: budget of false notifications of the shop.

    Returns:
        Notifications: notification_id, raised (day), start, end (last day so far), metric, dimension, member (of the
        series with the highest score on the day raised), direction, severity, score, series (how many took part).
        And their members: notification_id, metric, dimension, member, time, direction, score, zscore.
    """
    table = _Wide(scored)
    highest = np.nanmax(np.where(np.isfinite(table.scores), table.scores, -np.inf), axis=1, initial=-np.inf)
    highest = np.where(np.isfinite(highest), highest, np.nan)
    shop_surprise = surprise(highest, every=7)
    threshold = budget_threshold(alarms_a_month, MONTH_DAYS)
    events: list[_Event] = []
    for day in np.flatnonzero(np.nan_to_num(shop_surprise) > 0).tolist():
        bar = highest[day] * threshold / shop_surprise[day] if shop_surprise[day] >= threshold else np.inf
        joining = set(
            np.flatnonzero(np.nan_to_num(table.scores[day]) >= JOIN_SHARE * table.usual(highest, day)).tolist()
        )
        alarming = set(np.flatnonzero(np.nan_to_num(table.scores[day]) >= bar).tolist())
        _place(events, table, day, joining | alarming, alarming)
    return _tables(events, table, threshold, shop_surprise)


class _Wide:
    """Scores and z-scores as day × series, and which series are related."""

    def __init__(self, scored: pd.DataFrame) -> None:
        index = scored.set_index(["time", *KEYS])
        scores = index["score"].unstack(KEYS).sort_index()
        self.days = pd.DatetimeIndex(scores.index)
        self.names = [tuple(name) for name in scores.columns]
        self.scores = scores.to_numpy("float64")
        self.zscores = index["zscore"].unstack(KEYS).sort_index()[scores.columns].to_numpy("float64")
        self.is_hierarchy = np.array([[_is_hierarchy(a, b) for b in self.names] for a in self.names])
        self._related: dict[int, np.ndarray] = {}
        self._usual: dict[int, float] = {}

    def related(self, day: int) -> np.ndarray:
        """Bool series × series; correlations are looked at anew every four weeks."""
        block = day // 28
        if block not in self._related:
            past = self.zscores[max(0, block * 28 - CORRELATION_DAYS) : block * 28]
            correlation = pd.DataFrame(np.clip(past, -4, 4)).corr(min_periods=30).to_numpy()
            same = np.array([[a[1:] == b[1:] for b in self.names] for a in self.names])
            self._related[block] = self.is_hierarchy | (same & (np.nan_to_num(correlation) >= MIN_CORRELATION))
        return self._related[block]

    def usual(self, highest: np.ndarray, day: int) -> float:
        """The highest score that one day in twenty has: what an unusual series has to come near to."""
        block = day // 28
        if block not in self._usual:
            past = highest[: max(block * 28, 1)]
            past = past[np.isfinite(past)]
            self._usual[block] = float(np.quantile(past, 0.95)) if past.size >= 20 else np.inf
        return self._usual[block]


def _is_hierarchy(one: tuple, other: tuple) -> bool:
    return one == other or (one[0] == other[0] and (WHOLE in (one[2], other[2])))


def _place(events: list[_Event], table: _Wide, day: int, joining: set[int], alarming: set[int]) -> None:
    """Continues events with the day's series, then opens one event per remaining group that holds an alarm."""
    now, related = table.days[day], table.related(day)
    for event in reversed(events):
        quiet_days = (now - event.last).days
        if quiet_days > ECHO_DAYS:
            continue
        reach = {series for series in joining if related[series, list(event.series)].any()}
        if reach:
            if quiet_days <= GAP_DAYS:
                event.last = now
                event.series |= reach & alarming
            _note(event, table, day, reach)
            joining, alarming = joining - reach, alarming - reach
    while alarming:
        group = _component(alarming, joining, related)
        event = _Event(len(events) + 1, now, now, group)
        _note(event, table, day, group)
        events.append(event)
        joining, alarming = joining - group, alarming - group


def _component(alarming: set[int], joining: set[int], related: np.ndarray) -> set[int]:
    """The strongest-linked group around one alarm: everything that can be reached through related series."""
    group, frontier = set(), [next(iter(sorted(alarming)))]
    while frontier:
        series = frontier.pop()
        if series in group:
            continue
        group.add(series)
        frontier += [other for other in joining if related[series, other] and other not in group]
    return group


def _note(event: _Event, table: _Wide, day: int, group: set[int]) -> None:
    for series in sorted(group):
        score, zscore = table.scores[day, series], table.zscores[day, series]
        name = dict(zip(KEYS, table.names[series], strict=True))
        direction = "up" if zscore >= 0 else "down"
        said = {"time": table.days[day], "direction": direction, "score": score, "zscore": zscore}
        event.rows.append({"notification_id": event.number, **name, **said})


def _tables(
    events: list[_Event], table: _Wide, threshold: float, shop_surprise: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    notifications, members = [], []
    for event in events:
        first = max((row for row in event.rows if row["time"] == event.raised), key=lambda row: row["score"])
        day = table.days.get_loc(event.raised)
        score = float(shop_surprise[day])
        notifications.append(
            {
                "notification_id": event.number, "raised": event.raised, "start": event.raised, "end": event.last,
                **{key: first[key] for key in KEYS}, "direction": first["direction"],
                "severity": severity(score, threshold), "score": score,
                "series": len({tuple(row[key] for key in KEYS) for row in event.rows}),
            }
        )  # fmt: skip
        members += event.rows
    return (
        pd.DataFrame(notifications, columns=list(NOTIFICATION_COLUMNS)),
        pd.DataFrame(members, columns=list(MEMBER_COLUMNS)),
    )
