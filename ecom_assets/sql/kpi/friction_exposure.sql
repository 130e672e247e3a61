-- One row per day, device and last step before a purchase.
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

calls as (
    select business_date, session_id, coalesce(bool_or(status_code >= 500), false) as is_failing
    from clean.api_logs
    where business_date between $from_day and $to_day and session_id is not null
    group by business_date, session_id
),

visits as (
    select
        business_date,
        session_id,
        device,
        case when has_payment then 'payment' when has_checkout then 'checkout' when has_cart then 'cart' else 'none' end
            as step,
        has_purchase
    from kpi.sessions
    where business_date between $from_day and $to_day and not is_bot
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
        count(*) filter (not is_failing) as healthy_sessions,
        count(*) filter (not is_failing and has_purchase) as healthy_purchases,
        count(*) filter (is_failing) as failing_sessions,
        count(*) filter (is_failing and has_purchase) as failing_purchases
    from visits
    left join waits using (business_date, session_id)
    left join calls using (business_date, session_id)
    group by business_date, device, step
)

select * from final
