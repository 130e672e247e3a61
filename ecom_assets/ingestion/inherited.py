"""Currency and rate of rows that bring none: those of the order that they belong to, as SQL. Runs nothing.

Exports tell the currency of an order once; its lines and refunds are in it too, whatever day they come on.
"""

from ecom_assets.contracts import Contract, Reference, dataset_contracts
from ecom_assets.ingestion.values import literal, parsed_sql, quoted, trimmed_sql
from ecom_assets.settings import Shop


def inherits_from(contract: Contract) -> Reference | None:
    """The reference to the dataset whose currency a row without one has; None where rows have only their own."""
    known = dataset_contracts() if _has_currency(contract) else {}
    return next((one for one in contract.references if one.to in known and _has_currency(known[one.to])), None)


def _has_currency(contract: Contract) -> bool:
    return {"currency", "fx_rate"} <= contract.by_name.keys()


def with_currency_sql(contract: Contract, shop: Shop, rows: str) -> str:
    """A relation with the columns of `rows`, texts of raw.<dataset>, in which rows without a currency have one.

    That is currency and rate of the order in its clean table, where that is in another currency than the shop's.
    """
    reference = inherits_from(contract)
    if reference is None:
        return rows
    own = trimmed_sql(quoted("currency"))
    there = [f"{quoted(name)} as _to_{number}" for number, name in enumerate(reference.to_columns)]
    foreign = (
        f"select {', '.join(there)}, currency as _to_currency, fx_rate::varchar as _to_rate"
        f" from clean.{quoted(reference.to)} where currency <> {literal(shop.currency)}"
    )
    keys = [f"_to_{number}" for number in range(len(there))]
    same = [f"{_plain_text(contract, name)} = {key}" for name, key in zip(reference.columns, keys, strict=True)]
    # Apart from the rows that bring theirs: most exports bring all of them, and joining none costs nothing.
    return (
        f"(select * from {rows} where {own} is not null union all by name"
        f" select * exclude (_to_currency, _to_rate, {', '.join(keys)})"
        " replace (_to_currency as currency, _to_rate as fx_rate)"
        f" from {rows} left join ({foreign}) on {' and '.join(same)} where {own} is null)"
    )


def outdated_days_sql(contract: Contract, shop: Shop) -> str:
    """A SELECT of `business_date`: days on which rows stand in another currency than that of their order now.

    The orders that came stand in `_staged_<orders>`; the rows are those of clean.<dataset> that brought no currency.
    An order that comes after its refund, or is corrected, asks for the refund's day again.

    Args:
        contract: of a dataset that inherits (`inherits_from`).
        shop: gives the currency of orders that name none.
    """
    reference = inherits_from(contract)
    assert reference  # noqa: S101 - the caller looked
    orders = dataset_contracts()[reference.to]
    currency = f"coalesce(upper({trimmed_sql(quoted('currency'))}), {literal(shop.currency)})"
    rate = parsed_sql(orders.by_name["fx_rate"], quoted("fx_rate"))
    keys = [f"{_plain_text(orders, name)} as _to_{number}" for number, name in enumerate(reference.to_columns)]
    same = [f"stands.{quoted(name)} = ordered._to_{number}" for number, name in enumerate(reference.columns)]
    return (
        f"select distinct stands.business_date from clean.{quoted(contract.name)} stands"
        f" join (select {', '.join(keys)}, {currency} as currency,"
        f" case when {currency} = {literal(shop.currency)} then 1 else {rate} end as fx_rate"
        f" from _staged_{reference.to}) ordered on {' and '.join(same)}"
        f" join raw.{quoted(contract.name)} came"
        " on came._source_file = stands._source_file and came._source_line = stands._source_line"
        f" where {trimmed_sql('came.currency')} is null and (stands.currency, stands.fx_rate)"
        " is distinct from (ordered.currency, ordered.fx_rate)"
    )


def _plain_text(contract: Contract, name: str) -> str:
    """The text of a key column as its clean table has it."""
    default = contract.by_name[name].default
    text = trimmed_sql(quoted(name))
    return text if default is None else f"coalesce({text}, {literal(default)})"
