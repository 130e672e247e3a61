"""The shop's partitions: counted days are the ones that Dagster would find."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from ecom_assets.orchestration.days import Days

MOMENTS = [datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 6, 28, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("end", [None, "2026-03-01"])
def test_counted_days_are_those_of_the_schedule(zone, end):
    own = Days("2022-06-28", end_date=end, timezone=zone)
    general = dg.DailyPartitionsDefinition("2022-06-28", end_date=end, timezone=zone)
    found = [list(own.get_partition_keys(moment)) for moment in MOMENTS]
    assert found == [list(general.get_partition_keys(moment)) for moment in MOMENTS]
    assert (len(found[0]), len(found[2]) > 1300) == (0, True)
    assert own == general
