"""The SQL of kpi/daily_metrics, generated from the catalogue. Runs nothing."""

from collections.abc import Iterable

from ecom_assets.metrics.catalogue import ALL, TOTAL, Catalogue, Metric, Origin, catalogue

NOT_SPLIT = "not_split"  # member of rows that know of no such dimension, such as the country of a visit


def daily_metrics_sql(stated: Catalogue | None = None, of_days: bool = False) -> str:
    """The SELECT that fills kpi/daily_metrics: one row per day, metric, dimension and member.

    Each source and dimension is summed once, in a CTE of its own; each metric then takes its rows from there.
    What is unknown for a whole day (its total is NULL) has no row; a member without a value on a day that has
    one counts as zero, so that members add up to the total. The rows of a day are made of the same day's alone: with
    `of_days` the SELECT makes those from `$from_day` to `$to_day` (null: from the first, to the last).
    """
    stated = stated or catalogue()
    sums: list[str] = []
    rows: list[str] = []
    for source, origins in stated.sources.items():
        members = [metric for metric in stated.metrics.values() if metric.source == source]
        for dimension, origin in origins.items():
            split = [metric for metric in members if dimension == TOTAL or dimension in metric.dimensions]
            if split:
                sums.append(_sums(source, dimension, origin, split, of_days))
                rows.extend(_rows(source, dimension, metric) for metric in split)
    return _HEADER + "with " + ",\n\n".join(sums) + ",\n\n" + _FINAL.format(rows="\n    union all\n".join(rows))


_HEADER = "-- One row per day, metric, dimension and member; generated from metrics/catalogue.yaml.\n"

_OF_DAYS = "business_date between coalesce($from_day, '-infinity'::date) and coalesce($to_day, 'infinity'::date)"

_FINAL = """measured as (
{rows}
),

final as (
    select
        business_date,
        metric,
        dimension,
        member,
        numerator,
        denominator,
        case
            when numerator is null then plain_value
            when denominator is null then numerator
            else numerator / nullif(denominator, 0)
        end::double as value
    from measured
)

select * from final
"""


def _sums(source: str, dimension: str, origin: Origin, split: Iterable[Metric], of_days: bool) -> str:
    columns = ["business_date"]
    conditions = [origin.where] if origin.where else []
    if of_days:
        conditions.append(_OF_DAYS)
    if origin.member:
        columns.append(f"{origin.member} as member")
        conditions.append(f"{origin.member} <> '{NOT_SPLIT}'")
    for metric in split:
        function = "sum" if metric.adds_up else "max"
        columns.append(f"{function}({metric.numerator}) as {metric.name}_numerator")
        if metric.denominator:
            columns.append(f"sum({metric.denominator}) as {metric.name}_denominator")
    listed = ",\n        ".join(columns)
    where = f"\n    where {' and '.join(conditions)}" if conditions else ""
    grouped = f"business_date, {origin.member}" if origin.member else "business_date"
    return (
        f"{source}_by_{dimension} as (\n    select\n        {listed}\n"
        f"    from {origin.table}{where}\n    group by {grouped}\n)"
    )


def _rows(source: str, dimension: str, metric: Metric) -> str:
    """One metric's rows of one dimension: of the days on which its total is known.

    Each is cast on its own: beside a DOUBLE in the union, every amount would become one and lose its cents.
    """
    part, total = f"{source}_by_{dimension}", f"{source}_by_{TOTAL}"
    measures = [f"{metric.name}_numerator"] + ([f"{metric.name}_denominator"] if metric.denominator else [])
    known = " and ".join(f"{total}.{measure} is not null" for measure in measures)
    values = [f"{part}.{measure}" for measure in measures]
    if dimension != TOTAL and metric.adds_up:
        values = [f"coalesce({value}, 0)" for value in values]
    numerator, denominator, plain = values[0], "null", "null"
    if not metric.adds_up:
        numerator, plain = "null", values[0]
        known += f" and {values[0]} is not null"
    if metric.denominator:
        denominator = values[1]
        if dimension != TOTAL:  # a member with neither, such as a channel without spend, has nothing to tell
            known += f" and ({numerator} <> 0 or {denominator} <> 0)"
    member = f"'{ALL}'" if dimension == TOTAL else f"{part}.member"
    join = "" if dimension == TOTAL else f"\n    inner join {total} using (business_date)"
    return (
        f"    select\n        {part}.business_date,\n        '{metric.name}' as metric,\n"
        f"        '{dimension}' as dimension,\n        {member} as member,\n"
        f"        {numerator}::decimal(18, 4) as numerator,\n        {denominator}::decimal(18, 4) as denominator,\n"
        f"        {plain}::double as plain_value\n    from {part}{join}\n    where {known}"
    )
