"""What a contract makes of a row of texts, as SQL: typed values, and what is wrong with them.

The same SELECT serves the load (which rows can be used?) and the clean table (what are their values?), so
that the two never disagree. Runs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ecom_assets.contracts import Column, Contract, Rule
from ecom_assets.ingestion.values import has_zone_sql, literal, parsed_sql, quoted, settled_moment_sql, trimmed_sql
from ecom_assets.ingestion.zones import local_from_utc_sql, utc_from_local_sql
from ecom_assets.settings import Shop

MOMENTS = ("timestamp", "date")


@dataclass(frozen=True)
class RowSql:
    """SQL over one dataset's rows of texts. What is wrong with them `quotes` their values, or withholds them."""

    contract: Contract
    shop: Shop
    quotes: bool = True

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

        It is a chain of CTEs, so that what several expressions need is computed, and named, once. Each hands on what
        later ones need and makes its own columns; `_local_date`, `_is_foreign` and the rules come last. Of an integer
        column `stars` between 1 and 5 and a timestamp `sold_at`, by which the table is partitioned, in Berlin:

            _parsed   "stars" as "_text_stars", <"stars" as BIGINT, null if unreadable> as "stars",
                      "sold_at" as "_text_sold_at", <"sold_at" as TIMESTAMP> as "sold_at",
                      <whether "sold_at" names a zone> as "_zoned_sold_at"
            _settled  "stars", <"sold_at", or a second reading of "_text_sold_at"> as "sold_at", "_zoned_sold_at"
            _typed    "stars", case when "_zoned_sold_at" then "sold_at" else <"sold_at" in UTC> end as "sold_at",
                      "_zoned_sold_at" as _zoned_event, "sold_at" as _naive_event
            _checked  coalesce(case when "stars" is null then <"_text_stars"> is not null end, false)
                      as "_is_unreadable_stars", coalesce("stars" < 1 or "stars" > 5, false) as "_is_outside_stars", …
            _valued   cast("sold_at" as timestamp) as _event_at,
                      case when "_is_outside_stars" then null else "stars" end as "stars", "sold_at" as "sold_at"
        """
        carry = [quoted(name) for name in carried]
        texts = [quoted(f"_text_{column.name}") for column in self.columns]
        names = [quoted(column.name) for column in self.columns]
        flags = [quoted(f"_{flag}_{c.name}") for c in self.columns for flag in ("is_unreadable", "is_outside")]
        event = ["_zoned_event", "_naive_event"]
        typed = [*self._of_each(self._typed), *self._event_as_it_came()]
        valued = [self._event_at(), *self._of_each(self._valued)]
        chain = [
            ("_parsed", select_sql(carry, self._of_each(self._parsed), relation)),
            ("_settled", select_sql([*carry, *texts], self._of_each(self._settled), "_parsed")),
            ("_typed", select_sql([*carry, *texts], typed, "_settled")),
            ("_checked", select_sql([*carry, *texts, *names, *event], self._of_each(self._checked), "_typed")),
            ("_valued", select_sql([*carry, *texts, *flags, *event], valued, "_checked")),
        ]
        ctes = ",\n".join(f"{name} as ({select})" for name, select in chain)
        rules = [f"coalesce(not ({rule.expression}), false) as {quoted(f'_breaks_{rule.name}')}" for rule in self.rules]
        last = [*carry, *texts, *flags, *names, "_event_at"]
        return f"with {ctes}\n{select_sql(last, [self._local_date(), self._is_foreign(), *rules], '_valued')}"

    def _of_each(self, made: Callable[[Column], list[str]]) -> list[str]:
        return [expression for column in self.columns for expression in made(column)]

    def _parsed(self, column: Column) -> list[str]:
        """The text as it came, and read as the column's type; of a moment, as it stands, and whether it has a zone."""
        name = quoted(column.name)
        parts = [f"{name} as {quoted(f'_text_{column.name}')}", f"{parsed_sql(column, name)} as {name}"]
        if column.type in MOMENTS:
            parts.append(f"{has_zone_sql(name)} as {quoted(f'_zoned_{column.name}')}")
        return parts

    def _settled(self, column: Column) -> list[str]:
        """A moment that could not be read is read in another way, one of no sane year is dropped."""
        name = quoted(column.name)
        if column.type not in MOMENTS:
            return [name]
        settled = settled_moment_sql(name, quoted(f"_text_{column.name}"))
        return [f"{settled} as {name}", quoted(f"_zoned_{column.name}")]

    def _typed(self, column: Column) -> list[str]:
        """A timestamp in UTC: one without a zone was local. A date on the shop's clock: one with a zone was not."""
        name, zoned = quoted(column.name), quoted(f"_zoned_{column.name}")
        if column.type not in MOMENTS:
            return [name]
        if column.type == "timestamp":
            utc = utc_from_local_sql(name, self.shop.time_zone, self.shop.first_day.year)
            return [f"{name if utc == name else f'case when {zoned} then {name} else {utc} end'} as {name}"]
        local = local_from_utc_sql(name, self.shop.time_zone, self.shop.first_day.year)
        day = name if local == name else f"case when {zoned} then {local} else {name} end"
        return [f"cast({day} as date) as {name}"]

    def _event_as_it_came(self) -> list[str]:
        """The moment by which the table is partitioned as it stands in the row, and whether that has a zone."""
        event = self.contract.partitioned_by
        if event is None:
            return ["false as _zoned_event", "null::timestamp as _naive_event"]
        return [f"{quoted(f'_zoned_{event}')} as _zoned_event", f"{quoted(event)} as _naive_event"]

    def _checked(self, column: Column) -> list[str]:
        """Whether a text came but no value could be read of it, and whether the value lies outside its bounds."""
        name, text = quoted(column.name), trimmed_sql(quoted(f"_text_{column.name}"))
        unreadable = f"coalesce(case when {name} is null then {text} is not null end, false)"
        bounds = [f"{name} < {column.min:.15g}"] if column.min is not None else []
        bounds += [f"{name} > {column.max:.15g}"] if column.max is not None else []
        outside = f"coalesce({' or '.join(bounds)}, false)" if bounds else "false"
        return [
            f"{'false' if column.type == 'text' else unreadable} as {quoted(f'_is_unreadable_{column.name}')}",
            f"{outside} as {quoted(f'_is_outside_{column.name}')}",
        ]

    def _event_at(self) -> str:
        event = self.contract.partitioned_by
        return f"cast({quoted(event)} as timestamp) as _event_at" if event else "null::timestamp as _event_at"

    def _valued(self, column: Column) -> list[str]:
        """The value once it is typed: a broken one emptied, a member of its closed set, or its default."""
        name = value = quoted(column.name)
        if column.min is not None or column.max is not None:
            value = f"case when {quoted(f'_is_outside_{column.name}')} then null else {value} end"
        if column.values:
            value = closed_set_sql(column, value)
        if column.default is not None:
            value = f"coalesce({value}, cast({literal(column.default)} as {column.sql_type}))"
        return [f"{value} as {name}"]

    def _local_date(self) -> str:
        """The day of the event by the shop's clock; a text without a zone says it itself."""
        event = self.contract.partitioned_by
        if event is None:
            return "null::date as _local_date"
        if self.contract.by_name[event].type == "date":
            return "cast(_naive_event as date) as _local_date"
        local = local_from_utc_sql("_event_at", self.shop.time_zone, self.shop.first_day.year)
        return f"cast(case when _zoned_event then {local} else _naive_event end as date) as _local_date"

    def _is_foreign(self) -> str:
        currency = f"upper({quoted('currency')})" if self.converts else "null"
        return f"coalesce({currency} <> {literal(self.shop.currency)}, false) as _is_foreign"

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
        parts += [self.no_rate_sql(column) for column in self.converts]
        return " or ".join(parts) or "false"


def select_sql(handed_on: list[str], made: list[str], relation: str) -> str:
    """A SELECT of columns handed on as they are, in one line, and of columns made here, a line each."""
    columns = [", ".join(handed_on), *made] if handed_on else made
    return "select\n    " + ",\n    ".join(columns) + f"\nfrom {relation}"


def closed_set_sql(column: Column, text: str) -> str:
    """The member of the column's closed set that `text` names, case and separators aside; else `other`.

    Of a set with `paid_search`: 'paid_search' and 'Paid Search' are `paid_search`, 'carrier pigeon' is `other`.
    """
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
