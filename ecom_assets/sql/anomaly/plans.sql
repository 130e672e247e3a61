-- One row per campaign or holiday that is registered, and per event that people labelled as expected and that is over:
-- its days count as planned then, and teach the detectors nothing. An event that is still open is left alone, since
-- the days to come belong to it and not to a new one.
with registered as (
    select
        campaign_name,
        kind,
        channel,
        starts_date,
        ends_date,
        discount_rate
    from clean.campaigns
),

expected as (
    select
        'expected: ' || notification_id as campaign_name,
        'other' as kind,
        case when dimension = 'channel' then member end as channel,
        start_date as starts_date,
        end_date as ends_date,
        null::double as discount_rate
    from lineage.labels
    where
        label = 'expected'
        and end_date < (select max(business_date) - $quiet_days::integer from kpi.daily_metrics)
),

final as (
    select * from registered
    union all
    select * from expected
)

select * from final
order by starts_date, campaign_name
