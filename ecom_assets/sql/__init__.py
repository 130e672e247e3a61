"""SQL files, one a table, and what can be read from them: tables, parameters, column lineage, version.

No SQL runs here and nothing of the project is imported: a `Query` is text with values to bind. sqlglot
is imported where it is used, for it is not needed to load the definitions.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

# Read by many queries, yet no assets: the ledger, the rejected rows, and the loader's list of moved keys.
BOOKKEEPING_SCHEMAS = frozenset({"lineage", "quarantine", "information_schema"})
BOOKKEEPING_TABLES = frozenset({("raw", "moved_keys")})
# The views of the ledger that decide which days a table shows.
DAY_VIEWS = {
    "accepted_days": {"asset": "VARCHAR", "business_date": "DATE", "rows": "BIGINT"},
    "sales_days": {"business_date": "DATE"},
}

# Which days are whole sales days depends on what was accepted of each of these: whoever reads the days is made of them.
SALES_DAYS_OF = frozenset({"clean/orders", "clean/order_items", "clean/refunds"})

# What SQL may name as $parameter; orchestration binds those that a query names (`Query.bind`).
PARAMETERS = {
    "time_zone": "the shop's IANA time zone, for hours of the day",
    "history_complete_from": "first day from which all orders are known, or None: complete from the first day held",
    "from_day": "first day of the range that a table is made for; None: a whole table, from its first day on",
    "to_day": "last day of that range, inclusive; None as above",
    "asked_origins": "origins at which the run wants every forecaster tested, or None: where its tests are old",
}

# Quoted text is matched first, so that a comment sign or a dollar inside it is left alone.
_QUOTED = r"'(?:[^']|'')*'" + r'|"(?:[^"]|"")*"'
_COMMENT = r"--[^\n]*|/\*.*?\*/"
_NOISE = re.compile(rf"({_QUOTED})|(?:{_COMMENT}|\s)+", re.DOTALL)
_PARAMETER = re.compile(rf"{_QUOTED}|{_COMMENT}|\$([A-Za-z_]\w*)", re.DOTALL)


class MissingSqlError(LookupError):
    """A query names a file that is not there."""


@dataclass(frozen=True)
class Query:
    """One SELECT: the file `sql/<name>.sql`, or `text` where it is generated, and the values to bind.

    `name` is the asset that it fills, such as "kpi/daily_revenue"; `params` are bound as `$key`.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    text: str | None = None

    @property
    def sql(self) -> str:
        """The SELECT itself.

        Raises:
            MissingSqlError: where no text is given and `sql/<name>.sql` does not exist.
        """
        return _read(self.name) if self.text is None else self.text

    def tables(self) -> frozenset[str]:
        """The assets that it reads, such as {"clean/orders"}; bookkeeping and CTE names do not count.

        Save for the days of sales, which change with the tables that they are made of.
        """
        return _tables(self.sql)

    def parameters(self) -> frozenset[str]:
        """Names of the `$parameters` that the SQL uses; binding any other is an error in DuckDB."""
        return frozenset(name for name in _PARAMETER.findall(self.sql) if name)

    def bind(self, values: Mapping[str, Any]) -> "Query":
        """The same query with those of `values` bound that its SQL names.

        Raises:
            KeyError: naming the parameters for which there is no value.
        """
        known = {**self.params, **values}
        missing = sorted(self.parameters() - known.keys())
        if missing:
            raise KeyError(f"{self.name}: no value for ${', $'.join(missing)}; known are {', '.join(sorted(known))}")
        return replace(self, params={name: known[name] for name in sorted(self.parameters())})

    def columns(self, schema: Mapping[str, Mapping[str, str]]) -> dict[str, list[tuple[str, str]]]:
        """Column lineage: each output column with the (asset, column) pairs that its value is made of.

        Takes about 0.05 s a table, so call it when a table was written, never at load time; the answer is
        cached for the same SQL and schema. A column made of constants has an empty list.

        Args:
            schema: the columns of every asset that the SQL reads, as {"clean/orders": {"order_id": "VARCHAR"}}.
        """
        known = tuple((asset, tuple(columns.items())) for asset, columns in sorted(schema.items()))
        return {name: list(origins) for name, origins in _column_lineage(self.sql, known).items()}

    @property
    def code_version(self) -> str:
        """A short hash of the SQL that comments, line breaks and indentation do not change."""
        normalised = _NOISE.sub(lambda match: match.group(1) or " ", self.sql).strip()
        return hashlib.sha256(normalised.encode()).hexdigest()[:12]


def query_names(layer: str) -> tuple[str, ...]:
    """Names of all queries that stand in files of `layer`, such as "kpi/daily_revenue"."""
    return tuple(f"{layer}/{path.stem}" for path in sorted((FOLDER / layer).glob("*.sql")))


@cache
def _read(name: str) -> str:
    path = FOLDER / f"{name}.sql"
    if not path.is_file():
        known = ", ".join(query_names(name.split("/")[0])) or "none"
        raise MissingSqlError(f"{name}: no file {path.relative_to(FOLDER.parent)}; queries of that layer: {known}")
    return path.read_text(encoding="utf-8")


def _is_asset(schema: str, table: str) -> bool:
    return bool(schema) and schema not in BOOKKEEPING_SCHEMAS and (schema, table) not in BOOKKEEPING_TABLES


@cache
def _tables(sql: str) -> frozenset[str]:
    from sqlglot import exp, parse_one
    from sqlglot.optimizer.scope import traverse_scope

    found = {
        (source.db, source.name)
        for scope in traverse_scope(parse_one(sql, dialect="duckdb"))
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    }
    assets = frozenset(f"{schema}/{table}" for schema, table in found if _is_asset(schema, table))
    return assets | SALES_DAYS_OF if ("lineage", "sales_days") in found else assets


@cache
def _column_lineage(
    sql: str, known: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
) -> dict[str, tuple[tuple[str, str], ...]]:
    from sqlglot.lineage import lineage

    schema: dict[str, dict[str, dict[str, str]]] = {"lineage": dict(DAY_VIEWS)}
    for asset, columns in known:
        layer, table = asset.split("/")
        schema.setdefault(layer, {})[table] = dict(columns)
    # None asks for all columns at once, so that the query is qualified once and CTEs are walked once; untrimmed
    # nodes carry the whole SELECT each, and copying it once a column was five sixths of the time.
    nodes = lineage(None, sql, schema, dialect="duckdb", trim_selects=False)
    return {name: tuple(sorted(_origins(node))) for name, node in nodes.items()}


def _origins(root: Any) -> set[tuple[str, str]]:
    """The (asset, column) leaves below a lineage node; shared nodes are visited once."""
    from sqlglot import exp

    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting.extend(node.downstream)
        table = node.expression
        if isinstance(table, exp.Table) and _is_asset(table.db, table.name):
            found.add((f"{table.db}/{table.name}", node.name.rpartition(".")[2].strip('"')))
    return found
