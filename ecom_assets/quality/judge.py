"""Great Expectations on the profile of a table: one verdict for each check and day.

The suite is made from the contract's checks. Great Expectations takes seconds to import, so that happens when
the first table is judged, and one ephemeral context serves the whole process.
"""

import logging
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from ecom_assets.contracts import Contract
from ecom_assets.quality.checks import VOLUME_CHECK, Check, Severity, checks

if TYPE_CHECKING:  # definitions load this module for the names of checks, and need no pandas for that
    import pandas as pd

_RESULT_FORMAT = {"result_format": "COMPLETE"}


@dataclass(frozen=True)
class Verdict:
    """What one check said of one day (`business_date` is None for a whole table)."""

    check_name: str
    business_date: date | None
    passed: bool
    severity: Severity
    found: str
    blocking: bool

    @property
    def refuses(self) -> bool:
        """Whether it keeps its day out."""
        return self.blocking and not self.passed


def judge(contract: Contract, profile: "pd.DataFrame") -> list[Verdict]:
    """Verdicts of every check that has a measure, for every row of the profile.

    Of a whole table that has days, those of its total and of the days that fail a check: it is judged every morning
    from its first day on, and four years of days that pass say nothing.
    A measure that is missing, null or cannot be evaluated fails its check; a profile without a row fails them all.

    Args:
        contract: the table's contract.
        profile: rows of `profile_sql`, with business_date as `datetime.date` or None.
    """
    import pandas as pd

    judged = [check for check in checks(contract) if check.measure]
    if profile.empty:
        return [_verdict(check, None, False, "nothing was measured") for check in judged]
    profile = profile.reset_index(drop=True)
    failures = _failures(judged, profile)
    days = [None if pd.isna(day) else day for day in profile["business_date"]]
    total = {row for row, day in enumerate(days) if day is None}
    verdicts = []
    for check in judged:
        failing, problem = failures[check.name]
        told = range(len(days)) if contract.partitioned_by else sorted(failing | total)
        verdicts += [
            _verdict(check, days[row], row not in failing, problem or _found(check, profile, row)) for row in told
        ]
    return verdicts


def _verdict(check: Check, day: date | None, passed: bool, found: str) -> Verdict:
    return Verdict(check.name, day, passed, check.severity, found, check.blocking)


def _found(check: Check, profile: "pd.DataFrame", row: int) -> str:
    import pandas as pd

    if check.measure not in profile:
        return f"could not be judged: the profile has no {check.measure}"
    value: Any = profile.at[row, check.measure]
    if value is None or pd.isna(value):
        return "could not be measured"
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if check.measure.startswith("gap_") and value == 0 and profile.at[row, "row_count"] == 0:
        return "the table has no rows to compare"
    words = check.finding.format(value=value)
    has_usual = check.name == VOLUME_CHECK and "usual_row_count" in profile
    usual: Any = profile.at[row, "usual_row_count"] if has_usual else None
    if usual is not None and not pd.isna(usual):
        count: Any = profile.at[row, "row_count"]
        return f"{count:.0f} rows, usually about {usual:.0f}"
    return words


def _failures(judged: list[Check], profile: "pd.DataFrame") -> dict[str, tuple[set[int], str]]:
    """For each check the rows that fail it, and what went wrong where it could not be judged at all."""
    failures: dict[str, tuple[set[int], str]] = {check.name: (set(), "") for check in judged}
    rows = len(profile)
    measurements = _measurements(judged, profile)
    # Nearly all of the measures are the same few numbers, and what is equal is judged equally: once.
    distinct = measurements.drop_duplicates(ignore_index=True)
    alike = measurements.groupby(["value", "limit"], dropna=False, sort=False).ngroup().to_numpy()
    for evaluated in _validate(distinct).results:
        problem = _exception_of(evaluated)
        failing = set(evaluated.result.get("unexpected_index_list") or ())
        if problem or (not evaluated.success and not failing):
            failing = set(range(len(distinct)))
        for index in _where(alike, failing):
            check, row = judged[index // rows], index % rows
            failing_rows, said = failures[check.name]
            failing_rows.add(row)
            failures[check.name] = (failing_rows, said or problem)
    return failures


def _where(alike: Any, failing: set[int]) -> list[int]:
    """Places whose number is among the failing ones."""
    import numpy as np

    return np.flatnonzero(np.isin(alike, sorted(failing))).tolist() if failing else []


def _measurements(judged: list[Check], profile: "pd.DataFrame") -> "pd.DataFrame":
    """The profile in long form, check by check and day by day: `value`, NaN where it is missing, and `limit`.

    An expectation costs about ten milliseconds whatever it reads, so a table is judged by four, not by four a check.
    """
    import numpy as np
    import pandas as pd

    unknown = pd.Series(np.nan, index=profile.index)
    values = [pd.to_numeric(profile.get(check.measure, unknown), errors="coerce").astype(float) for check in judged]
    limits = np.repeat([float(check.limit) for check in judged], len(profile))
    return pd.DataFrame({"value": np.concatenate(values), "limit": limits})


def _exception_of(evaluated: Any) -> str:
    """The message of an exception inside an expectation, else nothing; it comes flat or nested by metric."""
    info = evaluated.exception_info or {}
    raised = [info] if "raised_exception" in info else list(info.values())
    messages = [str(each.get("exception_message")) for each in raised if each.get("raised_exception")]
    return f"could not be judged: {messages[0]}" if messages else ""


def _validate(measurements: "pd.DataFrame") -> Any:
    import great_expectations.expectations as expect

    great_expectations, batch_definition = _context()
    # The comparisons pass on no rows and on nulls, so the first two carry the suite.
    expectations = [
        expect.ExpectTableRowCountToBeBetween(min_value=1),
        expect.ExpectColumnValuesToNotBeNull(column="value"),
        expect.ExpectColumnValuesToBeBetween(column="value", min_value=0),
        expect.ExpectColumnPairValuesAToBeGreaterThanB(column_A="limit", column_B="value", or_equal=True),
    ]
    suite = great_expectations.ExpectationSuite(name="profile", expectations=expectations)
    batch = batch_definition.get_batch(batch_parameters={"dataframe": measurements})
    return batch.validate(suite, result_format=_RESULT_FORMAT)


@cache
def _context() -> tuple[Any, Any]:
    import great_expectations

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("profiles").add_dataframe_asset("profile")
    return great_expectations, asset.add_batch_definition_whole_dataframe("profile")
