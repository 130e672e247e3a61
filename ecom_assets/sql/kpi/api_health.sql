-- One row per day, dimension and member.
with
calls as (
    select
        business_date, service, service || ' ' || endpoint as endpoint, status_code, response_time_ms,
        -- Percentiles are taken of whole microseconds: exact, and in half the time that doubles take to compare.
        (response_time_ms * 1000)::integer as response_time_us,
        coalesce(status_code >= 500, false) as is_error
    from clean.api_logs
    where business_date between $from_day and $to_day
),

by_member as (
    select
        business_date,
        case
            when grouping(service) = 0 then 'service'
            when grouping(endpoint) = 0 then 'endpoint'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(service, endpoint)) as member,
        count(*) as calls,
        count(status_code) as answered_calls,
        count(*) filter (is_error) as errors,
        count(*) filter (status_code >= 400 and status_code < 500) as client_errors,
        count(*) filter (not is_error and response_time_ms <= $api_apdex_ms) as satisfied_calls,
        count(*) filter (not is_error and response_time_ms > $api_apdex_ms and response_time_ms <= 4 * $api_apdex_ms)
            as tolerated_calls,
        count(*) filter (is_error or response_time_ms > 4 * $api_apdex_ms) as frustrated_calls,
        percentile_cont([0.5, 0.95, 0.99]) within group (order by response_time_us) as response_time_us
    from calls
    group by grouping sets ((business_date), (business_date, service), (business_date, endpoint))
),

final as (
    select
        business_date,
        dimension,
        member,
        calls,
        answered_calls,
        errors,
        client_errors,
        round(errors / nullif(answered_calls, 0), 8)::decimal(18, 8) as error_rate,
        round(1 - errors / nullif(answered_calls, 0), 8)::decimal(18, 8) as availability_rate,
        round(response_time_us[1] / 1000, 3) as response_time_p50_ms,
        round(response_time_us[2] / 1000, 3) as response_time_p95_ms,
        round(response_time_us[3] / 1000, 3) as response_time_p99_ms,
        satisfied_calls,
        tolerated_calls,
        frustrated_calls,
        round(
            (satisfied_calls + tolerated_calls / 2)
            / nullif(satisfied_calls + tolerated_calls + frustrated_calls, 0), 8)::decimal(18, 8) as apdex_score,
        if(
            dimension <> 'all' and response_time_p95_ms is not null,
            rank() over (partition by business_date, dimension order by response_time_p95_ms desc nulls last),
            null
        ) as slowness_rank,
        round($availability_objective::double, 8)::decimal(18, 8) as availability_objective_rate,
        round((1 - $availability_objective::double) * answered_calls, 3) as allowed_errors,
        round(1 - errors / nullif((1 - $availability_objective::double) * answered_calls, 0), 8)::decimal(18, 8)
            as error_budget_left_rate
    from by_member
)

select * from final
