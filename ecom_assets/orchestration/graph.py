"""What the asset graph looks like, written into lineage so that readers of a snapshot can walk it."""

import dagster as dg

from ecom_assets.orchestration.session import Session


def record_graph(context: dg.AssetExecutionContext, session: Session) -> None:
    """Keep every asset of the definitions with its words, owner, code version and what it reads."""
    graph = context.job_def.asset_layer.asset_graph
    session.warehouse.record_assets(
        {
            "asset": "/".join(node.key.path),
            "layer": node.key.path[0],
            "domain": node.tags.get("domain"),
            "owner": next(iter(node.owners), None),
            "description": node.description,
            "code_version": node.code_version,
            "upstream": ["/".join(parent.path) for parent in node.parent_keys],
        }
        for node in graph.asset_nodes
    )
