-- One row per day, dimension and member.
with
days as (
    select business_date, bool_or(has_carts) as has_carts
    from (
        select business_date, true as has_carts from lineage.accepted_days where asset = 'clean/cart_abandonment'
        union all
        select business_date, false as has_carts from kpi.purchase_funnel
    )
    group by business_date
),

-- Nothing is known of what happened after the last day that is over.
horizon as (
    select timezone('UTC', timezone($time_zone, (max(business_date) + 1)::timestamp)) as known_until from days
),

placed as (
    select order_id, min(ordered_at) as ordered_at
    from clean.orders
    where status not in ('pending', 'failed', 'void')
    group by order_id
),

carts as (
    select
        cart.business_date,
        last_step as step,
        device,
        channel,
        cart_amount,
        timezone($time_zone, timezone('UTC', abandoned_at)) as local_at,
        ordered_at <= abandoned_at + interval 7 day as is_recovered
    from clean.cart_abandonment as cart
    left join placed on cart.recovered_order_id = placed.order_id
    where ordered_at is null or ordered_at > abandoned_at + interval 24 hour
),

bounds as (
    select bound, lead(bound) over (order by bound) as next_bound
    from (
        select distinct (step * 10 ** exponent)::bigint as bound
        from unnest([0, 1, 2, 5]) as steps (step), range(0, 8) as exponents (exponent)
    )
),

described as (
    select
        carts.*,
        strftime(local_at, '%H') as hour,
        lower(dayname(local_at)) as weekday,
        case
            when bound is null then 'below 0'
            when next_bound is null then bound || ' and more'
            else bound || ' to ' || next_bound
        end as value_band
    from carts
    asof left join bounds on carts.cart_amount >= bounds.bound
),

left_behind as (
    select
        business_date,
        case
            when grouping(step) = 0 then 'step'
            when grouping(device) = 0 then 'device'
            when grouping(channel) = 0 then 'channel'
            when grouping(hour) = 0 then 'hour'
            when grouping(weekday) = 0 then 'weekday'
            when grouping(value_band) = 0 then 'value_band'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(step, device, channel, hour, weekday, value_band)) as member,
        count(*) as abandoned_carts,
        sum(cart_amount) as abandoned_amount,
        count(*) filter (is_recovered) as recovered_carts,
        coalesce(sum(cart_amount) filter (is_recovered), 0) as recovered_amount
    from described
    group by grouping sets (
        (business_date),
        (business_date, step),
        (business_date, device),
        (business_date, channel),
        (business_date, hour),
        (business_date, weekday),
        (business_date, value_band)
    )
),

filled as (
    select
        business_date,
        case
            when grouping(channel) = 0 then 'channel'
            when grouping(device) = 0 then 'device'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(channel, device)) as member,
        sum(cart_sessions)::bigint as cart_sessions,
        sum(purchase_sessions)::bigint as bought_cart_sessions
    from kpi.purchase_funnel
    where cart_sessions > 0
    group by grouping sets ((business_date), (business_date, channel), (business_date, device))
),

judged as (
    select
        business_date,
        timezone('UTC', timezone($time_zone, (business_date + 1)::timestamp)) as day_end,
        has_carts and day_end + interval 24 hour <= known_until as is_over,
        day_end + interval 7 day <= known_until as is_final
    from days, horizon
),

counted as (
    select * from left_behind full join filled using (business_date, dimension, member)
),

final as (
    select
        business_date,
        coalesce(dimension, 'all') as dimension,
        coalesce(member, 'all') as member,
        cart_sessions,
        bought_cart_sessions,
        round(1 - bought_cart_sessions / nullif(cart_sessions, 0), 8)::decimal(18, 8) as cart_abandonment_rate,
        if(is_over, coalesce(abandoned_carts, 0), null) as abandoned_carts,
        if(is_over, coalesce(recovered_carts, 0), null) as recovered_carts,
        round(if(is_over, recovered_carts / nullif(abandoned_carts, 0), null), 8)::decimal(18, 8) as recovery_rate,
        if(is_over, coalesce(abandoned_amount, 0), null)::decimal(18, 4) as abandoned_amount,
        if(is_over, coalesce(recovered_amount, 0), null)::decimal(18, 4) as recovered_amount,
        if(is_over, coalesce(abandoned_amount - recovered_amount, 0), null)::decimal(18, 4) as lost_amount,
        is_final
    from judged
    left join counted using (business_date)
)

select * from final
