-- One row per day, channel, device and country in which anything happened.
-- Every measure adds up over rows. 'not_split' stands where a source does not tell: traffic has no country,
-- advertising has neither device nor country.
with days as (
    select business_date from lineage.sales_days
),

orders as (
    select
        business_date,
        channel,
        device,
        country,
        count(*) as orders,
        count(*) filter (where gross_amount > 0) as valued_orders,
        sum(items) as items,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(ordered_amount) as ordered_amount,
        sum(other_amount) as other_amount,
        sum(tax_amount) as tax_amount,
        sum(cost_amount) as known_cost_amount,
        sum(comparable_amount) as comparable_amount,
        sum(usual_amount) as usual_amount,
        count(*) filter (where cost_amount is null) as orders_without_cost,
        count(*) filter (where placed_by = 'web') as web_orders,
        count(*) filter (where placed_by = 'web' and has_session) as tracked_orders,
        count(*) filter (where is_session_conversion) as converted_sessions,
        count(*) filter (where is_first_order) as new_customers
    from kpi.order_values
    group by business_date, channel, device, country
),

attributions as (
    select
        business_date,
        attributed_channel as channel,
        device,
        country,
        count(*) as attributed_orders,
        sum(ordered_amount) as attributed_amount,
        count(*) filter (where is_first_order) as attributed_new_customers
    from kpi.order_values
    group by business_date, attributed_channel, device, country
),

-- A refund counts on its own day, in the segment of the order that it undoes, where that is known.
refunds as (
    select
        refunds.business_date,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.device, 'unknown') as device,
        coalesce(orders.country, 'unknown') as country,
        count(*) as refunds,
        sum(case when refunds.kind <> 'adjustment' then refunds.goods_amount else 0 end) as refund_amount,
        sum(refunds.shipping_amount + case when refunds.kind = 'adjustment' then refunds.goods_amount else 0 end)
            as other_refund_amount,
        sum(refunds.tax_amount) as tax_amount
    from clean.refunds as refunds
    left join kpi.order_values as orders using (store_id, order_id)
    group by all
),

traffic as (
    select
        business_date,
        channel,
        device,
        'not_split' as country,
        sum(sessions) as sessions
    from clean.website_traffic
    group by business_date, channel, device
),

spend as (
    select
        business_date,
        channel,
        'not_split' as device,
        'not_split' as country,
        sum(spend_amount) as spend_amount
    from clean.marketing_spend
    group by business_date, channel
),

segments as (
    select business_date, channel, device, country from orders
    union
    select business_date, channel, device, country from attributions
    union
    select business_date, channel, device, country from refunds
    union
    select business_date, channel, device, country from traffic
    union
    select business_date, channel, device, country from spend
),

final as (
    select
        business_date,
        channel,
        device,
        country,
        coalesce(orders.gross_amount, 0)::decimal(18, 4) as gross_amount,
        coalesce(orders.discount_amount, 0)::decimal(18, 4) as discount_amount,
        coalesce(orders.ordered_amount, 0)::decimal(18, 4) as ordered_amount,
        coalesce(refunds.refund_amount, 0)::decimal(18, 4) as refund_amount,
        (coalesce(orders.ordered_amount, 0) - coalesce(refunds.refund_amount, 0))::decimal(18, 4) as net_amount,
        coalesce(orders.other_amount, 0)::decimal(18, 4) as other_amount,
        coalesce(refunds.other_refund_amount, 0)::decimal(18, 4) as other_refund_amount,
        (
            coalesce(orders.ordered_amount, 0) - coalesce(refunds.refund_amount, 0)
            + coalesce(orders.other_amount, 0) - coalesce(refunds.other_refund_amount, 0)
        )::decimal(18, 4) as total_sales_amount,
        (coalesce(orders.tax_amount, 0) - coalesce(refunds.tax_amount, 0))::decimal(18, 4) as tax_amount,
        coalesce(orders.known_cost_amount, 0)::decimal(18, 4) as known_cost_amount,
        coalesce(orders.orders_without_cost, 0)::bigint as orders_without_cost,
        coalesce(orders.orders, 0)::bigint as orders,
        coalesce(orders.valued_orders, 0)::bigint as valued_orders,
        coalesce(orders.items, 0)::bigint as items,
        coalesce(orders.web_orders, 0)::bigint as web_orders,
        coalesce(orders.tracked_orders, 0)::bigint as tracked_orders,
        coalesce(orders.converted_sessions, 0)::bigint as converted_sessions,
        coalesce(orders.new_customers, 0)::bigint as new_customers,
        coalesce(refunds.refunds, 0)::bigint as refunds,
        traffic.sessions::bigint as sessions,
        coalesce(attributions.attributed_orders, 0)::bigint as attributed_orders,
        coalesce(attributions.attributed_amount, 0)::decimal(18, 4) as attributed_amount,
        coalesce(attributions.attributed_new_customers, 0)::bigint as attributed_new_customers,
        spend.spend_amount::decimal(18, 4) as spend_amount,
        coalesce(orders.comparable_amount, 0)::decimal(18, 4) as comparable_amount,
        coalesce(orders.usual_amount, 0)::decimal(18, 4) as usual_amount
    from segments
    inner join days using (business_date)
    left join orders using (business_date, channel, device, country)
    left join attributions using (business_date, channel, device, country)
    left join refunds using (business_date, channel, device, country)
    left join traffic using (business_date, channel, device, country)
    left join spend using (business_date, channel, device, country)
)

select * from final
order by business_date, channel, device, country
