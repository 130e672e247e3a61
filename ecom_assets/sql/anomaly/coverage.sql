-- One row per series of a watched metric: how many of its days are known, and why detectors leave it out if they do.
-- A metric of which no day is known has one row.
with wanted as (
    select
        unnest($metrics::varchar[]) as metric,
        unnest($is_judged::boolean[]) as is_judged
),

numbered as (
    select
        *,
        count(value) over (partition by metric, dimension, member order by business_date) as known_so_far
    from kpi.daily_metrics
),

counted as (
    select
        metric,
        dimension,
        member,
        count(value) as known_days,
        date_diff(
            'day',
            min(business_date) filter (value is not null),
            max(business_date) filter (value is not null)
        ) + 1 as span_days,
        count(*) filter (known_so_far <= $min_days and value <> 0) as first_days_above_zero,
        median(denominator) filter (known_so_far <= $min_days and value is not null) as usual_cases
    from numbered
    group by metric, dimension, member
),

-- A series that is mostly unknown or nothing has nothing usual, and a ratio of three cases a day is luck: what so small
-- a member shows, its whole shows better. The first days decide, so that a channel that was switched off later does not
-- take what was said of it along.
final as (
    select
        metric,
        coalesce(dimension, 'total') as dimension,
        coalesce(member, 'all') as member,
        is_judged,
        coalesce(known_days, 0) as known_days,
        case
            when coalesce(known_days, 0) = 0 then 'no known day'
            when known_days < $min_days then 'fewer than ' || $min_days::integer || ' known days'
            when known_days < 0.5 * span_days then 'mostly unknown'
            when is_judged and first_days_above_zero < 0.5 * $min_days then 'mostly zero'
            when is_judged and usual_cases < $min_cases then 'fewer than ' || $min_cases::integer || ' cases on a usual day'
        end as left_out_because
    from wanted
    left join counted using (metric)
)

select * from final
order by metric, dimension, member
