"""The profile of a staged table as one SQL statement: every check's measure, one row a day.

A whole table has one row whose business_date is null, and where it carries a business_date column one more
row for each day, so that a verdict can name the day. Nothing is executed here.
"""

from collections.abc import Collection, Sequence
from datetime import date

from ecom_assets.contracts import Column, Contract, Reference
from ecom_assets.contracts.model import Reconciliation
from ecom_assets.quality.checks import allowed_values, reference_check
from ecom_assets.quality.hashing import content_hash_sql, quoted

USUAL_DAYS = 28
FEWEST_USUAL_DAYS = 7  # a median of fewer days says little


def profile_sql(
    contract: Contract, staged: str, unknown: Collection[str] = (), made: Sequence[date] | None = None
) -> str:
    """One SELECT that yields business_date, row_count, content_hash (text) and the measure of every check.

    Reads, besides `staged` and the clean tables that are referred to, the relation `_judged`:
    (business_date, quarantined_rate, is_open), one row for each day to be judged, or one with a null date for a
    whole table; and for a partitioned table `_accepted` (business_date, row_count): days that stand already.

    Args:
        contract: the table's contract.
        staged: the staged rows, as an SQL name.
        unknown: datasets that the shop does not have; a reference to one of them is not measured but holds.
        made: of a whole table, the run of days that the staged rows are of, oldest first; by default all of it.
    """
    references = [(number, each) for number, each in enumerate(contract.references) if each.to not in unknown]
    parts = [f"_measured as ({_measured(contract, staged)})", f"_shared as ({_shared(contract, staged)})"]
    parts += [f"_unresolved_{number} as ({_unresolved(contract, each, staged)})" for number, each in references]
    parts += [
        f"_gaps_{number} as ({_gaps(contract, each, made)})" for number, each in enumerate(contract.reconciliations)
    ]
    parts.append(f"_spine as ({_spine(contract)})")
    if contract.partitioned_by:
        parts.append(f"_usual as ({_usual()})")
    joins = [_join("_measured"), _join("_shared"), *(_join(f"_unresolved_{number}") for number, _ in references)]
    joins += [_join(f"_gaps_{number}") for number in range(len(contract.reconciliations))]
    joins += [_join("_usual")] if contract.partitioned_by else []
    return (
        f"with {', '.join(parts)} select {', '.join(_outputs(contract, dict(references)))} "
        f"from _spine {' '.join(joins)} order by _spine.business_date nulls first"
    )


def _join(name: str) -> str:
    return f"left join {name} on {name}.business_date is not distinct from _spine.business_date"


def has_days(contract: Contract) -> bool:
    """Whether rows of the table carry a business date."""
    return contract.partitioned_by is not None or "business_date" in contract.by_name


def _grouped(contract: Contract, staged: str, select: str, where: str = "true") -> str:
    """`select` by day for a partitioned table; for a whole one in total and, where it has days, by day."""
    if contract.partitioned_by:
        return f"select business_date, {select} from {staged} where {where} group by business_date"
    if not has_days(contract):
        return f"select null::date as business_date, {select} from {staged} where {where}"
    return (
        f"select business_date, {select} from {staged} where {where} group by grouping sets ((business_date), ()) "
        "having grouping(business_date) = 1 or business_date is not null"
    )


def _measured(contract: Contract, staged: str) -> str:
    measures = ["count(*) as row_count", f"{content_hash_sql(contract)} as content_hash"]
    for column in contract.columns:
        measures += _column_measures(contract, column)
    measures += [
        f"count(*) filter (where not ({rule.expression})) as {quoted(f'broken_{rule.name}')}" for rule in contract.rules
    ]
    return _grouped(contract, staged, ", ".join(measures))


def _column_measures(contract: Contract, column: Column) -> list[str]:
    name, measures = quoted(column.name), []
    if column.required or column.name in contract.key:
        measures.append(f"count(*) - count({name}) as {quoted(f'null_{column.name}')}")
    outside = [f"{name} < {column.min!r}"] if column.min is not None else []
    outside += [f"{name} > {column.max!r}"] if column.max is not None else []
    if outside:
        measures.append(f"count(*) filter (where {' or '.join(outside)}) as {quoted(f'outside_range_{column.name}')}")
    if column.values:
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in allowed_values(column))
        measures.append(f"count(*) filter (where {name} not in ({listed})) as {quoted(f'outside_set_{column.name}')}")
    return measures


def _shared(contract: Contract, staged: str) -> str:
    """Rows that share their key, found by the key's hash first: eight bytes a row instead of whole keys."""
    key = ", ".join(quoted(name) for name in contract.key)
    suspects = f"select hash({key}) from {staged} group by hash({key}) having count(*) > 1"
    days = "business_date, " if has_days(contract) else ""
    counted = (
        f"select {days}count(*) over (partition by {key}) as copies from {staged} where hash({key}) in ({suspects})"
    )
    return _grouped(contract, f"({counted})", "count(*) as rows_sharing_a_key", "copies > 1")


def _unresolved(contract: Contract, reference: Reference, staged: str) -> str:
    pairs = list(zip(reference.columns, reference.to_columns, strict=True))
    given = " and ".join(f"{quoted(name)} is not null" for name in reference.columns)
    default = contract.by_name[reference.columns[0]].default
    if len(pairs) == 1 and default is not None:  # stands for none: money spent on no campaign refers to no campaign
        given += f" and {quoted(reference.columns[0])} <> '{default}'"
    equal = " and ".join(f"_to.{quoted(there)} = _from.{quoted(here)}" for here, there in pairs)
    found = f"select 1 from clean.{quoted(reference.to)} _to where {equal}"
    return _grouped(contract, f"{staged} _from", "count(*) as unresolved", f"{given} and not exists ({found})")


def _gaps(contract: Contract, reconciliation: Reconciliation, made: Sequence[date] | None) -> str:
    among = f" where business_date between date '{made[0]}' and date '{made[-1]}'" if made else ""
    rows = f"(select business_date, abs(gap::double) as gap from ({reconciliation.query}) _reconciled{among})"
    # A gap that could not be computed must not hide behind the others: max() would skip it.
    # Where neither the table nor what it is made of has a row there is nothing to compare, and no gap.
    worst = "case when count(*) = count(gap) then coalesce(max(gap), 0) end as gap, true as is_reconciled"
    if contract.partitioned_by:
        return f"select business_date, {worst} from {rows} group by business_date"
    return f"select business_date, {worst} from {rows} group by grouping sets ((business_date), ()) " + (
        "having grouping(business_date) = 1 or business_date is not null"
        if has_days(contract)
        else "having grouping(business_date) = 1"
    )


def _spine(contract: Contract) -> str:
    """The days to judge. A whole table's own days come along, and days that only a reconciliation knows."""
    spine = "select business_date, quarantined_rate, is_open from _judged"
    if contract.partitioned_by or not has_days(contract):
        return spine
    named = ["_measured", *(f"_gaps_{number}" for number in range(len(contract.reconciliations)))]
    days = " union ".join(f"select business_date from {name} where business_date is not null" for name in named)
    return f"{spine} union all select business_date, 0.0, true from ({days})"


def _usual() -> str:
    """The median row count of the days before, where enough of them had rows."""
    counts = (
        "select _judged.business_date, nullif(row_count, 0) as row_count from _judged left join _measured "
        "using (business_date) union all select business_date, nullif(row_count, 0) from _accepted "
        "where business_date not in (select business_date from _judged)"
    )
    window = f"order by business_date range between interval {USUAL_DAYS} days preceding and interval 1 day preceding"
    usual = f"case when count(row_count) over before >= {FEWEST_USUAL_DAYS} then median(row_count) over before end"
    return f"select business_date, {usual} as usual from ({counts}) window before as ({window})"


def _outputs(contract: Contract, references: dict[int, Reference]) -> list[str]:
    rows = "coalesce(_measured.row_count, 0)"
    total_only = "_spine.business_date is null" if not contract.partitioned_by else "true"
    outputs = [
        "_spine.business_date",
        f"{rows} as row_count",
        "coalesce(_measured.content_hash, 0)::varchar as content_hash",
        f"case when {total_only} then greatest({contract.min_rows} - {rows}, 0) else 0 end as rows_missing",
        "coalesce(_shared.rows_sharing_a_key, 0) as rows_sharing_a_key",
    ]
    measured = [measure for column in contract.columns for measure in _column_measures(contract, column)]
    names = [measure.rpartition(" as ")[2] for measure in measured]
    names += [quoted(f"broken_{rule.name}") for rule in contract.rules]
    outputs += [f"coalesce(_measured.{name}, 0) as {name}" for name in names]
    for number, reference in enumerate(contract.references):
        rate = f"coalesce(_unresolved_{number}.unresolved / nullif({rows}, 0), 0)" if number in references else "0.0"
        outputs.append(f"{rate} as {quoted(reference_check(reference).measure)}")
    for number, each in enumerate(contract.reconciliations):
        gap = f"case when _gaps_{number}.is_reconciled then _gaps_{number}.gap else 0 end"
        outputs.append(f"{gap} as {quoted(f'gap_{each.name}')}")
    if contract.layer == "clean":
        outputs.append("_spine.quarantined_rate")
    if contract.partitioned_by:
        outputs += [
            f"(({rows} = 0) and _spine.is_open)::integer as is_empty",
            "_usual.usual as usual_row_count",
            # Three standard deviations of a Poisson count on top, so that ten rows a day raise no alarm.
            f"coalesce(greatest(_usual.usual / 3 - 3 * sqrt(_usual.usual) - {rows}, "
            f"{rows} - 3 * _usual.usual - 3 * sqrt(_usual.usual), 0), 0) as rows_beyond_usual",
        ]
    return outputs
