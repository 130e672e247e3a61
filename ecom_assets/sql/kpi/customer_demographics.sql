-- One row per country, gender, age band and acquisition channel of customers who bought; guests apart.
with days as (
    select
        business_date,
        extract(year from max(business_date) over ()) as current_year
    from lineage.sales_days
),

bought as (
    select
        customer_id,
        count(*) as orders,
        count(*) filter (where gross_amount > 0) as valued_orders,
        sum(ordered_amount) as ordered_amount,
        0 as refund_amount
    from kpi.order_values
    group by customer_id
),

given_back as (
    select
        coalesce(refunds.customer_id, orders.customer_id) as customer_id,
        0 as orders,
        0 as valued_orders,
        0 as ordered_amount,
        sum(refunds.goods_amount) as refund_amount
    from clean.refunds as refunds
    inner join days using (business_date)
    left join kpi.order_values as orders using (store_id, order_id)
    where refunds.kind <> 'adjustment'
    group by coalesce(refunds.customer_id, orders.customer_id)
),

people as (
    select
        customer_id,
        sum(orders) as orders,
        sum(valued_orders) as valued_orders,
        sum(ordered_amount) as ordered_amount,
        sum(refund_amount) as refund_amount
    from (select * from bought union all select * from given_back)
    group by customer_id
),

ages as (
    select
        customers.customer_id,
        coalesce(nullif(trim(lower(customers.gender)), ''), 'unknown') as gender,
        customers.country,
        customers.acquisition_channel,
        (select max(current_year) from days) - customers.birth_year as age_years
    from clean.customers as customers
),

described as (
    select
        people.customer_id is null as is_guest,
        coalesce(ages.country, 'unknown') as country,
        coalesce(ages.gender, 'unknown') as gender,
        case
            when ages.age_years is null then 'unknown'
            when ages.age_years < 18 then 'under 18'
            when ages.age_years < 25 then '18-24'
            when ages.age_years < 35 then '25-34'
            when ages.age_years < 45 then '35-44'
            when ages.age_years < 55 then '45-54'
            when ages.age_years < 65 then '55-64'
            else '65 and over'
        end as age_band,
        coalesce(ages.acquisition_channel, 'unknown') as acquisition_channel,
        people.orders,
        people.valued_orders,
        people.ordered_amount,
        people.refund_amount
    from people
    left join ages using (customer_id)
),

final as (
    select
        country,
        gender,
        age_band,
        acquisition_channel,
        is_guest,
        case when not is_guest then count(*) filter (where orders > 0) end::bigint as customers,
        sum(orders)::bigint as orders,
        sum(ordered_amount)::decimal(18, 4) as ordered_amount,
        sum(refund_amount)::decimal(18, 4) as refund_amount,
        (sum(ordered_amount) - sum(refund_amount))::decimal(18, 4) as net_amount,
        round(sum(ordered_amount) / nullif(sum(valued_orders), 0), 2)::decimal(18, 4) as average_order_value
    from described
    group by country, gender, age_band, acquisition_channel, is_guest
)

select * from final
order by country, gender, age_band, acquisition_channel, is_guest
