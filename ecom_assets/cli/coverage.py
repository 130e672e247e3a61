"""What the detectors looked at, in words: "not looked at" is never told as "nothing found". Decides nothing itself."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecom_assets.warehouse.connection import Connection

_NAMED = 3
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


@dataclass(frozen=True)
class Coverage:
    """How many series there are, of how many people would be told, to which day, and why not of the others."""

    series: int
    watched: int
    newest_day: date | None
    not_watched: dict[str, list[str]]  # reason: names of series, those of whole metrics first

    @property
    def found_nothing(self) -> str:
        """What is said where no notification is."""
        if self.watched:
            return f"Nothing was out of the ordinary in the {self.watched:,} series that were looked at."
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
        return f"{self.watched:,} of {self.series:,} series looked at{more}" if self.series else "no series looked at"

    def lines(self) -> list[str]:
        """What was looked at, then a line for each reason why the rest was not."""
        if not self.series:
            return []
        to = f" to {self.newest_day}" if self.newest_day and self.watched else ""
        reasons = [f"  {len(names):,} not: {why} ({_some(names)})" for why, names in self.not_watched.items()]
        return [f"Looked at {self.watched:,} of {self.series:,} series{to}.", *reasons]


def coverage(connection: "Connection") -> Coverage:
    """What was looked at, from a snapshot; no series at all where no detector has run on it."""
    from ecom_assets.warehouse.connection import table_exists

    if not all(table_exists(connection, "anomaly", name) for name in ("coverage", "consensus")):
        return Coverage(0, 0, None, {})
    ((newest,),) = connection.execute("select max(business_date) from anomaly.consensus").fetchall()
    found = connection.execute(_SERIES).fetchall()
    not_watched: dict[str, list[str]] = {}
    for metric, dimension, member, why, is_watched in found:
        if why is None and is_watched:
            continue
        reason = why or (_UNJUDGED if is_watched is None else _NOISY)
        not_watched.setdefault(reason, []).append(series_name(metric, dimension, member))
    return Coverage(len(found), len(found) - sum(map(len, not_watched.values())), newest, not_watched)


def series_name(metric: str, dimension: str, member: str) -> str:
    """A series as people read it, such as "sessions of channel paid search"."""
    named = metric.replace("_", " ")
    return named if dimension == "total" else f"{named} of {dimension} {member.replace('_', ' ')}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
