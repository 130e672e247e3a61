"""What came of writing a table: plain values, made by `Warehouse.write` and read by whoever asked for it."""

from dataclasses import dataclass, field
from datetime import date

from ecom_assets.quality import Verdict


@dataclass(frozen=True)
class Restatement:
    """A published measure that now reads differently: as known then (`was`), as known now (`is_`)."""

    measure: str
    day: date | None
    member: str
    was: float | None
    is_: float | None
    cause: str


@dataclass(frozen=True)
class Outcome:
    """What came of one write.

    For a partitioned table every day asked for is in exactly one of `accepted_days`, `refused_days`,
    `missing_days` (nothing was delivered) and `pending_days` (not over, or outside the shop's days); days that
    share a corrected row with them are written along. For a whole table these are empty and `accepted` tells.
    `row_count` and `content_hash` are those of the rows written; `reasons` says for each refused day (None for a
    whole table) why; the seconds are spent computing the rows, measuring and judging them, and swapping them in.
    """

    asset: str
    accepted: bool
    accepted_days: tuple[date, ...] = ()
    refused_days: tuple[date, ...] = ()
    missing_days: tuple[date, ...] = ()
    pending_days: tuple[date, ...] = ()
    row_count: int = 0
    content_hash: int = 0
    verdicts: tuple[Verdict, ...] = ()
    restatements: tuple[Restatement, ...] = ()
    reasons: dict[date | None, str] = field(default_factory=dict)
    stage_seconds: float = 0.0
    judge_seconds: float = 0.0
    swap_seconds: float = 0.0

    def failed(self) -> tuple[Verdict, ...]:
        """Verdicts that did not pass, blocking ones first."""
        return tuple(sorted((each for each in self.verdicts if not each.passed), key=lambda each: not each.blocking))
