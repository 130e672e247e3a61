-- One row per day and product sold or given back.
-- 'unknown' stands for lines and refunds without a product, 'order_level' for discounts on whole orders, so that
-- the rows of a day add up to it exactly.
with days as (
    select business_date from lineage.sales_days
),

sold as (
    select
        orders.business_date,
        coalesce(items.product_id, 'unknown') as product_id,
        count(*) as order_lines,
        sum(items.quantity) as items,
        sum(items.quantity * items.unit_price_amount) as gross_amount,
        sum(items.discount_amount) as discount_amount,
        sum(items.quantity * items.unit_cost_amount) as sale_cost_amount,
        sum(case when items.unit_cost_amount is null then items.quantity end) as items_without_sale_cost,
        sum(items.quantity * items.unit_price_amount) filter (
            items.quantity > 0 and items.unit_price_amount > 0 and usual_prices.usual_price_amount is not null
        ) as comparable_amount,
        sum(items.quantity * usual_prices.usual_price_amount) filter (
            items.quantity > 0 and items.unit_price_amount > 0
        ) as usual_amount
    from clean.order_items as items
    inner join kpi.order_values as orders using (store_id, order_id)
    left join kpi.usual_prices as usual_prices
        on
            items.product_id = usual_prices.product_id
            and date_trunc('month', items.business_date) = usual_prices.month_start_date
    where items.line_type = 'product'
    group by orders.business_date, items.product_id
),

order_level as (
    select
        orders.business_date,
        'order_level' as product_id,
        orders.discount_amount - coalesce(line_discounts.discount_amount, 0) as discount_amount
    from (select business_date, sum(discount_amount) as discount_amount from kpi.order_values group by business_date)
        as orders
    left join (select business_date, sum(discount_amount) as discount_amount from sold group by business_date)
        as line_discounts using (business_date)
),

-- A refund that names a line but no product is the product of that line.
lines_given_back as (
    select
        refunds.store_id,
        refunds.refund_id,
        items.product_id
    from clean.refunds as refunds
    inner join clean.order_items as items using (store_id, order_id, line_number)
    where refunds.product_id is null
),

refunded as (
    select
        refunds.business_date,
        coalesce(refunds.product_id, lines_given_back.product_id, 'unknown') as product_id,
        sum(refunds.goods_amount) as refund_amount
    from clean.refunds as refunds
    left join lines_given_back using (store_id, refund_id)
    where refunds.kind <> 'adjustment'
    group by all
),

days_of_products as (
    select business_date, product_id from sold
    union
    select business_date, product_id from refunded
    union
    select business_date, product_id from order_level where discount_amount <> 0
),

measures as (
    select
        days_of_products.business_date,
        days_of_products.product_id,
        products.product_name,
        case
            when days_of_products.product_id = 'order_level' then 'order_level'
            else coalesce(products.category, 'unknown')
        end as category,
        coalesce(sold.order_lines, 0) as order_lines,
        coalesce(sold.items, 0) as items,
        coalesce(sold.gross_amount, 0) as gross_amount,
        coalesce(sold.discount_amount, order_level.discount_amount, 0) as discount_amount,
        coalesce(refunded.refund_amount, 0) as refund_amount,
        coalesce(sold.sale_cost_amount, 0)
        + case when sold.items_without_sale_cost is null then 0
            else sold.items_without_sale_cost * products.unit_cost_amount
        end as cost_amount,
        coalesce(sold.comparable_amount, 0) as comparable_amount,
        coalesce(sold.usual_amount, 0) as usual_amount
    from days_of_products
    inner join days using (business_date)
    left join sold using (business_date, product_id)
    left join refunded using (business_date, product_id)
    left join order_level using (business_date, product_id)
    left join clean.products as products using (product_id)
),

final as (
    select
        business_date,
        product_id,
        product_name,
        category,
        order_lines::bigint as order_lines,
        items::bigint as items,
        gross_amount::decimal(18, 4) as gross_amount,
        discount_amount::decimal(18, 4) as discount_amount,
        refund_amount::decimal(18, 4) as refund_amount,
        (gross_amount - discount_amount - refund_amount)::decimal(18, 4) as net_amount,
        cost_amount::decimal(18, 4) as cost_amount,
        (gross_amount - discount_amount - refund_amount - cost_amount)::decimal(18, 4) as margin_amount,
        comparable_amount::decimal(18, 4) as comparable_amount,
        usual_amount::decimal(18, 4) as usual_amount
    from measures
)

select * from final
