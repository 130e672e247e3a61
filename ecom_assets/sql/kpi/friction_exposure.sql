-- One row per day, device and step.
with
waits as (
    select business_date, session_id, avg(coalesce(lcp_ms, load_time_ms)::decimal(18, 3)) > $lcp_apdex_ms as is_slow
    from clean.page_load_times
    where
        business_date between $from_day and $to_day
        and session_id is not null
        and coalesce(lcp_ms, load_time_ms) is not null
    group by business_date, session_id
),

-- When a session first did what makes a step.
reached as (
    select
        business_date,
        session_id,
        min(occurred_at) filter (event_type = 'add_to_cart') as cart_at,
        min(occurred_at) filter (event_type = 'checkout_start') as checkout_at,
        min(occurred_at) filter (event_type = 'payment_attempt') as payment_at,
        min(occurred_at) filter (event_type = 'purchase') as purchase_at
    from clean.clickstream
    where
        business_date between $from_day and $to_day
        and session_id is not null
        and event_type in ('add_to_cart', 'checkout_start', 'payment_attempt', 'purchase')
    group by business_date, session_id
),

-- An event within a second of a call is taken for what made the call. An error behind the purchase came too late to
-- keep anybody from it; only buyers can meet one.
first_errors as (
    select business_date, session_id, min(occurred_at) + interval 1 second as met_at
    from clean.api_logs
    left join reached using (business_date, session_id)
    where
        business_date between $from_day and $to_day
        and session_id is not null
        and status_code >= 500
        and (purchase_at is null or occurred_at + interval 1 second < purchase_at)
    group by business_date, session_id
),

errors as (
    select
        business_date,
        session_id,
        case
            when met_at >= payment_at then 4
            when met_at >= checkout_at then 3
            when met_at >= cart_at then 2
            else 1
        end as met_step
    from first_errors
    left join reached using (business_date, session_id)
),

called as (
    select distinct business_date, session_id
    from clean.api_logs
    where business_date between $from_day and $to_day and session_id is not null
),

visits as (
    select
        business_date,
        session_id,
        device,
        case when has_payment then 4 when has_checkout then 3 when has_cart then 2 else 1 end as furthest,
        has_purchase,
        is_slow,
        called.session_id is not null as is_called,
        met_step
    from kpi.sessions
    left join waits using (business_date, session_id)
    left join called using (business_date, session_id)
    left join errors using (business_date, session_id)
    where business_date between $from_day and $to_day and not is_bot
),

steps as (
    select number, step
    from (values (1, 'none'), (2, 'cart'), (3, 'checkout'), (4, 'payment')) as named (number, step)
),

final as (
    select
        business_date,
        device,
        step,
        count(*) as sessions,
        count(*) filter (has_purchase) as purchases,
        count(*) filter (not is_slow) as fast_sessions,
        count(*) filter (not is_slow and has_purchase) as fast_purchases,
        count(*) filter (is_slow) as slow_sessions,
        count(*) filter (is_slow and has_purchase) as slow_purchases,
        count(*) filter (is_called and met_step is null) as healthy_sessions,
        count(*) filter (is_called and met_step is null and has_purchase) as healthy_purchases,
        count(*) filter (met_step = number) as failing_sessions,
        count(*) filter (met_step = number and has_purchase) as failing_purchases
    from visits
    join steps on number <= furthest
    group by business_date, device, step
)

select * from final
