-- One row per day of the series that the newest notifications are named after, around their days: what the picture
-- of anomaly/notifications shows.
with newest as (
    select
        notification_id,
        kind,
        raised_date,
        start_date,
        end_date,
        metric,
        dimension,
        member,
        severity,
        verdict
    from anomaly.notifications
    where is_notified
    order by raised_date desc, notification_id
    limit 4
),

final as (
    select
        newest.*,
        consensus.business_date,
        consensus.value,
        consensus.expected,
        consensus.lower,
        consensus.upper
    from newest
    inner join anomaly.consensus as consensus using (metric, dimension, member)
    where consensus.business_date between newest.start_date - 56 and newest.end_date + 14
)

select * from final
order by raised_date desc, notification_id, business_date
