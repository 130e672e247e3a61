"""Which days are over, delivered, to do or pending. Reads the ledger; writes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ecom_assets.contracts import Contract
from ecom_assets.settings import Shop
from ecom_assets.warehouse.connection import Connection, rows


@dataclass(frozen=True)
class Pending:
    """Rows of a dataset that wait in raw, because their day is not over or is not one of the shop's days."""

    dataset: str
    business_date: date | None
    rows: int


def last_day_over(shop: Shop, as_of: datetime) -> date:
    """The newest day that no more than the settle hours' stragglers can still belong to, by shop time.

    Args:
        shop: its time zone, settle hours and last day.
        as_of: the present moment; naive means UTC.
    """
    moment = as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of
    # On the clock's face, not in elapsed hours: a day of 23 or 25 hours is over at the same local time.
    local = moment.astimezone(shop.zone).replace(tzinfo=None) - timedelta(hours=shop.settle_hours)
    day = local.date() - timedelta(days=1)
    return min(day, shop.last_day) if shop.last_day else day


def is_shop_day(shop: Shop, day: date, as_of: datetime) -> bool:
    """Whether rows of `day` may be shown: it is over and lies within the shop's first and last day."""
    return shop.first_day <= day <= last_day_over(shop, as_of)


def fingerprints(
    connection: Connection, contract: Contract, reads: Iterable[str], days: Iterable[date] | None = None
) -> dict[date | None, str]:
    """What was delivered for each day of a partitioned table: only days that were delivered are keys.

    For a clean table these are the files; for one made of clean tables, the rows that stand in those. `days` confines
    it to some.
    """
    among = "" if days is None else "and business_date in (select unnest($days::date[]))"
    bound = {} if days is None else {"days": list(days)}
    if contract.layer == "clean":
        sql = f"select business_date, fingerprint from lineage.fingerprints where dataset = $name {among}"
        return dict(rows(connection, sql, {"name": contract.name, **bound}))
    sql = (
        "select business_date, sum(hash(asset, content_hash))::varchar from lineage.days where "
        "asset in (select unnest($reads::varchar[])) and business_date is not null and content_hash is not null "
        f"{among} group by business_date"
    )
    return dict(rows(connection, sql, {"reads": sorted(reads), **bound}))


def unsettled_days(connection: Connection, dataset: str) -> list[date]:
    """Days of a clean table whose standing rows are not what was last delivered."""
    sql = """
        select days.business_date from lineage.days as days
        left join lineage.fingerprints as delivered
            on delivered.dataset = $dataset and delivered.business_date = days.business_date
        where days.asset = 'clean/' || $dataset and days.business_date is not null and days.content_hash is not null
            and (days.state <> 'accepted' or days.fingerprint is distinct from delivered.fingerprint)
    """
    return [row[0] for row in rows(connection, sql, {"dataset": dataset})]


def days_to_do(connection: Connection, shop: Shop, contracts: Iterable[Contract], as_of: datetime) -> list[date]:
    """Days that something is to be written for, oldest first.

    Days of any clean table whose delivery differs from the one last evaluated, accepted or refused; and days of a
    table that is made of those by day and has not seen what stands in them now: a new table, or a run that broke.
    """
    partitioned = [each for each in contracts if each.partitioned_by]
    assets = [each.name for each in partitioned if each.layer == "clean"]
    sql = """
        with evaluated as (
            select asset, business_date, fingerprint from lineage.days where business_date is not null
        ), delivered as (
            select 'clean/' || dataset as asset, business_date, fingerprint from lineage.fingerprints
            where business_date is not null
        )
        select distinct coalesce(delivered.business_date, evaluated.business_date) as business_date
        from delivered full join evaluated
            on evaluated.asset = delivered.asset and evaluated.business_date = delivered.business_date
        where delivered.fingerprint is distinct from evaluated.fingerprint
            and coalesce(delivered.asset, evaluated.asset) in (select unnest($assets::varchar[]))
            and coalesce(delivered.business_date, evaluated.business_date) between $first and $last
        union
        select distinct made_of.business_date
        from lineage.asset_edges as edges
        join lineage.days as made_of on made_of.asset = edges.upstream and made_of.content_hash is not null
        left join lineage.days as own on own.asset = edges.downstream and own.business_date = made_of.business_date
        where edges.downstream in (select unnest($made_by_day::varchar[]))
            and made_of.business_date between $first and $last
            and coalesce(own.evaluated_at < made_of.written_at, true)
        order by 1
    """
    bound = {
        "assets": [f"clean/{name}" for name in assets],
        "made_by_day": [each.asset for each in partitioned if each.layer != "clean"],
        "first": shop.first_day,
        "last": last_day_over(shop, as_of),
    }
    return [row[0] for row in rows(connection, sql, bound)]


def pending(connection: Connection, shop: Shop, contracts: Iterable[Contract], as_of: datetime) -> list[Pending]:
    """Rows that wait in raw, a dataset and day at a time."""
    sql = """
        select dataset, business_date, sum(rows_used)::bigint from lineage.source_days
        where dataset in (select unnest($datasets::varchar[])) and business_date is not null
            and business_date not between $first and $last
        group by all having sum(rows_used) > 0 order by all
    """
    bound = {
        "datasets": [each.name for each in contracts if each.layer == "clean" and each.partitioned_by],
        "first": shop.first_day,
        "last": last_day_over(shop, as_of),
    }
    return [Pending(*row) for row in rows(connection, sql, bound)]


def quarantined_rates(connection: Connection, dataset: str) -> dict[date | None, float]:
    """Share of the dataset's rows that are in quarantine, by business date (None for a whole table)."""
    sql = """
        select business_date, sum(rows_quarantined) / nullif(sum(rows_used + rows_quarantined), 0)
        from lineage.source_days where dataset = ? group by business_date
    """
    return {day: float(rate or 0.0) for day, rate in rows(connection, sql, [dataset])}


def commonest_faults(connection: Connection, contract: Contract) -> dict[date | None, str]:
    """The commonest reason for quarantine by business date (None for a whole table), such as "line_number: missing".

    A reason that quotes a value is told without it, as everyone reads it; lines that are no record have none.
    """
    columns = ", ".join(f"'{column.name}'" for column in contract.input_columns)
    sql = f"""
        with reasons as (
            select business_date, unnest(reasons) as reason from quarantine."{contract.name}"
        ), told as (
            select
                business_date,
                case
                    when starts_with(reason, 'breaks ') then reason
                    when reason = split_part(reason, ':', 1) || ': missing' then reason
                    else split_part(reason, ':', 1) || ': not usable'
                end as fault
            from reasons
            where starts_with(reason, 'breaks ') or split_part(reason, ':', 1) in ({columns})
        ), counted as (
            select business_date, fault, count(*) as times from told group by all
        )
        select business_date, arg_min(fault, (-times, fault)) from counted group by business_date
    """
    return dict(rows(connection, sql))
