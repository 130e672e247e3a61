-- One row per day, channel and device.
with
counted as (
    select
        business_date,
        channel,
        device,
        count(*) as sessions,
        count(*) filter (has_view) as view_sessions,
        count(*) filter (has_cart) as cart_sessions,
        count(*) filter (has_checkout) as checkout_sessions,
        count(*) filter (has_payment) as payment_sessions,
        count(*) filter (has_purchase) as purchase_sessions
    from kpi.sessions
    -- Without a clickstream nothing is known of the steps between.
    where business_date between $from_day and $to_day and not is_bot and list_contains($datasets, 'clickstream')
    group by business_date, channel, device
),

final as (
    select
        *,
        round(cart_sessions / nullif(view_sessions, 0), 8)::decimal(18, 8) as view_to_cart_rate,
        round(checkout_sessions / nullif(cart_sessions, 0), 8)::decimal(18, 8) as cart_to_checkout_rate,
        round(payment_sessions / nullif(checkout_sessions, 0), 8)::decimal(18, 8) as checkout_to_payment_rate,
        round(purchase_sessions / nullif(payment_sessions, 0), 8)::decimal(18, 8) as payment_to_purchase_rate,
        round(purchase_sessions / nullif(view_sessions, 0), 8)::decimal(18, 8) as view_to_purchase_rate
    from counted
)

select * from final
