"""SQL that others wrote, judged before it runs: by the tree that DuckDB's own parser makes of it, not by its text.

`json_serialize_sql` gives that tree for SELECTs alone; any other statement is refused by that. Nothing here is run.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache, lru_cache, wraps
from typing import Any, Concatenate, ParamSpec

import duckdb

# Table functions that make rows of their arguments alone.
_ROWS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "regexp_split_to_table", "repeat"})
# Those that tell about the open database, which its readers may know.
_CATALOGUE = frozenset(
    {"duckdb_columns", "duckdb_databases", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_settings",
     "duckdb_tables", "duckdb_types", "duckdb_views", "histogram", "histogram_values", "icu_calendar_names",
     "pg_timezone_names", "pragma_database_size", "pragma_show", "pragma_storage_info", "pragma_table_info",
     "pragma_version", "query_table", "summary"}
)  # fmt: skip
# Functions of a value that tell of more than their arguments, or act. A mapping's SQL has no use for any of them.
_REACHING = re.compile(
    r"getenv|getvariable|nextval|currval|setseed|write_log|pg_sleep|sleep_ms|version|user|session_user|in_search_path"
    r"|get_block_size|json_(de)?serialize_\w+|inet_\w+|txid_\w+|pg_(conf|postmaster|get|has|my|is)_\w+|has_\w+_privilege"
    r"|current_(catalog|connection_id|database|query|query_id|role|schema|schemas|setting|transaction_id|user)"
)
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)


_Given = ParamSpec("_Given")


class StatementError(ValueError):
    """A statement that is not run; the message says what in it is not allowed, and what is."""


def _within_reach(check: Callable[Concatenate[str, _Given], None]) -> Callable[Concatenate[str, _Given], None]:
    """A check that refuses what is nested too deeply for it to look through, or no text at all."""

    @wraps(check)
    def checked(sql: str, *given: _Given.args, **named: _Given.kwargs) -> None:
        try:
            sql.encode()  # halves of surrogate pairs are no text to the engine
            check(sql, *given, **named)
        except RecursionError:
            raise StatementError("the statement is nested too deeply to be looked through; write it in steps") from None
        except UnicodeEncodeError:
            raise StatementError("the statement holds bytes that are no UTF-8") from None

    return checked


@_within_reach
def check_question(sql: str) -> None:
    """Make sure that every statement in `sql` only reads: SELECTs of tables, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN.

    What files they may read is not decided here but by the connection (`warehouse.open_snapshot`).

    Raises:
        StatementError: no statement at all, one of another kind, or one that calls a function which reaches further.
    """
    statements = _split(sql)
    if not statements:
        raise StatementError("there is no statement to run")
    for kind_found, statement in statements:
        # A PIVOT without values and a PRAGMA are several statements inside, of which none has a text to be judged.
        tree = _tree(_EXPLAIN.sub("", statement, count=1)) if statement else []
        if not tree:
            hint = "; of a PIVOT name the values: ON column IN (…)" if "pivot" in sql.lower() else ""
            raise StatementError(f"the published tables are read-only: only SELECT is allowed, not {kind_found}{hint}")
        for kind, name in _relations(tree, frozenset()):
            if kind == "TABLE_FUNCTION" and name not in _ROWS | _CATALOGUE:
                raise StatementError(f"{name}() is not allowed here: a question reads the published tables alone")


@lru_cache(maxsize=512)
@_within_reach
def check_select(sql: str, known: frozenset[str]) -> None:
    """Make sure that `sql` is one SELECT over the relations `known` (lower case) and its own CTEs, and nothing else.

    Raises:
        StatementError: another statement or several, another table, a file, or a function that reaches outside.
    """
    tree = _tree(sql)
    if len(tree) != 1:
        found = f"{len(tree)} of them" if tree else "none, or another statement"
        raise StatementError(f"must be one SELECT, found {found}")
    may = f"it may read {', '.join(sorted(known))} and its own CTEs"
    for kind, name in _relations(tree, known):
        if kind == "TABLE_FUNCTION" and name not in _ROWS:
            raise StatementError(f"{name}() is not allowed in a mapping; {may}")
        if kind in ("BASE_TABLE", "SHOW_REF"):
            raise StatementError(f"reads {name!r}; {may}")
    for name in _functions(tree):
        if _REACHING.fullmatch(name):
            raise StatementError(f"{name}() is not allowed in a mapping; a value is made of the line's own columns")


def _split(sql: str) -> list[tuple[str, str]]:
    """Kind and text of each statement."""
    try:
        return [(statement.type.name, statement.query.strip()) for statement in _parser().extract_statements(sql)]
    except duckdb.Error as error:
        raise StatementError(str(error).split("\nLINE ")[0].replace("\n", " ").strip()) from error


def _tree(sql: str) -> list[dict[str, Any]]:
    """The statements in `sql` as DuckDB parsed them; none where one of them is no SELECT."""
    options = "skip_null := true, skip_empty := true, skip_default := true"
    (text,) = _parser().execute(f"select json_serialize_sql($sql::varchar, {options})", {"sql": sql}).fetchall()[0]
    found = json.loads(text)
    if not found["error"]:
        return list(found.get("statements", ()))
    if found["error_type"] == "not implemented":
        return []
    raise StatementError(str(found["error_message"]).splitlines()[0])


def _parser() -> duckdb.DuckDBPyConnection:
    """A connection of its own, for threads may ask at once, to a database with nothing in it."""
    return _empty().cursor()


@cache
def _empty() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"enable_external_access": "false"})


def _relations(node: Any, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """What a tree reads: kind and name of each table, table function or catalogue that is not `known` by its name.

    A CTE is known behind itself to the end of the query that it stands in, and inside itself only in what follows the
    UNION of a recursive one: elsewhere its own name there means a table, or a file.
    """
    if isinstance(node, list):
        for each in node:
            yield from _relations(each, known)
    elif isinstance(node, dict):
        kind, inner = node.get("type"), frozenset(known)
        for entry in (node.get("cte_map") or {}).get("map", ()):
            own = frozenset({str(entry["key"]).lower()})
            made = entry["value"].get("query_node") or entry["value"]["query"]["node"]  # of DuckDB 2.0, and before
            is_recursive = made["type"] == "RECURSIVE_CTE_NODE"
            yield from _relations(made["left"] if is_recursive else made, inner)
            inner |= own
            yield from _relations(made if is_recursive else None, inner)
        if "class" not in node and kind in ("BASE_TABLE", "SHOW_REF"):
            name = ".".join(node[part] for part in ("catalog_name", "schema_name", "table_name") if node.get(part))
            if kind == "SHOW_REF" or name.lower() not in inner or node.get("schema_name"):
                yield str(kind), name or "the catalogue"
        if "class" not in node and kind == "TABLE_FUNCTION":
            yield str(kind), str(node["function"].get("function_name", "")).lower()
        for key, value in node.items():
            if key != "cte_map":
                yield from _relations(value, inner)


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _functions(each)
    elif isinstance(node, dict):
        if "function_name" in node:
            yield str(node["function_name"]).lower()
        for value in node.values():
            yield from _functions(value)
