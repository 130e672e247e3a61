"""Stage, judge, swap: the one way in which a table is written.

Accepted days replace the old ones in one transaction, together with their verdicts, lineage and restatements; a
refused day keeps its last accepted rows and is marked stale. A crash leaves the old rows or the new.
"""

from collections.abc import Iterable, Sequence
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
class Write:
    """One write of one table: what is known before any row is computed."""

    connection: Connection
    contract: Contract
    shop: Shop
    source: Select | pd.DataFrame
    unknown: frozenset[str]
    as_of: datetime
    recorder: Recorder

    def days(self, asked: Sequence[date]) -> Outcome:
        """Write days of a partitioned table."""
        pending = [day for day in sorted(set(asked)) if not is_shop_day(self.shop, day, self.as_of)]
        over = [day for day in sorted(set(asked)) if day not in set(pending)]
        partners = moved.partner_days(self.connection, self.contract, over)
        over = sorted({*over, *(day for day in partners if is_shop_day(self.shop, day, self.as_of))})
        prints = fingerprints(self.connection, self.contract, self.recorder.reads, over)
        delivered = [day for day in over if day in prints]
        missing = [day for day in over if day not in prints]
        before = records.read_days(self.connection, self.contract.asset, over)
        replaces_all = not records.has_other_days(self.connection, self.contract.asset, over)
        started = perf_counter()
        staged, judgement, seconds = self._stage_and_judge(delivered, replaces_all)
        judged = perf_counter()
        refusals = judgement.refusals()
        held = self._hold_torn_days(staged, judgement, refusals, delivered, missing)
        missing = [day for day in missing if day not in held]
        verdicts = [*judgement.verdicts, *missing_verdicts(self.shop, missing)]
        accepted = [day for day in delivered if day not in refusals]
        if staged and staged.replaces_all and (accepted or missing):
            self._complete(staged, [day for day in delivered if day in refusals], refusals.keys() & before.keys())
        with transaction(self.connection):
            if staged and (accepted or missing):
                self._swap_days(staged, accepted, missing, all_accepted=not refusals)
            elif missing:
                self._delete_days(target(self.contract), missing)
            self.recorder.days(judgement, accepted, missing, refusals, held, before, prints, verdicts)
        self._forget(staged)
        return Outcome(
            self.contract.asset,
            bool(accepted),
            tuple(accepted),
            tuple(day for day in over if day in refusals),
            tuple(missing),
            tuple(pending),
            sum(judgement.row_counts[day] for day in accepted),
            sum(judgement.hashes[day] for day in accepted),
            tuple(verdicts),
            (),
            refusals,
            seconds,
            judged - started - seconds,
            perf_counter() - judged,
        )

    def whole(self) -> Outcome:
        """Write a whole table: all of it or nothing."""
        before = records.read_days(self.connection, self.contract.asset).get(None, DayRecord(None, "new"))
        started = perf_counter()
        by_day = self._made_days()
        made = by_day.to_make() if by_day and before.state == "accepted" and self._is_same_code() else []
        staged, judgement, seconds = self._stage_and_judge(made or None, replaces_all=not made)
        if by_day and staged and made:
            by_day.complete(judgement, made)
        judged = perf_counter()
        refusals = judgement.refusals()
        restated: list[Restatement] = []
        with transaction(self.connection):
            if staged and not refusals:
                restated = self._restatements(staged, before)
            self.recorder.whole(judgement, refusals, before, restated)
            if staged and not refusals:
                if by_day:
                    by_day.record(judgement, made)
                elif self.contract.published_as == "monthly_files":
                    keep_held(self.connection, self.contract.asset, judgement)
                self._swap_days(staged, made, [], all_accepted=True)
        self._forget(staged)
        return Outcome(
            self.contract.asset,
            not refusals,
            row_count=0 if refusals else judgement.row_counts[None],
            content_hash=0 if refusals else judgement.hashes[None],
            verdicts=tuple(judgement.verdicts),
            restatements=tuple(restated),
            reasons=refusals,
            stage_seconds=seconds,
            judge_seconds=judged - started - seconds,
            swap_seconds=perf_counter() - judged,
        )

    def _stage_and_judge(
        self, days: Sequence[date] | None, replaces_all: bool
    ) -> tuple[Stage | None, Judgement, float]:
        started = perf_counter()
        if days is not None and not days:
            return None, Judgement(), 0.0
        try:
            staged = stage(self.connection, self.contract, self.source, days, replaces_all)
        except SchemaMismatchError as error:
            return None, mismatch(days, str(error)), perf_counter() - started
        seconds = perf_counter() - started
        judged, made = (days, None) if self.contract.partitioned_by else (None, days)
        judgement = judge_staged(self.connection, self.contract, self.shop, staged.relation, judged, self.unknown, made)
        return staged, judgement, seconds

    def _hold_torn_days(
        self,
        staged: Stage | None,
        judgement: Judgement,
        refusals: dict[date | None, str],
        delivered: list[date],
        missing: list[date],
    ) -> set[date]:
        """Refuse days that share a moved row with a day that is not swapped, until none is left; those held."""
        held: set[date] = set()
        if staged is None or self.contract.layer != "clean" or not moved.can_move(self.contract):
            return held
        unsettled = unsettled_days(self.connection, self.contract.name)
        while True:
            swapped = [day for day in (*delivered, *missing) if day not in refusals]
            torn = moved.torn_days(
                self.connection,
                self.contract,
                target(self.contract),
                staged.relation,
                swapped,
                [day for day in delivered if day in refusals],
                sorted(set(unsettled) - set(swapped)),
            )
            if not torn:
                break
            for day, other in torn.items():
                found = f"shares a corrected row with {other}, which was not accepted"
                refusals[day] = f"{KEY_CHECK}: {found}"
                judgement.hold(Verdict(KEY_CHECK, day, False, "error", found, True))
            held |= torn.keys()
        return held

    def _complete(self, staged: Stage, refused: list[date], kept: Iterable[date | None]) -> None:
        """In what will be the table, put the standing rows of refused days in the place of the refused ones.

        Not in the transaction that renames it: after a crash DuckDB 1.5 replays a delete under the name that the
        table has at commit, so that the deleted rows came back (found by killing the writer).
        """
        self._delete_days(staged.relation, refused)
        days = [day for day in kept if day]
        if days:
            standing = f"select * from {target(self.contract)} where business_date in (select unnest($days::date[]))"
            rows(self.connection, f"insert into {staged.relation} by name {standing}", {"days": days})

    def _swap_days(self, staged: Stage, accepted: list[date], missing: list[date], all_accepted: bool) -> None:
        if staged.replaces_all:
            self._rename(staged)
            return
        table = target(self.contract)
        self._delete_days(table, [*accepted, *missing])
        sql = f"insert into {table} by name select * from {staged.relation}"
        if all_accepted:
            rows(self.connection, sql)
        else:
            bound = {"days": accepted}
            rows(self.connection, f"{sql} where business_date in (select unnest($days::date[]))", bound)

    def _delete_days(self, table: str, days: list[date]) -> None:
        if days:
            sql = f"delete from {table} where business_date between $first and $last"
            bound: dict[str, Any] = {"first": min(days), "last": max(days)}
            if (max(days) - min(days)).days + 1 != len(days):
                sql, bound = f"{sql} and business_date in (select unnest($days::date[]))", {**bound, "days": days}
            rows(self.connection, sql, bound)

    def _rename(self, staged: Stage) -> None:
        rows(self.connection, "drop view if exists temp.main._staged")
        rows(self.connection, f"drop table {target(self.contract)}")
        rows(self.connection, f"alter table {staged.relation} rename to {records.quoted(self.contract.name)}")

    def _forget(self, staged: Stage | None) -> None:
        if staged:
            unstage(self.connection, staged)
        if isinstance(self.source, pd.DataFrame):
            self.connection.unregister("_frame")

    def _restatements(self, staged: Stage, before: DayRecord) -> list[Restatement]:
        if not (self.contract.tracks_restatements and before.stands):
            return []
        return restate.restatements(
            self.connection,
            self.contract,
            target(self.contract),
            staged.relation,
            before.written_at,
            self._is_same_code(),
        )

    def _is_same_code(self) -> bool:
        """Whether the standing rows of a whole table were made by the same code."""
        sql = "select arg_max(code_version, finished_at) from lineage.materializations where asset = ?"
        return bool(value(self.connection, sql, [self.contract.asset]) == self.recorder.code_version)

    def _made_days(self) -> MadeDays | None:
        if not is_made_by_day(self.contract, self.source):
            return None
        return MadeDays.of(self.connection, self.contract.asset, self.recorder.reads)
