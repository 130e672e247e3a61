"""What a schedule or sensor asks for, given what is recorded. Pure but for the snapshot and folder that it reads.

Sensors read the published snapshot and never the warehouse: an open reader would block the writer, and lineage is
published after every run, failed ones included.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ecom_assets.orchestration.days import DayRange, joined
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import Shop

REFRESH_HOUR = 6
BRIDGE_DAYS = 3  # writing a few days again costs less than another run
MAX_RANGES = 5  # a tick; the others are asked for when these are done
TRIES = 3
PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=6)


def trailing_window(shop: Shop, as_of: datetime) -> DayRange | None:
    """The last `restate_days` days that are over; None while the shop has none."""
    from ecom_assets.warehouse.days import last_day_over

    last = last_day_over(shop, as_of)
    first = max(shop.first_day, last - timedelta(days=shop.restate_days - 1))
    return (first, last) if first <= last else None


def follow_up_ranges(shop: Shop, to_do: Sequence[date], as_of: datetime) -> list[DayRange]:
    """The ranges to ask for: touched days, less those that the coming daily job rewrites anyway.

    After the daily job's hour a late file for yesterday does not wait until tomorrow.
    """
    window = trailing_window(shop, as_of)
    if window is None:
        return []
    is_before_the_job = as_of.astimezone(shop.zone).hour < REFRESH_HOUR
    waiting = set(to_do)
    if is_before_the_job:
        waiting = {day for day in waiting if not window[0] <= day <= window[1]}
    possible = [day for day in waiting if shop.first_day <= day <= window[1]]
    return joined(possible, BRIDGE_DAYS)[:MAX_RANGES]


@dataclass(frozen=True)
class Asked:
    """What a sensor last asked for, how often and when; kept in its cursor."""

    signature: str = ""
    times: int = 0
    at: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Asked":
        """From a sensor's cursor."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        """For a sensor's cursor."""
        return json.dumps(self.__dict__)

    def again_at(self, signature: str) -> datetime | None:
        """When the same may be asked for again: at once a few times, then ever more seldom; None means now.

        A run key would be used up by a run that failed. What keeps failing must not fill the history either.
        """
        if signature != self.signature or self.times < TRIES:
            return None
        pause = min(PAUSE * 2 ** (self.times - TRIES), LONGEST_PAUSE)
        return datetime.fromisoformat(self.at) + pause

    def with_request(self, signature: str, at: datetime) -> "Asked":
        """The record after asking once more."""
        times = self.times + 1 if signature == self.signature else 1
        return Asked(signature, times, at.isoformat())


def signature_of(parts: Sequence[object]) -> str:
    """Changes when what is asked for changes."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:16]


def days_to_do(context: ShopContext) -> list[date]:
    """Days that `ecom run` would write, as the newest snapshot tells.

    Their files were loaded and not evaluated since; or a run broke, and some table that is made by day has not seen
    what stands in the clean ones now.
    """
    from ecom_assets.contracts import dataset_contracts, table_contracts
    from ecom_assets.warehouse import NoSnapshotError, open_snapshot
    from ecom_assets.warehouse.days import days_to_do as recorded

    try:
        connection = open_snapshot(context.home)
    except NoSnapshotError:
        return []
    contracts = [*dataset_contracts().values(), *table_contracts().values()]
    with connection:
        return recorded(connection, context.shop, contracts, context.now())


def new_files(context: ShopContext) -> list[str]:
    """Landing files that the newest snapshot does not know, or knows with another size, time or reading.

    And those that it tells as refused or as over their limit, and that lie there no more.
    """
    from ecom_assets.ingestion import discover, plan_sources
    from ecom_assets.warehouse import NoSnapshotError, open_snapshot
    from ecom_assets.warehouse.queries import SOURCE_FILES

    found = {
        (plan.name, file.name): (file.size_bytes, file.modified_ns, plan.read_as)
        for plan in plan_sources(context.shop, context.shop_file)
        for file in discover(plan, context.landing)
    }
    try:
        with open_snapshot(context.home) as connection:
            told = "source, source_file, size_bytes, modified_ns, read_as, coalesce(refused, over_limit)"
            rows = connection.execute(f"select {told} from {SOURCE_FILES}").fetchall()
    except NoSnapshotError:
        rows = []
    known = {row[:2]: row[2:5] for row in rows}
    new = [" ".join(map(str, (name, *state))) for (source, name), state in sorted(found.items())
           if known.get((source, name)) != state]  # fmt: skip
    return new + sorted(f"{row[1]} went away" for row in rows if row[5] is not None and row[:2] not in found)
