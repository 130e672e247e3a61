"""Files as a source system leaves them: written by the simulator, or by somebody else and merely named here."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ecom_assets.ingestion.plans import plan_sources
from ecom_assets.orchestration.days import UNBOUND_DAYS
from ecom_assets.orchestration.metadata import key_of
from ecom_assets.orchestration.session import WarehouseResource
from ecom_assets.orchestration.shop import ShopContext


@dg.definitions
def landing_files() -> dg.Definitions:
    """A landing asset for each source of the shop."""
    context = ShopContext.resolve()
    plans = plan_sources(context.shop, context.shop_file)
    simulated = [plan.name for plan in plans if plan.source.kind == "simulated"]
    brought = [
        dg.AssetSpec(
            key=key_of(f"landing/{plan.name}"),
            description=f"Files that match {plan.pattern} in the landing folder; brought by somebody else.",
            group_name="landing",
            owners=["team:it"],
            tags={"domain": "sales"},
            kinds={"file"},
            metadata={"requires": [], "pattern": plan.pattern, "landing": dg.MetadataValue.path(str(context.landing))},
        )
        for plan in plans
        if plan.source.kind != "simulated"
    ]
    return dg.Definitions(assets=[*([_simulator(simulated)] if simulated else []), *brought])


def _simulator(datasets: list[str]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="simulate_landing_files",
        specs=[
            dg.AssetSpec(
                key=key_of(f"landing/{dataset}"),
                description=f"Files of {dataset} that arrive on the day, as the simulated shop's systems leave them.",
                group_name="landing",
                owners=["team:it"],
                tags={"domain": "sales"},
                kinds={"file", "python"},
                code_version="1",
                partitions_def=UNBOUND_DAYS,
                metadata={"requires": []},
            )
            for dataset in datasets
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def simulate(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
        from ecom_assets.orchestration.simulating import write_landing

        yield from write_landing(context, warehouse.session, datasets)

    return simulate
