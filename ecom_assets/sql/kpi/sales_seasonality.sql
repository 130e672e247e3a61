-- One row per cycle (month, weekday, hour) and position in it that was seen on accepted days; shop-local time.
with days as (
    select
        business_date,
        extract(month from business_date) as month_number,
        extract(isodow from business_date) as weekday_number
    from lineage.sales_days
),

-- Every zone's offset is a multiple of 15 minutes, so the costly conversion is done once a quarter of an hour.
quarters as (
    select
        business_date,
        time_bucket(interval 15 minutes, ordered_at) as quarter_at,
        count(*) as orders,
        sum(ordered_amount) as net_amount
    from kpi.order_values
    group by all
    union all
    select
        business_date,
        time_bucket(interval 15 minutes, refunded_at) as quarter_at,
        0 as orders,
        -sum(goods_amount) as net_amount
    from clean.refunds
    where kind <> 'adjustment'
    group by all
),

sales as (
    select
        days.month_number,
        days.weekday_number,
        extract(hour from (quarters.quarter_at at time zone 'UTC') at time zone $time_zone) as hour_number,
        sum(quarters.orders) as orders,
        sum(quarters.net_amount) as net_amount
    from quarters
    inner join days using (business_date)
    group by all
),

positions as (
    select
        'month' as cycle,
        month_number as position,
        strftime(min(business_date), '%B') as position_name,
        count(*) as days
    from days
    group by month_number
    union all
    select
        'weekday' as cycle,
        weekday_number as position,
        strftime(min(business_date), '%A') as position_name,
        count(*) as days
    from days
    group by weekday_number
    union all
    select
        'hour' as cycle,
        hours.position,
        lpad(hours.position::varchar, 2, '0') || ':00' as position_name,
        count(*) as days
    from days
    cross join range(24) as hours (position)
    group by hours.position
),

sums as (
    select 'month' as cycle, month_number as position, sum(orders) as orders, sum(net_amount) as net_amount
    from sales
    group by month_number
    union all
    select 'weekday' as cycle, weekday_number as position, sum(orders) as orders, sum(net_amount) as net_amount
    from sales
    group by weekday_number
    union all
    select 'hour' as cycle, hour_number as position, sum(orders) as orders, sum(net_amount) as net_amount
    from sales
    group by hour_number
),

measures as (
    select
        positions.cycle,
        positions.position,
        positions.position_name,
        positions.days,
        coalesce(sums.orders, 0) as orders,
        coalesce(sums.net_amount, 0) as net_amount,
        sum(positions.days) over (partition by positions.cycle) as cycle_days,
        sum(coalesce(sums.orders, 0)) over (partition by positions.cycle) as cycle_orders,
        sum(coalesce(sums.net_amount, 0)) over (partition by positions.cycle) as cycle_net_amount
    from positions
    left join sums using (cycle, position)
),

final as (
    select
        cycle,
        position::bigint as position,
        position_name,
        days::bigint as days,
        orders::bigint as orders,
        net_amount::decimal(18, 4) as net_amount,
        round(orders / days, 8)::decimal(18, 8) as orders_per_day,
        round(net_amount / days, 2)::decimal(18, 4) as net_amount_per_day,
        case when cycle_orders > 0 then round((orders / days) / (cycle_orders / cycle_days), 8) end::decimal(18, 8)
            as orders_index,
        case when cycle_net_amount > 0 then round((net_amount / days) / (cycle_net_amount / cycle_days), 8) end
        ::decimal(18, 8) as net_index
    from measures
)

select * from final
order by cycle, position
