"""Keys for rows whose source brings none: event logs without ids, web-server logs. Runs nothing."""

from ecom_assets.contracts import Contract
from ecom_assets.ingestion.values import quoted


def made_key_columns(contract: Contract) -> tuple[str, ...]:
    """Names of the columns that are made where a row brings none."""
    return tuple(column.name for column in contract.input_columns if column.made_from)


def made_keys_sql(contract: Contract, rows: str, line: str) -> list[str]:
    """Replacements (`<value> as <column>`) for a SELECT over a dataset's rows of texts with `source_file`.

    Made of the content: a hash of the row's texts and its ordinal among equal rows of the file, so that the same
    rows in another file are the same rows. Made of the line: file and line, so that equal lines stay apart, those of
    two servers in one second too. A log that is compressed once it is rotated is the log that it was: .gz is no part
    of the name.

    Args:
        contract: of the dataset.
        rows: alias of the rows in that SELECT.
        line: SQL of the row's line number.
    """
    parts = []
    for column in contract.input_columns:
        name = quoted(column.name)
        if column.made_from == "line":
            file = rf"regexp_replace({rows}.source_file, '\.gz$', '', 'i')"
            parts.append(f"coalesce({name}, {file} || ':' || {line}) as {name}")
        elif column.made_from == "content":
            texts = ", ".join(
                f"coalesce({quoted(c.name)}, '')" for c in contract.input_columns if c.name != column.name
            )
            content = f"md5(concat_ws(chr(31), {texts}))"
            ordinal = f"row_number() over (partition by {rows}.source_file, {name} is null, {content} order by {line})"
            parts.append(f"coalesce({name}, {content} || '-' || {ordinal}) as {name}")
    return parts
