"""A hand-written DuckDB script as a contender of the events bench."""

import time
from pathlib import Path

from bench.events_shared import CHECKS, LAST_DAY, MEMORY, SHARES, THREADS, cpu_seconds

HAND_WRITTEN = {
    "sessions": """
        with gaps as (
            select *, case when occurred_at - lag(occurred_at) over w <= interval 30 minute then 0 else 1 end as starts
            from clickstream where visitor_id is not null
            window w as (partition by business_date, visitor_id order by occurred_at)
        ),
        numbered as (
            select *, sum(starts) over (partition by business_date, visitor_id order by occurred_at) as number from gaps
        ),
        counted as (select
            business_date, visitor_id, number, visitor_id || '-' || min(occurred_at) as session_id,
            min(occurred_at) as started_at, max(occurred_at) as ended_at, min(device) as device,
            'unknown' as channel, 'unknown' as country,
            arg_min(page_path, occurred_at) filter (event_type = 'page_view') as entry_page,
            arg_max(page_path, occurred_at) filter (event_type = 'page_view') as exit_page,
            count(*) filter (event_type = 'page_view') as page_views,
            count(*) filter (event_type not in ('page_view', 'product_view')) as other_events,
            count(*) filter (event_type = 'product_view') as product_views,
            count(*) filter (event_type = 'click') as clicks,
            max(case event_type when 'purchase' then 5 when 'payment_attempt' then 4 when 'checkout_start' then 3
                when 'add_to_cart' then 2 when 'product_view' then 1 when 'page_view' then 1 else 0 end) as step
        from numbered group by business_date, visitor_id, number)
        select *, epoch_ms(ended_at) / 1000 - epoch_ms(started_at) / 1000 as duration_s,
            greatest(page_views, product_views) <= 1 and other_events = 0 as bounced,
            step >= 1 as has_view, step >= 2 as has_cart, step >= 3 as has_checkout, step >= 4 as has_payment,
            step >= 5 as has_purchase, null::text as customer_id, null::text as campaign_id, 0 as orders,
            false as is_bot, true as is_start
        from counted
    """,
    "session_behavior": """
        with members as (
            select business_date, channel, device, country, entry_page, count(*) as sessions,
                sum(bounced::int) as bounces,
                sum(greatest(page_views, product_views)) as page_views,
                quantile_cont(duration_s, [0.5, 0.9]) as duration_s
            from sessions group by grouping sets ((business_date), (business_date, channel), (business_date, device),
                (business_date, country), (business_date, entry_page))
        ),
        views as (
            select business_date, page_path as page, count(*) as views from clickstream
            where event_type = 'page_view' and visitor_id is not null group by all
        ),
        entries as (select business_date, entry_page as page, count(*) as entries from sessions group by all),
        exits as (select business_date, exit_page as page, count(*) as exits from sessions group by all)
        select business_date, channel, device, country, entry_page, sessions, bounces, page_views, duration_s,
            page_views / sessions as pages_per_session, bounces / sessions as bounce_rate,
            null as views, null as entries, null as exits, null as drop_off_rate from members
        union all
        select business_date, null, null, null, page, null, null, null, null, null, null, views, entries, exits,
            least(exits / views, 1)
        from views full join entries using (business_date, page) full join exits using (business_date, page)
    """,
    "click_engagement": """
        with clicked as (
            select c.business_date, c.page_path, c.element, s.session_id
            from clickstream c asof join sessions s
                on c.business_date = s.business_date and c.visitor_id = s.visitor_id and c.occurred_at >= s.started_at
            where c.event_type = 'click'
        ),
        counted as (
            select business_date, page_path, element, count(*) as clicks,
                count(distinct session_id) as clicking_sessions
            from clicked group by grouping sets ((business_date), (business_date, page_path), (business_date, element),
                (business_date, page_path, element))
        )
        select *, clicks / visits as clicks_per_session, clicks / clicking_sessions as clicks_per_clicking_session,
            rank() over (partition by business_date, page_path is null, element is null order by clicks desc) as most,
            rank() over (partition by business_date, page_path is null, element is null order by clicks) as least
        from counted join (select business_date, count(*) as visits from sessions group by all) using (business_date)
    """,
    "purchase_funnel": """
        select *, cart_sessions / view_sessions as to_cart, checkout_sessions / cart_sessions as to_checkout,
            payment_sessions / checkout_sessions as to_payment, purchase_sessions / payment_sessions as to_purchase,
            purchase_sessions / view_sessions as bought
        from (
        select business_date, channel, device, count(*) as sessions, count(*) filter (step >= 1) as view_sessions,
            count(*) filter (step >= 2) as cart_sessions, count(*) filter (step >= 3) as checkout_sessions,
            count(*) filter (step >= 4) as payment_sessions, count(*) filter (step >= 5) as purchase_sessions
        from sessions group by all)
    """,
    "active_users": """
        with seen as (select distinct business_date, visitor_id from sessions),
        spread as (
            select visitor_id, business_date as day,
                lead(business_date) over (partition by visitor_id order by business_date) as next_day
            from seen
        ),
        changes as (
            select span, day, 1 as change from spread, unnest([1, 7, 28]) s (span)
            union all
            select span, least(day + span, coalesce(next_day, day + span)), -1
            from spread, unnest([1, 7, 28]) s (span)
        )
        select span, day, sum(sum(change)) over (partition by span order by day) as users
        from changes group by span, day
    """,
    "page_speed": """
        with waits as (select *, coalesce(lcp_ms, load_time_ms) as wait_ms from page_load_times),
        members as (
        select business_date, page_path, device, country, count(*) as loads, count(wait_ms) as timed,
            sum((wait_ms <= 2500)::int) as satisfied, sum((wait_ms > 2500 and wait_ms <= 10000)::int) as tolerated,
            sum((wait_ms > 10000)::int) as frustrated, quantile_cont(wait_ms, 0.75) as wait,
            quantile_cont(ttfb_ms, [0.5, 0.75, 0.95]) as ttfb,
            quantile_cont(lcp_ms, [0.5, 0.75, 0.95]) as lcp,
            quantile_cont(load_time_ms, [0.5, 0.75, 0.95]) as load_time
        from waits
        group by grouping sets ((business_date), (business_date, page_path), (business_date, device),
            (business_date, country)))
        select *, (satisfied + tolerated / 2) / timed as apdex, rank() over (partition by business_date,
            page_path is null, device is null, country is null, timed >= 10 order by wait desc) as slowness_rank
        from members
    """,
    "api_health": """
        with members as (
        select business_date, service, endpoint, count(*) as calls, count(status_code) as answered,
            sum((status_code >= 500)::int) as errors, sum((status_code between 400 and 499)::int) as client_errors,
            sum((status_code >= 500 or response_time_ms > 2000)::int) as frustrated,
            sum((status_code < 500 and response_time_ms <= 500)::int) as satisfied,
            sum((status_code < 500 and response_time_ms > 500 and response_time_ms <= 2000)::int) as tolerated,
            quantile_cont(response_time_ms, [0.5, 0.95, 0.99]) as response_time
        from api_logs
        group by grouping sets ((business_date), (business_date, service), (business_date, service, endpoint)))
        select *, errors / answered as error_rate, (satisfied + tolerated / 2) / (satisfied + tolerated + frustrated)
            as apdex, 0.005 * answered as allowed_errors, 1 - errors / (0.005 * answered) as error_budget_left,
            rank() over (partition by business_date, service is null, endpoint is null order by response_time[2] desc)
                as slowness_rank
        from members
    """,
}


def script(folder: Path) -> dict[str, float]:
    """What one would write by hand for these tables and nothing else: no contracts, no judging, no lineage."""
    import duckdb

    connection = duckdb.connect(str(folder / "script.duckdb"), config={"threads": THREADS, "memory_limit": MEMORY})
    for name in SHARES:
        connection.execute(f"create table {name} as select * from '{folder / name}.parquet'")
    connection.execute("checkpoint")
    parts = {}
    started, cpu = time.perf_counter(), cpu_seconds()
    for name, sql in HAND_WRITTEN.items():
        before = time.perf_counter()
        connection.execute(f"create table {name} as {sql}")
        parts[name] = time.perf_counter() - before
    parts["total"] = time.perf_counter() - started
    parts["cpu"] = cpu_seconds() - cpu
    found = connection.execute(
        f"""
        select
            (select count(*) from sessions), (select sum(page_views) from sessions),
            (select sum(purchase_sessions) from purchase_funnel),
            (select sum(clicking_sessions) from click_engagement where page_path is null and element is null),
            (select users from active_users where span = 28 and day <= '{LAST_DAY}' order by day desc limit 1),
            (select sum(lcp[3]) from page_speed where page_path is not null),
            (select sum(response_time[3]) from api_health where service is not null and endpoint is null),
            (select sum(errors) from api_health where service is null)
        """
    ).fetchall()[0]
    return {**parts, **dict(zip(CHECKS, map(float, found), strict=True))}
