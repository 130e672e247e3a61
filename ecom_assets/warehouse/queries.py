"""What readers ask of a snapshot: how the tables stand, what is in quarantine, where a number comes from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse.connection import Connection, rows, table_exists


@dataclass(frozen=True)
class TableStatus:
    """How one table stands; `stale_since` is set while rows of some day are older than what was delivered."""

    asset: str
    newest_day: date | None
    rows: int
    last_written_at: datetime | None
    stale_since: datetime | None
    accepted_days: int
    refused_days: int
    missing_days: int
    stale_days: int
    last_refusal: str | None


@dataclass(frozen=True)
class DayFault:
    """A day that is not as it should be: refused or missing, with the reason."""

    asset: str
    business_date: date | None
    state: str
    stale: bool
    reason: str | None


@dataclass(frozen=True)
class FailedCheck:
    """A check whose newest evaluation of a day failed."""

    asset: str
    check_name: str
    business_date: date | None
    severity: str
    found: str
    evaluated_at: datetime


@dataclass(frozen=True)
class Status:
    """Everything that `ecom status` says."""

    version: int
    published_at: datetime
    tables: tuple[TableStatus, ...]
    faults: tuple[DayFault, ...]
    failed_checks: tuple[FailedCheck, ...]
    checks_passed: int
    refused_files: tuple[tuple[str, str], ...]
    files_over_limit: tuple[tuple[str, str], ...]
    lines_used: int
    lines_quarantined: int


@dataclass(frozen=True)
class QuarantineReason:
    """How many rows of a dataset are in quarantine for one reason, with one place to look."""

    dataset: str
    reason: str
    rows: int
    first_file: str
    first_line: int | None


@dataclass(frozen=True)
class Step:
    """One step up from a number to its files; `depth` 0 is what was asked for."""

    depth: int
    name: str
    kind: str  # table, column or file
    detail: str = ""


# Snapshots of older versions say nothing of limits.
SOURCE_FILES = """(from lineage.source_files union all by name select null::varchar as over_limit where false)"""
_NEWEST = """
    select asset, check_name, partition_start, severity, found, passed, evaluated_at from lineage.check_results
    qualify row_number() over (partition by asset, check_name, partition_start order by evaluated_at desc) = 1
"""


def status(connection: Connection) -> Status:
    """How the snapshot stands: tables, refused and missing days, failed checks, refused files, lines."""
    version, published_at = rows(connection, "select version, published_at from lineage.snapshot")[0][:2]
    names = ", ".join(f'"{name}"' for name in TableStatus.__dataclass_fields__)
    tables = rows(connection, f"select {names} from lineage.table_status order by asset")
    faults = rows(
        connection,
        "select asset, business_date, state, stale, reason from lineage.days "
        "where state in ('refused', 'missing') order by business_date desc nulls first, asset",
    )
    # A day of a whole table that failed once has no newer row of its own when the table passes: its total tells.
    failed = rows(
        connection,
        f"""with newest as ({_NEWEST}), total as (select * from newest where partition_start is null)
        select newest.asset, newest.check_name, newest.partition_start, newest.severity, newest.found,
            newest.evaluated_at
        from newest left join total on total.asset = newest.asset and total.check_name = newest.check_name
        where not newest.passed and newest.evaluated_at >= coalesce(total.evaluated_at, newest.evaluated_at)
        order by newest.severity, newest.partition_start desc nulls first, newest.asset, newest.check_name""",
    )
    passed = rows(connection, f"select count(*) from ({_NEWEST}) where passed")[0][0]
    files = rows(connection, f"select source_file, refused, over_limit from {SOURCE_FILES} order by source_file")
    lines = rows(
        connection,
        "select coalesce(sum(rows_used), 0)::bigint, coalesce(sum(rows_quarantined), 0)::bigint "
        "from lineage.source_files",
    )[0]
    return Status(
        version,
        published_at,
        tuple(TableStatus(*row) for row in tables),
        tuple(DayFault(*row) for row in faults),
        tuple(FailedCheck(*row) for row in failed),
        passed,
        tuple((name, why) for name, why, _ in files if why),
        tuple((name, why) for name, _, why in files if why),
        *lines,
    )


def quarantine_summary(connection: Connection, dataset: str | None = None) -> list[QuarantineReason]:
    """Rows in quarantine by dataset and reason, most frequent first. A row counts once for each of its reasons.

    Raises:
        KeyError: naming the datasets that there are, where `dataset` is none of them.
    """
    known = quarantined_datasets(connection)
    if dataset is not None and dataset not in known:
        raise KeyError(f"no dataset {dataset}; there are {', '.join(known)}")
    found = []
    for name in [dataset] if dataset else known:
        sql = f"""
            select reason, count(*), arg_min(source_file, (source_file, source_line)),
                arg_min(source_line, (source_file, source_line))
            from (select unnest(reasons) as reason, source_file, source_line from quarantine.{quoted(name)})
            group by reason order by count(*) desc, reason
        """
        found += [QuarantineReason(name, *row) for row in rows(connection, sql)]
    return found


def quarantined_datasets(connection: Connection) -> list[str]:
    """Datasets that have a quarantine table."""
    sql = """select table_name from information_schema.tables
        where table_schema = 'quarantine' and table_name <> 'repairs' and table_catalog = current_database()
        order by 1"""
    return [row[0] for row in rows(connection, sql)]


def lineage_walk(connection: Connection, name: str) -> list[Step]:
    """The way from `table` or `table.column` up to the files, nearest first.

    A table may be named "kpi/daily_revenue", "kpi.daily_revenue" or, where that is clear, "daily_revenue". A column
    that is made of no other, such as a count of rows, is followed by the day that its rows are counted on, else by the
    tables that its own is made of; the detail of its step says so.

    Raises:
        KeyError: naming what there is, or what is alike, where no table or column of that name is known.
    """
    asset, column = _resolve(connection, name)
    if column is not None and not _has_column(connection, asset, column):
        raise KeyError(f"{asset} has no column {column}")
    steps, ends = _walk(connection, asset, column)
    return [*steps, *_files(connection, ends, 1 + max(step.depth for step in steps))]


def _resolve(connection: Connection, name: str) -> tuple[str, str | None]:
    assets = [
        row[0] for row in rows(connection, "select asset from lineage.assets union select asset from lineage.days")
    ]
    parts = name.replace("/", ".").split(".")
    for size in (2, 1):
        wanted = "/".join(parts[:size])
        matching = [each for each in assets if each == wanted or (size == 1 and each.endswith(f"/{wanted}"))]
        # Of the layers that share a name, the one closest to the reader is meant.
        matching.sort(key=lambda each: (each.startswith(("landing/", "raw/")), each))
        if matching and len(parts) <= size + 1:
            return matching[0], parts[size] if len(parts) == size + 1 else None
    near = get_close_matches("/".join(parts[:2]), assets, 3)
    there = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(assets))}"
    raise KeyError(f"no table {name}; {there}")


_Place = tuple[str, str | None]  # a column of an asset, or with None the whole table
_BY_DAY = "made of no single column: followed by the day of its rows, at the level of tables"
_BY_TABLE = "its columns are not traced: at the level of tables from here on"


def _walk(connection: Connection, asset: str, column: str | None) -> tuple[list[Step], set[str]]:
    """Every place that this one is made of, breadth first, and the datasets that it ends at."""
    edges = rows(
        connection,
        "select downstream, downstream_column, upstream, upstream_column from lineage.column_edges order by all",
    )
    columns = _grouped(((row[0], row[1]), (row[2], row[3])) for row in edges)
    tables = _grouped(rows(connection, "select downstream, upstream from lineage.asset_edges order by all"))
    described = dict(rows(connection, "select asset, description from lineage.assets"))
    depths: dict[_Place, int] = {(asset, column): 0}
    steps, waiting = [], [(asset, column)]
    while waiting:
        at = waiting.pop(0)
        upstream, how = _upstream(at, columns, tables)
        kind, name = ("table", at[0]) if at[1] is None else ("column", f"{at[0]}.{at[1]}")
        steps.append(Step(depths[at], name, kind, how or (described.get(at[0]) or "" if at[1] is None else "")))
        for each in upstream:
            if each not in depths:
                depths[each] = depths[at] + 1
                waiting.append(each)
    return steps, {table.split("/", 1)[1] for table, _ in depths if table.startswith(("clean/", "raw/"))}


def _upstream(
    at: _Place, columns: dict[_Place, list[_Place]], tables: dict[str, list[str]]
) -> tuple[list[_Place], str]:
    """What a place is made of; and where that is coarser than what was asked, how it was found."""
    asset, column = at
    whole: list[_Place] = [(each, None) for each in tables.get(asset, [])]
    if column is None:
        return whole, ""
    # A dataset is fed by its own files, whichever column is asked for.
    if at in columns or asset.startswith(("clean/", "raw/")):
        return columns.get(at, []), ""
    by_day = columns.get((asset, "business_date"), [])
    return (by_day, _BY_DAY) if by_day else (whole, _BY_TABLE)


def _has_column(connection: Connection, asset: str, column: str) -> bool:
    place = asset.split("/", 1)
    sql = "select 1 from information_schema.columns where table_schema = ? and table_name = ? and column_name = ?"
    return table_exists(connection, *place) and bool(rows(connection, sql, [*place, column]))


def _grouped(pairs: Iterable[tuple]) -> dict:
    found: dict = {}
    for key, each in pairs:
        found.setdefault(key, []).append(each)
    return found


def _files(connection: Connection, datasets: set[str], depth: int) -> list[Step]:
    sql = """
        select source_file, rank, rows_used, rows_quarantined, first_business_date, last_business_date
        from lineage.sources where list_has_any(datasets, $datasets::varchar[]) and loaded_at is not null
        order by source, rank
    """
    return [
        Step(
            depth,
            name,
            "file",
            f"{used} rows used, {quarantined} quarantined" + (f", {first} … {last}" if first else ""),
        )
        for name, _, used, quarantined, first, last in rows(connection, sql, {"datasets": sorted(datasets)})
    ]
