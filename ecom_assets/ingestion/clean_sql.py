"""The clean table of a dataset as one SELECT over its raw table, generated from the contract. Runs nothing."""

from ecom_assets.contracts import Column, Contract
from ecom_assets.ingestion.inherited import with_currency_sql
from ecom_assets.ingestion.row_sql import RowSql, is_member_sql, plain_sql, select_sql
from ecom_assets.ingestion.values import literal, parsed_sql, quoted, trimmed_sql
from ecom_assets.settings import Shop

_ORIGIN = ("_source_file", "_source_line")
_IN_RANGE = "_business_date between $from_day and $to_day"


def clean_select(contract: Contract, shop: Shop) -> str:
    """The SELECT that makes clean.<dataset> of raw.<dataset>.

    Columns: `business_date` where the dataset is partitioned, the contract's columns in its order,
    `_source_file`, `_source_line`. Parameters of a partitioned one: `$from_day` and `$to_day`, inclusive. Values
    are typed, repaired and given their defaults as at load; a member outside a closed set becomes `other` with
    the original in `source_…`; amounts are in the shop's currency. Rows without a currency that belong to an order
    have that of clean.orders, which must be written before. Of rows with one key the last arrival (file name, then
    line) stands, wherever its day is: `raw.moved_keys` says which keys were seen on several days.

    Its CTEs, in their order:

        repeated    hashes of keys that came more than once: on the days asked for, or on one of them and another day
        ranked      rows with such a key, of these days and of others, the last arrival of each key as number 1
        superseded  those of them that are not the last arrival
        arrived     all other rows of these days, typed and judged (`RowSql.select`)
    """
    rows = RowSql(contract, shop)
    in_range = f"{_IN_RANGE} and " if contract.partitioned_by else ""
    last_arrivals = f"(select * from {_raw(contract)} where {in_range}rowid not in (select row_id from superseded))"
    carried = (*_ORIGIN, "_business_date") if contract.partitioned_by else _ORIGIN
    arrived = rows.select(with_currency_sql(contract, shop, last_arrivals), carried)
    columns = ["_business_date as business_date"] if contract.partitioned_by else []
    columns += [f"{_final_sql(rows, column)} as {quoted(column.name)}" for column in contract.columns]
    return (
        f"with repeated as ({_repeated(contract)}),\n"
        f"ranked as ({_ranked(contract)}),\n"
        "superseded as (select row_id from ranked where arrival > 1),\n"
        f"arrived as (\n{arrived}\n)\n"
        f"{select_sql([], [*columns, *_ORIGIN], 'arrived')}"
    )


def key_hash_sql(contract: Contract) -> str:
    """The hash (UBIGINT) of a row's key, over the raw or staged text columns of the dataset.

    It is kept with every row of raw, so other text of this SQL has all hashes made anew.
    """
    return f"hash({', '.join(_key_texts(contract))})"


def _raw(contract: Contract) -> str:
    return f"raw.{quoted(contract.name)}"


def _key_texts(contract: Contract) -> list[str]:
    """The key columns in one spelling, from their text: '1' and '1.0' are one line number, ' o1' is order 'o1'."""
    return [_key_text(contract.by_name[name]) for name in contract.key]


def _key_text(column: Column) -> str:
    name = quoted(column.name)
    text = trimmed_sql(name)
    if column.values:  # not as `other`, which would make one key of all originals outside the set
        text = f"case when {is_member_sql(column, name)} then {name} else {plain_sql(text)} end"
    elif column.type != "text":
        text = f"coalesce(cast({parsed_sql(column, name)} as varchar), {text})"
    return text if column.default is None else f"coalesce({text}, {literal(column.default)})"


def _repeated(contract: Contract) -> str:
    """A SELECT of `key_hash`: keys that came more than once on the days asked for, or on one of them and elsewhere."""
    key = key_hash_sql(contract)
    of_days = f"from {_raw(contract)} where {_IN_RANGE}" if contract.partitioned_by else f"from {_raw(contract)}"
    repeated = f"select {key} as key_hash\n    {of_days}\n    group by all having count(*) > 1"
    if not contract.keys_can_move:
        return repeated
    return f"{repeated}\n    union {_moved(contract)}\n    and key_hash in (select {key}\n    {of_days})"


def _ranked(contract: Contract) -> str:
    """A SELECT of `row_id` and `arrival`: every row with a repeated key, the last arrival of each key as number 1.

    By the key's own texts, as two keys may have one hash.
    """
    key, keys = key_hash_sql(contract), [f"_key_{number}" for number in range(len(contract.key))]
    texts = [f"{text} as {name}" for text, name in zip(_key_texts(contract), keys, strict=True)]
    pool = f"select rowid as row_id, {', '.join([*_ORIGIN, *texts])}\n    from {_raw(contract)}"
    in_range = f"{_IN_RANGE} and " if contract.partitioned_by else ""
    pooled = f"{pool} where {in_range}{key} in (select key_hash from repeated)"
    if contract.keys_can_move:  # the rows of the same keys on other days
        moved = f"{_moved(contract)} and key_hash in (select key_hash from repeated)"
        pooled += f"\n    union all {pool} where not ({_IN_RANGE}) and {key} in ({moved})"
    arrival = f"row_number() over (partition by {', '.join(keys)} order by _source_file desc, _source_line desc)"
    return f"select row_id, {arrival} as arrival\n    from ({pooled})"


def _moved(contract: Contract) -> str:
    return f"select key_hash from raw.moved_keys where dataset = {literal(contract.name)}"


def _final_sql(rows: RowSql, column: Column) -> str:
    """The value of a column in the clean table, over the columns of `RowSql.select`.

    Of `tax_amount`, say, `case when _is_foreign and "tax_amount" <> 0 then cast("tax_amount" * fx_rate as
    DECIMAL(18,4)) else "tax_amount" end`; where a rule empties it, `case when "_breaks_…" then null else "tax_amount"
    end` stands for "tax_amount". Most columns are as they are.
    """
    if column.source_of:
        return _replaced_sql(rows.contract.by_name[column.source_of])
    value = quoted(column.name)
    repairs = [rule for rule in rows.rules if rule.on_break == "repair" and column.name in rule.empties]
    if repairs:
        is_broken = " or ".join(quoted(f"_breaks_{rule.name}") for rule in repairs)
        value = f"case when {is_broken} then null else {value} end"
    if rows.converts and column.name == "currency":
        return f"coalesce(upper({value}), {literal(rows.shop.currency)})"
    if rows.converts and column.name == "fx_rate":
        return f"cast(case when _is_foreign then {value} else 1 end as {column.sql_type})"
    if column.converts:
        converted = f"cast({value} * fx_rate as {column.sql_type})"
        return f"case when _is_foreign and {value} <> 0 then {converted} else {value} end"
    return value


def _replaced_sql(column: Column) -> str:
    """What the source said, where the closed-set column holds something else than a spelling of it."""
    text = quoted(f"_text_{column.name}")
    is_other = f"{quoted(column.name)} = {literal(column.other)}"
    said_other = f"{plain_sql(f'trim({text})')} = {literal(column.other)}"
    return f"case when {is_other} and not ({said_other}) then trim({text}) end"
