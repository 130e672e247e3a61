"""The SQL of a `profile/` table: what the values of each column of a clean table look like. Runs nothing.

Not to be confused with the profile that judging reads: that one has a row a day and counts broken rules;
this one has a row a column and is for people.
"""

from ecom_assets.contracts import Column, Contract

_NUMBERS = ("integer", "money", "rate", "double")
_TIMES = ("date", "timestamp")
_BINS = 10

_SUMMARY = """
    select
        {position} as position,
        '{name}' as column_name,
        '{type}' as column_type,
        {first_day} as first_day,
        {last_day} as last_day,
        count(*) as row_count,
        count(*) - count({value}) as null_count,
        round(null_count / nullif(count(*), 0), 8)::decimal(18, 8) as null_rate,
        count(distinct {value}) as distinct_count,
        count({value}) - distinct_count as duplicate_count,
        {minimum} as minimum,
        {maximum} as maximum,
        {mean} as mean,
        {quantiles} as quantiles,
        min({scale}) as low,
        max({scale}) as high
    from {table}
"""

_BINNED = """
    select to_json(list([round(low + bin * width, 6), round(low + (bin + 1) * width, 6), row_count] order by bin))
    from (
        select low, width, bin, count(*) as row_count
        from (
            select
                summary.low,
                (summary.high - summary.low) / {bins} as width,
                if(width = 0, 0, least(floor(({scale} - summary.low) / width), {bins} - 1)) as bin
            from {table}, summary
            {where_present}
        )
        group by low, width, bin
    )
"""

_COMMONEST = """
    select to_json(list([value, row_count::varchar] order by row_count desc, value))
    from (
        select {value}::varchar as value, count(*) as row_count
        from {table}
        {where_present}
        group by value
        order by row_count desc, value
        limit {bins}
    )
"""

_OUTLIERS = """
    select count(*) from {table}, summary
    {where_present}
        and (
            {scale} < quantiles[2] - 1.5 * (quantiles[4] - quantiles[2])
            or {scale} > quantiles[4] + 1.5 * (quantiles[4] - quantiles[2])
        )
"""

_ROW = """
with summary as ({summary})
select
    position, column_name, column_type, first_day, last_day, row_count, null_count, null_rate, distinct_count,
    duplicate_count, minimum, maximum, round(mean, 6) as mean,
    round(quantiles[1], 6) as p05, round(quantiles[2], 6) as p25, round(quantiles[3], 6) as p50,
    round(quantiles[4], 6) as p75, round(quantiles[5], 6) as p95,
    {outliers} as outlier_count,
    {histogram} as histogram
from summary
"""


def column_profile_sql(dataset: Contract) -> str:
    """The SELECT of `profile.<dataset>`: one row per column of the clean table that `dataset` describes."""
    rows = (_row(dataset, column, position) for position, column in enumerate(dataset.columns, 1))
    last_day = f'(select max(business_date) from clean."{dataset.name}")'
    recent = f'select * from clean."{dataset.name}" where business_date > {last_day} - {dataset.profile_days}'
    # Looked up once: every column's every question would search the whole history for the last days.
    start = f"with recent as materialized ({recent})\n" if _is_recent(dataset) else ""
    return f"-- One row per column.\n{start}" + "\nunion all\n".join(f"select * from ({row})" for row in rows)


def _row(dataset: Contract, column: Column, position: int) -> str:
    value = f'"{column.name}"'
    is_number, is_time = column.type in _NUMBERS, column.type in _TIMES
    is_shown = column.personal is None
    parts = {
        "position": f"{position}::bigint",
        "name": column.name,
        "type": column.type,
        "table": "recent" if _is_recent(dataset) else f'clean."{dataset.name}"',
        "value": value,
        "scale": f"epoch({value}::timestamp)" if is_time else f"{value}::double" if is_number else "null::double",
        "first_day": "min(business_date)" if dataset.partitioned_by else "null::date",
        "last_day": "max(business_date)" if dataset.partitioned_by else "null::date",
        "minimum": f"min({value})::varchar" if is_shown else "null::varchar",
        "maximum": f"max({value})::varchar" if is_shown else "null::varchar",
        # Decimals are summed exactly, so that the mean does not depend on the number of threads.
        "mean": f"avg({value}::decimal(28, 6))::double" if is_number and is_shown else "null::double",
        "quantiles": f"percentile_cont([0.05, 0.25, 0.5, 0.75, 0.95]) within group (order by {value}::double)"
        if is_number and is_shown
        else "null::double[]",
        "where_present": f"where {value} is not null",
        "bins": _BINS,
    }
    histogram = (_BINNED if is_number or is_time else _COMMONEST).format_map(parts)
    return _ROW.format(
        summary=_SUMMARY.format_map(parts),
        outliers=f"({_OUTLIERS.format_map(parts)})" if is_number and is_shown else "null::bigint",
        histogram=f"({histogram})::varchar" if is_shown else "null::varchar",
    )


def _is_recent(dataset: Contract) -> bool:
    """Whether only the last days of the table are looked at."""
    return dataset.partitioned_by is not None and dataset.profile_days is not None
