-- One row per day, page and element, with totals of each.
with
bots as (
    select business_date, session_id
    from clean.session_tracking
    where business_date between $from_day and $to_day and is_bot
),

-- Sessions are counted by hashes, in a fraction of the time that their names take: of a million sessions of one day,
-- two share one with a chance of 1 in 37 million. Without a session table, a click without a session stands for the
-- only one that its person had on the day.
clicks as (
    select
        business_date,
        coalesce(page_path, 'unknown') as page_path,
        coalesce(element, 'unknown') as element,
        if(session_id is null, coalesce(visitor_id, customer_id), null) as person,
        case
            when session_id is not null then hash(session_id)
            when person is not null and not list_contains($datasets, 'session_tracking')
                then hash(business_date, person)
        end as session,
        occurred_at
    from clean.clickstream
    anti join bots using (business_date, session_id)
    where business_date between $from_day and $to_day and event_type = 'click'
),

derived as (
    select business_date, coalesce(visitor_id, customer_id) as person, started_at, ended_at, hash(session_id) as session
    from kpi.sessions
    where business_date between $from_day and $to_day and clicks > 0 and not list_contains($datasets, 'session_tracking')
),

returned as (
    select business_date, person from derived group by business_date, person having count(*) > 1
),

-- The clicks of who clicked in more than one session of a day belong to the session in whose time they were made.
placed as (
    select clicks.business_date, page_path, element, coalesce(several.session, clicks.session) as session
    from clicks
    left join (select * from derived semi join returned using (business_date, person)) as several
        on clicks.business_date = several.business_date
        and clicks.person = several.person
        and clicks.occurred_at between several.started_at and several.ended_at
),

visits as (
    select business_date, count(*) as sessions, count(*) filter (clicks > 0) as clicking_sessions
    from kpi.sessions
    where business_date between $from_day and $to_day and not is_bot
    group by business_date
),

by_member as (
    select
        business_date,
        if(grouping(page_path) = 0, page_path, 'all') as page_path,
        if(grouping(element) = 0, element, 'all') as element,
        case
            when grouping(page_path) = 0 and grouping(element) = 0 then 'page_element'
            when grouping(page_path) = 0 then 'page'
            else 'element'
        end as dimension,
        count(*) as clicks,
        count(distinct session) as clicking_sessions
    from placed
    group by grouping sets (
        (business_date, page_path),
        (business_date, element),
        (business_date, page_path, element)
    )
),

-- How many clicked on the whole day is known by the sessions: counting them once more is the dearest of the sets.
whole as (
    select
        by_member.business_date,
        'all' as page_path,
        'all' as element,
        'all' as dimension,
        sum(by_member.clicks)::bigint as clicks,
        any_value(visits.clicking_sessions) as clicking_sessions
    from by_member
    join visits using (business_date)
    where dimension = 'element'
    group by by_member.business_date
),

counted as (
    select * from by_member
    union all by name
    select * from whole
),

-- Few numbers of clicks differ, so that they are ranked in place of the many members that share them.
ranks as (
    select
        business_date,
        dimension,
        clicks,
        1 + sum(count(*)) over (partition by business_date, dimension order by clicks desc) - count(*) as most_rank,
        1 + sum(count(*)) over (partition by business_date, dimension order by clicks) - count(*) as least_rank
    from counted
    group by business_date, dimension, clicks
),

final as (
    select
        business_date,
        dimension,
        page_path,
        element,
        clicks,
        counted.clicking_sessions,
        sessions,
        round(clicks / sessions, 8)::decimal(18, 8) as clicks_per_session,
        round(clicks / nullif(counted.clicking_sessions, 0), 8)::decimal(18, 8) as clicks_per_clicking_session,
        most_rank::bigint as most_clicked_rank,
        least_rank::bigint as least_clicked_rank
    from counted
    join visits using (business_date)
    join ranks using (business_date, dimension, clicks)
)

select * from final
