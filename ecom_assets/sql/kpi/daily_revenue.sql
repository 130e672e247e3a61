-- One row per day on which the shop's orders were accepted.
with days as (
    select business_date from lineage.sales_days
),

sales as (
    select
        business_date,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(ordered_amount) as ordered_amount,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount,
        sum(other_amount) as other_amount,
        sum(other_refund_amount) as other_refund_amount,
        sum(total_sales_amount) as total_sales_amount,
        sum(tax_amount) as tax_amount,
        sum(known_cost_amount) as known_cost_amount,
        sum(orders_without_cost) as orders_without_cost,
        sum(orders) as orders,
        sum(valued_orders) as valued_orders,
        sum(items) as items,
        sum(web_orders) as web_orders,
        sum(tracked_orders) as tracked_orders,
        sum(converted_sessions) as converted_sessions,
        sum(new_customers) as new_customers,
        sum(refunds) as refunds,
        sum(sessions) as sessions
    from kpi.sales_by_segment
    group by business_date
),

buyers as (
    select
        business_date,
        count(*) filter (where cost_amount <> 0) as orders_with_cost,
        count(distinct customer_id) filter (where first_order_date < business_date) as returning_customers
    from kpi.order_values
    group by business_date
),

shop as (
    select
        (select sum(orders_with_cost) from buyers) as orders_with_cost,
        (select count(sessions) > 0 or coalesce(sum(tracked_orders), 0) > 0 from sales) as knows_sessions
),

measures as (
    select
        days.business_date,
        coalesce(sales.gross_amount, 0) as gross_amount,
        coalesce(sales.discount_amount, 0) as discount_amount,
        coalesce(sales.ordered_amount, 0) as ordered_amount,
        coalesce(sales.refund_amount, 0) as refund_amount,
        coalesce(sales.net_amount, 0) as net_amount,
        coalesce(sales.other_amount, 0) as other_amount,
        coalesce(sales.other_refund_amount, 0) as other_refund_amount,
        coalesce(sales.total_sales_amount, 0) as total_sales_amount,
        coalesce(sales.tax_amount, 0) as tax_amount,
        -- In a shop that knows no cost at all, a day without sales has an unknown cost too, not a zero.
        case when coalesce(sales.orders_without_cost, 0) = 0 and shop.orders_with_cost > 0
            then coalesce(sales.known_cost_amount, 0)
        end as cost_amount,
        coalesce(sales.orders, 0) as orders,
        coalesce(sales.valued_orders, 0) as valued_orders,
        coalesce(sales.items, 0) as items,
        coalesce(sales.refunds, 0) as refunds,
        sales.sessions,
        coalesce(sales.web_orders, 0) as web_orders,
        -- In a shop that knows no session at all, nothing was lost on the way to its orders.
        case when shop.knows_sessions then coalesce(sales.tracked_orders, 0) end as tracked_orders,
        -- Web orders none of which names its session say nothing about how many sessions bought.
        case when coalesce(sales.web_orders, 0) = 0 or sales.tracked_orders > 0
            then coalesce(sales.converted_sessions, 0)
        end as converted_sessions,
        case when days.business_date >= coalesce($history_complete_from::date, days.business_date)
            then coalesce(sales.new_customers, 0)
        end as new_customers,
        case when days.business_date >= coalesce($history_complete_from::date, days.business_date)
            then coalesce(buyers.returning_customers, 0)
        end as returning_customers
    from days
    cross join shop
    left join sales using (business_date)
    left join buyers using (business_date)
),

final as (
    select
        business_date,
        gross_amount::decimal(18, 4) as gross_amount,
        discount_amount::decimal(18, 4) as discount_amount,
        ordered_amount::decimal(18, 4) as ordered_amount,
        refund_amount::decimal(18, 4) as refund_amount,
        net_amount::decimal(18, 4) as net_amount,
        other_amount::decimal(18, 4) as other_amount,
        other_refund_amount::decimal(18, 4) as other_refund_amount,
        total_sales_amount::decimal(18, 4) as total_sales_amount,
        tax_amount::decimal(18, 4) as tax_amount,
        cost_amount::decimal(18, 4) as cost_amount,
        (net_amount - cost_amount)::decimal(18, 4) as margin_amount,
        orders::bigint as orders,
        valued_orders::bigint as valued_orders,
        items::bigint as items,
        refunds::bigint as refunds,
        round(ordered_amount / nullif(valued_orders, 0), 2)::decimal(18, 4) as average_order_value,
        sessions::bigint as sessions,
        converted_sessions::bigint as converted_sessions,
        round(converted_sessions / nullif(sessions, 0), 8)::decimal(18, 8) as conversion_rate,
        round(valued_orders / nullif(sessions, 0), 8)::decimal(18, 8) as orders_per_session,
        web_orders::bigint as web_orders,
        tracked_orders::bigint as tracked_orders,
        round(tracked_orders / nullif(web_orders, 0), 8)::decimal(18, 8) as tracking_coverage_rate,
        new_customers::bigint as new_customers,
        returning_customers::bigint as returning_customers
    from measures
)

select * from final
order by business_date
