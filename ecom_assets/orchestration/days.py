"""Days and ranges of days, as Dagster's partitions and tags. Pure: reads no clock, no data and no environment."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from ecom_assets.settings import Shop

DayRange = tuple[date, date]  # inclusive


class Days(dg.DailyPartitionsDefinition):
    """Daily partitions whose keys are counted, and not found by asking a cron schedule for one after the other.

    A run asks for all keys once for each whole table that is made of a table of days, to learn that they are too many
    to look at: of four years that took half a second.
    """

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """Every day of the shop that has ended by `current_time` (now), oldest first."""
        with dg.partition_loading_context(current_time, dynamic_partitions_store):
            first, last = self.get_first_partition_key(), self.get_last_partition_key()
        if first is None or last is None:
            return []
        return [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]


# Assets are declared before the shop is known; `binding` puts the shop's own days in its place.
UNBOUND_DAYS = Days("1970-01-01")


def daily_partitions(shop: Shop) -> Days:
    """One partition for each of the shop's days that has ended, by shop time."""
    end = shop.last_day + timedelta(days=1) if shop.last_day else None
    return Days(
        start_date=shop.first_day.isoformat(),
        end_date=end.isoformat() if end else None,
        timezone=shop.time_zone,
    )


def joined(days: Iterable[date], bridge: int = 0) -> list[DayRange]:
    """Inclusive ranges that cover `days`, oldest first; gaps of up to `bridge` days are covered too."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and (day - ranges[-1][1]).days <= bridge + 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def range_tags(days: DayRange) -> dict[str, str]:
    """The run tags that ask for a range of days in one run."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: days[0].isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: days[1].isoformat(),
    }


def worded(days: Iterable[date], limit: int = 12) -> str:
    """Days in few words: ranges, and how many more there are."""
    ranges = joined(days)
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in ranges[:limit]]
    return ", ".join(words) + (f" and {len(ranges) - limit} more ranges" if len(ranges) > limit else "")
