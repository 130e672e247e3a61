-- One row per order that counts as a sale, worth what it was worth on its own day; refunds stand on theirs.
-- Orders of a day whose lines were not accepted wait until they are: without them they would be worth nothing.
-- The one place that says which orders are sales, whose first order one is, and which touch brought it.
with orders as (
    select
        business_date,
        store_id,
        order_id,
        customer_id,
        session_id,
        ordered_at,
        placed_by,
        channel,
        device,
        country,
        discount_amount,
        shipping_amount,
        tax_amount,
        case when channel not in ('direct', 'unknown') then channel end as touch_channel
    from clean.orders
    where status not in ('pending', 'failed', 'void')
        and business_date in (select business_date from lineage.sales_days)
),

-- Quantity times price is wider than any amount: cast back, its sums are a tenth faster on five million lines.
-- Goods given back as negative lines and gifts have no price that could be compared with the usual one.
lines as (
    select
        items.store_id,
        items.order_id,
        items.line_type = 'product' as is_product,
        items.quantity,
        (items.quantity * items.unit_price_amount)::decimal(18, 4) as list_amount,
        items.discount_amount,
        (items.quantity * coalesce(items.unit_cost_amount, products.unit_cost_amount))::decimal(18, 4) as cost_amount,
        case
            when items.line_type = 'product' and items.quantity > 0 and items.unit_price_amount > 0
                then (items.quantity * usual_prices.usual_price_amount)::decimal(18, 4)
        end as usual_amount
    from clean.order_items as items
    left join clean.products as products using (product_id)
    left join kpi.usual_prices as usual_prices
        on
            items.product_id = usual_prices.product_id
            and date_trunc('month', items.business_date) = usual_prices.month_start_date
),

baskets as (
    select
        store_id,
        order_id,
        sum(case when is_product then list_amount end) as gross_amount,
        sum(case when is_product then discount_amount end) as line_discount_amount,
        sum(case when not is_product then list_amount - discount_amount end) as other_amount,
        sum(case when is_product then cost_amount end) as cost_amount,
        sum(case when usual_amount is not null then list_amount end) as comparable_amount,
        sum(usual_amount) as usual_amount,
        sum(case when is_product then quantity end) as items,
        sum(case when is_product and cost_amount is null then 1 end) as lines_without_cost
    from lines
    group by store_id, order_id
),

-- Guests have no history: kept out of the window, they are not sorted as one huge customer.
histories as (
    select
        orders.*,
        row_number() over earlier_orders as customer_order_number,
        first_value(business_date) over earlier_orders as first_order_date,
        last_value(touch_channel ignore nulls) over earlier_orders as last_touch_channel,
        max(case when touch_channel is not null then ordered_at end) over earlier_orders as last_touch_at
    from orders
    where customer_id is not null
    window earlier_orders as (
        partition by customer_id order by ordered_at, store_id, order_id
        rows between unbounded preceding and current row
    )
    union all
    select
        orders.*,
        null as customer_order_number,
        null as first_order_date,
        null as last_touch_channel,
        null as last_touch_at
    from orders
    where customer_id is null
),

-- A session that bought twice converted once: its later orders.
later_in_session as (
    select
        store_id,
        order_id,
        true as is_later_in_session
    from orders
    where session_id in (select session_id from orders group by session_id having count(*) > 1)
    qualify row_number() over (partition by session_id order by ordered_at, store_id, order_id) > 1
),

final as (
    select
        histories.business_date,
        store_id,
        order_id,
        histories.customer_id,
        histories.ordered_at,
        histories.placed_by,
        histories.channel,
        case
            when histories.channel <> 'direct' then histories.channel
            when histories.last_touch_at >= histories.ordered_at - interval 30 days then histories.last_touch_channel
            else 'direct'
        end as attributed_channel,
        histories.device,
        histories.country,
        histories.session_id is not null as has_session,
        histories.session_id is not null and later_in_session.is_later_in_session is null as is_session_conversion,
        histories.customer_order_number,
        histories.first_order_date,
        case
            when histories.business_date >= coalesce($history_complete_from::date, histories.business_date)
                then histories.customer_order_number = 1
        end as is_first_order,
        coalesce(baskets.gross_amount, 0)::decimal(18, 4) as gross_amount,
        (histories.discount_amount + coalesce(baskets.line_discount_amount, 0))::decimal(18, 4) as discount_amount,
        (coalesce(baskets.gross_amount, 0) - histories.discount_amount - coalesce(baskets.line_discount_amount, 0))
        ::decimal(18, 4) as ordered_amount,
        (histories.shipping_amount + coalesce(baskets.other_amount, 0))::decimal(18, 4) as other_amount,
        histories.tax_amount,
        case when baskets.lines_without_cost is null then coalesce(baskets.cost_amount, 0) end::decimal(18, 4)
            as cost_amount,
        coalesce(baskets.items, 0)::bigint as items,
        coalesce(baskets.comparable_amount, 0)::decimal(18, 4) as comparable_amount,
        coalesce(baskets.usual_amount, 0)::decimal(18, 4) as usual_amount
    from histories
    left join baskets using (store_id, order_id)
    left join later_in_session using (store_id, order_id)
)

select * from final
