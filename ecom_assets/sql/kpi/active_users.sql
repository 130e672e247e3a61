-- One row per day.
with
-- Days on which all that the shop has of the three was accepted: half of it would make shares of nothing.
days as (
    select business_date
    from lineage.accepted_days
    where asset in ('clean/session_tracking', 'clean/clickstream', 'clean/orders')
        and list_contains($datasets, split_part(asset, '/', 2))
    group by business_date
    having count(*) = len(list_intersect($datasets, ['session_tracking', 'clickstream', 'orders']))
),

-- A visitor is active from a visit until the window has passed or the next visit begins a new one, so that
-- nobody is counted twice in a window: four years of visits are sorted once instead of joined 28 times.
visits as (
    select business_date, lead(business_date) over (partition by hash(visitor_id) order by business_date) as next_date
    from kpi.sessions
    where is_start and not is_bot and visitor_id is not null
),

-- Of several visits on a day the last one counts.
pairs as (
    select business_date, next_date, count(*) as visitors
    from visits
    where next_date is distinct from business_date
    group by business_date, next_date
),

changes as (
    select span, business_date as day, visitors as change
    from pairs, unnest([1, 7, 28]) as spans (span)
    union all
    select span, least(business_date + span, coalesce(next_date, business_date + span)) as day, -visitors as change
    from pairs, unnest([1, 7, 28]) as spans (span)
),

levels as (
    select span, day, sum(sum(change)) over (partition by span order by day)::bigint as visitors
    from changes
    group by span, day
),

wanted as (
    select span, business_date, business_date - first_value(business_date) over (order by business_date) as days_before
    from days, unnest([1, 7, 28]) as spans (span)
),

counted as (
    select
        wanted.business_date,
        wanted.span,
        if(days_before + 1 >= wanted.span, coalesce(visitors, 0), null) as visitors
    from wanted
    asof left join levels on wanted.span = levels.span and wanted.business_date >= levels.day
),

final as (
    select
        business_date,
        max(visitors) filter (span = 1) as active_users_1d,
        max(visitors) filter (span = 7) as active_users_7d,
        max(visitors) filter (span = 28) as active_users_28d,
        round(active_users_1d / nullif(active_users_28d, 0), 8)::decimal(18, 8) as stickiness_rate
    from counted
    group by business_date
)

select * from final
