-- One row per day, device, step and kind of page.
with
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

-- The first page at each step whose loading was measured, of a session that had not bought yet: what is shown later
-- at the step may itself depend on how fast this one was.
first_loads as (
    select
        business_date,
        session_id,
        case
            when occurred_at + interval 1 second >= payment_at then 4
            when occurred_at + interval 1 second >= checkout_at then 3
            when occurred_at + interval 1 second >= cart_at then 2
            else 1
        end as number,
        min(
            struct_pack(
                at := occurred_at,
                load := load_id,
                is_slow := coalesce(lcp_ms, load_time_ms) > $lcp_apdex_ms,
                page_type := coalesce('/' || split_part(split_part(page_path, '?', 1), '/', 2), 'unknown')
            )
        ) as page
    from clean.page_load_times
    left join reached using (business_date, session_id)
    where
        business_date between $from_day and $to_day
        and session_id is not null
        and coalesce(lcp_ms, load_time_ms) is not null
        and (purchase_at is null or occurred_at + interval 1 second < purchase_at)
    group by business_date, session_id, number
),

visits as (
    select
        business_date,
        session_id,
        device,
        case when has_payment then 4 when has_checkout then 3 when has_cart then 2 else 1 end as furthest,
        has_purchase,
        called.session_id is not null as is_called,
        met_step
    from kpi.sessions
    left join called using (business_date, session_id)
    left join errors using (business_date, session_id)
    where business_date between $from_day and $to_day and not is_bot
),

steps as (
    select number, step
    from (values (1, 'none'), (2, 'cart'), (3, 'checkout'), (4, 'payment')) as named (number, step)
),

steps_of_visits as (
    select
        visits.*,
        steps.number,
        step,
        coalesce(page.page_type, 'unmeasured') as page_type,
        page.is_slow,
        if(steps.number = 4, has_purchase, furthest > steps.number) as goes_on
    from visits
    join steps on steps.number <= furthest
    left join first_loads
        on visits.business_date = first_loads.business_date
        and visits.session_id = first_loads.session_id
        and steps.number = first_loads.number
),

final as (
    select
        business_date,
        device,
        step,
        page_type,
        count(*) as sessions,
        count(*) filter (has_purchase) as purchases,
        count(*) filter (not is_slow) as fast_sessions,
        count(*) filter (not is_slow and goes_on) as fast_sessions_going_on,
        count(*) filter (is_slow) as slow_sessions,
        count(*) filter (is_slow and goes_on) as slow_sessions_going_on,
        count(*) filter (is_called and met_step is null) as healthy_sessions,
        count(*) filter (is_called and met_step is null and has_purchase) as healthy_purchases,
        count(*) filter (met_step = number) as failing_sessions,
        count(*) filter (met_step = number and has_purchase) as failing_purchases
    from steps_of_visits
    group by business_date, device, step, page_type
)

select * from final
