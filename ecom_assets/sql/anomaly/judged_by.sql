-- One row per day and series of the metrics that tell a fault in the data from a change of the business.
select
    business_date,
    metric,
    dimension,
    member,
    value
from kpi.daily_metrics
where metric in ('tracking_coverage_rate', 'average_order_value')
