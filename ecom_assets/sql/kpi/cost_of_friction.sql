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

-- Slowness is compared within a device. Errors are compared among sessions that reached the step at which the error was
-- met, as who comes as far as the payment makes more calls, meets more errors, and buys more often, whether or not
-- errors matter; what became of a session behind its error is no part of the comparison. Errors met before anything
-- was in the cart are left out: who looks longer meets more of them and buys more often.
exposures as (
    select
        business_date,
        'slowness' as cause,
        device as stratum,
        fast_sessions as spared_sessions,
        fast_purchases as spared_purchases,
        slow_sessions as affected_sessions,
        slow_purchases as actual_purchases
    from kpi.friction_exposure
    where step = 'none'
    union all
    select
        business_date,
        'errors' as cause,
        device || ' ' || step as stratum,
        healthy_sessions as spared_sessions,
        healthy_purchases as spared_purchases,
        failing_sessions as affected_sessions,
        failing_purchases as actual_purchases
    from kpi.friction_exposure
    where step <> 'none'
),

spared as (
    select
        business_date,
        cause,
        affected_sessions,
        actual_purchases,
        sum(spared_purchases) over last_28_days as spared_purchases,
        sum(spared_sessions) over last_28_days as spared_sessions
    from exposures
    window last_28_days as (
        partition by cause, stratum order by business_date range between interval 27 day preceding and current row
    )
),

expected as (
    select
        business_date,
        cause,
        sum(affected_sessions)::bigint as affected,
        sum(affected_sessions * spared_purchases / nullif(spared_sessions, 0)) as expected_purchases,
        sum(actual_purchases) filter (spared_sessions > 0) as actual_purchases
    from spared
    where affected_sessions > 0
    group by business_date, cause
),

causes as (
    select cause, counterfactual
    from (
        values
        ('slowness', 'slow sessions had bought as often as fast ones on the same device in the last 28 days'),
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
        affected,
        round(expected_purchases, 8)::decimal(18, 8) as expected_purchases,
        actual_purchases::bigint as actual_purchases,
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
        recovered_carts as actual_purchases,
        (abandoned_carts - recovered_carts)::decimal(18, 8) as lost_purchases,
        round(lost_amount / nullif(abandoned_carts - recovered_carts, 0), 2)::decimal(18, 4) as average_order_value,
        round(lost_amount, 2)::decimal(18, 4) as lost_amount
    from kpi.cart_abandonment
    join causes on causes.cause = 'abandonment'
    where dimension = 'all'
)

select * from final
