-- One row per day and series that is forecast, a series being a metric, dimension and member.
with known as (
    select
        business_date,
        metric,
        dimension,
        member,
        value,
        numerator is not null and denominator is null as adds_up
    from kpi.daily_metrics
    where metric || ' by ' || dimension in (select unnest($wanted::varchar[]))
),

members as (
    select
        metric,
        dimension,
        member,
        bool_or(adds_up) as adds_up,
        min(business_date) as first_date
    from known
    where value is not null
    group by metric, dimension, member
),

days as (
    select business_date, metric
    from known
    where dimension = 'total'
),

valued as (
    select
        days.business_date,
        members.metric,
        members.dimension,
        members.member,
        -- A member to which nothing happened has no row on that day: its sum is zero, its ratio unknown.
        coalesce(known.value, case when members.adds_up then 0 end) as value
    from members
    inner join days
        on members.metric = days.metric
        and members.first_date <= days.business_date
    left join known
        on members.metric = known.metric
        and members.dimension = known.dimension
        and members.member = known.member
        and days.business_date = known.business_date
),

final as (
    select business_date, metric, dimension, member, value
    from valued
    where value is not null
)

select * from final
