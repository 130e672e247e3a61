"""What Dagster loads: everything found under `defs`, fitted to the shop that this home holds. Composition only."""

from pathlib import Path

import dagster as dg

from ecom_assets.orchestration.binding import bind
from ecom_assets.orchestration.shop import ShopContext


@dg.definitions
def defs() -> dg.Definitions:
    """Every asset that the shop's datasets can feed, with jobs, schedule and sensors."""
    context = ShopContext.resolve()
    return bind(dg.load_from_defs_folder(path_within_project=Path(__file__).parent), context.shop)
