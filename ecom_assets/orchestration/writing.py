"""What an op yields when it writes a table: verdicts first, then a materialization of what was accepted.

Where no day was accepted and one was refused the op fails after yielding its verdicts, so that nothing is recorded
as materialized and downstream stops. Where some days were accepted the failed check is red with its days named,
and downstream goes on with what was accepted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

# A result that carries this key records no materialization by itself: the days are recorded one by one instead.
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ecom_assets.contracts import Contract
from ecom_assets.ingestion.plans import plan_sources
from ecom_assets.orchestration import metadata
from ecom_assets.orchestration.days import worded
from ecom_assets.orchestration.rows import Charts, Frame, Frames, Plot
from ecom_assets.orchestration.session import Session
from ecom_assets.quality.checks import checks
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

if TYPE_CHECKING:
    from ecom_assets.quality import Verdict
    from ecom_assets.warehouse import Outcome

_SHOWN_FAILURES = 20
ORIGINS_TAG = "ecom/origins"  # of a run: test every forecaster anew at so many origins


def write_table(
    context: dg.AssetExecutionContext,
    session: Session,
    table: Contract,
    function: Callable[[Shop], Any],
    reads: Sequence[str] = (),
    plot: Plot | Charts | None = None,
) -> Iterator[Any]:
    """Write the table (the run's days of it, where it is partitioned) and yield what Dagster should know.

    Args:
        context: of the run.
        session: the open warehouse.
        table: the contract of what is written.
        function: makes the rows.
        reads: the assets that they are made of.
        plot: what to draw for the asset's page.

    Raises:
        dg.Failure: naming checks and days, where rows were refused and none accepted.
    """
    days = _days(context, table)
    session.progress(table.asset, "started")
    rows = bound(function(session.context.shop), session, days, context.run.tags)
    yield from _written(context, session, table, rows, days, reads, plot)


def write_tables(
    context: dg.AssetExecutionContext,
    session: Session,
    tables: Sequence[Contract],
    function: Callable[[Shop], Frames],
    reads: Mapping[str, Sequence[str]],
    charts: Mapping[str, Charts],
) -> Iterator[Any]:
    """Do a piece of work once and write those of its tables that the run asks for, each whole, in their order.

    Args:
        context: of the run.
        session: the open warehouse.
        tables: contracts of all that the work makes.
        function: makes the rows.
        reads: by asset, those that it is made of.
        charts: by asset, what to draw for its page.

    Raises:
        dg.Failure: naming the checks, where a table was refused; those after it are left as they are.
    """
    asked = [table for table in tables if metadata.key_of(table.asset) in context.selected_asset_keys]
    session.progress(asked[0].asset, "started")
    work = function(session.context.shop)
    made = work.make(**{name: _rows_of(query, session, _values(session)) for name, query in work.queries.items()})
    for table in asked:
        if table is not asked[0]:
            session.progress(table.asset, "started")
        asset = table.asset
        yield from _written(context, session, table, made[asset], None, reads[asset], charts.get(asset))


def _written(
    context: dg.AssetExecutionContext,
    session: Session,
    table: Contract,
    rows: Any,
    days: list[date] | None,
    reads: Sequence[str],
    plot: Plot | Charts | None,
) -> Iterator[Any]:
    """Write rows that are made, and yield verdicts and materialization."""
    version = context.assets_def.code_versions_by_key[metadata.key_of(table.asset)] or ""
    session.is_published = False
    try:
        outcome = session.warehouse.write(table, rows, days, context.run_id, version, session.as_of, frozenset(reads))
    except Exception:
        session.progress(table.asset, "failed")
        raise
    session.outcomes.append(outcome)
    yield from check_results(table, outcome)
    refused = bool(outcome.refused_days) if days is not None else not outcome.accepted
    nothing_accepted = not outcome.accepted_days if days is not None else True
    session.progress(table.asset, "failed" if refused else "finished")
    if refused and nothing_accepted:
        raise dg.Failure(refusal(table, outcome), metadata=_numbers(outcome), allow_retries=False)
    if refused:
        context.log.error(refusal(table, outcome))
    yield from _materialized(context, session, table, outcome, rows, days, plot, version)


def _days(context: dg.AssetExecutionContext, table: Contract) -> list[date] | None:
    """The days that the run is for; None for a whole table, be the run for days or not.

    Raises:
        dg.Failure: a partitioned table in a run without days.
    """
    if not table.partitioned_by:
        return None
    if not (context.has_partition_key or context.has_partition_key_range):
        raise dg.Failure(
            f"{table.asset} is written by day, and this run names none: choose a partition or a range of them "
            f"(tags {ASSET_PARTITION_RANGE_START_TAG} and {ASSET_PARTITION_RANGE_END_TAG}). Nothing was changed.",
            allow_retries=False,
        )
    return [date.fromisoformat(key) for key in context.partition_keys]


def bound(
    rows: Any, session: Session, days: Sequence[date] | None = None, tags: Mapping[str, str] | None = None
) -> Any:
    """The query with its parameters bound to what the shop and the run say; the frame that a `Frame` makes."""
    values = {**_values(session), **_asked(tags or {})}
    if isinstance(rows, Frame):
        span = {"from_day": min(days), "to_day": max(days)} if days else {}
        found = {**values, **span}
        also = {name: _rows_of(query, session, found) for name, query in rows.also.items()}
        if rows.tells:
            also["tell"] = _telling(session, rows.query.name)
        return rows.make(_rows_of(rows.query, session, found), **also)
    return rows.bind(values) if isinstance(rows, Query) else rows


def _telling(session: Session, asset: str) -> Callable[[int, int], None]:
    return lambda done, of: session.progress(f"{asset} {done}/{of}", "started")


def _asked(tags: Mapping[str, str]) -> dict[str, Any]:
    """What queries may name, from the run's tags."""
    return {"asked_origins": int(tags[ORIGINS_TAG]) if ORIGINS_TAG in tags else None}


def _rows_of(query: Query, session: Session, values: Mapping[str, Any]) -> Any:
    """The rows of a query as a frame."""
    asked = query.bind(values)
    return session.connection.execute(asked.sql, dict(asked.params)).df()


def _values(session: Session) -> dict[str, Any]:
    """What queries may name, from the shop's file."""
    shop, plans = session.context.shop, plan_sources(session.context.shop, session.context.shop_file)
    return {
        "history_complete_from": shop.history_complete_from,
        "time_zone": shop.time_zone,
        "currency": shop.currency,
        "first_day": shop.first_day,
        "datasets": sorted(dataset for plan in plans for dataset in plan.feeds),
        **shop.targets.model_dump(),
        "from_day": None,  # of a range: the warehouse binds them
        "to_day": None,
    }


def check_results(table: Contract, outcome: "Outcome") -> Iterator[dg.AssetCheckResult]:
    """One result for each check, over all of the write's days."""
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in outcome.verdicts:
        found[verdict.check_name].append(verdict)
    for check in checks(table):
        verdicts = found.get(check.name, [])
        failed = [verdict for verdict in verdicts if not verdict.passed]
        yield dg.AssetCheckResult(
            check_name=check.name,
            asset_key=metadata.key_of(table.asset),
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
            description=_words(failed) if failed else None,
            metadata=_evidence(verdicts, failed),
        )


def _words(failed: "list[Verdict]") -> str:
    days = [verdict.business_date for verdict in failed if verdict.business_date]
    return f"{worded(days)}: {failed[0].found}" if days else failed[0].found


def _evidence(verdicts: "list[Verdict]", failed: "list[Verdict]") -> dict[str, Any]:
    evidence: dict[str, Any] = {"judged": len(verdicts)}
    if failed:
        shown = [(verdict.business_date or "whole table", verdict.found) for verdict in failed[:_SHOWN_FAILURES]]
        evidence["failed"] = len(failed)
        evidence["failures"] = dg.MetadataValue.md(metadata.markdown_table(["day", "found"], shown))
    return evidence


def refusal(table: Contract, outcome: "Outcome") -> str:
    """One line that names the table, the days and the checks that they failed."""
    if outcome.refused_days:
        reasons = "; ".join(f"{day}: {outcome.reasons.get(day, 'refused')}" for day in outcome.refused_days[:5])
        more = f" and {len(outcome.refused_days) - 5} more days" if len(outcome.refused_days) > 5 else ""
        return f"{table.asset}: refused {reasons}{more}. These days keep their last accepted rows."
    return f"{table.asset}: refused {outcome.reasons.get(None, '')}. The table keeps its last accepted rows."


def _numbers(outcome: "Outcome") -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "dagster/row_count": outcome.row_count,
        "content_hash": str(outcome.content_hash),
        "seconds": round(outcome.stage_seconds + outcome.judge_seconds + outcome.swap_seconds, 3),
    }
    for state in ("accepted", "refused", "missing", "pending"):
        days = getattr(outcome, f"{state}_days")
        if days:
            numbers[f"{state}_days"] = len(days)
            if state != "accepted":
                numbers[f"{state}"] = worded(days)
    if outcome.restatements:
        numbers["restated_values"] = len(outcome.restatements)
    return numbers


def _materialized(
    context: dg.AssetExecutionContext,
    session: Session,
    table: Contract,
    outcome: "Outcome",
    rows: Any,
    days: list[date] | None,
    plot: Plot | Charts | None,
    version: str,
) -> Iterator[Any]:
    numbers = _numbers(outcome)
    pictures = _pictures(session, table, rows, plot, version)
    if days is None:
        yield dg.MaterializeResult(asset_key=metadata.key_of(table.asset), metadata={**numbers, **pictures})
        return
    accepted = sorted(outcome.accepted_days)
    if accepted == days:
        # Once, on the newest day: on each of two years of days they would make the event log grow by megabytes.
        context.add_asset_metadata(pictures, partition_key=days[-1].isoformat())
        yield dg.MaterializeResult(metadata=numbers)
        return
    for day in accepted:
        seen = {**numbers, **(pictures if day == accepted[-1] else {})}
        yield dg.AssetMaterialization(metadata.key_of(table.asset), metadata=seen, partition=day.isoformat())
    yield dg.MaterializeResult(metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True, **numbers})


def _pictures(session: Session, table: Contract, rows: Any, plot: Plot | Charts | None, version: str) -> dict[str, Any]:
    found: dict[str, Any] = {"preview": metadata.preview(session.connection, table)}
    edges = _edges(session, table, rows, version)
    if edges:
        found["dagster/column_lineage"] = metadata.lineage_metadata(edges)
    if isinstance(plot, Charts):
        pictures = plot.draw(_rows_of(plot.query, session, _values(session)))
        found.update({name: metadata.image(name, png) for name, png in pictures.items()})
    drawn = metadata.plot(session.connection, table, plot.x, plot.y) if isinstance(plot, Plot) else None
    if drawn:
        found["plot"] = drawn
    return found


def _edges(session: Session, table: Contract, rows: Any, version: str) -> metadata.Edges:
    """Column lineage, parsed once for each version of the code and then read from where it was recorded."""
    if table.layer == "clean":
        edges = metadata.clean_lineage(table)
    elif isinstance(rows, Query) and table.layer != "profile":  # made of every column of its dataset, in seconds
        edges = session.recorded_edges(table.asset, version) or metadata.column_lineage(rows)
    else:
        return {}
    session.warehouse.record_column_edges(table.asset, edges)
    return edges
