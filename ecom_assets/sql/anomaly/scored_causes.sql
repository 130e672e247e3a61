-- One row per cause that was raised, with the verdict on it in words.
select
    causes.notification_id,
    causes.raised_date::timestamp as raised,
    replace(notifications.verdict, '_', ' ') as verdict
from anomaly.causes as causes
left join anomaly.notifications as notifications using (notification_id)
order by raised, notification_id
