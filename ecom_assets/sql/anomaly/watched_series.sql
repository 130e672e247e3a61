-- One row per day and watched series, as the detectors take it: the whole of a metric has an empty dimension and
-- member. A value that another metric says is not to be believed on the day is empty.
with watched as (
    select
        unnest($metrics::varchar[]) as metric,
        unnest($trust_metrics::varchar[]) as trust_metric,
        unnest($trust_minimums::double[]) as at_least
),

believed as (
    select
        daily.business_date,
        daily.metric,
        daily.dimension,
        daily.member,
        case when watched.trust_metric is null or trust.value >= watched.at_least then daily.value end as value
    from kpi.daily_metrics as daily
    inner join anomaly.coverage as coverage using (metric, dimension, member)
    inner join watched using (metric)
    left join kpi.daily_metrics as trust
        on
            trust.business_date = daily.business_date
            and trust.metric = watched.trust_metric
            and trust.dimension = 'total'
    where coverage.left_out_because is null
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
