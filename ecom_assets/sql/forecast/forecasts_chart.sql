-- One row per metric and day: twelve weeks of what came, and what is expected, of the shop's main totals.
with newest as (
    select max(made_on) as made_on
    from forecast.forecasts
),

came as (
    select
        series.metric,
        series.business_date,
        series.value as actual,
        null::double as mean,
        null::double as lower_80,
        null::double as upper_80,
        null::double as lower_95,
        null::double as upper_95
    from forecast.series as series
    inner join newest
        on series.business_date > newest.made_on - 84
    where series.dimension = 'total'
),

expected as (
    select metric, business_date, null::double as actual, mean, lower_80, upper_80, lower_95, upper_95
    from forecast.forecasts
    where dimension = 'total'
),

final as (
    select * from came
    union all by name
    select * from expected
    order by metric, business_date
)

select * from final
where metric in ('net_amount', 'orders', 'sessions', 'conversion_rate')
