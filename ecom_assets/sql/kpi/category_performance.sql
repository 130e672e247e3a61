-- One row per day and category sold or given back, as the catalogue groups products now.
with final as (
    select
        business_date,
        category,
        count(*) filter (where items <> 0)::bigint as products_sold,
        sum(order_lines)::bigint as order_lines,
        sum(items)::bigint as items,
        sum(gross_amount)::decimal(18, 4) as gross_amount,
        sum(discount_amount)::decimal(18, 4) as discount_amount,
        sum(refund_amount)::decimal(18, 4) as refund_amount,
        sum(net_amount)::decimal(18, 4) as net_amount,
        case when count(cost_amount) = count(*) then sum(cost_amount) end::decimal(18, 4) as cost_amount,
        case when count(margin_amount) = count(*) then sum(margin_amount) end::decimal(18, 4) as margin_amount,
        sum(comparable_amount)::decimal(18, 4) as comparable_amount,
        sum(usual_amount)::decimal(18, 4) as usual_amount
    from kpi.product_performance
    group by business_date, category
)

select * from final
order by business_date, category
