-- One row per day and service.
with
days as (
    select business_date from lineage.accepted_days where asset = 'clean/api_logs'
),

services as (
    select distinct member as service from kpi.api_health where dimension in ('all', 'service')
),

daily as (
    select
        days.business_date,
        service,
        coalesce(answered_calls, 0) as answered_calls,
        coalesce(errors, 0) as errors
    from days
    cross join services
    left join kpi.api_health as health
        on health.business_date = days.business_date
        and health.member = service
        and health.dimension = if(service = 'all', 'all', 'service')
),

rolled as (
    select
        business_date,
        service,
        answered_calls,
        errors,
        (sum(answered_calls) over last_28_days)::bigint as answered_calls_28d,
        (sum(errors) over last_28_days)::bigint as errors_28d
    from daily
    window last_28_days as (
        partition by service order by business_date range between interval 27 day preceding and current row
    )
),

final as (
    select
        business_date,
        service,
        answered_calls_28d,
        errors_28d,
        round(1 - errors_28d / answered_calls_28d, 8)::decimal(18, 8) as availability_28d_rate,
        round($availability_objective::double, 8)::decimal(18, 8) as availability_objective_rate,
        round((1 - $availability_objective::double) * answered_calls_28d, 3) as allowed_errors_28d,
        round(1 - errors_28d / nullif((1 - $availability_objective::double) * answered_calls_28d, 0), 8)::decimal(18, 8)
            as error_budget_left_rate,
        round(errors / nullif((1 - $availability_objective::double) * answered_calls, 0), 8)::decimal(18, 8) as burn_rate_1d
    from rolled
    where answered_calls_28d > 0
)

select * from final
