"""What ops are given."""

import dagster as dg

from ecom_assets.orchestration.session import WarehouseResource


@dg.definitions
def resources() -> dg.Definitions:
    """The open warehouse, locked for the run."""
    return dg.Definitions(resources={"warehouse": WarehouseResource()})
