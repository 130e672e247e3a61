-- One row per day of the four series whose newest alarms score highest: what the picture of anomaly/consensus shows.
with recent as (
    select
        metric,
        dimension,
        member,
        arg_max(business_date, score) as raised_date,
        max(score) as score
    from anomaly.consensus
    where is_anomaly and business_date > (select max(business_date) - 28 from anomaly.consensus)
    group by metric, dimension, member
    order by score desc, metric, dimension, member
    limit 4
),

final as (
    select
        consensus.business_date,
        consensus.metric,
        consensus.dimension,
        consensus.member,
        recent.raised_date,
        consensus.value,
        consensus.expected,
        consensus.lower,
        consensus.upper,
        consensus.is_anomaly,
        consensus.severity
    from recent
    inner join anomaly.consensus as consensus using (metric, dimension, member)
    where consensus.business_date > (select max(business_date) - 84 from anomaly.consensus)
)

select * from final
order by raised_date desc, metric, dimension, member, business_date
