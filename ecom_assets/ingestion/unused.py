"""Lines of which no dataset uses anything, by file, and what is wrong with most of them. Reads staged tables only."""

from dataclasses import dataclass

import duckdb

from ecom_assets.ingestion.values import quoted


@dataclass(frozen=True)
class Unused:
    """Lines of one file: how many, the commonest reason without the value that it quotes, and the first such line."""

    lines: int
    mostly: str
    first_line: int

    def as_refusal(self) -> str:
        """Why a file of such lines alone is refused."""
        which = "its only line" if self.lines == 1 else f"none of its {self.lines:,} lines"
        verb = "could not be used" if self.lines == 1 else "could be used"
        mostly = f"mostly: {self.mostly} (first on line {self.first_line})"
        return f"{which} {verb}; {mostly}; correct it and deliver it again, or map it"


def unused_lines(connection: duckdb.DuckDBPyConnection, feeds: tuple[str, ...]) -> dict[str, Unused]:
    """The unused lines of each file that has any.

    A line that one dataset rejects and another one uses is used: an export of guests' orders has no customers.
    """
    used = " union all ".join(
        f"select _source_file as source_file, _source_line as source_line from {quoted(f'_staged_{dataset}')}"
        " semi join rejected on rejected.source_file = _source_file and rejected.source_line = _source_line"
        for dataset in feeds
    )
    # One dataset alone uses no line that it rejects.
    lost = f"rejected anti join ({used}) _used using (source_file, source_line)" if len(feeds) > 1 else "rejected"
    found = connection.execute(
        f"""
        with rejected as (
            select distinct source_file, source_line from _rejects
        ), lost as (
            select source_file, source_line from {lost}
        ), reasons as (
            select source_file, source_line, {_told_sql("unnest(reasons)")} as reason
            from _rejects semi join lost using (source_file, source_line)
        ), counted as (
            select source_file, reason, count(*) as times, min(source_line) as first_line from reasons group by all
        )
        select source_file, (select count(*) from lost l where l.source_file = counted.source_file),
            arg_min(reason, (-times, first_line, reason)), arg_min(first_line, (-times, first_line, reason))
        from counted group by source_file
        """
    ).fetchall()
    return {name: Unused(*about) for name, *about in found}


def _told_sql(reason: str) -> str:
    """A reason without the value that it quotes: everyone reads it."""
    return (
        f"regexp_replace(regexp_replace({reason}, '^(\\w+): ''.*'' is not ', '\\1 is not ', 's'),"
        " '^(\\w+): .* must be ', '\\1 must be ', 's')"
    )
