-- One row per day, page and element, with totals of each.
with
bots as (
    select business_date, session_id
    from clean.session_tracking
    where business_date between $from_day and $to_day and is_bot
),

clicks as (
    select
        business_date,
        coalesce(page_path, 'unknown') as page_path,
        coalesce(element, 'unknown') as element,
        session_id,
        if(session_id is null, coalesce(visitor_id, customer_id), null) as person,
        occurred_at
    from clean.clickstream
    anti join bots using (business_date, session_id)
    where business_date between $from_day and $to_day and event_type = 'click'
),

derived as (
    select business_date, coalesce(visitor_id, customer_id) as person, started_at, ended_at, session_id
    from kpi.sessions
    where business_date between $from_day and $to_day and not list_contains($datasets, 'session_tracking')
),

-- A click without a session belongs to the one of its person's sessions in whose time it was made.
placed as (
    select business_date, page_path, element, session_id from clicks where person is null
    union all
    select clicks.business_date, page_path, element, derived.session_id
    from clicks
    left join derived
        on clicks.business_date = derived.business_date
        and clicks.person = derived.person
        and clicks.occurred_at between derived.started_at and derived.ended_at
    where clicks.person is not null
),

visits as (
    select business_date, count(*) as sessions
    from kpi.sessions
    where business_date between $from_day and $to_day and not is_bot
    group by business_date
),

counted as (
    select
        business_date,
        if(grouping(page_path) = 0, page_path, 'all') as page_path,
        if(grouping(element) = 0, element, 'all') as element,
        case
            when grouping(page_path) = 0 and grouping(element) = 0 then 'page_element'
            when grouping(page_path) = 0 then 'page'
            when grouping(element) = 0 then 'element'
            else 'all'
        end as dimension,
        count(*) as clicks,
        count(distinct session_id) as clicking_sessions
    from placed
    group by grouping sets (
        (business_date),
        (business_date, page_path),
        (business_date, element),
        (business_date, page_path, element)
    )
),

final as (
    select
        business_date,
        dimension,
        page_path,
        element,
        clicks,
        clicking_sessions,
        sessions,
        round(clicks / sessions, 8)::decimal(18, 8) as clicks_per_session,
        round(clicks / nullif(clicking_sessions, 0), 8)::decimal(18, 8) as clicks_per_clicking_session,
        rank() over (partition by business_date, dimension order by clicks desc) as most_clicked_rank,
        rank() over (partition by business_date, dimension order by clicks) as least_clicked_rank
    from counted
    join visits using (business_date)
)

select * from final
