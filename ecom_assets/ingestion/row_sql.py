"""What a contract makes of a row of texts, as SQL: typed values, and what is wrong with them.

The same SELECT serves the load (which rows can be used?) and the clean table (what are their values?), so
that the two never disagree. Runs nothing.
"""

from dataclasses import dataclass

from ecom_assets.contracts import Column, Contract, Rule
from ecom_assets.ingestion.values import has_zone_sql, literal, parsed_sql, quoted, settled_moment_sql, trimmed_sql
from ecom_assets.ingestion.zones import local_from_utc_sql, utc_from_local_sql
from ecom_assets.settings import Shop


@dataclass(frozen=True)
class RowSql:
    """SQL over one dataset's rows of texts."""

    contract: Contract
    shop: Shop

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns that a file can bring."""
        return self.contract.input_columns

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rules that decide about a row at load; the others only warn."""
        return tuple(rule for rule in self.contract.rules if rule.on_break != "warn")

    @property
    def converts(self) -> tuple[Column, ...]:
        """Amounts in the row's currency."""
        return tuple(column for column in self.columns if column.converts)

    def select(self, relation: str, carried: tuple[str, ...] = ()) -> str:
        """A SELECT over `relation`, whose columns are the contract's input columns as text.

        Gives the `carried` columns; for each column x: `_text_x` as it came, `x` typed with repairs of the
        value itself and defaults applied, `_is_unreadable_x`, `_is_outside_x`; for each rule r that rejects
        or repairs `_breaks_r`; `_is_foreign` (another currency than the shop's), `_event_at` (UTC) and
        `_local_date` of the partition column.
        """
        carry = [quoted(name) for name in carried]
        texts = [quoted(f"_text_{column.name}") for column in self.columns]
        flags = [quoted(f"_{flag}_{c.name}") for c in self.columns for flag in ("is_unreadable", "is_outside")]
        names = [quoted(column.name) for column in self.columns]
        dated = ["_zoned_event", "_naive_event"]
        layers = [
            ("_parsed", [*carry, *self._parsed()], relation),
            ("_settled", [*carry, *texts, *self._settled()], "_parsed"),
            ("_typed", [*carry, *texts, *self._typed()], "_settled"),
            ("_checked", [*carry, *texts, *names, *dated, *self._flags()], "_typed"),
            ("_valued", [*carry, *texts, *flags, *dated, *self._event_columns(), *self._values()], "_checked"),
        ]
        steps = ",\n".join(f"{name} as (select {', '.join(what)} from {source})" for name, what, source in layers)
        last = [*carry, *texts, *flags, *names, "_event_at", self._local_date(), self._foreign(), *self._broken_rules()]
        return f"with {steps}\nselect {', '.join(last)} from _valued"

    def _parsed(self) -> list[str]:
        parts = []
        for column in self.columns:
            name = quoted(column.name)
            parts += [f"{name} as {quoted(f'_text_{column.name}')}", f"{parsed_sql(column, name)} as {name}"]
            if column.type in ("timestamp", "date"):
                parts.append(f"{has_zone_sql(name)} as {quoted(f'_zoned_{column.name}')}")
        return parts

    def _settled(self) -> list[str]:
        parts = []
        for column in self.columns:
            name = quoted(column.name)
            if column.type in ("timestamp", "date"):
                settled = settled_moment_sql(name, quoted(f"_text_{column.name}"))
                parts += [f"{settled} as {name}", quoted(f"_zoned_{column.name}")]
            else:
                parts.append(name)
        return parts

    def _typed(self) -> list[str]:
        parts = []
        for column in self.columns:
            name, zoned = quoted(column.name), quoted(f"_zoned_{column.name}")
            if column.type == "timestamp":
                utc = utc_from_local_sql(name, self.shop.time_zone, self.shop.first_day.year)
                parts.append(f"{name if utc == name else f'case when {zoned} then {name} else {utc} end'} as {name}")
            elif column.type == "date":
                local = local_from_utc_sql(name, self.shop.time_zone, self.shop.first_day.year)
                day = name if local == name else f"case when {zoned} then {local} else {name} end"
                parts.append(f"cast({day} as date) as {name}")
            else:
                parts.append(name)
        event = self.contract.partitioned_by
        naive = quoted(event) if event else "null::timestamp"
        zoned = quoted(f"_zoned_{event}") if event else "false"
        return [*parts, f"{zoned} as _zoned_event", f"{naive} as _naive_event"]

    def _flags(self) -> list[str]:
        parts = []
        for column in self.columns:
            name, text = quoted(column.name), trimmed_sql(quoted(f"_text_{column.name}"))
            unreadable = "false" if column.type == "text" else f"case when {name} is null then {text} is not null end"
            bounds = [f"{name} < {column.min:.15g}"] if column.min is not None else []
            bounds += [f"{name} > {column.max:.15g}"] if column.max is not None else []
            outside = f"coalesce({' or '.join(bounds)}, false)" if bounds else "false"
            unreadable = f"coalesce({unreadable}, false)" if column.type != "text" else unreadable
            parts += [f"{unreadable} as {quoted(f'_is_unreadable_{column.name}')}"]
            parts += [f"{outside} as {quoted(f'_is_outside_{column.name}')}"]
        return parts

    def _values(self) -> list[str]:
        return [f"{self.value_sql(column)} as {quoted(column.name)}" for column in self.columns]

    def value_sql(self, column: Column) -> str:
        """The column's value once it is typed: a broken one emptied, a member of its closed set, or its default."""
        value = quoted(column.name)
        if column.min is not None or column.max is not None:
            value = f"case when {quoted(f'_is_outside_{column.name}')} then null else {value} end"
        if column.values:
            value = closed_set_sql(column, value)
        if column.default is None:
            return value
        return f"coalesce({value}, cast({literal(column.default)} as {column.sql_type}))"

    def _event_columns(self) -> list[str]:
        event = self.contract.partitioned_by
        return [f"{f'cast({quoted(event)} as timestamp)' if event else 'null::timestamp'} as _event_at"]

    def _local_date(self) -> str:
        event = self.contract.partitioned_by
        if event is None:
            return "null::date as _local_date"
        if self.contract.by_name[event].type == "date":
            return "cast(_naive_event as date) as _local_date"
        local = local_from_utc_sql("_event_at", self.shop.time_zone, self.shop.first_day.year)
        return f"cast(case when _zoned_event then {local} else _naive_event end as date) as _local_date"

    def _foreign(self) -> str:
        currency = f"upper({quoted('currency')})" if self.converts else "null"
        return f"coalesce({currency} <> {literal(self.shop.currency)}, false) as _is_foreign"

    def _broken_rules(self) -> list[str]:
        return [f"coalesce(not ({rule.expression}), false) as {quoted(f'_breaks_{rule.name}')}" for rule in self.rules]

    def no_rate_sql(self, column: Column) -> str:
        """Whether an amount is in another currency and nothing says what it is worth; zero is zero in any."""
        return f"(_is_foreign and {quoted(column.name)} <> 0 and not coalesce(fx_rate > 0, false))"

    def suspect_sql(self) -> str:
        """Whether anything about a row of `select` is to be rejected or repaired."""
        parts = []
        for column in self.columns:
            if column.type != "text":
                parts.append(quoted(f"_is_unreadable_{column.name}"))
            if column.min is not None or column.max is not None:
                parts.append(quoted(f"_is_outside_{column.name}"))
            if column.must_come:
                parts.append(f"{quoted(column.name)} is null")
        parts += [quoted(f"_breaks_{rule.name}") for rule in self.rules]
        if self.converts:
            parts += [self.no_rate_sql(column) for column in self.converts]
        return " or ".join(parts) or "false"


def closed_set_sql(column: Column, text: str) -> str:
    """The member of the column's closed set that `text` names, case and separators aside; else `other`."""
    plain = plain_sql(text)
    return (
        f"case when {text} is null or {is_member_sql(column, text)} then {text}"
        f" when {is_member_sql(column, plain)} then {plain} else {literal(column.other)} end"
    )


def is_member_sql(column: Column, text: str) -> str:
    """Whether the text is in the column's closed set; of a long IN the engine makes a join that drags the row along."""
    return f"list_contains([{', '.join(literal(value) for value in column.values)}], {text})"


def plain_sql(text: str) -> str:
    """A category in the way that the contracts write them: 'Paid Search' is paid_search."""
    return f"replace(replace(lower({text}), ' ', '_'), '-', '_')"
