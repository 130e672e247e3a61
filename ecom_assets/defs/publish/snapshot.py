"""What readers see: the published snapshot."""

from datetime import timedelta

import dagster as dg

from ecom_assets.contracts import dataset_contracts, table_contracts
from ecom_assets.orchestration.graph import record_graph
from ecom_assets.orchestration.metadata import key_of
from ecom_assets.orchestration.session import WarehouseResource

_TABLES = [contract.asset for contract in (*dataset_contracts().values(), *table_contracts().values())]


@dg.asset(
    key=["publish", "snapshot"],
    deps=[key_of(asset) for asset in _TABLES],
    group_name="publish",
    owners=["team:growth"],
    tags={"domain": "sales"},
    kinds={"duckdb"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26)),
    metadata={"requires": [], "uses": _TABLES},
)
def snapshot(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """One immutable DuckDB file a publication, which is all that readers ever open.

    Holds every table as accepted, with lineage, quarantine and how fresh each table is; the last ten are kept.
    """
    session = warehouse.session
    record_graph(context, session)
    session.progress("publish/snapshot", "started")
    published = session.publish(context.run_id)
    session.progress("publish/snapshot", "finished")
    return dg.MaterializeResult(
        metadata={
            "version": published.version,
            "path": dg.MetadataValue.path(str(published.path)),
            "size_bytes": published.size_bytes,
            "seconds": round(published.seconds, 3),
        }
    )
