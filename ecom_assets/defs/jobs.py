"""What can be asked for. Jobs select by group, so that an asset left out of one shop breaks none of them."""

import dagster as dg

from ecom_assets.forecasting import FULL_ORIGINS
from ecom_assets.orchestration.writing import ORIGINS_TAG

_LANDING = dg.AssetSelection.groups("landing")
_RAW = dg.AssetSelection.groups("raw")

daily_refresh = dg.define_asset_job(
    "daily_refresh",
    selection=dg.AssetSelection.all(),
    description="The trailing days again, from landing files to the published snapshot.",
)

backfill = dg.define_asset_job(
    "backfill",
    selection=dg.AssetSelection.all() - _LANDING,
    description="Any range of days in one run, from the landing files that are there to the published snapshot.",
)

load_files = dg.define_asset_job(
    "load_files",
    selection=_RAW,
    description="What is new in the landing folder; which days it touches is asked for afterwards.",
)

weekly_champions = dg.define_asset_job(
    "weekly_champions",
    selection=dg.AssetSelection.groups("forecast") | dg.AssetSelection.assets(dg.AssetKey(["publish", "snapshot"])),
    tags={ORIGINS_TAG: str(FULL_ORIGINS)},
    description="Every forecaster tested anew on every series, and the champions chosen by it.",
)
