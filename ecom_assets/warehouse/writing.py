"""Stage, judge, swap: the one way in which a table is written.

Accepted days replace the old ones in one transaction, together with their verdicts, lineage and restatements; a
refused day keeps its last accepted rows and is marked stale. A crash leaves the old rows or the new.

Both ways to write take the same steps. `Write.days`: sort out the days that were asked for, stage the rows of those
that were delivered, judge them, hold back days that cannot be swapped alone, swap. `Write.whole`: find the days that
changed where the table can be made by day, stage, judge, compare with what stands, swap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from time import perf_counter
from typing import Any

import pandas as pd

from ecom_assets.contracts import Contract
from ecom_assets.quality import Verdict
from ecom_assets.quality.checks import KEY_CHECK
from ecom_assets.settings import Shop
from ecom_assets.warehouse import moved, records, restate
from ecom_assets.warehouse.connection import Connection, rows, transaction, value
from ecom_assets.warehouse.days import fingerprints, is_shop_day, unsettled_days
from ecom_assets.warehouse.judging import Judgement, judge_staged, mismatch, missing_verdicts
from ecom_assets.warehouse.made_days import MadeDays, is_made_by_day, keep_held
from ecom_assets.warehouse.outcome import Outcome, Restatement
from ecom_assets.warehouse.recording import Recorder
from ecom_assets.warehouse.records import DayRecord
from ecom_assets.warehouse.stage import SchemaMismatchError, Select, Stage, stage, target, unstage


@dataclass(frozen=True)
class _AskedDays:
    """What is known of days before any row is computed; each is in one of the lists, oldest first."""

    pending: list[date]  # not over, or not the shop's: left as they are
    delivered: list[date]  # over: to be staged and judged
    missing: list[date]  # over, but nothing was delivered: to be emptied
    prints: dict[date | None, str]  # the fingerprint of what was delivered, by day


@dataclass(frozen=True)
class Write:
    """One write of one table: what is known before any row is computed."""

    connection: Connection
    contract: Contract
    shop: Shop
    source: Select | pd.DataFrame  # of the new rows
    unknown: frozenset[str]  # datasets that the shop does not have
    as_of: datetime  # decides which days are over
    recorder: Recorder

    def days(self, asked: Sequence[date]) -> Outcome:
        """Write days of a partitioned table, each of which is accepted or refused by itself.

        Of 1 to 4 March, asked for on the 4th with files for the 1st and the 2nd and a negative price in the latter:
        the 1st is accepted (new rows replace what stood), the 2nd refused (what stood still stands), the 3rd missing
        (nothing stands), the 4th pending (as if not asked for).
        """
        days = self._sort_out(asked)
        over = sorted([*days.delivered, *days.missing])
        before = records.read_days(self.connection, self.contract.asset, over)
        # Where no other day stands, what is staged becomes the table: renaming moves no row.
        replaces_all = not records.has_other_days(self.connection, self.contract.asset, over)
        started = perf_counter()
        staged, judgement, stage_seconds = self._stage_and_judge(days.delivered, replaces_all)
        judged = perf_counter()
        held = self._hold_torn_days(staged, judgement, days)
        refusals = judgement.refusals()
        accepted = [day for day in days.delivered if day not in refusals]
        missing = [day for day in days.missing if day not in refusals]
        verdicts = [*judgement.verdicts, *missing_verdicts(self.shop, missing)]
        if staged and refusals and (accepted or missing):
            self._leave_out(staged, [day for day in over if day in refusals])
        with transaction(self.connection):
            if accepted or missing:
                self._swap(staged, [*accepted, *missing])
            self.recorder.days(judgement, accepted, missing, refusals, held, before, days.prints, verdicts)
        self._forget(staged)
        return Outcome(
            self.contract.asset,
            bool(accepted),
            accepted_days=tuple(accepted),
            refused_days=tuple(day for day in over if day in refusals),
            missing_days=tuple(missing),
            pending_days=tuple(days.pending),
            row_count=sum(judgement.row_counts[day] for day in accepted),
            content_hash=sum(judgement.hashes[day] for day in accepted),
            verdicts=tuple(verdicts),
            reasons=refusals,
            stage_seconds=stage_seconds,
            judge_seconds=judged - started - stage_seconds,
            swap_seconds=perf_counter() - judged,
        )

    def whole(self) -> Outcome:
        """Write a whole table: all of it or nothing.

        Where its days can be made one by one and it stands as this code made it, only the run of days that changed is
        staged and swapped; the rest of the table stays, and is still told of as part of it.
        """
        before = records.read_days(self.connection, self.contract.asset).get(None, DayRecord(None, "new"))
        started = perf_counter()
        is_by_day = is_made_by_day(self.contract, self.source)
        by_day = MadeDays.of(self.connection, self.contract.asset, self.recorder.reads) if is_by_day else None
        made = by_day.to_make() if by_day and before.state == "accepted" and self._is_same_code() else []
        staged, judgement, stage_seconds = self._stage_and_judge(made or None, replaces_all=not made)
        if by_day and staged and made:
            by_day.complete(judgement, made)
        judged = perf_counter()
        refusals = judgement.refusals()
        with transaction(self.connection):
            restated = self._restatements(staged, before) if staged and not refusals else []
            self.recorder.whole(judgement, refusals, before, restated)
            if staged and not refusals:
                self._keep_what_days_hold(by_day, judgement, made)
                self._swap(staged, made)
        self._forget(staged)
        return Outcome(
            self.contract.asset,
            not refusals,
            row_count=0 if refusals else judgement.row_counts[None],
            content_hash=0 if refusals else judgement.hashes[None],
            verdicts=tuple(judgement.verdicts),
            restatements=tuple(restated),
            reasons=refusals,
            stage_seconds=stage_seconds,
            judge_seconds=judged - started - stage_seconds,
            swap_seconds=perf_counter() - judged,
        )

    def _sort_out(self, asked: Sequence[date]) -> _AskedDays:
        """The days asked for, and those that must be written along with them, by what is to be done."""
        pending = [day for day in sorted(set(asked)) if not self._is_over(day)]
        over = set(asked) - set(pending)
        partners = moved.partner_days(self.connection, self.contract, sorted(over))
        over |= {day for day in partners if self._is_over(day)}
        prints = fingerprints(self.connection, self.contract, self.recorder.reads, sorted(over))
        return _AskedDays(pending, sorted(over & prints.keys()), sorted(over - prints.keys()), prints)

    def _is_over(self, day: date) -> bool:
        return is_shop_day(self.shop, day, self.as_of)

    def _stage_and_judge(
        self, days: Sequence[date] | None, replaces_all: bool
    ) -> tuple[Stage | None, Judgement, float]:
        """The staged rows of days (None: of the whole table), verdicts on them, and the seconds that staging took.

        Nothing is staged where there are no days, nor (all are refused) where the columns are not the contract's.
        """
        if days is not None and not days:
            return None, Judgement(), 0.0
        started = perf_counter()
        try:
            staged = stage(self.connection, self.contract, self.source, days, replaces_all)
        except SchemaMismatchError as error:
            return None, mismatch(days, str(error)), perf_counter() - started
        seconds = perf_counter() - started
        # Days of a partitioned table are judged one by one; those of a whole table are the part of it that was made.
        judged, made = (days, None) if self.contract.partitioned_by else (None, days)
        judgement = judge_staged(self.connection, self.contract, self.shop, staged.relation, judged, self.unknown, made)
        return staged, judgement, seconds

    def _hold_torn_days(self, staged: Stage | None, judgement: Judgement, days: _AskedDays) -> set[date]:
        """Refuse, in `judgement`, days that share a moved row with a day that is not swapped; returns those held.

        An order stood on the 1st and was corrected to the 2nd, which is refused. If the 1st were swapped, the order
        would stand nowhere, so the 1st is held as well. That may tear a further day: look again until none is torn.
        """
        held: set[date] = set()
        if staged is None or self.contract.layer != "clean" or not self.contract.keys_can_move:
            return held
        unsettled = set(unsettled_days(self.connection, self.contract.name))
        while True:
            refusals = judgement.refusals()
            swapped = [day for day in (*days.delivered, *days.missing) if day not in refusals]
            refused = [day for day in days.delivered if day in refusals]
            standing = sorted(unsettled - set(swapped))
            table = target(self.contract)
            torn = moved.torn_days(self.connection, self.contract, table, staged.relation, swapped, refused, standing)
            if not torn:
                return held
            for day, other in torn.items():
                found = f"shares a corrected row with {other}, which was not accepted"
                judgement.hold(Verdict(KEY_CHECK, day, False, "error", found, True))
            held |= torn.keys()

    def _leave_out(self, staged: Stage, refused: list[date]) -> None:
        """Take refused days out of the staged rows; where those will be the table, put in what stands of the days.

        Not in the transaction that renames it: after a crash DuckDB 1.5 replays a delete under the name that the
        table has at commit, so that the deleted rows came back (found by killing the writer).
        """
        self._delete_days(staged.relation, refused)
        if staged.replaces_all:
            standing = f"select * from {target(self.contract)} where business_date in (select unnest($days::date[]))"
            rows(self.connection, f"insert into {staged.relation} by name {standing}", {"days": refused})

    def _swap(self, staged: Stage | None, days: list[date]) -> None:
        """Put the staged rows in the place of all rows, or of those of `days`; None empties the days."""
        table = target(self.contract)
        if staged and staged.replaces_all:
            rows(self.connection, "drop view if exists temp.main._staged")  # it names the table that is renamed
            rows(self.connection, f"drop table {table}")
            rows(self.connection, f"alter table {staged.relation} rename to {records.quoted(self.contract.name)}")
            return
        self._delete_days(table, days)
        if staged:
            rows(self.connection, f"insert into {table} by name select * from {staged.relation}")

    def _delete_days(self, table: str, days: list[date]) -> None:
        """By first and last day, for which the engine skips most rows unread; by each where days between them stay."""
        first, last = min(days), max(days)
        sql = f"delete from {table} where business_date between $first and $last"
        bound: dict[str, Any] = {"first": first, "last": last}
        if (last - first).days + 1 != len(days):
            sql, bound = f"{sql} and business_date in (select unnest($days::date[]))", {**bound, "days": days}
        rows(self.connection, sql, bound)

    def _forget(self, staged: Stage | None) -> None:
        """Drop what staging left behind."""
        if staged:
            unstage(self.connection, staged)
        if isinstance(self.source, pd.DataFrame):
            self.connection.unregister("_frame")

    def _keep_what_days_hold(self, by_day: MadeDays | None, judgement: Judgement, made: list[date]) -> None:
        """For the next write, which need not make the days again, or for publishing them by the month."""
        if by_day:
            by_day.record(judgement, made)
        elif self.contract.published_as == "monthly_files":
            keep_held(self.connection, self.contract.asset, judgement)

    def _is_same_code(self) -> bool:
        """Whether the standing rows of a whole table were made by the same code."""
        sql = "select arg_max(code_version, finished_at) from lineage.materializations where asset = ?"
        return bool(value(self.connection, sql, [self.contract.asset]) == self.recorder.code_version)

    def _restatements(self, staged: Stage, before: DayRecord) -> list[Restatement]:
        """Measures that were published and now read differently."""
        if not (self.contract.tracks_restatements and before.stands):
            return []
        old, new, since = target(self.contract), staged.relation, before.written_at
        return restate.restatements(self.connection, self.contract, old, new, since, self._is_same_code())
