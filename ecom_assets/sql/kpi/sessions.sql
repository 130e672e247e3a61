-- One row per session and day on which it was seen.
with
-- Days on which all that the shop has of the three was accepted: half of it would make shares of nothing.
days as (
    select business_date
    from lineage.accepted_days
    where asset in ('clean/session_tracking', 'clean/clickstream', 'clean/orders')
        and list_contains($datasets, split_part(asset, '/', 2))
    group by business_date
    having count(*) = len(list_intersect($datasets, ['session_tracking', 'clickstream', 'orders']))
),

events as not materialized (
    select
        business_date,
        session_id,
        case when session_id is null then coalesce(visitor_id, customer_id) end as person,
        visitor_id,
        customer_id,
        occurred_at,
        event_type,
        page_path,
        order_id,
        device
    from clean.clickstream
    where business_date between $from_day and $to_day
),

unsold as (
    select distinct order_id
    from clean.orders
    where business_date between $from_day and $to_day and status in ('pending', 'failed', 'void')
),

-- Pages in the order of the alphabet: their numbers stand for them, as strings take twice as long to compare.
pages as (
    select page_path, row_number() over (order by page_path) as page_number
    from (select page_path from events where event_type = 'page_view' group by page_path)
),

-- What is looked for in each session: its first and last page view, by the moment (microseconds since the day before)
-- and, of several pages of one moment, by the alphabet (in the lowest 24 bits: no shop has 16,777,216 pages), and how
-- far it came.
stepped as not materialized (
    select
        events.*,
        case
            when event_type = 'page_view'
                then (epoch_us(occurred_at) - epoch_us(business_date) + 86400000000) * 16777216 + page_number
        end as page_view_at,
        case event_type
            when 'page_view' then 1
            when 'product_view' then 1
            when 'add_to_cart' then 2
            when 'checkout_start' then 3
            when 'payment_attempt' then 4
            when 'purchase' then if(unsold.order_id is null, 5, 4)
            else 0
        end as step
    from events
    left join pages using (page_path)
    left join unsold on events.event_type = 'purchase' and events.order_id = unsold.order_id
),

-- Who was not seen for more than 30 minutes on a day was there once: most are, and of these nothing is to be sorted.
whole_days as materialized (
    select
        business_date,
        session_id,
        person,
        min(visitor_id) as visitor_id,
        min(customer_id) as customer_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        min(device) as device,
        min(page_view_at) % 16777216 as entry_number,
        max(page_view_at) % 16777216 as exit_number,
        count(*) filter (event_type = 'page_view') as page_view_events,
        count(*) filter (event_type = 'product_view') as product_view_events,
        count(*) filter (event_type = 'click') as clicks,
        count(*) as events,
        max(step) as step
    from stepped
    where session_id is not null or (person is not null and not list_contains($datasets, 'session_tracking'))
    group by business_date, session_id, person
),

long_days as (
    select business_date, person
    from whole_days
    where person is not null and ended_at - started_at > interval 30 minute
),

-- The events of the others, chosen before anything is looked up for them, and parted where nothing came for so long.
long_events as (
    select events.* from events semi join long_days using (business_date, person)
),

long_stepped as (
    select
        long_events.*,
        case
            when event_type = 'page_view'
                then (epoch_us(occurred_at) - epoch_us(business_date) + 86400000000) * 16777216 + page_number
        end as page_view_at,
        case event_type
            when 'page_view' then 1
            when 'product_view' then 1
            when 'add_to_cart' then 2
            when 'checkout_start' then 3
            when 'payment_attempt' then 4
            when 'purchase' then if(unsold.order_id is null, 5, 4)
            else 0
        end as step
    from long_events
    left join pages using (page_path)
    left join unsold on long_events.event_type = 'purchase' and long_events.order_id = unsold.order_id
),

silences as (
    select
        *,
        coalesce(occurred_at - lag(occurred_at) over visits > interval 30 minute, true) as is_first
    from long_stepped
    window visits as (partition by business_date, person order by occurred_at)
),

-- Peers of the ordering share one sum, so that events of the same moment fall into the same session.
numbered as (
    select *, sum(is_first::integer) over visits as ordinal
    from silences
    window visits as (partition by business_date, person order by occurred_at)
),

seen as (
    select * from whole_days where person is null or ended_at - started_at <= interval 30 minute
    union all
    select
        business_date,
        null as session_id,
        person,
        min(visitor_id) as visitor_id,
        min(customer_id) as customer_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        min(device) as device,
        min(page_view_at) % 16777216 as entry_number,
        max(page_view_at) % 16777216 as exit_number,
        count(*) filter (event_type = 'page_view') as page_view_events,
        count(*) filter (event_type = 'product_view') as product_view_events,
        count(*) filter (event_type = 'click') as clicks,
        count(*) as events,
        max(step) as step
    from numbered
    group by business_date, person, ordinal
),

observed as (
    select
        * exclude (session_id, person),
        coalesce(session_id, person || '/' || epoch_us(started_at)) as session_id
    from seen
),

bought as (
    select
        business_date,
        session_id,
        min(customer_id) as customer_id,
        min(channel) as channel,
        min(device) as device,
        min(country) as country,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        count(*) as orders
    from clean.orders
    where
        business_date between $from_day and $to_day
        and session_id is not null
        and status not in ('pending', 'failed', 'void')
    group by business_date, session_id
),

tracked as (
    select * from clean.session_tracking where business_date between $from_day and $to_day
),

joined as (
    select
        business_date,
        session_id,
        coalesce(tracked.visitor_id, observed.visitor_id) as visitor_id,
        coalesce(tracked.customer_id, bought.customer_id, observed.customer_id) as customer_id,
        coalesce(tracked.started_at, observed.started_at, bought.first_ordered_at) as started_at,
        coalesce(tracked.ended_at, observed.ended_at, bought.last_ordered_at) as ended_at,
        coalesce(tracked.channel, bought.channel, 'unknown') as channel,
        tracked.campaign_id,
        coalesce(tracked.device, observed.device, bought.device, 'unknown') as device,
        coalesce(tracked.country, bought.country, 'unknown') as country,
        coalesce(tracked.entry_page, entry.page_path) as entry_page,
        coalesce(tracked.exit_page, exit.page_path) as exit_page,
        greatest(coalesce(tracked.page_views, 0), coalesce(page_view_events, 0), coalesce(product_view_events, 0)) as page_views,
        coalesce(page_view_events, 0) as page_view_events,
        coalesce(events - page_view_events - product_view_events, 0) as other_events,
        coalesce(clicks, 0) as clicks,
        coalesce(bought.orders, 0) as orders,
        if(bought.orders > 0, 5, coalesce(step, 0)) as step,
        coalesce(tracked.is_bot, false) as is_bot,
        tracked.session_id is not null or not list_contains($datasets, 'session_tracking') as is_start
    from tracked
    full join observed using (business_date, session_id)
    full join bought using (business_date, session_id)
    left join pages as entry on entry_number = entry.page_number
    left join pages as exit on exit_number = exit.page_number
),

final as (
    select
        business_date,
        session_id,
        visitor_id,
        customer_id,
        started_at,
        ended_at,
        date_diff('millisecond', started_at, ended_at) / 1000 as duration_s,
        channel,
        campaign_id,
        device,
        country,
        entry_page,
        exit_page,
        page_views,
        page_view_events,
        clicks,
        orders,
        step >= 1 or page_views > 0 as has_view,
        step >= 2 as has_cart,
        step >= 3 as has_checkout,
        step >= 4 as has_payment,
        step >= 5 as has_purchase,
        page_views <= 1 and other_events = 0 and orders = 0 as is_bounce,
        is_bot,
        is_start
    from joined
    semi join days using (business_date)
)

select * from final
