"""The one way in which an asset becomes a table: run, judge, swap, tell.

An asset here is a function that returns a `Query` or a frame. Everything around it is made from its contract:
columns, checks, owner, tags, partitions. Writing happens in the op itself and not in an IO manager, because the
verdicts must be yielded by the op that wrote, and a refused write must not be recorded as a materialization.
How rows are staged, judged and swapped is `warehouse`'s business.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from ecom_assets.contracts import LAYERS, Contract, contract
from ecom_assets.orchestration.days import UNBOUND_DAYS
from ecom_assets.orchestration.metadata import column_schema
from ecom_assets.orchestration.session import WarehouseResource
from ecom_assets.quality.checks import checks
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

_TABLE = re.compile(
    rf"\b(clean|{'|'.join(LAYERS)})\.(\w+)"
)  # in a contract's own short queries; sqlglot is too slow at load time


@dataclass(frozen=True)
class Plot:
    """The column to draw over another one, for people who look at the asset's page."""

    x: str
    y: str


@dataclass(frozen=True)
class Charts:
    """Pictures for the asset's page: `draw` is given the rows of `query` as a frame and returns PNGs by name."""

    query: Query
    draw: Callable[[Any], Mapping[str, bytes]]


@dataclass(frozen=True)
class Frame:
    """Rows that Python makes: `make` is given the rows of `query` as a frame and returns those to write.

    `make` of long work takes a second argument, which it tells how much is done and of how much (`tells`).
    """

    query: Query
    make: Callable[..., Any]
    tells: bool = False


def key_of(asset: str) -> dg.AssetKey:
    """The Dagster key of an asset named as text, such as 'clean/orders'."""
    return dg.AssetKey(asset.split("/"))


def table_asset(
    asset: str,
    *,
    requires: Sequence[str] = (),
    requires_any: Sequence[str] = (),
    uses: Sequence[str] = (),
    kinds: Sequence[str] = ("duckdb", "sql"),
    plot: Plot | Charts | None = None,
    code_version: str | None = None,
) -> Callable[[Callable[[Shop], Any]], dg.AssetsDefinition]:
    """Make the function that follows the asset `asset`, written by contract.

    The function is given the shop and returns the `Query`, `Frame` or frame that makes the rows. `requires`,
    `requires_any` and `uses` name the assets that it reads, and together are exactly its dependencies: without one
    that it requires, or without all of `requires_any`, it is left out; one that it merely uses may be an empty
    table. `code_version` is for rows whose SQL stands in no file.

    Raises:
        KeyError: where the asset has no contract.
        ValueError: where the plot names a column that the contract does not have.
    """

    def decorate(function: Callable[[Shop], Any]) -> dg.AssetsDefinition:
        table = contract(asset)
        if isinstance(plot, Plot) and not {plot.x, plot.y} <= table.by_name.keys():
            raise ValueError(f"{asset}: its plot names {plot.x} and {plot.y}, and not both are columns of the table")
        version = version_of(table, code_version)
        return _asset(table, function, tuple(requires), tuple(requires_any), tuple(uses), tuple(kinds), plot, version)

    return decorate


def _asset(
    table: Contract,
    function: Callable[[Shop], Any],
    requires: tuple[str, ...],
    requires_any: tuple[str, ...],
    uses: tuple[str, ...],
    kinds: tuple[str, ...],
    plot: Plot | Charts | None,
    version: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=key_of(table.asset),
        deps=[key_of(name) for name in dict.fromkeys((*requires, *requires_any, *uses, *judged_against(table)))],
        description=description(table, function.__doc__),
        owners=[table.owner],
        tags={"domain": table.domain},
        kinds=set(kinds),
        group_name=table.layer,
        code_version=version,
        partitions_def=UNBOUND_DAYS if table.partitioned_by else None,
        backfill_policy=dg.BackfillPolicy.single_run() if table.partitioned_by else None,
        check_specs=check_specs(table),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{table.layer}.{table.name}",
            "grain": table.grain,
            "requires": list(requires),
            "requires_any": list(requires_any),
            "uses": list(uses),
        },
    )
    def write(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
        from ecom_assets.orchestration.writing import write_table

        reads = () if table.layer == "clean" else (*requires, *requires_any, *uses)
        yield from write_table(context, warehouse.session, table, function, reads, plot)

    return write


def reads_of(metadata: Mapping[str, Any]) -> list[str]:
    """The assets that one is made of, from its metadata."""
    return [name for need in ("requires", "requires_any", "uses") for name in metadata.get(need, [])]


def judged_against(table: Contract) -> tuple[str, ...]:
    """The assets that the table's checks look at: they must be written before it is judged."""
    referred = [f"clean/{reference.to}" for reference in table.references]
    reconciled = ["/".join(found) for each in table.reconciliations for found in _TABLE.findall(each.query)]
    return tuple(name for name in dict.fromkeys((*referred, *reconciled)) if name != table.asset)


def description(table: Contract, docstring: str | None) -> str:
    """What the asset is, for its page: the docstring, which starts with the grain, or the contract's words."""
    lines = [line.strip() for line in (docstring or "").strip().splitlines()]
    return "\n".join(lines) or f"{table.grain} {table.description}".strip()


def version_of(table: Contract, stated: str | None) -> str:
    """Changes with the contract or the SQL that makes the rows, never with comments or line breaks of the latter."""
    made_by = stated or (Query(table.asset).code_version if table.layer != "clean" else "")
    return hashlib.sha256((table.model_dump_json() + made_by).encode()).hexdigest()[:12]


def check_specs(table: Contract) -> list[dg.AssetCheckSpec]:
    """The table's checks as Dagster knows them.

    None blocks in Dagster's sense. A day that fails a blocking check is kept out by the write itself, whoever
    asks; stopping downstream too would hold back the good days beside it.
    """
    return [
        dg.AssetCheckSpec(
            name=check.name,
            asset=key_of(table.asset),
            description=f"{check.description} {_consequence(check.blocking, bool(table.partitioned_by))}",
            metadata={"severity": check.severity, "refuses": check.blocking},
        )
        for check in checks(table)
    ]


def _consequence(is_blocking: bool, is_daily: bool) -> str:
    if not is_blocking:
        return "A warning: the rows are used."
    return (
        "A day that fails is refused and keeps its last accepted rows."
        if is_daily
        else ("A table that fails is refused and keeps its last accepted rows.")
    )
