-- One row per series: its values, the campaigns, its champion and that one's back-tests, each column as a list.
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

tests as (
    select
        champions.metric,
        champions.dimension,
        champions.member,
        any_value(champions.model) as champion,
        list(tests.origin_date order by tests.origin_date, tests.step) as origin_date,
        list(tests.step order by tests.origin_date, tests.step) as step,
        list(coalesce(tests.actual, 'nan') order by tests.origin_date, tests.step) as actual,
        list(tests.mean order by tests.origin_date, tests.step) as mean
    from forecast.champions as champions
    inner join forecast.backtests as tests
        on champions.metric = tests.metric
        and champions.dimension = tests.dimension
        and champions.member = tests.member
        and champions.model = tests.model
    where champions.is_champion
    group by champions.metric, champions.dimension, champions.member
),

final as (
    select series.*, tests.* exclude (metric, dimension, member), planned.campaigns
    from series
    cross join planned
    left join tests
        on series.metric = tests.metric
        and series.dimension = tests.dimension
        and series.member = tests.member
    order by series.metric, series.dimension, series.member
)

select * from final
