-- One row per day and series: what the champion and Prophet had expected of it before it came. What was once said of a
-- day stays, though later tests would say something else of it; they speak for days that nothing was said of.
with standing as (
    select * exclude (value, zscore, is_outside)
    from forecast.expectations
),

first_days as (
    select metric, dimension, member, min(business_date) as first_date
    from standing
    group by metric, dimension, member
),

said as (
    select tests.*
    from forecast.backtests as tests
    anti join standing using (metric, dimension, member, business_date)
    left join first_days using (metric, dimension, member)
    where tests.model in ('champion', 'prophet') and tests.business_date >= coalesce(first_date, tests.business_date)
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

expected as (
    select * from standing
    union all by name
    select
        champion.business_date,
        champion.metric,
        champion.dimension,
        champion.member,
        champion.origin_date as made_on,
        champion.step as days_before,
        champion.mean as expected,
        champion.lower_95,
        champion.upper_95,
        prophet.mean as prophet_expected,
        prophet.lower_95 as prophet_lower_95,
        prophet.upper_95 as prophet_upper_95
    from champion
    left join prophet using (metric, dimension, member, business_date)
),

final as (
    select
        expected.*,
        series.value,
        -- The end of a 95 % interval is 1.96 sigmas away, on either side.
        1.96 * (value - expected.expected) / nullif(
            if(value >= expected.expected, upper_95 - expected.expected, expected.expected - lower_95), 0
        ) as zscore,
        value < lower_95 or value > upper_95 as is_outside
    from forecast.series as series
    inner join expected using (metric, dimension, member, business_date)
    order by metric, dimension, member, business_date
)

select * from final
