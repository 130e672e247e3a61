-- One row per day and channel in which anything happened.
-- Orders, sessions and conversion go by the channel of the session; attributed columns by the last touch that was
-- not direct, at most 30 days before.
with by_channel as (
    select
        business_date,
        channel,
        sum(sessions) as sessions,
        sum(orders) as orders,
        sum(valued_orders) as valued_orders,
        sum(items) as items,
        sum(web_orders) as web_orders,
        sum(tracked_orders) as tracked_orders,
        sum(converted_sessions) as converted_sessions,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(ordered_amount) as ordered_amount,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount,
        sum(attributed_orders) as attributed_orders,
        sum(attributed_amount) as attributed_amount,
        sum(attributed_new_customers) as attributed_new_customers,
        sum(spend_amount) as spend_amount
    from kpi.sales_by_segment
    group by business_date, channel
),

by_day as (
    select
        business_date,
        sessions is not null as has_traffic,
        converted_sessions is not null as has_conversions,
        new_customers is not null as has_new_customers
    from kpi.daily_revenue
),

measures as (
    select
        by_channel.business_date,
        by_channel.channel,
        case when by_day.has_traffic then coalesce(by_channel.sessions, 0) end as sessions,
        by_channel.orders,
        by_channel.valued_orders,
        by_channel.items,
        by_channel.web_orders,
        by_channel.tracked_orders,
        case when by_day.has_conversions then by_channel.converted_sessions end as converted_sessions,
        by_channel.gross_amount,
        by_channel.discount_amount,
        by_channel.ordered_amount,
        by_channel.refund_amount,
        by_channel.net_amount,
        by_channel.attributed_orders,
        by_channel.attributed_amount,
        case when by_day.has_new_customers then by_channel.attributed_new_customers end as attributed_new_customers,
        by_channel.spend_amount
    from by_channel
    inner join by_day using (business_date)
),

final as (
    select
        business_date,
        channel,
        sessions::bigint as sessions,
        orders::bigint as orders,
        valued_orders::bigint as valued_orders,
        items::bigint as items,
        web_orders::bigint as web_orders,
        tracked_orders::bigint as tracked_orders,
        converted_sessions::bigint as converted_sessions,
        round(converted_sessions / nullif(sessions, 0), 8)::decimal(18, 8) as conversion_rate,
        round(valued_orders / nullif(sessions, 0), 8)::decimal(18, 8) as orders_per_session,
        gross_amount::decimal(18, 4) as gross_amount,
        discount_amount::decimal(18, 4) as discount_amount,
        ordered_amount::decimal(18, 4) as ordered_amount,
        refund_amount::decimal(18, 4) as refund_amount,
        net_amount::decimal(18, 4) as net_amount,
        round(ordered_amount / nullif(valued_orders, 0), 2)::decimal(18, 4) as average_order_value,
        attributed_orders::bigint as attributed_orders,
        attributed_amount::decimal(18, 4) as attributed_amount,
        attributed_new_customers::bigint as attributed_new_customers,
        spend_amount::decimal(18, 4) as spend_amount,
        round(attributed_amount / nullif(spend_amount, 0), 8)::decimal(18, 8) as return_on_ad_spend,
        round(nullif(spend_amount, 0) / nullif(attributed_new_customers, 0), 2)::decimal(18, 4) as acquisition_cost
    from measures
)

select * from final
order by business_date, channel
