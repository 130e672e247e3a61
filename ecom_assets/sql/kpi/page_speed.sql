-- One row per day, dimension and member.
with
-- Percentiles are taken of whole microseconds: exact, and in half the time that doubles take to compare.
loads as (
    select
        business_date, page_path, device, country,
        (ttfb_ms * 1000)::integer as ttfb_us,
        (lcp_ms * 1000)::integer as lcp_us,
        (load_time_ms * 1000)::integer as load_time_us,
        coalesce(lcp_ms, load_time_ms) as wait_ms
    from clean.page_load_times
    where business_date between $from_day and $to_day
),

by_member as (
    select
        business_date,
        case
            when grouping(page_path) = 0 then 'page'
            when grouping(device) = 0 then 'device'
            when grouping(country) = 0 then 'country'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(page_path, device, country)) as member,
        count(*) as loads,
        count(wait_ms) as timed_loads,
        count(*) filter (wait_ms <= $lcp_apdex_ms) as satisfied_loads,
        count(*) filter (wait_ms > $lcp_apdex_ms and wait_ms <= 4 * $lcp_apdex_ms) as tolerated_loads,
        count(*) filter (wait_ms > 4 * $lcp_apdex_ms) as frustrated_loads,
        percentile_cont([0.5, 0.75, 0.95]) within group (order by ttfb_us) as ttfb_us,
        percentile_cont([0.5, 0.75, 0.95]) within group (order by lcp_us) as lcp_us,
        percentile_cont([0.5, 0.75, 0.95]) within group (order by load_time_us) as load_time_us,
        percentile_cont(0.75) within group (order by (wait_ms * 1000)::integer) as wait_p75_us
    from loads
    group by grouping sets (
        (business_date),
        (business_date, page_path),
        (business_date, device),
        (business_date, country)
    )
),

final as (
    select
        business_date,
        dimension,
        member,
        loads,
        timed_loads,
        satisfied_loads,
        tolerated_loads,
        frustrated_loads,
        round((satisfied_loads + tolerated_loads / 2) / nullif(timed_loads, 0), 8)::decimal(18, 8) as apdex_score,
        round(ttfb_us[1] / 1000, 3) as ttfb_p50_ms,
        round(ttfb_us[2] / 1000, 3) as ttfb_p75_ms,
        round(ttfb_us[3] / 1000, 3) as ttfb_p95_ms,
        round(lcp_us[1] / 1000, 3) as lcp_p50_ms,
        round(lcp_us[2] / 1000, 3) as lcp_p75_ms,
        round(lcp_us[3] / 1000, 3) as lcp_p95_ms,
        round(load_time_us[1] / 1000, 3) as load_time_p50_ms,
        round(load_time_us[2] / 1000, 3) as load_time_p75_ms,
        round(load_time_us[3] / 1000, 3) as load_time_p95_ms,
        if(
            dimension <> 'all' and timed_loads >= 10,
            rank() over (partition by business_date, dimension, timed_loads >= 10 order by wait_p75_us desc),
            null
        ) as slowness_rank
    from by_member
)

select * from final
