"""What people see of a table in Dagster: columns, column lineage, a preview, a small plot.

Everything about columns comes from the contract, everything about values from the warehouse; nothing here is
stated a second time, and nothing heavy is imported before it is used.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ecom_assets.contracts import Column, Contract, contract
from ecom_assets.guard.texts import markdown_literal
from ecom_assets.ingestion.inherited import inherits_from
from ecom_assets.sql import Query

PREVIEW_ROWS = 8
PREVIEW_COLUMNS = 12

Edges = dict[str, list[tuple[str, str]]]  # column -> the (asset, column) pairs that it is made of


def key_of(asset: str) -> dg.AssetKey:
    """The Dagster key of an asset named as text, such as 'clean/orders'."""
    return dg.AssetKey(asset.split("/"))


def column_schema(table: Contract) -> dg.TableSchema:
    """The columns as Dagster shows them: type, unit and meaning, what a key is, what is personal."""
    columns = [_table_column(table, column) for column in table.columns]
    if table.partitioned_by and "business_date" not in table.by_name:
        meaning = f"Shop-local day of {table.partitioned_by}."
        columns.insert(0, dg.TableColumn("business_date", "DATE", meaning, dg.TableColumnConstraints(nullable=False)))
    return dg.TableSchema(columns=columns)


def _table_column(table: Contract, column: Column) -> dg.TableColumn:
    limits = [f"one of {', '.join(column.values)}"] if column.values else []
    limits += [f"at least {column.min:g}"] if column.min is not None else []
    limits += [f"at most {column.max:g}"] if column.max is not None else []
    unit = f" Unit: {column.unit}." if column.unit else ""
    return dg.TableColumn(
        name=column.name,
        type=column.sql_type,
        description=f"{column.description}{unit}",
        constraints=dg.TableColumnConstraints(
            nullable=not (column.required or column.name in table.key),
            unique=table.key == (column.name,),
            other=limits,
        ),
        tags={"personal": column.personal} if column.personal else {},
    )


def column_lineage(query: Query) -> Edges:
    """Which columns of which assets each column is made of, read from the SQL (slow: not at load time)."""
    return query.columns({asset: _columns_of(asset) for asset in query.tables()})


def clean_lineage(table: Contract) -> Edges:
    """The same for a clean dataset, whose SQL is made from its contract: no need to parse what was just generated."""
    raw, inputs = f"raw/{table.name}", {column.name for column in table.input_columns}
    orders = inherits_from(table)
    edges: Edges = {"business_date": [(raw, "_business_date")]} if table.partitioned_by else {}
    for column in table.columns:
        name = column.source_of or column.name
        also = [each for each in ("currency", "fx_rate") if column.converts and each in inputs]
        edges[column.name] = [(raw, each) for each in sorted({name, *also})]
        inherited = also or ([name] if name in ("currency", "fx_rate") else [])
        edges[column.name] += [(f"clean/{orders.to}", each) for each in inherited] if orders else []
    return {**edges, "_source_file": [(raw, "_source_file")], "_source_line": [(raw, "_source_line")]}


def lineage_metadata(edges: Edges) -> dg.TableColumnLineage:
    """Column lineage as Dagster shows it."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(asset.split("/")), column) for asset, column in origins]
            for name, origins in edges.items()
        }
    )


def _columns_of(asset: str) -> dict[str, str]:
    layer, table = asset.split("/")[0], contract(asset)
    days = {"business_date": "DATE"} if table.partitioned_by else {}
    origin = {"_source_file": "VARCHAR", "_source_line": "BIGINT"} if layer == "clean" else {}
    return {**days, **{column.name: column.sql_type for column in table.columns}, **origin}


def preview(connection: Any, table: Contract) -> dg.MarkdownMetadataValue:
    """The last rows by day and key as a small table; personal columns are left out."""
    names = [column.name for column in table.columns if not column.personal]
    day = "business_date" if table.partitioned_by and "business_date" not in table.by_name else None
    names = [*([day] if day else []), *names][:PREVIEW_COLUMNS]
    newest = [*([day] if day else []), *table.key]
    order = ", ".join(f"{_quoted(name)} desc" for name in newest)
    listed = ", ".join(_quoted(name) for name in names)
    rows = connection.execute(
        f"select {listed} from {_quoted(table.layer)}.{_quoted(table.name)} order by {order} limit {PREVIEW_ROWS}"
    ).fetchall()
    return dg.MetadataValue.md(markdown_table(names, rows))


def markdown_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; empty cells stand for nulls. What stands in it comes from files and is shown as it is."""
    lines = [f"| {' | '.join(map(_cell, names))} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return "" if value is None else markdown_literal(str(value)[:80])


def plot(connection: Any, table: Contract, x: str, y: str, days: int = 120) -> dg.MarkdownMetadataValue | None:
    """A line of the newest `days` values of `y` over `x` as an inline PNG; None where there is nothing to draw."""
    found = connection.execute(
        f"select {_quoted(x)}, sum({_quoted(y)})::double from {_quoted(table.layer)}.{_quoted(table.name)} "
        f"where {_quoted(y)} is not null group by 1 order by 1 desc limit {days}"
    ).fetchall()
    if len(found) < 2:
        return None
    return image(f"{y} by {x}", _drawn(dict(reversed(found)), y.replace("_", " ")))


def image(title: str, png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG as the asset's page shows it: inline, so that it needs no file."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def _drawn(values: Mapping[Any, float], title: str) -> bytes:
    # The Figure class alone: pyplot looks for a display and keeps every figure of a long-lived process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 1.9), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(list(values), list(values.values()), color="#3b5bdb", linewidth=1.4)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_ylim(bottom=min(0.0, *values.values()))
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    if all(isinstance(value, date) for value in values):
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    FigureCanvasAgg(figure)
    made = io.BytesIO()
    figure.savefig(made, format="png")
    return made.getvalue()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
