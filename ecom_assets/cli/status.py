"""The verb `status`: how everything stands, from the published snapshot."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ecom_assets.cli import show
from ecom_assets.cli.coverage import coverage
from ecom_assets.cli.labels import newest_alarms
from ecom_assets.settings import Shop

if TYPE_CHECKING:
    from rich.console import Console

    from ecom_assets.warehouse.queries import DayFault, Status

_SHOWN = 12


def status() -> None:
    """Print how the home stands."""
    from ecom_assets.contracts import dataset_contracts
    from ecom_assets.orchestration.shop import ShopContext
    from ecom_assets.warehouse import open_snapshot, queries
    from ecom_assets.warehouse.days import pending

    context = ShopContext.resolve()
    with closing(open_snapshot(context.home)) as connection:
        found = queries.status(connection)
        alarms = [*newest_alarms(connection), f"watched  {coverage(connection).line}"]
        waiting = pending(connection, context.shop, dataset_contracts().values(), context.now())
    screen = show.console()
    ago = _ago(datetime.now(UTC).replace(tzinfo=None) - found.published_at)
    screen.print(context.shop.name, style="bold", end="")
    screen.print(f"  home {context.home.root}", soft_wrap=True)
    screen.print(f"snapshot {found.version}, published {found.published_at:%Y-%m-%d %H:%M} UTC ({ago} ago)")
    # A day on which the shop does not trade is not missed.
    late = [fault for fault in found.faults if fault.state == "missing" and not _is_closed(context.shop, fault)]
    _print_tables(screen, found, Counter(fault.asset for fault in late))
    for line in alarms:
        screen.print(line, soft_wrap=True)
    _print_faults(screen, found, late)
    for rows in waiting[:_SHOWN]:
        screen.print(f"waiting  {rows.business_date}  {rows.rows:,} rows of {rows.dataset} (the day is not over)")


def _is_closed(shop: Shop, fault: "DayFault") -> bool:
    return fault.business_date is not None and shop.is_closed(fault.business_date)


def _print_tables(screen: "Console", found: "Status", late: Counter[str]) -> None:
    names = ["table", "newest day", "rows", "days", "refused", "not delivered", "stale since"]
    rows: list[tuple[Any, ...]] = [
        (table.asset.replace("/", "."), table.newest_day, table.rows, table.accepted_days or None,
         table.refused_days or None, late[table.asset] or None, table.stale_since)
        for table in found.tables
    ]  # fmt: skip
    # Of a shop without faults the last three columns would be empty, and too many for a narrow terminal.
    told = [at for at in range(len(names)) if at < 4 or any(row[at] for row in rows)]
    screen.print(show.table([names[at] for at in told], [[row[at] for at in told] for row in rows], named=True))


def _print_faults(screen: "Console", found: "Status", late: "list[DayFault]") -> None:
    used, left = found.lines_used, found.lines_quarantined
    screen.print(f"lines    {used:,} used, {left:,} in quarantine" + (" (ecom quarantine says why)" if left else ""))
    screen.print(f"checks   {found.checks_passed:,} passed, {len(found.failed_checks):,} failed")
    failed = _grouped(found.failed_checks, lambda check: (check.severity, check.asset, check.check_name))
    for check, days in failed:
        said = (
            f"{check.severity:<5} {_days(check.business_date, days)}  {check.asset}  {check.check_name}: {check.found}"
        )
        screen.print(f"  {said}", soft_wrap=True)
    refused = [fault for fault in found.faults if fault.state == "refused"]
    screen.print(f"days     {len(refused):,} refused, {len(late):,} not delivered, summed over the tables")
    for fault, days in _grouped(refused, lambda fault: (fault.asset, fault.reason, fault.stale)):
        stands = "its last accepted rows stand" if fault.stale else "it has no rows"
        said = f"{_days(fault.business_date, days)}  {fault.asset}  {fault.reason}; {stands}"
        screen.print(f"  {said}", soft_wrap=True)
    for said, files in (("refused", found.refused_files), ("partly ", found.files_over_limit)):
        for name, why in files[:_SHOWN]:
            screen.print(f"{said}  {name}: {why}", soft_wrap=True)
        if len(files) > _SHOWN:
            screen.print(f"         … and {len(files) - _SHOWN:,} more: lineage.sources holds them all", soft_wrap=True)


def _grouped(faults: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, int]]:
    """The newest of each kind of fault, and how many days have it."""
    kinds: dict[Any, list[Any]] = {}
    for fault in faults:
        kinds.setdefault(key(fault), []).append(fault)
    return [(same[0], len(same)) for same in kinds.values()][:_SHOWN]


def _days(newest: date | None, days: int) -> str:
    if newest is None:
        return "whole table"
    return f"{newest}" if days == 1 else f"{newest} and {days - 1:,} more day{'s' if days > 2 else ''}"


def _ago(passed: Any) -> str:
    minutes = max(int(passed.total_seconds() // 60), 0)
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{minutes // size} {word}{'s' if minutes // size > 1 else ''}"
    return "less than a minute"
