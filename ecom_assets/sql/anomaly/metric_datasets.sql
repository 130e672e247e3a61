-- One row per metric and dataset that it is made of, walked up the recorded column lineage. A column that is made of
-- no other, such as a count of rows, is followed by its table.
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
        coalesce(by_column.upstream, by_table.upstream) as asset,
        by_column.upstream_column as column_name
    from made_of
    left join lineage.column_edges as by_column
        on by_column.downstream = made_of.asset and by_column.downstream_column = made_of.column_name
    left join lineage.asset_edges as by_table
        on by_column.upstream is null and by_table.downstream = made_of.asset
    where
        not starts_with(made_of.asset, 'clean/')
        and coalesce(by_column.upstream, by_table.upstream) is not null
)

select distinct
    metric,
    split_part(asset, '/', 2) as dataset
from made_of
where starts_with(asset, 'clean/')
order by metric, dataset
