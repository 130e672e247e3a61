-- One row per day and watched series, with the surprise of each detector; the whole of a metric has no dimension.
select
    consensus.business_date::timestamp as time,
    consensus.metric,
    if(consensus.dimension = 'total', '', consensus.dimension) as dimension,
    if(consensus.dimension = 'total', '', consensus.member) as member,
    consensus.value,
    consensus.zscore,
    consensus.is_planned,
    consensus.is_watched,
    zscore.surprise as surprise_zscore,
    isolation_forest.surprise as surprise_isolation_forest,
    forecast_residual.surprise as surprise_forecast_residual
from anomaly.consensus as consensus
inner join anomaly.zscore as zscore using (business_date, metric, dimension, member)
inner join anomaly.isolation_forest as isolation_forest using (business_date, metric, dimension, member)
inner join anomaly.forecast_residual as forecast_residual using (business_date, metric, dimension, member)
order by metric, dimension, member, time
