-- One row per day and cause.
with
-- What was not measured on a day cost nobody knows how much: the day has no row of that cause.
days as (
    select distinct business_date, case asset when 'clean/api_logs' then 'errors' else 'slowness' end as cause
    from lineage.accepted_days
    semi join kpi.friction_exposure using (business_date)
    where asset in ('clean/page_load_times', 'clean/api_logs')
),

values_of_orders as (
    select
        business_date,
        sum(ordered_amount) over last_28_days / nullif(sum(valued_orders) over last_28_days, 0) as average_order_value
    from kpi.daily_revenue
    window last_28_days as (order by business_date range between interval 27 day preceding and current row)
),

arrivals as (
    select
        business_date,
        device,
        step,
        sum(sessions) as sessions,
        sum(purchases) as purchases,
        sum(fast_sessions + slow_sessions) as measured_sessions
    from kpi.friction_exposure
    group by business_date, device, step
),

-- How often sessions of a step bought, also on days on which none came as far.
rates as (
    select
        business_date,
        device,
        number,
        step,
        sessions / nullif(measured_sessions, 0) as sessions_per_measured,
        sum(purchases) over last_28_days / nullif(sum(sessions) over last_28_days, 0) as purchase_rate
    from (select distinct business_date, device from arrivals)
    cross join (values (1, 'none'), (2, 'cart'), (3, 'checkout'), (4, 'payment')) as steps (number, step)
    left join arrivals using (business_date, device, step)
    window last_28_days as (
        partition by device, step order by business_date range between interval 27 day preceding and current row
    )
),

-- Sessions of which no load was measured at a step are taken to have been as slow there as those that were measured.
worths as (
    select
        business_date,
        device,
        step,
        sessions_per_measured,
        sessions_per_measured * if(step = 'payment', 1, coalesce(lead(purchase_rate) over further, 0))
            as purchases_per_going_on
    from rates
    window further as (partition by business_date, device order by number)
),

-- Whoever meets a slow checkout has come far and buys more often than others. Therefore it is compared, among those who
-- saw the same kind of page at the same step, who went on to the next step; who went on is worth what those are who
-- reach that step. So much as was lost at one step is not lost again at the next.
paces as (
    select
        business_date,
        device,
        step,
        slow_sessions,
        slow_sessions_going_on,
        sum(fast_sessions_going_on) over last_28_days / nullif(sum(fast_sessions) over last_28_days, 0) as fast_rate
    from kpi.friction_exposure
    where page_type <> 'unmeasured'
    window last_28_days as (
        partition by device, step, page_type
        order by business_date range between interval 27 day preceding and current row
    )
),

slowed as (
    select
        business_date,
        sum(slow_sessions * sessions_per_measured) as affected,
        sum(slow_sessions * fast_rate * purchases_per_going_on) as expected_purchases,
        sum(slow_sessions_going_on * purchases_per_going_on) filter (fast_rate is not null) as actual_purchases
    from paces
    join worths using (business_date, device, step)
    where slow_sessions > 0
    group by business_date
),

-- Errors are compared among sessions that reached the step at which the error was met, as who comes as far as the
-- payment makes more calls, meets more errors, and buys more often, whether or not errors matter; what became of a
-- session behind its error is no part of the comparison. Errors met before anything was in the cart are left out: who
-- looks longer meets more of them and buys more often.
exposures as (
    select
        business_date,
        device,
        step,
        sum(healthy_sessions) as spared_sessions,
        sum(healthy_purchases) as spared_purchases,
        sum(failing_sessions) as affected_sessions,
        sum(failing_purchases) as actual_purchases
    from kpi.friction_exposure
    where step <> 'none'
    group by business_date, device, step
),

spared as (
    select
        business_date,
        affected_sessions,
        actual_purchases,
        sum(spared_purchases) over last_28_days as spared_purchases,
        sum(spared_sessions) over last_28_days as spared_sessions
    from exposures
    window last_28_days as (
        partition by device, step order by business_date range between interval 27 day preceding and current row
    )
),

expected as (
    select
        business_date,
        'errors' as cause,
        sum(affected_sessions)::double as affected,
        sum(affected_sessions * spared_purchases / nullif(spared_sessions, 0)) as expected_purchases,
        (sum(actual_purchases) filter (spared_sessions > 0))::double as actual_purchases
    from spared
    where affected_sessions > 0
    group by business_date
    union all
    select business_date, 'slowness' as cause, affected, expected_purchases, actual_purchases from slowed
),

causes as (
    select cause, counterfactual
    from (
        values
        (
            'slowness',
            'sessions that met a slow page had gone on to the next step as often as others on the same device that saw '
            'the same kind of page at the same step fast, in the last 28 days, each worth what those are who reach it'
        ),
        (
            'errors',
            'sessions that met an error with something in the cart had bought as often as others on the same device '
            'that reached the same step, in the last 28 days; errors met before are left out'
        ),
        ('abandonment', 'every abandoned cart that was not recovered in 7 days had been bought: an upper bound')
    ) as stated (cause, counterfactual)
),

estimated as (
    select
        days.business_date,
        causes.cause,
        causes.counterfactual,
        coalesce(affected, 0) as affected,
        coalesce(expected_purchases, 0) as expected_purchases,
        coalesce(actual_purchases, 0) as actual_purchases,
        average_order_value
    from days
    join causes on days.cause = causes.cause
    left join expected on days.business_date = expected.business_date and causes.cause = expected.cause
    left join values_of_orders on days.business_date = values_of_orders.business_date
),

final as (
    select
        business_date,
        cause,
        counterfactual,
        round(affected)::bigint as affected,
        round(expected_purchases, 8)::decimal(18, 8) as expected_purchases,
        round(actual_purchases, 8)::decimal(18, 8) as actual_purchases,
        round(expected_purchases - actual_purchases, 8)::decimal(18, 8) as lost_purchases,
        round(average_order_value, 2)::decimal(18, 4) as average_order_value,
        round((expected_purchases - actual_purchases) * average_order_value, 2)::decimal(18, 4) as lost_amount
    from estimated
    union all
    select
        business_date,
        causes.cause,
        causes.counterfactual,
        abandoned_carts as affected,
        abandoned_carts::decimal(18, 8) as expected_purchases,
        recovered_carts::decimal(18, 8) as actual_purchases,
        (abandoned_carts - recovered_carts)::decimal(18, 8) as lost_purchases,
        round(lost_amount / nullif(abandoned_carts - recovered_carts, 0), 2)::decimal(18, 4) as average_order_value,
        round(lost_amount, 2)::decimal(18, 4) as lost_amount
    from kpi.cart_abandonment
    join causes on causes.cause = 'abandonment'
    where dimension = 'all'
)

select * from final
