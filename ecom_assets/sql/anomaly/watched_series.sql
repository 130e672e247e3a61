-- One row per day and watched series, as the detectors take it: the whole of a metric has an empty dimension and
-- member. A value that another metric says is not to be believed on the day is empty.
with watched as (
    select
        unnest($metrics::varchar[]) as metric,
        unnest($trust_metrics::varchar[]) as trust_metric,
        unnest($trust_minimums::double[]) as at_least
),

numbered as (
    select
        *,
        row_number() over (partition by metric, dimension, member order by business_date) as known_days
    from kpi.daily_metrics
    where value is not null
),

-- A series that is mostly unknown or nothing has nothing usual, and a ratio of three cases a day is luck: what so small
-- a member shows, its whole shows better. The first days decide, so that a channel that was switched off later does not
-- take what was said of it along.
known as (
    select
        metric,
        dimension,
        member
    from numbered
    group by metric, dimension, member
    having
        count(*) >= $min_days
        and count(*) >= 0.5 * (date_diff('day', min(business_date), max(business_date)) + 1)
        and (
            metric = $unjudged
            or count(*) filter (known_days <= $min_days and value <> 0) >= 0.5 * $min_days
            and coalesce(median(denominator) filter (known_days <= $min_days) >= $min_cases, true)
        )
),

believed as (
    select
        daily.business_date,
        daily.metric,
        daily.dimension,
        daily.member,
        case when watched.trust_metric is null or trust.value >= watched.at_least then daily.value end as value
    from kpi.daily_metrics as daily
    inner join known using (metric, dimension, member)
    inner join watched using (metric)
    left join kpi.daily_metrics as trust
        on
            trust.business_date = daily.business_date
            and trust.metric = watched.trust_metric
            and trust.dimension = 'total'
),

final as (
    select
        business_date::timestamp as time,
        metric,
        case when dimension = 'total' then '' else dimension end as dimension,
        case when dimension = 'total' then '' else member end as member,
        believed.value,
        expectations.expected as champion_expected,
        expectations.prophet_expected,
        expectations.made_on as foretold_on
    from believed
    left join forecast.expectations as expectations using (business_date, metric, dimension, member)
)

select * from final
order by metric, dimension, member, time
