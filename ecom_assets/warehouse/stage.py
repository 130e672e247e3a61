"""Staging: the new rows of a table, compared with its contract by name and type before any of them is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pandas as pd

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse.connection import Connection, columns_of, day_ranges, rows, table_name
from ecom_assets.warehouse.ddl import STAGED, table_columns

_PARAMETER = re.compile(r"\$(\w+)")
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


class SchemaMismatchError(ValueError):
    """The columns of the new rows are not those of the contract; nothing was changed."""


class Select(Protocol):
    """A SELECT to run inside the engine, such as `ecom_assets.sql.Query`."""

    @property
    def sql(self) -> str:
        """Text of the SELECT, with `$from_day` and `$to_day` where it is for a range of days."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Values of its other parameters."""

    def tables(self) -> frozenset[str]:
        """The assets that it reads."""


@dataclass(frozen=True)
class Stage:
    """Where the staged rows lie. `replaces_all`: a table beside the target that takes its place by renaming."""

    relation: str
    replaces_all: bool


def stage(
    connection: Connection,
    contract: Contract,
    source: Select | pd.DataFrame,
    days: Sequence[date] | None,
    replaces_all: bool,
) -> Stage:
    """Put the new rows into a staging table.

    Rows that will be all of the table are staged beside it, so that they are moved once; those of some days go to
    a temporary table. `_staged` is a view on either while the table is judged.

    Raises:
        SchemaMismatchError: naming every column that is missing, extra or of another type.
    """
    wanted = table_columns(contract)
    name = quoted(f"{STAGED}{contract.name}")
    relation = f"{quoted(contract.layer)}.{name}" if replaces_all else f"temp.main.{name}"
    rows(connection, f"drop table if exists {relation}")
    text, values = _select(connection, source)
    ranges = day_ranges(days) if days is not None and is_for_days(source) else []
    first = {**values, "from_day": ranges[0][0], "to_day": ranges[0][1]} if ranges else values
    projection = _projection(contract, wanted, columns_of(connection, text, first), source)
    kind = "table" if replaces_all else "temp table"
    select = f"select {projection} from ({text}) _new"
    if days is not None and not ranges:
        select = f"{select} where business_date in (select unnest($days))"
        first = {**first, "days": list(days)}
    rows(connection, f"create {kind} {relation.removeprefix('temp.main.')} as {select}", first)
    for from_day, to_day in ranges[1:]:
        bound = {**values, "from_day": from_day, "to_day": to_day}
        rows(connection, f"insert into {relation} by name {select}", bound)
    rows(connection, f"create or replace temp view _staged as select * from {relation}")
    return Stage(relation, replaces_all)


def is_for_days(source: Select | pd.DataFrame) -> bool:
    """Whether the SELECT can be asked for a range of days."""
    return not isinstance(source, pd.DataFrame) and {"from_day", "to_day"} <= set(_PARAMETER.findall(source.sql))


def unstage(connection: Connection, staged: Stage) -> None:
    """Forget staged rows that were not swapped in, and the view on them."""
    rows(connection, "drop view if exists temp.main._staged")
    rows(connection, f"drop table if exists {staged.relation}")


def _select(connection: Connection, source: Select | pd.DataFrame) -> tuple[str, dict[str, Any]]:
    if isinstance(source, pd.DataFrame):
        connection.register("_frame", source)
        return "select * from _frame", {}
    text = source.sql.strip().rstrip(";")
    used = set(_PARAMETER.findall(text))
    return text, {name: each for name, each in source.params.items() if name in used}


def _projection(
    contract: Contract, wanted: dict[str, str], found: dict[str, str], source: Select | pd.DataFrame
) -> str:
    """The wanted columns in their order, cast where nothing can be lost by it."""
    faults = [f"{name} is missing" for name in wanted if name not in found]
    faults += [f"{name} is not in the contract" for name in found if name not in wanted]
    for name, kind in wanted.items():
        if name in found and not (_fits(found[name], kind) or _frame_fits(found[name], kind, name, source)):
            faults.append(f"{name} is {found[name]}, must be {kind}")
    if faults:
        raise SchemaMismatchError(
            f"{contract.asset}: columns differ from the contract ({'; '.join(faults)}); nothing was written. "
            f"Correct the query, or the contract {contract.name}.yaml where the table is meant to change"
        )
    return ", ".join(
        quoted(name) if found[name] == kind else f"cast({quoted(name)} as {kind}) as {quoted(name)}"
        for name, kind in wanted.items()
    )


def _fits(found: str, wanted: str) -> bool:
    """Whether every value of type `found` is one of type `wanted`, or the cast fails loudly (an overflow).

    Sums widen (BIGINT to HUGEINT, DECIMAL(18,4) to DECIMAL(38,4)), so the width may differ, never the kind nor
    the number of decimal places that are kept.
    """
    if found == wanted or (found in _INTEGERS and wanted == "BIGINT") or (found == "FLOAT" and wanted == "DOUBLE"):
        return True
    here, there = _DECIMAL.fullmatch(found), _DECIMAL.fullmatch(wanted)
    return bool(here and there and int(here[2]) <= int(there[2]))


def _frame_fits(found: str, wanted: str, name: str, source: Select | pd.DataFrame) -> bool:
    """Whether a frame's column can stand for one of type `wanted`: frames know no decimals and no dates."""
    if not isinstance(source, pd.DataFrame):
        return False
    column = source[name]
    if column.isna().all():
        return True
    if found.startswith("TIMESTAMP") and wanted == "DATE":
        return bool((column.dropna() == column.dropna().dt.normalize()).all())
    is_number = found in _INTEGERS or found in ("DOUBLE", "FLOAT")
    return is_number and (wanted == "DOUBLE" or _DECIMAL.fullmatch(wanted) is not None)


def target(contract: Contract) -> str:
    """The SQL name of the contract's table."""
    return table_name(contract.asset)
