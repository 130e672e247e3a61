"""What is asked for between two daily runs: new files, and the days that they touch."""

from collections.abc import Callable, Sequence

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from ecom_assets.orchestration import ticks
from ecom_assets.orchestration.days import range_tags, worded
from ecom_assets.orchestration.shop import ShopContext


@dg.sensor(
    job_name="load_files",
    minimum_interval_seconds=60,
    description="Loads landing files that are new or changed.",
)
def landing_file_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for a load as long as the landing folder holds something that no run has seen."""
    shop = ShopContext.resolve()
    files = ticks.new_files(shop)
    if not files:
        return dg.SkipReason(f"nothing new in {shop.landing}")
    return _asked(context, shop, files, lambda: [dg.RunRequest()])


@dg.sensor(
    job_name="backfill",
    minimum_interval_seconds=120,
    description="Asks for days whose files changed, until they are recorded as done.",
)
def touched_days_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for touched days outside the daily window, joined into ranges."""
    shop = ShopContext.resolve()
    to_do = ticks.days_to_do(shop)
    ranges = ticks.follow_up_ranges(shop.shop, to_do, shop.now())
    if not ranges:
        left = f"; the daily job takes {worded(to_do)}" if to_do else ""
        return dg.SkipReason(f"no touched day is left{left}")
    return _asked(context, shop, [*to_do, *ranges], lambda: [dg.RunRequest(tags=range_tags(days)) for days in ranges])


def _asked(
    context: dg.SensorEvaluationContext,
    shop: ShopContext,
    what: Sequence[object],
    requests: Callable[[], list[dg.RunRequest]],
) -> dg.SensorResult | dg.SkipReason:
    """The requests, unless a run is under way that may do it already, or it failed several times of late."""
    under_way = context.instance.get_run_ids(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES), limit=1)
    if under_way:
        return dg.SkipReason(f"run {under_way[0][:8]} is under way; looking again afterwards")
    asked, signature = ticks.Asked.read(context.cursor), ticks.signature_of(what)
    again_at = asked.again_at(signature)
    if again_at and shop.now() < again_at:
        return dg.SkipReason(f"asked for {asked.times} times without success; again at {again_at:%Y-%m-%d %H:%M} UTC")
    return dg.SensorResult(requests(), cursor=asked.with_request(signature, shop.now()).cursor())
