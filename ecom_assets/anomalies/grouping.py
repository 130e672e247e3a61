"""One notification a cause: alarms of many series, day by day, joined by what moves together.

Decided forwards only: what a later day shows never changes what an earlier day notified.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ecom_assets.anomalies.events import severity

JOIN_SHARE = 0.5
SUPPORT = 1.8
ALONE_SHARE = 1.5
SOLID_DAYS = 3
GAP_DAYS = 2
ECHO_DAYS = 7
MONTH_DAYS = 30.4
START_DAYS = 56
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
    score: float
    metrics: set[str]
    series: set[int]
    rows: list[dict] = field(default_factory=list)


def shop_threshold(series: int, alarms_a_month: float) -> float:
    """The surprise that the highest of so many quiet series reaches `alarms_a_month` times a month (Bonferroni)."""
    if not 0 < alarms_a_month <= MONTH_DAYS:
        raise ValueError(f"alarms a month must lie between 0 and {MONTH_DAYS:g}, found {alarms_a_month}")
    return float(np.log10(max(series, 1) * MONTH_DAYS / alarms_a_month))


def notify(
    scored: pd.DataFrame, alarms_a_month: float = 0.5, threshold: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Notifications from the scored days of all series of one shop.

    The shop alarms on a day when the surprise of one of its series reaches the threshold and another one is odd with
    it, or when one alone is half as much again above it. All that is odd on a day is one notification, and so is
    what follows within three days; an alarm that shares a series or a metric with an event of the last seven days
    is its continuation or its echo (recovery, catching up) and raises nothing. Two causes on one day are told once:
    on a drawn shop they are rarer than one cause that shows in series which were never seen together.

    Args:
        scored: one row a series and day: time, metric, dimension, member ("" = the whole), score (a calibrated
            surprise) and zscore (signed); optionally is_planned, which is handed on to the members.
        alarms_a_month: budget of false notifications of the shop.
        threshold: instead of the budget's.

    Returns:
        Notifications: notification_id, raised (day), start, end (last day so far), metric, dimension, member (of the
        series with the highest score on the day raised), direction, severity, score, series (how many took part).
        And their members: notification_id, metric, dimension, member, time, direction, score, zscore.
    """
    table = _Wide(scored)
    bar = threshold if threshold is not None else shop_threshold(table.count, alarms_a_month)
    events: list[_Event] = []
    for day in range(min(START_DAYS, len(table.days)), len(table.days)):
        scores = table.scores[day]
        top = float(scores.max(initial=0.0))
        supported = int(np.sum(scores >= SUPPORT)) > 1
        if top < bar * (1.0 if supported else ALONE_SHARE):
            continue
        _place(events, table, day, bar, scores)
    return _tables(events, bar)


class _Wide:
    """Scores and z-scores as day × series."""

    def __init__(self, scored: pd.DataFrame) -> None:
        self.days = pd.DatetimeIndex(np.unique(scored["time"].to_numpy()))
        odd = scored[scored["score"] >= SUPPORT]  # one cell in sixty: all others cannot matter
        names = scored[KEYS].drop_duplicates()
        self.count = len(names)
        self.names = [tuple(name) for name in odd[KEYS].drop_duplicates().itertuples(index=False, name=None)]
        place = {name: column for column, name in enumerate(self.names)}
        columns = [place[name] for name in odd[KEYS].itertuples(index=False, name=None)]
        rows = np.searchsorted(self.days.to_numpy(), odd["time"].to_numpy())
        self.scores = np.zeros((len(self.days), len(self.names)))
        self.zscores = np.zeros(self.scores.shape)
        self.scores[rows, columns], self.zscores[rows, columns] = odd["score"], odd["zscore"]


def _place(events: list[_Event], table: _Wide, day: int, bar: float, scores: np.ndarray) -> None:
    """Continues the latest related event with the day's odd series, or opens one."""
    now = table.days[day]
    odd = set(np.flatnonzero(scores >= JOIN_SHARE * bar).tolist())
    alarming = {series for series in odd if scores[series] >= bar}
    metrics = {table.names[series][0] for series in alarming}
    for event in reversed(events):
        quiet_days = (now - event.last).days
        if quiet_days > ECHO_DAYS:
            continue
        if (now - event.raised).days <= SOLID_DAYS or event.series & odd or event.metrics & metrics:
            if quiet_days <= GAP_DAYS:
                event.last = now
                event.series |= odd
            _note(event, table, day, odd)
            return
    event = _Event(len(events) + 1, now, now, float(scores.max()), metrics, set(odd))
    _note(event, table, day, odd)
    events.append(event)


def _note(event: _Event, table: _Wide, day: int, group: set[int]) -> None:
    for series in sorted(group):
        score, zscore = table.scores[day, series], table.zscores[day, series]
        name = dict(zip(KEYS, table.names[series], strict=True))
        direction = "up" if zscore >= 0 else "down"
        said = {"time": table.days[day], "direction": direction, "score": score, "zscore": zscore}
        event.rows.append({"notification_id": event.number, **name, **said})


def _tables(events: list[_Event], bar: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    notifications, members = [], []
    for event in events:
        first = max((row for row in event.rows if row["time"] == event.raised), key=lambda row: row["score"])
        notifications.append(
            {
                "notification_id": event.number, "raised": event.raised, "start": event.raised, "end": event.last,
                **{key: first[key] for key in KEYS}, "direction": first["direction"],
                "severity": severity(event.score, bar), "score": event.score,
                "series": len({tuple(row[key] for key in KEYS) for row in event.rows}),
            }
        )  # fmt: skip
        members += event.rows
    return (
        pd.DataFrame(notifications, columns=list(NOTIFICATION_COLUMNS)),
        pd.DataFrame(members, columns=list(MEMBER_COLUMNS)),
    )
