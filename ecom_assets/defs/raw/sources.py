"""Landing files as they came, by file and line: one op for each source, one asset for each dataset that it feeds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ecom_assets.contracts import contract
from ecom_assets.ingestion.plans import plan_sources
from ecom_assets.orchestration.loading import load_source, raw_checks
from ecom_assets.orchestration.metadata import key_of
from ecom_assets.orchestration.session import WarehouseResource
from ecom_assets.orchestration.shop import ShopContext

if TYPE_CHECKING:
    from ecom_assets.ingestion.plans import SourcePlan

_GRAIN = "One row per line of a landing file that could be used."


@dg.definitions
def raw_sources() -> dg.Definitions:
    """The raw assets of the shop's sources."""
    context = ShopContext.resolve()
    return dg.Definitions(assets=[_loader(plan) for plan in plan_sources(context.shop, context.shop_file)])


def _loader(plan: "SourcePlan") -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"load_{plan.name}", specs=[_spec(plan, dataset) for dataset in plan.feeds], check_specs=raw_checks(plan)
    )
    def load(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
        yield from load_source(context, warehouse.session, plan)

    return load


def _spec(plan: "SourcePlan", dataset: str) -> dg.AssetSpec:
    table = contract(f"raw/{dataset}")
    return dg.AssetSpec(
        key=key_of(f"raw/{dataset}"),
        deps=[key_of(f"landing/{plan.name}")],
        description=f"{_GRAIN} Every column as it came. {table.description}",
        owners=[table.owner],
        tags={"domain": table.domain},
        kinds={"duckdb"},
        group_name="raw",
        code_version="1",
        metadata={"dagster/table_name": f"raw.{dataset}", "grain": _GRAIN,
                  "requires": [f"landing/{plan.name}"]},
    )  # fmt: skip
