"""The one way in which an asset becomes a table: run, judge, swap, tell.

An asset here is a function that returns a `Query` or a frame; a piece of work from which several tables come at once
is a group of assets whose function returns `Frames`. Everything around them is made from their contracts: columns,
checks, owner, tags, partitions. Writing happens in the op itself and not in an IO manager, because the
verdicts must be yielded by the op that wrote, and a refused write must not be recorded as a materialization.
How rows are staged, judged and swapped is `warehouse`'s business.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from ecom_assets.contracts import LAYERS, Contract, contract
from ecom_assets.orchestration.days import UNBOUND_DAYS
from ecom_assets.orchestration.metadata import column_schema, key_of
from ecom_assets.orchestration.rows import Charts, Frames, Plot
from ecom_assets.orchestration.session import WarehouseResource
from ecom_assets.orchestration.writing import write_table, write_tables
from ecom_assets.quality.checks import checks
from ecom_assets.settings import Shop
from ecom_assets.sql import Query

_TABLE = re.compile(
    rf"\b(raw|clean|{'|'.join(LAYERS)})\.(\w+)"
)  # in a contract's own short queries; sqlglot is too slow at load time


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
        **_told(table, function.__doc__, requires, requires_any, uses, kinds, version),
        partitions_def=UNBOUND_DAYS if table.partitioned_by else None,
        backfill_policy=dg.BackfillPolicy.single_run() if table.partitioned_by else None,
        check_specs=check_specs(table),
    )
    def write(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
        reads = () if table.layer == "clean" else (*requires, *requires_any, *uses)
        yield from write_table(context, warehouse.session, table, function, reads, plot)

    return write


def _told(
    table: Contract,
    docstring: str | None,
    requires: Sequence[str],
    requires_any: Sequence[str],
    uses: Sequence[str],
    kinds: Sequence[str],
    version: str,
) -> dict[str, Any]:
    """What Dagster is told of a table, whether its asset has an op of its own or shares one."""
    return {
        "key": key_of(table.asset),
        "deps": [key_of(name) for name in dict.fromkeys((*requires, *requires_any, *uses, *judged_against(table)))],
        "description": description(table, docstring),
        "owners": [table.owner],
        "tags": {"domain": table.domain},
        "kinds": set(kinds),
        "group_name": table.layer,
        "code_version": version,
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{table.layer}.{table.name}",
            "grain": table.grain,
            "requires": list(requires),
            "requires_any": list(requires_any),
            "uses": list(uses),
        },
    }


def table_group(
    name: str,
    tables: Mapping[str, Sequence[str]],
    *,
    code_version: str,
    requires: Sequence[str] = (),
    uses: Sequence[str] = (),
    kinds: Sequence[str] = ("python", "pandas"),
    charts: Mapping[str, Charts] | None = None,
) -> Callable[[Callable[[Shop], Frames]], dg.AssetsDefinition]:
    """Make the function that follows several assets, whose rows come from one piece of work that is done once.

    Each table is staged, judged and swapped by itself, as that of `table_asset`, in the order of `tables`; where only
    some of them are asked for, only these are written.

    Args:
        name: of the op.
        tables: by asset, those of the group that it is made of; one that names none is made of `requires` and `uses`.
        code_version: of the code that makes the rows.
        requires: assets that the work reads; without one of them the group is left out.
        uses: assets that it reads too, whose tables may be empty.
        kinds: shown with the assets.
        charts: what to draw, by asset.

    Raises:
        KeyError: where an asset has no contract.
    """
    contracts = [contract(asset) for asset in tables]

    def made_of(asset: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (tuple(tables[asset]), ()) if tables[asset] else (tuple(requires), tuple(uses))

    def spec(table: Contract) -> dg.AssetSpec:
        required, used = made_of(table.asset)
        return dg.AssetSpec(**_told(table, None, required, (), used, kinds, version_of(table, code_version)))

    def decorate(function: Callable[[Shop], Frames]) -> dg.AssetsDefinition:
        @dg.multi_asset(
            name=name,
            description=(function.__doc__ or "").strip(),
            specs=[spec(table) for table in contracts],
            check_specs=[check for table in contracts for check in check_specs(table)],
            can_subset=True,
        )
        def write(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
            reads = {table.asset: sum(made_of(table.asset), ()) for table in contracts}
            yield from write_tables(context, warehouse.session, contracts, function, reads, charts or {})

        return write

    return decorate


def version_of_code(*folders: str) -> str:
    """A short hash of the Python files in folders of the package, such as "anomalies": rows that they make are old."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(path for folder in folders for path in (package / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


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
    """Changes with the contract or the SQL that makes the rows, never with comments or line breaks of the latter.

    How a table is published changes none of its rows.
    """
    made_by = stated or (Query(table.asset).code_version if table.layer != "clean" else "")
    return hashlib.sha256((table.model_dump_json(exclude={"published_as"}) + made_by).encode()).hexdigest()[:12]


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
