"""The clean table of a dataset as one SELECT over its raw table, generated from the contract. Runs nothing."""

from ecom_assets.contracts import Column, Contract
from ecom_assets.ingestion.inherited import with_currency_sql
from ecom_assets.ingestion.row_sql import RowSql, is_member_sql, plain_sql
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
    """
    rows = RowSql(contract, shop)
    table = _raw(contract)
    kept = f"(select * from {table} where {_IN_RANGE} and rowid not in (select row_id from superseded))"
    carried: tuple[str, ...] = (*_ORIGIN, "_business_date")
    if not contract.partitioned_by:
        kept = f"(select * from {table} where rowid not in (select row_id from superseded))"
        carried = _ORIGIN
    columns = [f"{_final_sql(rows, column)} as {quoted(column.name)}" for column in contract.columns]
    day = ["_business_date as business_date"] if contract.partitioned_by else []
    return (
        f"with {_superseded(contract)},\n"
        f"arrived as (\n{rows.select(with_currency_sql(contract, shop, kept), carried)}\n)\n"
        f"select {', '.join([*day, *columns, *_ORIGIN])} from arrived"
    )


def key_hash_sql(contract: Contract) -> str:
    """The hash (UBIGINT) of a row's key, over the raw or staged text columns of the dataset."""
    return f"hash({', '.join(_key_texts(contract))})"


def moved_keys_sql(contract: Contract, among: str | None = None) -> str:
    """A SELECT of `key_hash`: the keys that raw.<dataset> holds on more than one business date.

    Args:
        contract: of a dataset; one that is not partitioned, or whose key holds the day, has no moved keys.
        among: a relation with the dataset's text columns, such as `_staged_orders`; only its keys are looked at.
    """
    if not can_move(contract):
        return "select null::ubigint as key_hash where false"
    key = key_hash_sql(contract)
    only = f" where {key} in (select {key} from {among})" if among else ""
    return (
        f"select {key} as key_hash from {_raw(contract)}{only} group by all"
        " having min(_business_date) <> max(_business_date)"
    )


def can_move(contract: Contract) -> bool:
    """Whether a row of the dataset can change its business date and keep its key."""
    return contract.partitioned_by is not None and contract.partitioned_by not in contract.key


def _raw(contract: Contract) -> str:
    return f"raw.{quoted(contract.name)}"


def _key_texts(contract: Contract) -> list[str]:
    """The key columns in one spelling, from their text; the originals of a closed set's `other` stay apart."""
    return [_key_text(contract.by_name[name]) for name in contract.key]


def _key_text(column: Column) -> str:
    name = quoted(column.name)
    text = trimmed_sql(name)
    if column.values:
        text = f"case when {is_member_sql(column, name)} then {name} else {plain_sql(text)} end"
    elif column.type != "text":
        text = f"coalesce(cast({parsed_sql(column, name)} as varchar), {text})"
    return text if column.default is None else f"coalesce({text}, {literal(column.default)})"


def _superseded(contract: Contract) -> str:
    """CTEs that end in `superseded` (row_id): rows of raw after which one with the same key arrived."""
    table, key = _raw(contract), key_hash_sql(contract)
    where = f" where {_IN_RANGE}" if contract.partitioned_by else ""
    also = " and " if where else " where "
    keys = [f"{text} as _key_{number}" for number, text in enumerate(_key_texts(contract))]
    pool = f"select rowid as row_id, _source_file, _source_line, {', '.join(keys)} from {table}"
    parts = [f"{pool}{where}{also}{key} in (select key_hash from repeated)"]
    steps = [f"repeated as (select {key} as key_hash from {table}{where} group by all having count(*) > 1)"]
    if can_move(contract):
        moved = f"select key_hash from raw.moved_keys where dataset = {literal(contract.name)}"
        steps[0] = steps[0][:-1] + f" union {moved} and key_hash in (select {key} from {table}{where}))"
        parts.append(
            f"{pool} where not ({_IN_RANGE}) and {key} in ({moved} and key_hash in (select key_hash from repeated))"
        )
    partition = ", ".join(f"_key_{number}" for number in range(len(keys)))
    ranked = f"row_number() over (partition by {partition} order by _source_file desc, _source_line desc) as arrival"
    pooled = " union all ".join(parts)
    steps.append(f"ranked as (select row_id, {ranked} from ({pooled}))")
    steps.append("superseded as (select row_id from ranked where arrival > 1)")
    return ",\n".join(steps)


def _final_sql(rows: RowSql, column: Column) -> str:
    if column.source_of:
        return _replaced_sql(rows.contract.by_name[column.source_of])
    value = quoted(column.name)
    emptied = [
        quoted(f"_breaks_{rule.name}")
        for rule in rows.rules
        if rule.on_break == "repair" and column.name in rule.empties
    ]
    if emptied:
        value = f"case when {' or '.join(emptied)} then null else {value} end"
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
    plain = plain_sql(f"trim({text})")
    said_other = f"{plain} = {literal(column.other)}"
    return f"case when {quoted(column.name)} = {literal(column.other)} and not ({said_other}) then trim({text}) end"
