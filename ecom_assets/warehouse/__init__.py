"""How a table is written, remembered and shown: stage, judge, swap, publish. Imports no Dagster.

Everything works on a DuckDB connection handed in. The new rows of a table are staged and compared with its
contract, judged by `quality`, and swapped in by one transaction together with verdicts and lineage; readers
open only the published snapshot.
"""

from ecom_assets.warehouse.connection import configure, connect
from ecom_assets.warehouse.lock import LockedError, writer_lock
from ecom_assets.warehouse.outcome import Outcome, Restatement
from ecom_assets.warehouse.reading import NoSnapshotError, QueryLimitError, TimeLimit, open_snapshot
from ecom_assets.warehouse.snapshot import Snapshot, publish
from ecom_assets.warehouse.stage import SchemaMismatchError
from ecom_assets.warehouse.warehouse import Warehouse

__all__ = [
    "LockedError",
    "NoSnapshotError",
    "Outcome",
    "QueryLimitError",
    "Restatement",
    "SchemaMismatchError",
    "Snapshot",
    "TimeLimit",
    "Warehouse",
    "configure",
    "connect",
    "open_snapshot",
    "publish",
    "writer_lock",
]
