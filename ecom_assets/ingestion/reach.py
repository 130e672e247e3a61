"""Whether a mapping's SQL looks beyond one file, told from its text. Runs no SQL, reads no data.

What keeps to one file is read file by file as files come. What may not, such as lines that are joined to the orders of
another file, sees all files of the source again as soon as one of them changed. Where the text leaves it open, it may.
"""

from collections.abc import Iterable
from typing import Any

from ecom_assets.ingestion.mapping import Mapping

_FILE = "source_file"


def looks_beyond_a_file(mapping: Mapping) -> bool:
    """Whether lines of different files may meet in any SELECT of the mapping."""
    return any(may_mix_files(mapping.text_of(sql)) for sql in mapping.sql_files().values())


def may_mix_files(sql: str) -> bool:
    """Whether a SELECT may make a row of the lines of several files.

    It may not where every join, aggregation, window and DISTINCT names `source_file`, and no subquery stands where a
    value is expected.
    """
    import sqlglot  # a third of a second that shops without SQL in a mapping need not wait
    from sqlglot import exp

    try:
        statement = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return True
    if not isinstance(statement, exp.Query):
        return True
    constants = {cte.alias for cte in statement.find_all(exp.CTE) if not cte.this.find(exp.Table)}
    unlike = (exp.Limit, exp.Offset, exp.Pivot, exp.Exists, exp.Lateral, exp.TableSample, exp.Intersect, exp.Except)
    return (
        statement.find(*unlike) is not None
        or any(node.args.get("recursive") for node in statement.find_all(exp.With))
        or any(node.args.get("distinct") for node in statement.find_all(exp.Union))
        or any(_renames(node) for node in statement.find_all(exp.Alias, exp.TableAlias))
        or any(_is_value(node) for node in statement.find_all(exp.Subquery))
        or any(_mixes_files(window) for window in statement.find_all(exp.Window))
        or any(_joins_files(join, constants) for join in statement.find_all(exp.Join))
        or any(_groups_files(select) or _merges_files(select) for select in statement.find_all(exp.Select))
    )


def _is_file(node: Any) -> bool:
    from sqlglot import exp

    return isinstance(node, (exp.Column, exp.Identifier)) and node.name.lower() == _FILE


def _names_file(nodes: Iterable[Any] | None) -> bool:
    return any(map(_is_file, nodes or ()))


def _renames(alias: Any) -> bool:
    """Whether something else than `source_file` is given its name."""
    from sqlglot import exp

    if isinstance(alias, exp.TableAlias):
        return _names_file(alias.args.get("columns"))
    return bool(alias.alias.lower() == _FILE and not _is_file(alias.this))


def _is_value(subquery: Any) -> bool:
    """Whether a subquery over lines stands where a value is expected."""
    from sqlglot import exp

    relation = (exp.From, exp.Join, exp.SetOperation, exp.CTE, exp.Subquery)
    return subquery.find(exp.Table) is not None and not isinstance(subquery.parent, relation)


def _joins_files(join: Any, constants: set[str]) -> bool:
    """Whether lines of different files may meet in a join; what is joined may hold no lines at all."""
    from sqlglot import exp

    if all(table.name in constants for table in join.this.find_all(exp.Table)):
        return False
    if _names_file(join.args.get("using")):
        return False
    on = join.args.get("on")
    terms = list(on.flatten()) if isinstance(on, exp.And) else [on]
    return not any(isinstance(term, exp.EQ) and _is_file(term.left) and _is_file(term.right) for term in terms)


def _mixes_files(window: Any) -> bool:
    """Whether a window runs over files; one that names another is as good as that."""
    return not (window.alias or _names_file(window.args.get("partition_by")))


def _groups_files(select: Any) -> bool:
    """Whether an aggregation runs over files."""
    from sqlglot import exp

    group = select.args.get("group")
    if group is None:
        own = [node for node in select.find_all(exp.AggFunc) if node.parent_select is select]
        return any(not isinstance(node.find_ancestor(exp.Window, exp.Select), exp.Window) for node in own)
    if any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup")):
        return True
    if group.args.get("all"):
        return not _names_file(select.expressions)
    by_number = {str(number): one for number, one in enumerate(select.expressions, 1)}
    return not _names_file(by_number.get(one.name) if one.is_int else one for one in group.expressions)


def _merges_files(select: Any) -> bool:
    """Whether a DISTINCT keeps one line for several files."""
    distinct = select.args.get("distinct")
    if distinct is None:
        return False
    on = distinct.args.get("on")
    return not (_names_file(on.expressions) if on else _names_file(select.expressions) or select.is_star)
