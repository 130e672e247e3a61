-- One row per cause, day and series that took part; the whole of a metric has no dimension.
select
    notification_id,
    business_date::timestamp as time,
    metric,
    if(dimension = 'total', '', dimension) as dimension,
    if(dimension = 'total', '', member) as member
from anomaly.notification_members
order by all
