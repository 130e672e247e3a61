-- One row per day and series: what the champion and Prophet had expected of it before it came, as late as they said it.
with said as (
    select *
    from forecast.backtests
    where model in ('champion', 'prophet')
    qualify
        step = min(step) over (partition by metric, dimension, member, model, business_date)
),

champion as (
    select *
    from said
    where model = 'champion'
),

prophet as (
    select *
    from said
    where model = 'prophet'
),

final as (
    select
        series.business_date,
        series.metric,
        series.dimension,
        series.member,
        series.value,
        champion.origin_date as made_on,
        champion.step as days_before,
        champion.mean as expected,
        champion.lower_95,
        champion.upper_95,
        prophet.mean as prophet_expected,
        prophet.lower_95 as prophet_lower_95,
        prophet.upper_95 as prophet_upper_95,
        -- The end of a 95 % interval is 1.96 sigmas away, on either side.
        1.96 * (series.value - champion.mean) / nullif(
            if(series.value >= champion.mean, champion.upper_95 - champion.mean, champion.mean - champion.lower_95), 0
        ) as zscore,
        series.value < champion.lower_95 or series.value > champion.upper_95 as is_outside
    from forecast.series as series
    inner join champion using (metric, dimension, member, business_date)
    left join prophet using (metric, dimension, member, business_date)
    order by series.metric, series.dimension, series.member, series.business_date
)

select * from final
