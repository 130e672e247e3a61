"""The SQL that gathers, by day and dataset, what is known of a delivery; made from contracts. Nothing is executed here.

It reads the ledger of files, days and checks and the clean tables of the same days, and compares nothing: what is
usual of a dataset is for whoever weighs the evidence to say.
"""

from collections.abc import Iterable

from ecom_assets.contracts import Contract
from ecom_assets.quality.checks import ARRIVAL_CHECK, VOLUME_CHECK
from ecom_assets.quality.hashing import quoted


def evidence_sql(datasets: Iterable[Contract]) -> str:
    """One SELECT that yields the columns of anomaly/evidence for the days $from_day to $to_day.

    Args:
        datasets: contracts of the clean tables; those that are not kept by day are passed over.
    """
    daily = [each for each in datasets if each.partitioned_by]
    accepted = "\n    union all\n".join(map(_rows_of, daily))
    return _SQL.format(accepted=accepted, arrival=f"'{ARRIVAL_CHECK}'", volume=f"'{VOLUME_CHECK}'")


def _rows_of(contract: Contract) -> str:
    """Repeated rows and the last local hour of one clean table, by day.

    A delivery that is sent again under new ids repeats everything but these: numbers of lines stay what they were.
    Rows of daily sums, whose key is their meaning, repeat nothing. Where all rows of a day bear one time, the export
    carries dates and no clock: whoever bought the same that day would repeat each other, and no hour is the last.
    """
    ids = {name for name in contract.key if contract.by_name[name].type == "text"}
    content = ", ".join(quoted(each.name) for each in contract.columns if each.name not in ids)
    moment = contract.by_name[contract.partitioned_by or ""]
    repeated, last = "0", "null::double"
    if moment.type == "timestamp":
        at = quoted(moment.name)
        clocked = f"case when min({at}) < max({at}) then"
        repeated = f"{clocked} count(*) - count(distinct hash({content})) end"
        local = f"timezone($time_zone, timezone('UTC', max({at})))"
        # Seconds on the clock's face: on the days when clocks are changed the last hour is still the last.
        last = f"{clocked} least(date_diff('second', business_date::timestamp, {local}) / 3600, 24) end"
    return (
        f"    select '{contract.name}' as dataset, business_date, "
        f"{repeated} as repeated_rows, {last} as last_event_hour\n"
        f"    from clean.{quoted(contract.name)} where business_date between $from_day and $to_day "
        "group by business_date"
    )


_SQL = """-- One row per day and dataset; made from the contracts of the datasets.
with days as (
    select split_part(asset, '/', 2) as dataset, business_date, state, row_count
    from lineage.days
    where starts_with(asset, 'clean/') and business_date between $from_day and $to_day
),

delivered as (
    select
        dataset,
        business_date,
        sum(rows_used)::bigint as rows_used,
        sum(rows_quarantined)::bigint as rows_quarantined
    from lineage.source_days
    where business_date between $from_day and $to_day
    group by dataset, business_date
),

-- The day's own files: those that end with it. Later ones bring a few rows that came late, or what became of others.
own as (
    select
        days.dataset,
        days.business_date,
        sum(days.rows_used)::bigint as rows_used,
        -- A file that is only read again, since a mapping changed, is as old as it was.
        max(least(files.loaded_at, make_timestamp(files.modified_ns // 1000))) as came_at
    from lineage.source_days as days
    inner join lineage.source_files as files
        on
            files.source = days.source
            and files.source_file = days.source_file
            and files.last_business_date = days.business_date
    where days.business_date between $from_day and $to_day
    group by days.dataset, days.business_date
),

verdicts as (
    select
        split_part(asset, '/', 2) as dataset,
        partition_start as business_date,
        check_name,
        arg_max(passed, evaluated_at) as passed,
        min(evaluated_at) as first_judged_at
    from lineage.check_results
    where starts_with(asset, 'clean/') and partition_start between $from_day and $to_day
    group by asset, partition_start, check_name
),

judged as (
    select
        dataset,
        business_date,
        count(*) as checks,
        min(first_judged_at) as first_judged_at,
        bool_or(check_name = {arrival} and not passed) as lacks_rows,
        count(*) filter (not passed and check_name not in ({arrival}, {volume})) as failed_checks,
        string_agg(check_name, ', ' order by check_name)
            filter (not passed and check_name not in ({arrival}, {volume})) as failed_check_names
    from verdicts
    group by dataset, business_date
),

known as (
    select split_part(asset, '/', 2) as dataset, count(distinct check_name) as checks
    from lineage.check_results
    where starts_with(asset, 'clean/') and partition_start is not null
    group by asset
),

accepted as (
{accepted}
),

final as (
    select
        days.business_date,
        days.dataset,
        days.state,
        coalesce(delivered.rows_used, 0) = 0 and coalesce(judged.lacks_rows, false) as is_missing,
        coalesce(own.came_at > judged.first_judged_at, false) as _is_late,
        case when days.state = 'accepted' then days.row_count else coalesce(own.rows_used, 0) end::bigint as "rows",
        accepted.repeated_rows,
        coalesce(delivered.rows_quarantined, 0)::bigint as quarantined_rows,
        coalesce(judged.failed_checks, 0)::bigint as failed_checks,
        judged.failed_check_names,
        case when days.state = 'missing' then 0 else coalesce(known.checks, 0) - coalesce(judged.checks, 0) end::bigint
            as missing_checks,
        accepted.last_event_hour
    from days
    left join delivered using (dataset, business_date)
    left join own using (dataset, business_date)
    left join judged using (dataset, business_date)
    left join accepted using (dataset, business_date)
    left join known using (dataset)
)

select * from final
"""
