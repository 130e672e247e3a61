"""The shape of a contract: columns, keys, rules, references. No files and no SQL execution here."""

from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ColumnType = Literal["text", "boolean", "integer", "money", "rate", "double", "date", "timestamp"]
OnBreak = Literal["reject", "repair", "warn"]
Severity = Literal["error", "warn"]

SQL_TYPES: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "money": "DECIMAL(18,4)",  # four places: unit prices below a cent exist in real exports
    "rate": "DECIMAL(18,8)",  # exchange rates and shares that must sum and hash exactly
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",  # naive UTC
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column: its name, type, unit and meaning, and what a broken value does to its row.

    A value that cannot be read, or lies outside `min`..`max`, breaks the column. A broken or missing
    `required` value rejects the row; any other broken value is emptied and the repair is logged.
    A value outside `values` becomes `other`; a missing one becomes `default` where there is one.
    A key column that many sources do not bring says what its value is `made_from` where a row brings none: the
    row's `content` and its ordinal among equal rows of the file, or the file's name (without .gz) and the `line`.
    """

    name: str
    type: ColumnType = "text"
    required: bool = False
    default: str | None = None
    made_from: Literal["content", "line"] | None = None
    values: tuple[str, ...] = ()
    other: str = "other"
    min: float | None = None
    max: float | None = None
    unit: str | None = None
    personal: Literal["drop", "keyed_hash", "band"] | None = None
    description: str
    source_of: str | None = Field(None, description="the closed-set column whose original this keeps")
    converts: bool = Field(False, description="an amount in the row's currency, converted by fx_rate in clean")

    @model_validator(mode="after")
    def _options_fit_together(self) -> "Column":
        if (self.min is not None or self.max is not None) and self.type in ("text", "boolean", "date", "timestamp"):
            raise ValueError(f"min and max go with numbers, not with {self.type}")
        if self.converts and self.type != "money":
            raise ValueError(f"only money is converted, not {self.type}")
        return self

    @property
    def sql_type(self) -> str:
        """DuckDB type of the column in clean, kpi and published tables."""
        return SQL_TYPES[self.type]

    @property
    def must_come(self) -> bool:
        """Whether a row without a value cannot be used, as nothing stands in for it."""
        return self.required and self.default is None and self.made_from is None


class Rule(_Strict):
    """A row rule: `expression` is SQL over the table's columns and holds for a good row (NULL holds)."""

    name: str
    expression: str
    on_break: OnBreak = "warn"
    empties: tuple[str, ...] = ()
    description: str = ""

    @model_validator(mode="after")
    def _repair_needs_columns(self) -> "Rule":
        if (self.on_break == "repair") != bool(self.empties):
            raise ValueError(f"rule {self.name}: 'empties' goes with on_break: repair, and only with it")
        return self


class Reference(_Strict):
    """`columns` of this table should be found in `to_columns` of the clean dataset `to`."""

    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]
    severity: Severity = "warn"
    max_unresolved_rate: float = 0.0

    @model_validator(mode="after")
    def _pairs(self) -> "Reference":
        if len(self.columns) != len(self.to_columns):
            raise ValueError(f"reference to {self.to}: {len(self.columns)} columns against {len(self.to_columns)}")
        return self

    @property
    def name(self) -> str:
        """The fact that holds when the check passes."""
        return f"{'_and_'.join(self.columns)}_found_in_{self.to}"


class Reconciliation(_Strict):
    """`query` yields (business_date, gap) over the staged rows (`_staged`) and other tables; gap is absolute.

    `finding` words a gap for whoever asks why a day was refused.
    """

    name: str
    query: str
    tolerance: float = 0.0
    description: str = ""
    finding: str = "a gap of {value}"


class Contract(_Strict):
    """What one table must look like. `name` is its table, `layer` its schema ("clean" for datasets).

    `profile_days` bounds the table's profile to its last days, so that profiling an event log costs no more in
    its fourth year than in its first; without it the profile looks at every row. Readers get a table that is
    published as `daily_files` (or `monthly_files`) as a view over one immutable file a day (or month), so that
    publishing it costs what changed.
    """

    name: str
    layer: str
    domain: Literal["sales", "behaviour", "reliability", "support", "customers"]
    owner: Literal["team:growth", "team:ux", "team:it", "team:support"]
    grain: str
    description: str = ""
    key: tuple[str, ...]
    partitioned_by: str | None = None
    min_rows: int = 0
    max_quarantined_rate: float = 0.2
    profile_days: int | None = None
    published_as: Literal["table", "daily_files", "monthly_files"] = "table"
    tracks_restatements: bool = False
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    reconciliations: tuple[Reconciliation, ...] = ()

    @model_validator(mode="after")
    def _names_exist(self) -> "Contract":
        known = {column.name for column in self.columns}
        named = [*self.key, *([self.partitioned_by] if self.partitioned_by else [])]
        named += [name for rule in self.rules for name in rule.empties]
        named += [name for reference in self.references for name in reference.columns]
        unknown = sorted({name for name in named if name not in known})
        if unknown:
            raise ValueError(f"{self.layer}.{self.name}: not among its columns: {', '.join(unknown)}")
        if self.published_as != "table" and not (self.partitioned_by or "business_date" in known):
            told = f"published_as: {self.published_as}"
            raise ValueError(f"{self.layer}.{self.name}: {told} goes with rows of a business_date")
        return self

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by their name."""
        return {column.name: column for column in self.columns}

    @property
    def asset(self) -> str:
        """The asset key as text, such as 'clean/orders'."""
        return f"{self.layer}/{self.name}"

    @property
    def keys_can_move(self) -> bool:
        """Whether a key can turn up on another business date: not where the date is part of the key."""
        return self.partitioned_by is not None and self.partitioned_by not in self.key

    @property
    def input_columns(self) -> tuple[Column, ...]:
        """Columns that a file can bring: all but those that keep a replaced original."""
        return tuple(column for column in self.columns if column.source_of is None)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns without which a row is rejected: keys, business time, money."""
        return tuple(column.name for column in self.columns if column.required)
