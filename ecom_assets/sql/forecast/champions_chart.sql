-- One row per series and model: its error as a share of the seasonal naive forecast's.
with naive as (
    select metric, dimension, member, mase
    from forecast.champions
    where model = 'seasonal_naive'
),

final as (
    select
        champions.model,
        champions.is_champion,
        champions.coverage_80,
        champions.mase / nullif(naive.mase, 0) as relative_mase
    from forecast.champions as champions
    inner join naive
        on champions.metric = naive.metric
        and champions.dimension = naive.dimension
        and champions.member = naive.member
    order by champions.model, champions.metric, champions.dimension, champions.member
)

select * from final
