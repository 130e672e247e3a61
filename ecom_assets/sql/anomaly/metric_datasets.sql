-- One row per metric and dataset that it is made of, walked up the recorded column lineage. A column that is made of
-- no other, such as a count of rows, is followed by the day that its rows are counted on.
with recursive asked as (
    select
        unnest($metrics::varchar[]) as metric,
        unnest($assets::varchar[]) as asset,
        unnest($columns::varchar[]) as column_name
),

made_of as (
    select * from asked
    union
    select
        made_of.metric,
        edges.upstream as asset,
        edges.upstream_column as column_name
    from made_of
    inner join lineage.column_edges as edges
        on
            edges.downstream = made_of.asset
            and edges.downstream_column = case
                when
                    exists (
                        from lineage.column_edges as own
                        where own.downstream = made_of.asset and own.downstream_column = made_of.column_name
                    )
                    then made_of.column_name
                else 'business_date'
            end
    where not starts_with(made_of.asset, 'clean/')
)

select distinct
    metric,
    split_part(asset, '/', 2) as dataset
from made_of
where starts_with(asset, 'clean/')
order by metric, dataset
