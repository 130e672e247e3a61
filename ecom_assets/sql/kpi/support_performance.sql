-- One row per day, dimension and member.
with
days as (
    select business_date from lineage.accepted_days where asset = 'clean/support_tickets'
),

tickets as (
    select
        business_date as opened_date,
        timezone($time_zone, timezone('UTC', first_response_at))::date as answered_date,
        timezone($time_zone, timezone('UTC', resolved_at))::date as resolved_date,
        date_diff('second', opened_at, first_response_at) as first_response_s,
        date_diff('second', opened_at, resolved_at) as resolution_s,
        satisfaction,
        issue,
        coalesce(priority, 'unknown') as priority,
        contact_channel
    from clean.support_tickets
),

members as (
    select *, unnest([
        struct_pack(dimension := 'all', member := 'all'),
        struct_pack(dimension := 'issue', member := issue),
        struct_pack(dimension := 'priority', member := priority),
        struct_pack(dimension := 'contact_channel', member := contact_channel)
    ], recursive := true)
    from tickets
),

opened as (
    select opened_date as business_date, dimension, member, count(*) as opened
    from members
    group by all
),

answered as (
    select
        answered_date as business_date,
        dimension,
        member,
        count(*) as answered,
        percentile_cont([0.5, 0.9]) within group (order by first_response_s) as first_response_s
    from members
    where answered_date is not null
    group by business_date, dimension, member
),

resolved as (
    select
        resolved_date as business_date,
        dimension,
        member,
        count(*) as resolved,
        percentile_cont([0.5, 0.9]) within group (order by resolution_s) as resolution_s,
        count(satisfaction) as rated,
        sum(satisfaction)::bigint as satisfaction_sum
    from members
    where resolved_date is not null
    group by business_date, dimension, member
),

-- What is open at the end of a day is all that was opened by then less all that was resolved by then.
moves as (
    select business_date, dimension, member, sum(change) as change
    from (
        select business_date, dimension, member, opened as change from opened
        union all
        select business_date, dimension, member, -resolved as change from resolved
    )
    group by business_date, dimension, member
),

levels as (
    select
        business_date, dimension, member,
        sum(change) over (partition by dimension, member order by business_date)::bigint as backlog
    from moves
),

spine as (
    select business_date, dimension, member
    from days
    cross join (select distinct dimension, member from members union select 'all', 'all')
),

final as (
    select
        spine.business_date,
        spine.dimension,
        spine.member,
        coalesce(opened, 0) as opened,
        coalesce(answered, 0) as answered,
        coalesce(resolved, 0) as resolved,
        coalesce(backlog, 0) as backlog,
        round(first_response_s[1], 3) as first_response_median_s,
        round(first_response_s[2], 3) as first_response_p90_s,
        round(resolution_s[1], 3) as resolution_median_s,
        round(resolution_s[2], 3) as resolution_p90_s,
        coalesce(rated, 0) as rated,
        coalesce(satisfaction_sum, 0) as satisfaction_sum,
        round(satisfaction_sum / nullif(rated, 0), 8)::decimal(18, 8) as satisfaction_mean
    from spine
    asof left join levels
        on spine.dimension = levels.dimension
        and spine.member = levels.member
        and spine.business_date >= levels.business_date
    left join opened
        on spine.business_date = opened.business_date
        and spine.dimension = opened.dimension
        and spine.member = opened.member
    left join answered
        on spine.business_date = answered.business_date
        and spine.dimension = answered.dimension
        and spine.member = answered.member
    left join resolved
        on spine.business_date = resolved.business_date
        and spine.dimension = resolved.dimension
        and spine.member = resolved.member
)

select * from final
