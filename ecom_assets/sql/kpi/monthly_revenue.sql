-- One row per calendar month that holds an accepted day.
with months as (
    select
        date_trunc('month', business_date)::date as month_start_date,
        min(business_date) as first_day,
        max(business_date) as last_day,
        count(*) as days,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(ordered_amount) as ordered_amount,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount,
        sum(other_amount) as other_amount,
        sum(other_refund_amount) as other_refund_amount,
        sum(total_sales_amount) as total_sales_amount,
        sum(tax_amount) as tax_amount,
        -- A month with one unknown day is unknown: half a margin looks like a bad one.
        case when count(cost_amount) = count(*) then sum(cost_amount) end as cost_amount,
        case when count(margin_amount) = count(*) then sum(margin_amount) end as margin_amount,
        sum(orders) as orders,
        sum(valued_orders) as valued_orders,
        sum(items) as items,
        sum(refunds) as refunds,
        sum(sessions) as sessions,
        sum(converted_sessions) filter (where sessions is not null) as converted_sessions,
        sum(sessions) filter (where converted_sessions is not null) as sessions_of_conversion,
        case when count(new_customers) = count(*) then sum(new_customers) end as new_customers
    from kpi.daily_revenue
    group by date_trunc('month', business_date)
),

compared as (
    select
        months.*,
        min(first_day) over () <= month_start_date and max(last_day) over () >= last_day(month_start_date)
            as is_complete,
        lag(month_start_date) over (order by month_start_date) as previous_month_date,
        lag(net_amount) over (order by month_start_date) as previous_net_amount,
        min(first_day) over () as first_day_ever
    from months
),

final as (
    select
        month_start_date,
        days::bigint as days,
        is_complete,
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
        margin_amount::decimal(18, 4) as margin_amount,
        orders::bigint as orders,
        valued_orders::bigint as valued_orders,
        items::bigint as items,
        refunds::bigint as refunds,
        round(ordered_amount / nullif(valued_orders, 0), 2)::decimal(18, 4) as average_order_value,
        sessions::bigint as sessions,
        round(converted_sessions / nullif(sessions_of_conversion, 0), 8)::decimal(18, 8) as conversion_rate,
        new_customers::bigint as new_customers,
        case
            when is_complete
                and previous_month_date = month_start_date - interval 1 month
                and previous_month_date >= first_day_ever
                and previous_net_amount > 0
                then round(net_amount / previous_net_amount - 1, 8)
        end::decimal(18, 8) as net_growth_rate
    from compared
)

select * from final
order by month_start_date
