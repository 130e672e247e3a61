"""What came of landing files once they are staged: plain values."""

from dataclasses import dataclass
from datetime import datetime

from ecom_assets.ingestion.unused import Unused


@dataclass(frozen=True)
class Receipt:
    """What became of one file. Its rows used and quarantined are all its rows; a refused file has neither.

    `unused` are those of the quarantined rows of which no dataset uses anything, None where there are none.
    `over_limit` says what is wrong where they are more than may be; whoever knows the limit fills it in.
    """

    source_file: str
    size_bytes: int
    file_hash: str
    rows_used: int = 0
    rows_quarantined: int = 0
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    refused: str | None = None
    warnings: tuple[str, ...] = ()
    unused: Unused | None = None
    over_limit: str | None = None


@dataclass(frozen=True)
class Staged:
    """The outcome of `stage_files`, whose rows stand in the connection's temporary tables.

    It `mixes_files` where a file's rows may depend on other files.
    """

    source: str
    feeds: tuple[str, ...]
    receipts: list[Receipt]
    read_as: str = ""
    mixes_files: bool = False
    may_hold_persons: bool = True
