"""What the detectors looked at, in words: "not looked at" is never told as "nothing found". Decides nothing itself."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecom_assets.warehouse.connection import Connection

_NAMED = 3
_MUCH = 0.25  # from this share on, plans are said to have excused what was looked at
_NOISY = "too noisy by the day, or the prices of another series"
_UNJUDGED = "not judged yet"
_SERIES = """
    with judged as (
        select metric, dimension, member, is_watched from anomaly.consensus
        where business_date = (select max(business_date) from anomaly.consensus)
    )
    select metric, dimension, member, left_out_because, is_watched
    from anomaly.coverage left join judged using (metric, dimension, member)
    where is_judged
    order by dimension <> 'total', metric, dimension, member
"""
# The first days of a shop have no surprise: they only teach what is usual.
_DAYS = """
    select count(distinct business_date), min(business_date), max(business_date), avg(is_planned::integer)
    from anomaly.consensus where is_watched and mean_surprise is not null
"""


@dataclass(frozen=True)
class Coverage:
    """How many series there are, of how many people would be told, on which days, and why not of the others.

    `planned_share` is that of what was judged which lies in campaigns and holidays (0 to 1).
    """

    series: int
    watched: int
    not_watched: dict[str, list[str]]  # reason: names of series, those of whole metrics first
    days: int = 0
    first_day: date | None = None
    last_day: date | None = None
    planned_share: float = 0.0
    is_known: bool = True  # not by snapshots of older versions

    @property
    def found_nothing(self) -> str:
        """What is said where no notification is."""
        if self.days:
            return f"Nothing was out of the ordinary in {self.watched:,} series on {_counted(self.days)}."
        if not self.is_known:
            return "What was looked at is not known of this snapshot; `ecom run` finds out."
        if not self.series:
            return (
                "Nothing was looked at: detectors read kpi.daily_metrics, and it is made only where a shop has orders "
                "and order_items."
            )
        return "Nothing was looked at."

    @property
    def line(self) -> str:
        """The whole in one line."""
        rest = self.series - self.watched
        more = f"; {rest:,} not (ecom anomalies list says why)" if rest else ""
        if not self.series:
            return "no series looked at" if self.is_known else "not known of this snapshot; `ecom run` finds out"
        return f"{self.watched:,} of {self.series:,} series looked at, on {_counted(self.days)}{more}"

    def lines(self) -> list[str]:
        """What was looked at, then a line for each reason why the rest was not."""
        if not self.series:
            return []
        days = f", on {_counted(self.days)} from {self.first_day} to {self.last_day}" if self.days else ""
        planned = (
            f"  {self.planned_share:.0%} of it lies in campaigns and holidays: only what goes beyond them is told."
        )
        reasons = [f"  {len(names):,} not: {why} ({_some(names)})" for why, names in self.not_watched.items()]
        looked_at = f"Looked at {self.watched:,} of {self.series:,} series{days}."
        return [looked_at, *([planned] if self.planned_share >= _MUCH else []), *reasons]


def coverage(connection: "Connection") -> Coverage:
    """What was looked at, from a snapshot; no series at all where no detector has run on it."""
    from ecom_assets.warehouse.connection import table_exists

    if not all(table_exists(connection, "anomaly", name) for name in ("coverage", "consensus")):
        return Coverage(0, 0, {}, is_known=False)
    found = connection.execute(_SERIES).fetchall()
    not_watched: dict[str, list[str]] = {}
    for metric, dimension, member, why, is_watched in found:
        if why is None and is_watched:
            continue
        reason = why or (_UNJUDGED if is_watched is None else _NOISY)
        not_watched.setdefault(reason, []).append(series_name(metric, dimension, member))
    ((days, first, last, planned),) = connection.execute(_DAYS).fetchall()
    watched = len(found) - sum(map(len, not_watched.values()))
    return Coverage(len(found), watched, not_watched, days, first, last, planned or 0.0)


def series_name(metric: str, dimension: str, member: str) -> str:
    """A series as people read it, such as "sessions of channel paid search"."""
    named = metric.replace("_", " ")
    return named if dimension == "total" else f"{named} of {dimension} {member.replace('_', ' ')}"


def _counted(days: int) -> str:
    return "1 day" if days == 1 else f"{days:,} days"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
