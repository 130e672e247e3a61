"""The checks of a table, made from its contract: names, severity and limits. Imports no judge and runs no SQL."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from ecom_assets.contracts import Column, Contract, Reference, Rule

SCHEMA_CHECK = "columns_match_contract"
KEY_CHECK = "key_is_unique"
ARRIVAL_CHECK = "rows_arrived"
VOLUME_CHECK = "row_count_is_usual"
QUARANTINE_CHECK = "quarantined_share_is_low"

Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Check:
    """One fact about a table: it holds for a day when 0 <= the profile's `measure` <= `limit`.

    `name` states the fact. Only a blocking check keeps a day out. `finding` words a measured value, such as
    "{value} rows share their key"; `measure` is empty for the one check that is made before rows are read.
    """

    name: str
    severity: Severity
    description: str
    measure: str = ""
    limit: float = 0.0
    finding: str = "{value}"

    @property
    def blocking(self) -> bool:
        """Whether a day that fails it is refused."""
        return self.severity == "error"


@cache
def checks(contract: Contract) -> tuple[Check, ...]:
    """Every check of the table, the blocking ones first.

    Raises:
        ValueError: where two facts of the contract carry the same name.
    """
    found = [
        Check(SCHEMA_CHECK, "error", "Columns and their types are those of the contract."),
        *_size_checks(contract),
        *(check for column in contract.columns for check in _column_checks(contract, column)),
        *(_rule_check(rule) for rule in contract.rules),
        *(reference_check(reference) for reference in contract.references),
        *(
            Check(each.name, "error", each.description, f"gap_{each.name}", each.tolerance, each.finding)
            for each in contract.reconciliations
        ),
        *_volume_checks(contract),
    ]
    names = [check.name for check in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{contract.asset}: more than one check is named {', '.join(twice)}; rename the rule")
    return tuple(sorted(found, key=lambda check: not check.blocking))


def _size_checks(contract: Contract) -> list[Check]:
    return [
        Check(
            "rows_reach_the_minimum",
            "error",
            f"There are at least {contract.min_rows} rows{' a day' if contract.partitioned_by else ''}.",
            "rows_missing",
            finding="{value} rows fewer than the minimum",
        ),
        Check(
            KEY_CHECK,
            "error",
            f"No two rows share {', '.join(contract.key)}.",
            "rows_sharing_a_key",
            finding="{value} rows share their key",
        ),
    ]


def _column_checks(contract: Contract, column: Column) -> list[Check]:
    name, found = column.name, []
    if column.required or name in contract.key:
        found.append(
            Check(f"{name}_is_present", "error", f"Every row has {name}.", f"null_{name}", 0, "{value} rows without it")
        )
    if column.min is not None or column.max is not None:
        low = "-∞" if column.min is None else f"{column.min:g}"
        high = "∞" if column.max is None else f"{column.max:g}"
        meaning = f"{name} lies in {low} … {high} where it is given."
        found.append(
            Check(f"{name}_is_in_range", "error", meaning, f"outside_range_{name}", 0, "{value} rows outside the range")
        )
    if column.values:
        meaning = f"{name} is one of {', '.join(allowed_values(column))} where it is given."
        found.append(
            Check(f"{name}_is_in_its_set", "error", meaning, f"outside_set_{name}", 0, "{value} rows outside the set")
        )
    return found


def allowed_values(column: Column) -> tuple[str, ...]:
    """The values that a closed-set column may hold, with those that stand for unknown ones."""
    also = [column.other, *([column.default] if column.default is not None else [])]
    return (*column.values, *(value for value in dict.fromkeys(also) if value not in column.values))


def _rule_check(rule: Rule) -> Check:
    # Rows that break a rejecting or repairing rule were dealt with when they were loaded: one left is a fault.
    severity: Severity = "warn" if rule.on_break == "warn" else "error"
    meaning = rule.description or f"{rule.expression} holds where both sides are known."
    return Check(rule.name, severity, meaning, f"broken_{rule.name}", 0, "{value} rows break it")


def reference_check(reference: Reference) -> Check:
    """The check that a reference is: the share of rows whose reference is not found stays below its limit."""
    meaning = f"At most {reference.max_unresolved_rate:.1%} of rows refer to something not in {reference.to}."
    measure = f"unresolved_rate_{reference.name}"
    finding = "{value:.2%} of rows not found"
    return Check(reference.name, reference.severity, meaning, measure, reference.max_unresolved_rate, finding)


def _volume_checks(contract: Contract) -> list[Check]:
    found = []
    if contract.layer == "clean":
        meaning = f"At most {contract.max_quarantined_rate:.0%} of the rows that came in are in quarantine."
        finding = "{value:.1%} of rows quarantined"
        limit = contract.max_quarantined_rate
        found.append(Check(QUARANTINE_CHECK, "error", meaning, "quarantined_rate", limit, finding))
    if contract.partitioned_by:
        found += [
            Check(ARRIVAL_CHECK, "warn", "A day of trading has rows.", "is_empty", 0, "no rows on a day of trading"),
            Check(
                VOLUME_CHECK,
                "warn",
                "The number of rows lies between a third and three times the median of the 28 days before.",
                "rows_beyond_usual",
                finding="{value:.0f} rows beyond the usual range",
            ),
        ]
    return found
