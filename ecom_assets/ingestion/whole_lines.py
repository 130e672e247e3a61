"""What is said of whole lines of opened files: lines that are no record, that nobody uses, cells that hold no value."""

import duckdb

from ecom_assets.ingestion.judging import rows_table
from ecom_assets.ingestion.opening import Opened
from ecom_assets.ingestion.plans import SourcePlan


def reject_whole_lines(connection: duckdb.DuckDBPyConnection, plan: SourcePlan, opened: list[Opened]) -> None:
    """Adds to `_rejects` lines that are no record, and lines of an export that no dataset uses."""
    first = plan.feeds[0]
    # The file's usual day in the first dataset that has one of it: a file may hold lines of another dataset alone.
    days = [f"(select mode(business_date) from {rows_table(one)} r where r.source_file = f.source_file)"
            for one in plan.feeds]  # fmt: skip
    usual = f"coalesce({', '.join(days)})" if len(days) > 1 else days[0]
    faults = [(one.file.name, fault) for one in opened for fault in one.faults]
    if faults:
        connection.execute(
            "INSERT INTO _rejects SELECT ?, source_file, line, "
            f"{usual}, raw, [reason] FROM (SELECT unnest(?::VARCHAR[]) AS source_file, unnest(?::BIGINT[]) AS line,"
            " unnest(?::VARCHAR[]) AS raw, unnest(?::VARCHAR[]) AS reason) f",
            [
                first,
                [name for name, _ in faults],
                [fault.line for _, fault in faults],
                [fault.raw for _, fault in faults],
                [fault.fault for _, fault in faults],
            ],
        )
    if plan.mapping:
        used = " union all ".join(f"select source_file, source_line from {rows_table(one)}" for one in plan.feeds)
        connection.execute(
            f"INSERT INTO _rejects SELECT ?, source_file, source_line, {usual}, raw_text,"
            f" ['no dataset of the mapping uses this line'] FROM _lined f ANTI JOIN ({used}) u"
            " USING (source_file, source_line)",
            [first],
        )


def add_repairs(connection: duckdb.DuckDBPyConnection, plan: SourcePlan, opened: list[Opened]) -> None:
    """Adds to `_repairs` cells that should hold a value and hold none; a line that is rejected is not repaired."""
    found = [(one.file.name, repair) for one in opened for repair in one.repairs]
    if not found:
        return
    named = [(name, each.line, each.column, each.found, each.reason) for name, each in found]
    texts = ("unnest(?::VARCHAR[])", "unnest(?::BIGINT[])", *["unnest(?::VARCHAR[])"] * 3)
    columns = ("source_file", "source_line", "column_name", "found", "reason")
    made = ", ".join(f"{text} AS {column}" for text, column in zip(texts, columns, strict=True))
    connection.execute(
        f"INSERT INTO _repairs SELECT ?, * FROM (SELECT {made}) ANTI JOIN _rejects"
        " USING (source_file, source_line) ORDER BY ALL",
        [plan.feeds[0], *[list(column) for column in zip(*named, strict=True)]],
    )
