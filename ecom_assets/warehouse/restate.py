"""Restatements: which published measures now read differently, as known then and as known now, and why."""

from datetime import date, datetime

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse import records
from ecom_assets.warehouse.connection import Connection, rows
from ecom_assets.warehouse.outcome import Restatement

_NUMBERS = ("integer", "money", "rate", "double")
_FILES_NAMED = 3


def restatements(
    connection: Connection, contract: Contract, target: str, staged: str, since: datetime | None, same_code: bool
) -> list[Restatement]:
    """Measures of rows that stood before and now differ or are gone; rows that are new restate nothing.

    Args:
        connection: the warehouse, before the swap.
        contract: of a table with a business_date column.
        target: the table as it stands.
        staged: the rows that will replace it.
        since: when the standing rows were written; files loaded later are named as the cause.
        same_code: whether the standing rows were made by the same code.
    """
    measures = [each.name for each in contract.columns if each.type in _NUMBERS and each.name not in contract.key]
    if not measures or "business_date" not in contract.by_name:
        return []
    key = " and ".join(f"new.{quoted(name)} is not distinct from old.{quoted(name)}" for name in contract.key)
    others = [name for name in contract.key if name != "business_date"]
    member = " || ', ' || ".join(f"'{name}=' || coalesce(old.{quoted(name)}::varchar, '')" for name in others) or "''"
    listed = ", ".join(
        f"{{measure: '{name}', was: old.{quoted(name)}::double, now: new.{quoted(name)}::double}}" for name in measures
    )
    changed = " or ".join(f"old.{quoted(name)} is distinct from new.{quoted(name)}" for name in measures)
    sql = f"""
        with compared as (
            select old.business_date, {member} as member, unnest([{listed}]) as each
            from {target} old left join {staged} new on {key} where {changed}
        )
        select each.measure, business_date, member, each.was, each.now from compared
        where each.was is distinct from each.now order by all
    """
    found = rows(connection, sql)
    causes = _causes(connection, since) if found else {}
    fallback = "data of other days changed" if same_code else "the table's definition changed"
    return [Restatement(measure, day, of, was, now, causes.get(day, fallback)) for measure, day, of, was, now in found]


def _causes(connection: Connection, since: datetime | None) -> dict[date, str]:
    """For each day the files that touched it and were loaded since, in words."""
    sql = """
        select business_date, list(distinct days.source_file order by days.source_file)
        from lineage.source_days days join lineage.source_files files
            on files.source = days.source and files.source_file = days.source_file
        where files.loaded_at > $since and business_date is not null group by business_date
    """
    named = {}
    for day, files in rows(connection, sql, {"since": since or datetime.min}):
        more = f" and {len(files) - _FILES_NAMED} more" if len(files) > _FILES_NAMED else ""
        named[day] = f"loaded {', '.join(files[:_FILES_NAMED])}{more}"
    return named


def record(connection: Connection, asset: str, found: list[Restatement], run_id: str, at: datetime) -> None:
    """Keep them in lineage.restatements."""
    records.insert(
        connection,
        "restatements",
        [(asset, each.measure, each.day, each.member, each.was, each.is_, each.cause, run_id, at) for each in found],
    )
