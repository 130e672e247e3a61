"""The parts of an analysis, and how a domain reads the snapshot. Draws nothing and knows no domain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


class UnknownDomainError(ValueError):
    """There is no such domain; the message names those that there are."""


class NothingToAnalyzeError(LookupError):
    """The snapshot holds no rows of the domain; the message says which dataset would bring them."""


@dataclass(frozen=True)
class Table:
    """A small table for people."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Chart:
    """What to draw: for each series one value a place on x. None leaves a gap.

    `name` becomes the file's name.
    """

    name: str
    title: str
    kind: Literal["line", "bar", "columns"]
    x: tuple[Any, ...]
    series: Mapping[str, tuple[float | None, ...]]
    y_label: str


@dataclass(frozen=True)
class Analysis:
    """What one domain's tables say."""

    domain: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]


class Reader:
    """Asks an open snapshot."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows."""
        return list(self._connection.execute(sql).fetchall())

    def row(self, sql: str) -> tuple[Any, ...]:
        """The first row."""
        return self.rows(sql)[0]

    def table(self, title: str, sql: str) -> Table:
        """The rows with the names of their columns, for people."""
        cursor = self._connection.execute(sql)
        columns = tuple(column[0].replace("_", " ") for column in cursor.description)
        return Table(title, columns, tuple(cursor.fetchall()))

    def chart(
        self, name: str, title: str, sql: str, y_label: str, kind: Literal["line", "bar", "columns"] = "line"
    ) -> Chart:
        """The rows as a chart: the first column is x, each other one a series of its column's name."""
        cursor = self._connection.execute(sql)
        names = [column[0].replace("_", " ") for column in cursor.description]
        return _chart(name, title, kind, names, cursor.fetchall(), y_label)

    def require(self, table: str, *datasets: str) -> None:
        """Makes sure that there is something to analyze.

        Args:
            table: what the analysis reads.
            datasets: all that it is made of; "a or b" is brought by either.

        Raises:
            NothingToAnalyzeError: naming the datasets that lack, or where to look if none does.
        """
        if self._has_rows(table):
            return
        lacking = [
            dataset for dataset in datasets if not any(self._has_rows(f"clean.{one}") for one in dataset.split(" or "))
        ]
        if not lacking:
            raise NothingToAnalyzeError(
                f"{table} has no rows yet, though {' and '.join(datasets)} came: `ecom status` names the days and"
                " tables that were refused, and the days not delivered"
            )
        there = [dataset for dataset in datasets if dataset not in lacking]
        besides = f" (of {' and '.join(there)} there are rows)" if there else ""
        it, its = ("it", "its") if len(lacking) == 1 else ("them", "their")
        raise NothingToAnalyzeError(
            f"nothing was published of {' and '.join(lacking)} yet{besides}: name {it} under `sources` in shop.yaml,"
            f" bring {its} files, and run `ecom run`; `ecom status` names files that were refused"
        )

    def _has_rows(self, table: str) -> bool:
        schema, name = table.split(".")
        there = self.rows(
            f"select 1 from duckdb_tables() where schema_name = '{schema}' and table_name = '{name}' "
            f"union all select 1 from duckdb_views() where schema_name = '{schema}' and view_name = '{name}'"
        )
        return bool(there) and bool(self.rows(f"select 1 from {table} limit 1"))

    def statistics(self, dataset: str) -> Table:
        """Summary statistics of a dataset's columns, from its profile."""
        return self.table(
            f"Columns of {dataset}",
            f"""
            select
                column_name, column_type as type, row_count as rows, null_count as nulls,
                distinct_count as "distinct", minimum, p25, p50 as median, mean, p75, p95, maximum,
                outlier_count as outliers
            from profile.{dataset}
            where not starts_with(column_name, 'source_')
            order by position
            """,
        )


def _chart(name: str, title: str, kind: Any, names: Sequence[str], rows: Iterable[Any], y_label: str) -> Chart:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    series = {
        label: tuple(_number(value) for value in values) for label, values in zip(names[1:], columns[1:], strict=True)
    }
    return Chart(name, title, kind, tuple(columns[0]), series, y_label)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def percent(share: Any) -> str:
    """A share of 0 to 1 in words."""
    return "unknown" if share is None else f"{float(share):.1%}".replace("%", " %")


def count(number: Any) -> str:
    """A whole number with its thousands set apart."""
    return "unknown" if number is None else f"{int(number):,}"


def amount(number: Any) -> str:
    """Money without its cents."""
    return "unknown" if number is None else f"{float(number):,.0f}"


def milliseconds(number: Any) -> str:
    """A duration given in milliseconds."""
    return "unknown" if number is None else f"{float(number):,.0f} ms"


def duration(seconds: Any) -> str:
    """A duration given in seconds, in the largest unit that leaves at least 2 of it."""
    if seconds is None:
        return "unknown"
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if float(seconds) >= 2 * size:
            return f"{float(seconds) / size:.1f} {unit}"
    return f"{float(seconds):.0f} seconds"
