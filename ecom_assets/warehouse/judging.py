"""From staged rows to verdicts: sets up what the profile reads besides them, measures once, and judges."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from ecom_assets.contracts import Contract
from ecom_assets.quality import SCHEMA_CHECK, Verdict, judge, profile_sql
from ecom_assets.quality.checks import ARRIVAL_CHECK, QUARANTINE_CHECK
from ecom_assets.settings import Shop
from ecom_assets.warehouse.connection import Connection, rows
from ecom_assets.warehouse.days import commonest_faults, quarantined_rates


@dataclass
class Judgement:
    """Verdicts on staged rows, with each day's row count and content hash (None: the whole table)."""

    verdicts: list[Verdict] = field(default_factory=list)
    row_counts: dict[date | None, int] = field(default_factory=dict)
    hashes: dict[date | None, int] = field(default_factory=dict)

    def hold(self, verdict: Verdict) -> None:
        """Put `verdict` in the place of what the same check said of the same day."""
        same = (verdict.check_name, verdict.business_date)
        self.verdicts = [each for each in self.verdicts if (each.check_name, each.business_date) != same] + [verdict]

    def refusals(self) -> dict[date | None, str]:
        """For each day that a blocking check keeps out, the checks that do and what they found."""
        reasons: dict[date | None, str] = {}
        for each in self.verdicts:
            if each.refuses:
                said = f"{each.check_name}: {each.found}"
                reasons[each.business_date] = "; ".join(filter(None, [reasons.get(each.business_date), said]))
        return reasons


def judge_staged(
    connection: Connection,
    contract: Contract,
    shop: Shop,
    staged: str,
    days: Sequence[date] | None,
    unknown: Collection[str],
    made: Sequence[date] | None = None,
) -> Judgement:
    """Measure the staged rows in one statement and judge them.

    Args:
        connection: the warehouse.
        contract: the table's.
        shop: for its closed days.
        staged: the staged rows.
        days: those to judge of a partitioned table, None for a whole one.
        unknown: datasets that the shop does not have.
        made: of a whole table, the run of days that the staged rows are of; by default they are all of it.
    """
    rates = quarantined_rates(connection, contract.name) if contract.layer == "clean" else {}
    judged: list[tuple[date | None, float, bool]] = [(None, rates.get(None, 0.0), True)]
    if days is not None:
        judged = [(day, rates.get(day, 0.0), not shop.is_closed(day)) for day in days]
    bound = {key: [each[at] for each in judged] for at, key in enumerate(("days", "rates", "open"))}
    rows(
        connection,
        "create or replace temp table _judged as select unnest($days::date[]) as business_date, "
        "unnest($rates::double[]) as quarantined_rate, unnest($open::boolean[]) as is_open",
        bound,
    )
    rows(
        connection,
        "create or replace temp table _accepted as select business_date, row_count from lineage.days "
        "where asset = $asset and business_date is not null and content_hash is not null",
        {"asset": contract.asset},
    )
    # As a frame, in which decimals and huge integers are floats; years of days as Python objects would take longer.
    profile = connection.execute(profile_sql(contract, staged, unknown, made)).df()
    found = [None if pd.isna(day) else day.date() for day in profile["business_date"]]
    profile["business_date"] = pd.Series(found, dtype=object)
    verdicts = _with_reasons(connection, contract, judge(contract, profile))
    return Judgement(
        [*_schema_verdicts([None] if days is None else found, True, "as in the contract"), *verdicts],
        dict(zip(found, map(int, profile["row_count"]), strict=True)),
        dict(zip(found, map(int, profile["content_hash"]), strict=True)),
    )


def _with_reasons(connection: Connection, contract: Contract, verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts, in which one on too many rows in quarantine says what is wrong with most of them."""
    if all(each.passed for each in verdicts if each.check_name == QUARANTINE_CHECK):
        return verdicts
    faults = commonest_faults(connection, contract)
    return [
        replace(each, found=f"{each.found}; mostly {faults[each.business_date]}")
        if each.check_name == QUARANTINE_CHECK and not each.passed and each.business_date in faults
        else each
        for each in verdicts
    ]


def mismatch(days: Sequence[date] | None, found: str) -> Judgement:
    """The judgement where the columns are not those of the contract: nothing else was looked at."""
    return Judgement(_schema_verdicts([None] if days is None else list(days), False, found))


def _schema_verdicts(days: Sequence[date | None], passed: bool, found: str) -> list[Verdict]:
    return [Verdict(SCHEMA_CHECK, day, passed, "error", found, True) for day in days]


def missing_verdicts(shop: Shop, days: Sequence[date]) -> list[Verdict]:
    """A warning for each day of trading of which no file holds anything."""
    return [
        Verdict(ARRIVAL_CHECK, day, False, "warn", "no file holds this day", False)
        for day in days
        if not shop.is_closed(day)
    ]
