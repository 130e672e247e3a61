"""When the shop's days are refreshed and its forecasters compared."""

import dagster as dg

from ecom_assets.orchestration.days import range_tags
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.orchestration.ticks import REFRESH_HOUR, trailing_window


@dg.definitions
def schedules() -> dg.Definitions:
    """The daily and the weekly schedule, by the shop's clock."""
    shop = ShopContext.resolve().shop

    @dg.schedule(
        job_name="daily_refresh",
        name="daily_refresh_schedule",
        cron_schedule=f"0 {REFRESH_HOUR} * * *",
        execution_timezone=shop.time_zone,
        description=f"At {REFRESH_HOUR:02}:00 shop time: the last {shop.restate_days} days that are over.",
    )
    def daily_refresh_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time
        window = trailing_window(shop, at)
        if window is None:
            return dg.SkipReason(f"the shop's first day, {shop.first_day}, is not over yet")
        return dg.RunRequest(run_key=at.isoformat(), tags=range_tags(window))

    @dg.schedule(
        job_name="weekly_champions",
        name="weekly_champions_schedule",
        cron_schedule=f"30 {REFRESH_HOUR} * * 1",
        execution_timezone=shop.time_zone,
        description=f"On Mondays at {REFRESH_HOUR:02}:30 shop time, behind the daily refresh.",
    )
    def weekly_champions_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())

    return dg.Definitions(schedules=[daily_refresh_schedule, weekly_champions_schedule])
