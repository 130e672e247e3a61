"""One notification a cause: alarms of many series, day by day, joined by what moves together.

Decided forwards only: what a later day shows never changes what an earlier day notified.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ecom_assets.anomalies.calibration import MONTH_DAYS
from ecom_assets.anomalies.events import severity
from ecom_assets.anomalies.wide import KEYS

SUPPORT = 1.8  # surprise from which a series is looked at at all: by chance one day in sixty
JOIN_SHARE = 0.5  # of the bar, from which a series takes part in what alarmed
ALONE_SHARE = 1.5  # of the bar, from which one series alarms alone
FRESH_SHARE = 1.5  # of the bar, from which two series of untouched metrics are a second cause
LEAST_BAR = 3.5  # of a shop of few series each may be a copy of the next, which confirms nothing
SOLID_DAYS = 3  # after an event was raised, in which it takes in all that is odd
GAP_DAYS = 2  # after its last day, in which an event goes on: what comes later is its echo
ECHO_DAYS = 7  # after its last day, in which what is related raises nothing
START_DAYS = 56
NOTIFICATION_COLUMNS = (
    "notification_id", "raised", "start", "end", "metric", "dimension", "member", "direction", "severity", "score",
    "series",
)  # fmt: skip
MEMBER_COLUMNS = ("notification_id", "metric", "dimension", "member", "time", "direction", "score", "zscore")


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
    table = _ScoreTable(scored)
    bar = threshold if threshold is not None else shop_threshold(table.count, alarms_a_month)
    events: list[_Event] = []
    for place in range(START_DAYS, len(table.days)):
        day = table.day(place, bar)
        if day.alarms(day.odd()):
            _place(events, day)
    return _tables(events, bar)


class _ScoreTable:
    """Scores and z-scores as day × series; a series is known by its place in `names`."""

    def __init__(self, scored: pd.DataFrame) -> None:
        self.days = pd.DatetimeIndex(np.unique(scored["time"].to_numpy()))
        self.count = len(scored[KEYS].drop_duplicates())
        odd = scored[scored["score"] >= SUPPORT]  # all other cells cannot matter
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

    def day(self, place: int, bar: float) -> "_Day":
        faults = self.faults.get(place, {})
        return _Day(self.days[place], bar, self.names, self.scores[place], self.zscores[place], faults)


@dataclass(frozen=True)
class _Day:
    """One day of all series, which are known by their places, and the bar that the shop's alarms are held to."""

    time: pd.Timestamp
    bar: float
    names: list[tuple]  # metric, dimension, member by series
    scores: np.ndarray  # by series
    zscores: np.ndarray  # by series
    faults: dict[str, set[int]]  # by file fault, the series that it moved

    def odd(self) -> set[int]:
        """Series that are odd enough to take part in what alarmed."""
        return set(np.flatnonzero(self.scores >= JOIN_SHARE * self.bar).tolist())

    def alarms(self, odd: set[int]) -> bool:
        """Whether, of some series, two related ones reach the bar, or one alone is far above it."""
        high = [series for series in odd if self.scores[series] >= self.bar]
        share_a_metric = len({self.names[series][0] for series in high}) < len(high)
        share_a_member = len({self.names[series][1:] for series in high}) < len(high)
        return share_a_metric or share_a_member or any(self.scores[one] >= ALONE_SHARE * self.bar for one in high)

    def metrics(self, chosen: set[int], least: float = 0.0) -> set[str]:
        """Of those of some series whose score is `least` or more."""
        return {self.names[series][0] for series in chosen if self.scores[series] >= least}


@dataclass
class _Event:
    """What is told as one notification: a cause, and all that it has moved so far."""

    number: int
    raised: pd.Timestamp
    last: pd.Timestamp  # day on which it still went on
    score: float  # highest on the day raised
    metrics: set[str]  # that alarmed on the day raised
    series: set[int] = field(default_factory=set)  # that it moved, echoes left out
    touched: set[str] = field(default_factory=set)  # metrics that it moved, echoes too
    faults: set[str] = field(default_factory=set)  # what was wrong with files
    rows: list[dict] = field(default_factory=list)  # its members, as `MEMBER_COLUMNS`

    def quiet_days(self, day: _Day) -> int:
        return (day.time - self.last).days

    def explains(self, day: _Day, odd: set[int]) -> bool:
        """Whether what is odd on a day is this event going on, or its echo."""
        if self.quiet_days(day) > (GAP_DAYS if self.faults else ECHO_DAYS):  # a file leaves no echo in customers
            return False
        is_young = (day.time - self.raised).days <= SOLID_DAYS
        return is_young or bool(self.series & odd) or bool(self.metrics & day.metrics(odd, day.bar))

    def second_cause(self, day: _Day, odd: set[int]) -> set[int]:
        """Of odd series those of metrics that it never touched, where two are too odd to be its doing; else none."""
        fresh = {series for series in odd if day.names[series][0] not in self.touched}
        return fresh if sum(day.scores[series] >= FRESH_SHARE * day.bar for series in fresh) > 1 else set()

    def take_in(self, day: _Day, moved: set[int], goes_on: bool) -> None:
        """These series too were moved by it: because it goes on, or as its echo."""
        if goes_on:
            self.last = day.time
            self.series |= moved
        self.touched |= day.metrics(moved)
        self.note(day, moved)

    def note(self, day: _Day, chosen: set[int]) -> None:
        """Make series members of the notification, with what they showed on the day."""
        for series in sorted(chosen):
            name = dict(zip(KEYS, day.names[series], strict=True))
            direction = "up" if day.zscores[series] >= 0 else "down"
            showed = {"direction": direction, "score": day.scores[series], "zscore": day.zscores[series]}
            self.rows.append({"notification_id": self.number, **name, "time": day.time, **showed})


def _place(events: list[_Event], day: _Day) -> None:
    """Tell what is odd on a day that alarms: in the events that explain it, or in new ones, which are added to them.

    What a faulty file moved belongs to the event of that fault. The rest is placed by itself where it would alarm
    without the fault as well; if not, it is only noted with the fault.
    """
    rest, of_fault = day.odd(), None
    for fault, marked in sorted(day.faults.items()):
        of_fault = _place_fault(events, day, fault, marked & rest) or of_fault
        rest -= marked
    if day.alarms(rest):
        _place_rest(events, day, rest)
    elif of_fault:
        of_fault.note(day, rest)


def _place_fault(events: list[_Event], day: _Day, fault: str, moved: set[int]) -> _Event | None:
    """The event of a file's fault: of the same fault in the week before, or a new one; none where nothing is odd."""
    for event in reversed(events):
        if fault in event.faults and event.quiet_days(day) <= ECHO_DAYS:
            event.take_in(day, moved, goes_on=True)
            return event
    if not moved:
        return None
    event = _open(events, day, moved)
    event.faults.add(fault)
    return event


def _place_rest(events: list[_Event], day: _Day, odd: set[int]) -> None:
    """Give odd series to the latest event that explains them, or open an event of them.

    Orders fell yesterday. Where orders and, a little, sessions are odd today, both belong to that event. Where two
    series of sessions are far above the bar, orders belong to it, and sessions are a second cause: they are given to
    an earlier event that explains them, or are a new one.
    """
    for event in reversed(events):
        if not event.explains(day, odd):
            continue
        second = event.second_cause(day, odd)
        known = odd - second
        event.take_in(day, known, goes_on=bool(known) and event.quiet_days(day) <= GAP_DAYS)
        if not second:
            return
        odd = second
    _open(events, day, odd)


def _open(events: list[_Event], day: _Day, odd: set[int]) -> _Event:
    """A new event, raised on this day by some series (one at least)."""
    score = float(day.scores[list(odd)].max())
    event = _Event(len(events) + 1, day.time, day.time, score, day.metrics(odd, day.bar))
    event.take_in(day, odd, goes_on=True)
    events.append(event)
    return event


def _tables(events: list[_Event], bar: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Notifications, each named after its oddest series on the day raised, and their members."""
    notifications = []
    for event in events:
        oddest = max((row for row in event.rows if row["time"] == event.raised), key=lambda row: row["score"])
        notifications.append(
            {
                "notification_id": event.number, "raised": event.raised, "start": event.raised, "end": event.last,
                **{key: oddest[key] for key in KEYS}, "direction": oddest["direction"],
                "severity": severity(event.score, bar), "score": event.score,
                "series": len({tuple(row[key] for key in KEYS) for row in event.rows}),
            }
        )  # fmt: skip
    members = [row for event in events for row in event.rows]
    return (
        pd.DataFrame(notifications, columns=list(NOTIFICATION_COLUMNS)),
        pd.DataFrame(members, columns=list(MEMBER_COLUMNS)),
    )
