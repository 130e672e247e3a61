-- One row per series: its values, the campaigns, and the back-tests that stand, each column of them as a list.
with series as (
    select
        metric,
        dimension,
        member,
        list(business_date order by business_date) as days,
        list(value order by business_date) as known_values
    from forecast.series
    group by metric, dimension, member
),

planned as (
    select list({
        'campaign_name': campaign_name,
        'kind': kind,
        'channel': channel,
        'starts_date': starts_date,
        'ends_date': ends_date,
        'discount_rate': discount_rate
    } order by starts_date, campaign_id) as campaigns
    from clean.campaigns
),

standing as (
    select
        metric,
        dimension,
        member,
        max(tested_on) as tested_on,
        list(model order by model, origin_date, step) as model,
        list(origin_date order by model, origin_date, step) as origin_date,
        list(step order by model, origin_date, step) as step,
        list(business_date order by model, origin_date, step) as business_date,
        list(coalesce(actual, 'nan') order by model, origin_date, step) as actual,
        list(mean order by model, origin_date, step) as mean,
        list(coalesce(lower_80, 'nan') order by model, origin_date, step) as lower_80,
        list(coalesce(upper_80, 'nan') order by model, origin_date, step) as upper_80,
        list(coalesce(lower_95, 'nan') order by model, origin_date, step) as lower_95,
        list(coalesce(upper_95, 'nan') order by model, origin_date, step) as upper_95,
        list(coalesce(scale, 'nan') order by model, origin_date, step) as scale
    from forecast.backtests
    group by metric, dimension, member
),

final as (
    select
        series.*,
        standing.* exclude (metric, dimension, member),
        planned.campaigns,
        $asked_origins::integer as asked_origins
    from series
    cross join planned
    left join standing
        on series.metric = standing.metric
        and series.dimension = standing.dimension
        and series.member = standing.member
    order by series.metric, series.dimension, series.member
)

select * from final
