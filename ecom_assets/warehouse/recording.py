"""What a write leaves in lineage: days, verdicts, materializations, restatements. Runs in the data's transaction."""

from dataclasses import dataclass
from datetime import date, datetime

from ecom_assets.contracts import Contract
from ecom_assets.quality import Verdict
from ecom_assets.warehouse import records, restate
from ecom_assets.warehouse.connection import Connection, rows
from ecom_assets.warehouse.days import fingerprints
from ecom_assets.warehouse.judging import Judgement
from ecom_assets.warehouse.outcome import Restatement
from ecom_assets.warehouse.records import DayRecord


@dataclass(frozen=True)
class Recorder:
    """Records one write of one table by one run, and knows what was recorded of the writes before."""

    connection: Connection
    contract: Contract
    reads: frozenset[str]
    run_id: str
    code_version: str
    started_at: datetime

    def is_current(self) -> bool:
        """Whether the whole table stands as it would be written now: accepted, by this code, from these inputs."""
        standing = records.read_days(self.connection, self.contract.asset).get(None)
        if standing is None or standing.state != "accepted":
            return False
        sql = """select code_version, input_versions from lineage.materializations
            where asset = ? order by finished_at desc limit 1"""
        ((code_version, versions),) = rows(self.connection, sql, [self.contract.asset])
        is_clean = self.contract.layer == "clean"
        prints = fingerprints(self.connection, self.contract, self.reads) if is_clean else {}
        return code_version == self.code_version and dict(versions) == self._input_versions(prints.get(None))

    def days(
        self,
        judgement: Judgement,
        accepted: list[date],
        missing: list[date],
        refusals: dict[date | None, str],
        held: set[date],
        before: dict[date | None, DayRecord],
        prints: dict[date | None, str],
        verdicts: list[Verdict],
    ) -> None:
        """Record days of a partitioned table.

        Args:
            judgement: row counts and hashes of the staged days.
            accepted: days that are swapped in.
            missing: days that are emptied, since nothing was delivered.
            refusals: days that keep what stands, with the reason.
            held: those of them that were refused only for the sake of another day.
            before: what was known of each day.
            prints: what was delivered for each day.
            verdicts: on every day, to be kept with the hash of the rows that they judged.
        """
        at, asset = records.now(), self.contract.asset
        known = [
            DayRecord(
                day, "accepted", False, prints[day], None, self.run_id, at, judgement.row_counts[day],
                judgement.hashes[day], day, at,
            )
            for day in accepted
        ]  # fmt: skip
        known += [
            DayRecord(day, "missing", reason="nothing delivered", run_id=self.run_id, evaluated_at=at)
            for day in missing
        ]
        for day, reason in refusals.items():
            if day is not None:
                standing = before.get(day, DayRecord(day, "new"))
                known.append(standing.refused(prints.get(day), reason, self.run_id, at, day in held))
        records.write_days(self.connection, asset, known)
        records.record_verdicts(self.connection, asset, verdicts, judgement.hashes, self.run_id, at)
        versions = {} if self.contract.layer == "clean" else self._input_versions()
        self._materialized(
            [
                (day, judgement.row_counts[day], judgement.hashes[day], self._versions_of_day(day, prints, versions))
                for day in accepted
            ],
            at,
        )

    def _materialized(self, written: list[tuple[date | None, int, int, dict[str, str]]], at: datetime) -> None:
        """Append one row for each day written (None: the whole table)."""
        head, tail = self.contract.asset, (self.code_version, self.started_at, at)
        found = [(head, day, day, self.run_id, *standing, *tail) for day, *standing in written]
        records.insert(self.connection, "materializations", found)

    def _versions_of_day(self, day: date, prints: dict[date | None, str], versions: dict[str, str]) -> dict[str, str]:
        if self.contract.layer == "clean":
            return {f"raw/{self.contract.name}": prints[day]}
        return {**versions, "days": prints[day]}

    def whole(
        self,
        judgement: Judgement,
        refusals: dict[date | None, str],
        before: DayRecord,
        restated: list[Restatement],
    ) -> None:
        """Record a whole table: what now stands, or why the new rows were refused."""
        at, asset = records.now(), self.contract.asset
        prints = fingerprints(self.connection, self.contract, self.reads) if self.contract.layer == "clean" else {}
        records.record_verdicts(self.connection, asset, judgement.verdicts, judgement.hashes, self.run_id, at)
        if refusals:
            named = [f"{day}: {said}" if day else said for day, said in sorted(refusals.items(), key=str)]
            known = before.refused(prints.get(None), "; ".join(named[:5]), self.run_id, at)
            records.write_days(self.connection, asset, [known])
            return
        count, content_hash = judgement.row_counts[None], judgement.hashes[None]
        newest = max((day for day, number in judgement.row_counts.items() if day and number), default=None)
        known = DayRecord(
            None, "accepted", False, prints.get(None), None, self.run_id, at, count, content_hash, newest, at
        )
        records.write_days(self.connection, asset, [known])
        restate.record(self.connection, asset, restated, self.run_id, at)
        self._materialized([(None, count, content_hash, self._input_versions(prints.get(None)))], at)

    def _input_versions(self, fingerprint: str | None = None) -> dict[str, str]:
        """What stands in each table that was read; for a whole clean table, what was delivered."""
        if self.contract.layer == "clean":
            return {f"raw/{self.contract.name}": fingerprint or ""}
        # With the day: a day that was accepted with no rows, or a row that moved to another one, changes what is read.
        # And with refused days that have none: whether a day is told at all depends on those too.
        sql = """select asset, sum(hash(business_date, content_hash))::varchar from lineage.days
            where asset in (select unnest($reads::varchar[])) and (content_hash is not null or state = 'refused')
            group by asset"""
        return dict(rows(self.connection, sql, {"reads": sorted(self.reads)}))
