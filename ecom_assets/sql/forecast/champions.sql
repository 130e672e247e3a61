-- One row per series, model, origin and step: what champions are chosen by.
with final as (
    select
        metric, dimension, member, model, origin_date, step, business_date, actual, mean, lower_80, upper_80,
        lower_95, upper_95, scale, tested_on
    from forecast.backtests
    order by metric, dimension, member, model, origin_date, step
)

select * from final
