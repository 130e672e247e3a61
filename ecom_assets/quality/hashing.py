"""The content hash of a table: equal rows give equal hashes, on any machine and in any order."""

from ecom_assets.contracts import Column, Contract

_DIGITS_AFTER_THE_FIRST = 8  # nine significant digits: parallel sums of doubles differ beyond them


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def content_hash_sql(contract: Contract) -> str:
    """An aggregate (HUGEINT, 0 for no rows) over the contract's columns in contract order.

    Hashes of rows are summed rather than combined by XOR, under which a row that came twice would vanish.
    """
    columns = [_hashed(column) for column in contract.columns if not column.name.startswith("_")]
    return f"coalesce(sum(hash({', '.join(columns)})), 0)"


def _hashed(column: Column) -> str:
    if column.type != "double":
        return quoted(column.name)
    # Adding zero turns -0.0 into 0.0, which print differently.
    return f"printf('%.{_DIGITS_AFTER_THE_FIRST}e', {quoted(column.name)} + 0.0)"
