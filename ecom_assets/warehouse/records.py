"""Rows of the lineage tables: what was written, judged and known of each day. Called inside the data's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from ecom_assets.quality import Verdict
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse.connection import Connection, rows
from ecom_assets.warehouse.ddl import LINEAGE_TABLES


def now() -> datetime:
    """The present moment as the naive UTC that the tables hold."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class DayRecord:
    """One row of lineage.days: how a day (None: a whole table) was last evaluated, and what stands of it.

    A refused day is `held` where nothing is wrong with it but that it shares a corrected row with another one.
    """

    business_date: date | None
    state: str
    stale: bool = False
    fingerprint: str | None = None
    reason: str | None = None
    run_id: str | None = None
    evaluated_at: datetime | None = None
    row_count: int | None = None
    content_hash: int | None = None
    newest_day: date | None = None
    written_at: datetime | None = None
    stale_since: datetime | None = None
    held: bool = False

    @property
    def stands(self) -> bool:
        """Whether rows of the day, be it none at all, were accepted and are in the table."""
        return self.content_hash is not None

    def refused(
        self, fingerprint: str | None, reason: str, run_id: str, at: datetime, held: bool = False
    ) -> "DayRecord":
        """The same rows standing, now stale where there are any, since new ones were refused."""
        return replace(
            self,
            state="refused",
            stale=self.stands,
            fingerprint=fingerprint,
            reason=reason,
            run_id=run_id,
            evaluated_at=at,
            stale_since=(self.stale_since or at) if self.stands else None,
            held=held,
        )


_DAY_FIELDS = tuple(DayRecord.__dataclass_fields__)


def read_days(connection: Connection, asset: str, days: Sequence[date] | None = None) -> dict[date | None, DayRecord]:
    """The recorded days of the asset, or some of them; a whole table has one, under None."""
    listed = ", ".join(quoted(name) for name in _DAY_FIELDS)
    among = "" if days is None else "and business_date in (select unnest($days::date[]))"
    bound = {"asset": asset} if days is None else {"asset": asset, "days": list(days)}
    found = rows(connection, f"select {listed} from lineage.days where asset = $asset {among}", bound)
    return {row[0]: DayRecord(*row) for row in found}


def has_other_days(connection: Connection, asset: str, days: Sequence[date]) -> bool:
    """Whether rows of any day but these stand."""
    sql = """select 1 from lineage.days where asset = $asset and content_hash is not null
        and business_date not in (select unnest($days::date[])) limit 1"""
    return bool(rows(connection, sql, {"asset": asset, "days": list(days)}))


def write_days(connection: Connection, asset: str, records: Sequence[DayRecord]) -> None:
    """Replace the records of these days."""
    days = [record.business_date for record in records if record.business_date is not None]
    has_whole = len(days) < len(records)
    rows(
        connection,
        "delete from lineage.days where asset = $asset and "
        "(business_date in (select unnest($days::date[])) or (business_date is null and $whole))",
        {"asset": asset, "days": days, "whole": has_whole},
    )
    insert(connection, "days", [(asset, *(getattr(record, name) for name in _DAY_FIELDS)) for record in records])


def insert(connection: Connection, table: str, values: Iterable[Sequence[Any]]) -> None:
    """Append rows, given in the order of the table's columns, in one statement (one statement a row takes 1 ms)."""
    columns = list(zip(*values, strict=True))
    if not columns:
        return
    types = _types(connection, table)
    listed = ", ".join(
        f"{_MAP_OF.format(n=number)} as {quoted(name)}"
        if kind.startswith("MAP")
        else f"unnest($c{number}::{kind}[]) as {quoted(name)}"
        for number, (name, kind) in enumerate(types.items())
    )
    params: dict[str, Any] = {}
    for number, (column, kind) in enumerate(zip(columns, types.values(), strict=True)):
        if kind.startswith("MAP"):
            params[f"k{number}"] = [list(each) for each in column]
            params[f"v{number}"] = [list(each.values()) for each in column]
        else:
            params[f"c{number}"] = list(column)
    rows(connection, f"insert into lineage.{table} by name select {listed}", params)


_MAP_OF = "map(unnest($k{n}::varchar[][]), unnest($v{n}::varchar[][]))"


def _types(connection: Connection, table: str) -> dict[str, str]:
    found = rows(connection, f"describe lineage.{table}")
    if table not in LINEAGE_TABLES:
        raise KeyError(f"lineage.{table}: no such table; there are {', '.join(LINEAGE_TABLES)}")
    return {row[0]: row[1] for row in found}


def record_verdicts(
    connection: Connection,
    asset: str,
    verdicts: Iterable[Verdict],
    hashes: Mapping[date | None, int],
    run_id: str,
    at: datetime,
) -> None:
    """Keep the verdicts with the hash of the rows that each judged.

    Of a whole table that has days, only its total and what failed is kept: two years of days, judged every
    morning, would be millions of rows a year that say the same.
    """
    kept = [each for each in verdicts if None not in hashes or each.business_date is None or not each.passed]
    insert(
        connection,
        "check_results",
        [
            (
                asset,
                each.check_name,
                each.business_date,
                hashes.get(each.business_date),
                each.passed,
                each.severity,
                each.found,
                run_id,
                at,
            )
            for each in kept
        ],
    )


def record_assets(connection: Connection, assets: Iterable[Mapping[str, Any]]) -> None:
    """Replace what is known of the assets named, and their edges.

    Each has asset, and optionally layer, domain, owner, description, code_version, and upstream (asset names).
    """
    known = [dict(each) for each in assets]
    names = [each["asset"] for each in known]
    fields = ("layer", "domain", "owner", "description", "code_version")
    rows(connection, "delete from lineage.assets where asset in (select unnest($names::varchar[]))", {"names": names})
    rows(
        connection,
        "delete from lineage.asset_edges where downstream in (select unnest($names::varchar[]))",
        {"names": names},
    )
    insert(
        connection,
        "assets",
        [
            (each["asset"], each.get("layer") or each["asset"].split("/")[0], *(each.get(name) for name in fields[1:]))
            for each in known
        ],
    )
    edges = [(upstream, each["asset"]) for each in known for upstream in sorted(set(each.get("upstream") or ()))]
    insert(connection, "asset_edges", edges)


def record_column_edges(connection: Connection, asset: str, columns: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """Replace the column lineage of one asset: each of its columns with the (asset, column) pairs it is made of."""
    rows(connection, "delete from lineage.column_edges where downstream = ?", [asset])
    edges = [
        (upstream, upstream_column, asset, name)
        for name, origins in columns.items()
        for upstream, upstream_column in sorted(set(origins))
    ]
    insert(connection, "column_edges", edges)
