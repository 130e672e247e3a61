"""Whole tables that are made day by day: which of their days are to be made anew, and what the others hold.

To everyone else such a table is whole: it is accepted or refused as one. But its SELECT names `$from_day` and
`$to_day`, which are null where all of it is wanted, and makes the rows of a day from rows of the same day alone. So a
day of which no input changed would read as before, and a refresh costs what changed and not the history.

Here too stands what the days of other tables hold that are published by the month; of these nothing is made by day.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ecom_assets.contracts import Contract
from ecom_assets.warehouse import records
from ecom_assets.warehouse.connection import Connection, literal, rows, table_name
from ecom_assets.warehouse.judging import Judgement
from ecom_assets.warehouse.stage import is_for_days


def is_made_by_day(contract: Contract, source: Any) -> bool:
    """Whether the days of a whole table can be made, and judged, apart from each other.

    Not where a verdict is on all days together (a share of references, a least number of rows), nor where the whole is
    compared with what stood before.
    """
    if contract.partitioned_by or "business_date" not in contract.key or not is_for_days(source):
        return False
    return not (contract.references or contract.min_rows or contract.tracks_restatements)


@dataclass(frozen=True)
class MadeDays:
    """The days of one table: `inputs` tells of each what it would be made of now.

    `known` tells what it was made of when it was last written, its rows and their content hash.
    """

    connection: Connection
    asset: str
    inputs: dict[date, str]
    known: dict[date, tuple[str, int, int]]

    @classmethod
    def of(cls, connection: Connection, asset: str, reads: frozenset[str]) -> "MadeDays":
        """What there is to know of the table `asset` that is made of `reads`, each of which has a business_date."""
        sql = "select business_date, made_of, row_count, content_hash from lineage.made_days where asset = ?"
        known = {row[0]: row[1:] for row in rows(connection, sql, [asset])}
        return cls(connection, asset, _inputs(connection, reads), known)

    def to_make(self) -> list[date]:
        """All days from the first that changed to the last; none where that is most of the table, or nothing."""
        changed = {day for day in self.inputs.keys() | self.known.keys() if self._made_of(day) != self.inputs.get(day)}
        if not changed:
            return []
        first, count = min(changed), (max(changed) - min(changed)).days + 1
        return [first + timedelta(days=number) for number in range(count)] if 2 * count < len(self.known) else []

    def complete(self, judgement: Judgement, made: list[date]) -> None:
        """Add the days that were not made anew to what is said of those that were."""
        for day, (_, row_count, content_hash) in self.known.items():
            if not made[0] <= day <= made[-1]:
                judgement.row_counts[day], judgement.hashes[day] = row_count, content_hash
                judgement.row_counts[None] += row_count
                judgement.hashes[None] += content_hash

    def record(self, judgement: Judgement, made: list[date]) -> None:
        """Keep what the days were made of and hold: of those made anew, of all where none is named.

        A day that stands with a warning is kept as made of nothing, so that it is made and warned of again.
        """
        warned = {each.business_date for each in judgement.verdicts if not each.passed}
        days = made or sorted({*self.inputs, *self.known})
        sql = "delete from lineage.made_days where asset = $asset and business_date between $first and $last"
        if days:
            rows(self.connection, sql, {"asset": self.asset, "first": days[0], "last": days[-1]})
        values = [
            (
                self.asset,
                day,
                "" if day in warned else made_of,
                judgement.row_counts.get(day, 0),
                judgement.hashes.get(day, 0),
            )
            for day, made_of in self.inputs.items()
            if days[0] <= day <= days[-1]
        ]
        records.insert(self.connection, "made_days", values)

    def _made_of(self, day: date) -> str | None:
        return self.known[day][0] if day in self.known else None


def keep_held(connection: Connection, asset: str, judgement: Judgement) -> None:
    """Keep what each day of a table holds that is made as a whole: its publication need not read the rows again."""
    rows(connection, "delete from lineage.made_days where asset = $asset", {"asset": asset})
    held = [(asset, day, "", judgement.row_counts[day], each) for day, each in judgement.hashes.items() if day]
    records.insert(connection, "made_days", held)


def _inputs(connection: Connection, reads: frozenset[str]) -> dict[date, str]:
    """For each day a hash of all rows of that day in the tables `reads`."""
    bound = {"reads": sorted(reads)}
    recorded = """select asset, business_date, content_hash from lineage.days
        where asset in (select unnest($reads::varchar[])) and business_date is not null and content_hash is not null"""
    by_day = {row[0] for row in rows(connection, f"select distinct asset from ({recorded})", bound)}
    held = [recorded] + [
        f"select {literal(asset)}, business_date, sum(hash(_held)) from {table_name(asset)} as _held group by all"
        for asset in sorted(reads - by_day)
    ]
    sql = f"""select business_date, sum(hash(asset, content_hash))::varchar from ({" union all ".join(held)})
        group by business_date"""
    return dict(rows(connection, sql, bound))
