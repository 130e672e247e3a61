"""Files into rows used and rows quarantined: discovery, reading, typing by contract, mappings of foreign exports.

Each line of a file is used or quarantined, with its number, its text and every reason; a file that cannot be
trusted is refused whole. Nothing here writes to the warehouse, imports Dagster, or knows a KPI.
"""

from ecom_assets.ingestion.clean_sql import clean_select, key_hash_sql
from ecom_assets.ingestion.discovery import LandingFile, batches, discover, file_hash
from ecom_assets.ingestion.inherited import inherits_from, outdated_days_sql
from ecom_assets.ingestion.mapping import Mapping, MappingError, load_mapping
from ecom_assets.ingestion.plans import PlanError, SourcePlan, plan_sources
from ecom_assets.ingestion.receipts import Receipt, Staged
from ecom_assets.ingestion.staging import leave_out, stage_files

__all__ = [
    "LandingFile",
    "Mapping",
    "MappingError",
    "PlanError",
    "Receipt",
    "SourcePlan",
    "Staged",
    "batches",
    "clean_select",
    "discover",
    "file_hash",
    "inherits_from",
    "key_hash_sql",
    "leave_out",
    "load_mapping",
    "outdated_days_sql",
    "plan_sources",
    "stage_files",
]
