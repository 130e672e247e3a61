"""What an op does to load a source: find its files, read what is new, say what came of it.

Reading is `ingestion`'s business and keeping `warehouse`'s; here they are put together and told to Dagster.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ecom_assets.orchestration.metadata import key_of, markdown_table
from ecom_assets.orchestration.session import Session

if TYPE_CHECKING:
    from ecom_assets.ingestion import Receipt, SourcePlan, Staged

READABLE = "files_are_readable"
COMPLETE = "files_bring_every_column"
WITHIN_LIMIT = "files_stay_below_their_quarantine_limit"
_SHOWN = 20
_NAMED = 5


def raw_checks(plan: "SourcePlan") -> list[dg.AssetCheckSpec]:
    """The checks of what a source's files are; what is in them is judged where clean tables are written."""
    first = key_of(f"raw/{plan.feeds[0]}")
    return [
        dg.AssetCheckSpec(
            READABLE,
            asset=first,
            description="Every landing file of the source could be read. A file that cannot is refused whole and "
            "leaves what it brought before as it was.",
        ),
        dg.AssetCheckSpec(
            COMPLETE, asset=first, description="Every new file has all columns, the optional ones too. A warning."
        ),
        dg.AssetCheckSpec(
            WITHIN_LIMIT,
            asset=first,
            description=f"At most {_limit(plan):.0%} of the lines of each new file are in quarantine and of no use to "
            "any dataset. Days are judged by themselves; lines of no day that is judged are told of here alone.",
        ),
    ]


def load_source(context: dg.AssetExecutionContext, session: Session, plan: "SourcePlan") -> Iterator[Any]:
    """Load what is new of a source, then yield its checks and a materialization for each dataset that it feeds."""
    from ecom_assets.ingestion import batches, discover, stage_files

    session.progress(f"raw/{plan.name}", "started")
    found = discover(plan, session.context.landing)
    changed, gone = session.warehouse.changed_files(plan, found)
    gone = _without_complaints(session, plan, gone)
    otherwise = session.warehouse.read_otherwise(plan)
    if otherwise:
        session.notes.append(f"{plan.name}: its mapping, its contract or the shop's settings changed; {otherwise:,} "
                             "files that were read before are read again")  # fmt: skip
    receipts: list[Receipt] = []
    is_deleting = _take_rows_along(plan, found, gone)
    siblings = _siblings(plan, found, changed, is_deleting)
    with session.timed("load"):
        for batch in batches(plan, sorted([*changed, *siblings])):
            session.is_published = False
            staged = stage_files(session.connection, plan, batch, session.context.shop)
            staged = _without_doubtful(session, plan, staged, siblings, set() if is_deleting else set(gone))
            _ask_again(session, staged)
            staged = _with_complaints(plan, staged)
            session.warehouse.replace_files(staged, context.run_id, seen=batch)
            receipts += staged.receipts
        if is_deleting:
            session.is_published = False
            session.warehouse.forget_files(plan, gone)
    if gone:
        said = _gone(plan, session.context.landing, gone, is_any_left=bool(found))
        session.notes.append(said)
        context.log.warning(said)
    session.receipts += receipts
    refused = session.refused_files(plan.name)
    yield _readable(plan, refused)
    yield _complete(plan, receipts)
    yield _within_limit(plan, session.files_over_limit(plan.name))
    for dataset in plan.feeds:
        counted = session.connection.execute(f'select count(*) from raw."{dataset}"').fetchall()[0][0]
        yield dg.MaterializeResult(
            asset_key=key_of(f"raw/{dataset}"),
            metadata={
                "dagster/row_count": counted,
                "files": len(found),
                "new_files": len(receipts),
                "gone_files": len(gone),
                "refused_files": len(refused),
                "lines_used": sum(receipt.rows_used for receipt in receipts),
                "lines_quarantined": sum(receipt.rows_quarantined for receipt in receipts),
                "landing": dg.MetadataValue.path(str(session.context.landing)),
            },
        )
    session.progress(f"raw/{plan.name}", "finished")


def is_to_load(session: Session, plan: "SourcePlan") -> bool:
    """Whether loading the source would change anything; where not, what is to be told of it is told here."""
    from ecom_assets.ingestion import discover

    found = discover(plan, session.context.landing)
    changed, gone = session.warehouse.changed_files(plan, found)
    if changed or session.warehouse.complaints(plan, gone) or _take_rows_along(plan, found, gone):
        return True
    if gone:
        session.notes.append(_gone(plan, session.context.landing, gone, is_any_left=bool(found)))
    return False


def _take_rows_along(plan: "SourcePlan", found: list[Any], gone: list[str]) -> bool:
    """Whether files that went away take their rows along.

    A folder that is not mounted looks like one that was emptied: the last file takes none.
    """
    return bool(gone and found and plan.source.delete_with_file)


def _without_complaints(session: Session, plan: "SourcePlan", gone: list[str]) -> list[str]:
    """Those of the files that went away that brought rows; what was wrong with any of them is told no longer."""
    told = session.warehouse.complaints(plan, gone)
    if not told:
        return gone
    session.is_published = False
    session.warehouse.forget_complaints(plan, told)
    session.notes.append(f"{plan.name}: {_named(told)} went away; what was wrong there is told no longer")
    brought = session.warehouse.changed_files(plan, [])[1]
    return [name for name in gone if name in set(brought)]


def _named(files: list[str]) -> str:
    """How many files, with the names of the first."""
    count = "1 file" if len(files) == 1 else f"{len(files):,} files"
    return f"{count} ({', '.join(files[:_NAMED])}{', …' if len(files) > _NAMED else ''})"


def _siblings(plan: "SourcePlan", found: list[Any], changed: list[Any], is_deleting: bool) -> list[Any]:
    """Unchanged files that are read again beside those that changed, as SQL of the mapping may join them."""
    if not plan.reads_beyond_a_file or not (changed or is_deleting):
        return []
    names = {file.name for file in changed}
    return [file for file in found if file.name not in names]


def _without_doubtful(
    session: Session, plan: "SourcePlan", staged: "Staged", siblings: list[Any], gone: set[str]
) -> "Staged":
    """What was staged, without siblings where a file whose rows stand was not there to be joined.

    Beside it they would lose the rows that they owe to it; so they keep what they brought, as it does.
    """
    from ecom_assets.ingestion import leave_out

    names = {file.name for file in siblings}
    absent = {receipt.source_file for receipt in staged.receipts if receipt.refused} | gone
    if not names or not session.warehouse.standing_files(plan, absent):
        return staged
    return leave_out(session.connection, staged, names)


def _with_complaints(plan: "SourcePlan", staged: "Staged") -> "Staged":
    """What was staged, with words on each file of which beyond doubt more lines are of no use than may be."""
    return replace(staged, receipts=[replace(each, over_limit=_over_limit(plan, each)) for each in staged.receipts])


def _over_limit(plan: "SourcePlan", receipt: "Receipt") -> str | None:
    from ecom_assets.quality.shares import exceeds

    lines, unused = receipt.rows_used + receipt.rows_quarantined, receipt.unused
    if receipt.refused or not unused or not exceeds(unused.lines, lines, _limit(plan)):
        return None
    return (
        f"{unused.lines:,} of {lines:,} lines are in quarantine, at most {_limit(plan):.0%} may be; "
        f"mostly: {unused.mostly} (first on line {unused.first_line})"
    )


def _limit(plan: "SourcePlan") -> float:
    """The share of a file's lines that may be in quarantine (0 to 1): what the most patient dataset allows."""
    return max(contract.max_quarantined_rate for contract in plan.contracts.values())


def _gone(plan: "SourcePlan", landing: Path, gone: list[str], is_any_left: bool) -> str:
    """What is said of files that were loaded and lie there no more."""
    which = _named(gone)
    if not landing.is_dir():
        return f"{plan.name}: there is no landing folder {landing}; the rows of {which} are kept"
    if not plan.source.delete_with_file:
        return f"{plan.name}: {which} went away; the rows are kept"
    if is_any_left:
        return f"{plan.name}: {which} went away and took the rows along"
    return (
        f"{plan.name}: {which} went away and no file is left in {landing}; the rows are kept, as the folder may not be"
        " mounted: bring the files back, or lay a file with a header and no rows there to delete the rows"
    )


def _ask_again(session: Session, staged: "Staged") -> None:
    """Have the days written again on which rows took another currency than their order has, now that it came."""
    from ecom_assets.ingestion import inherits_from, outdated_days_sql

    for contract in session.warehouse.contracts.values():
        orders = inherits_from(contract)
        if orders and orders.to in staged.feeds:
            found = session.connection.execute(outdated_days_sql(contract, session.context.shop)).fetchall()
            session.warehouse.ask_again(contract.asset, [day for (day,) in found])


def _readable(plan: "SourcePlan", refused: list[tuple[str, str]]) -> dg.AssetCheckResult:
    first = f"; and {len(refused) - 1} more" if len(refused) > 1 else ""
    return dg.AssetCheckResult(
        check_name=READABLE,
        asset_key=key_of(f"raw/{plan.feeds[0]}"),
        passed=not refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{refused[0][0]}: {refused[0][1]}{first}" if refused else None,
        metadata={"refused": dg.MetadataValue.md(markdown_table(["file", "why"], refused[:_SHOWN]))} if refused else {},
    )


def _within_limit(plan: "SourcePlan", over_limit: list[tuple[str, str]]) -> dg.AssetCheckResult:
    table = markdown_table(["file", "what"], over_limit[:_SHOWN])
    return dg.AssetCheckResult(
        check_name=WITHIN_LIMIT,
        asset_key=key_of(f"raw/{plan.feeds[0]}"),
        passed=not over_limit,
        severity=dg.AssetCheckSeverity.ERROR,
        description=": ".join(over_limit[0]) if over_limit else None,
        metadata={"over": dg.MetadataValue.md(table)} if over_limit else {},
    )


def _complete(plan: "SourcePlan", receipts: list[Any]) -> dg.AssetCheckResult:
    warned = [(receipt.source_file, "; ".join(receipt.warnings)) for receipt in receipts if receipt.warnings]
    return dg.AssetCheckResult(
        check_name=COMPLETE,
        asset_key=key_of(f"raw/{plan.feeds[0]}"),
        passed=not warned,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"warned": dg.MetadataValue.md(markdown_table(["file", "what"], warned[:_SHOWN]))} if warned else {},
    )
