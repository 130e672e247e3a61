-- One row per day, dimension and member.
with
-- Percentiles are taken of whole milliseconds: exact up to 24 days, and faster to compare than doubles.
visits as (
    select
        business_date, channel, device, country, entry_page, exit_page,
        case when duration_s is not null then least(duration_s * 1000, 2147483647)::integer end as duration_ms,
        page_views, page_view_events, is_bounce
    from kpi.sessions
    where business_date between $from_day and $to_day and is_start and not is_bot
),

by_member as (
    select
        business_date,
        case
            when grouping(channel) = 0 then 'channel'
            when grouping(device) = 0 then 'device'
            when grouping(country) = 0 then 'country'
            when grouping(entry_page) = 0 then 'entry_page'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(channel, device, country, entry_page)) as member,
        count(*) as sessions,
        count(*) filter (is_bounce) as bounces,
        sum(page_views)::bigint as page_views,
        percentile_cont([0.5, 0.9]) within group (order by duration_ms) as duration_ms
    from visits
    group by grouping sets (
        (business_date),
        (business_date, channel),
        (business_date, device),
        (business_date, country),
        (business_date, entry_page)
    )
),

bots as (
    select business_date, session_id
    from clean.session_tracking
    where business_date between $from_day and $to_day and is_bot
),

views as (
    select business_date, page_path as page, count(*) as page_views
    from clean.clickstream
    anti join bots using (business_date, session_id)
    where
        business_date between $from_day and $to_day
        and event_type = 'page_view'
        and coalesce(session_id, visitor_id, customer_id) is not null
    group by business_date, page_path
),

entries as (
    select business_date, entry_page as page, count(*) as entries from visits group by business_date, entry_page
),

exits as (
    select business_date, exit_page as page, count(*) as exits, count(*) filter (page_view_events > 0) as exits_seen
    from visits
    group by business_date, exit_page
),

by_page as (
    select
        business_date,
        'page' as dimension,
        page as member,
        null::bigint as sessions,
        views.page_views,
        null::decimal(18, 8) as pages_per_session,
        null::bigint as bounces,
        null::decimal(18, 8) as bounce_rate,
        null::double as duration_median_s,
        null::double as duration_p90_s,
        coalesce(entries, 0) as entries,
        coalesce(exits, 0) as exits,
        case when views.page_views > 0 then round(least(coalesce(exits_seen, 0) / views.page_views, 1), 8) end
        ::decimal(18, 8) as drop_off_rate
    from views
    full join entries using (business_date, page)
    full join exits using (business_date, page)
    semi join visits using (business_date)
    where page is not null
),

final as (
    select
        business_date,
        dimension,
        member,
        sessions,
        page_views,
        round(page_views / sessions, 8)::decimal(18, 8) as pages_per_session,
        bounces,
        round(bounces / sessions, 8)::decimal(18, 8) as bounce_rate,
        round(duration_ms[1] / 1000, 3) as duration_median_s,
        round(duration_ms[2] / 1000, 3) as duration_p90_s,
        null::bigint as entries,
        null::bigint as exits,
        null::decimal(18, 8) as drop_off_rate
    from by_member
    where member is not null
    union all
    select * from by_page
)

select * from final
