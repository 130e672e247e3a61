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
FRESH_SHARE = 1.5
LEAST_BAR = 3.5
"""Of a shop of few series, each may be a copy of the next, which confirms nothing."""
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
    metrics: set[str]  # that alarmed on the day raised
    touched: set[str]  # of all series that took part
    series: set[int]
    faults: set[str] = field(default_factory=set)  # what was wrong with files
    rows: list[dict] = field(default_factory=list)


def shop_threshold(series: int, alarms_a_month: float) -> float:
    """The surprise that the highest of so many quiet series reaches `alarms_a_month` times a month (Bonferroni).

    At least `LEAST_BAR`, which one series reaches once in a hundred months.
    """
    if not 0 < alarms_a_month <= MONTH_DAYS:
        raise ValueError(f"alarms a month must lie between 0 and {MONTH_DAYS:g}, found {alarms_a_month}")
    return max(float(np.log10(max(series, 1) * MONTH_DAYS / alarms_a_month)), LEAST_BAR)


def notify(
    scored: pd.DataFrame, alarms_a_month: float = 0.5, threshold: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Notifications from the scored days of all series of one shop.

    The shop alarms on a day when the surprises of two series of one metric, or of one member, reach the threshold,
    or when one alone is half as much again above it: of what moved one series and none of its relatives, most was
    chance. All that is odd on a day is one notification, and so is what follows within three days; an alarm that
    shares a series or a metric with an event of the last seven days is its continuation or its echo (recovery,
    catching up) and raises nothing. Only where two series of metrics that the event has not touched are half as much
    again above the threshold, a second cause is told beside it. Two causes on one day are told once: on a drawn shop
    they are rarer than one cause that shows in series which were never seen together. A file that is proven to be
    faulty is no echo of anything but the same fault of the week before: it is a cause of its own.

    Args:
        scored: one row a series and day: time, metric, dimension, member ("" = the whole), score (a calibrated
            surprise) and zscore (signed); optionally fault, the file fault that moved it ("" for none).
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
        if _alarms(table, day, bar):
            _place(events, table, day, bar)
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
        self.faults: dict[int, dict[str, set[int]]] = {}  # by day and fault, the series that it moved
        for row, column, fault in zip(rows.tolist(), columns, odd.get("fault", pd.Series("", odd.index)), strict=True):
            if fault:
                self.faults.setdefault(row, {}).setdefault(fault, set()).add(column)

    def metrics(self, chosen: set[int]) -> set[str]:
        """Of some series."""
        return {self.names[series][0] for series in chosen}

    def alarming(self, day: int, chosen: set[int], bar: float) -> set[str]:
        """Metrics of those of some series that reach the bar on a day."""
        return self.metrics({series for series in chosen if self.scores[day, series] >= bar})


def _alarms(table: _Wide, day: int, bar: float, among: set[int] | None = None) -> bool:
    """Whether two related series, or one alone, are odd enough on a day; of all or of some."""
    scores = table.scores[day]
    chosen = [series for series in np.flatnonzero(scores >= bar).tolist() if among is None or series in among]
    names = [table.names[series] for series in chosen]
    metrics, members = {name[0] for name in names}, {name[1:] for name in names}
    return min(len(metrics), len(members)) < len(names) or bool(scores[chosen].max(initial=0.0) >= ALONE_SHARE * bar)


def _place(events: list[_Event], table: _Wide, day: int, bar: float) -> None:
    """Tells the day's proven faults, and places what else is odd with the events that there are."""
    odd = set(np.flatnonzero(table.scores[day] >= JOIN_SHARE * bar).tolist())
    faulty = None
    for fault, moved in sorted(table.faults.get(day, {}).items()):
        faulty = _place_fault(events, table, day, bar, fault, moved & odd)
        odd -= moved
    if faulty is None or _alarms(table, day, bar, odd):
        _place_odd(events, table, day, bar, odd)
    else:
        _note(faulty, table, day, odd)


def _place_fault(events: list[_Event], table: _Wide, day: int, bar: float, fault: str, moved: set[int]) -> _Event:
    """Continues the event of a fault with the series that it moved, or opens one."""
    now = table.days[day]
    for event in reversed(events):
        if fault in event.faults and (now - event.last).days <= ECHO_DAYS:
            event.last = now
            event.series |= moved
            event.touched |= table.metrics(moved)
            _note(event, table, day, moved)
            return event
    event = _opened(events, table, day, bar, moved)
    event.faults.add(fault)
    return event


def _place_odd(events: list[_Event], table: _Wide, day: int, bar: float, odd: set[int]) -> None:
    """Continues the latest related event with the day's odd series, or opens one."""
    now, scores = table.days[day], table.scores[day]
    for event in reversed(events):
        quiet_days = (now - event.last).days
        if quiet_days > (GAP_DAYS if event.faults else ECHO_DAYS):  # a file leaves no echo in customers
            continue
        metrics = table.alarming(day, odd, bar)
        if (now - event.raised).days <= SOLID_DAYS or event.series & odd or event.metrics & metrics:
            fresh = {series for series in odd if table.names[series][0] not in event.touched}
            is_second = sum(scores[series] >= FRESH_SHARE * bar for series in fresh) > 1
            known = odd - fresh if is_second else odd
            if known and quiet_days <= GAP_DAYS:
                event.last = now
                event.series |= known
            event.touched |= table.metrics(known)
            _note(event, table, day, known)
            if not is_second:
                return
            odd = fresh
    _opened(events, table, day, bar, odd)


def _opened(events: list[_Event], table: _Wide, day: int, bar: float, odd: set[int]) -> _Event:
    now, score = table.days[day], float(table.scores[day, list(odd)].max())
    event = _Event(len(events) + 1, now, now, score, table.alarming(day, odd, bar), table.metrics(odd), set(odd))
    _note(event, table, day, odd)
    events.append(event)
    return event


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
