"""The test factories make rows that satisfy their contracts."""

from datetime import date, datetime

import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets_tests.factories import business_date, empty_warehouse, fetch, insert_rows, make_row


@pytest.mark.parametrize("name", dataset_contracts())
def test_made_rows_keep_types_required_columns_and_rules(name: str) -> None:
    contract = dataset_contracts()[name]
    connection = empty_warehouse()
    insert_rows(connection, name, [make_row(name), make_row(name)] if _has_free_key(name) else [make_row(name)])
    rows = fetch(connection, f"clean.{name}")
    for row in rows:
        assert all(row[column] is not None for column in contract.required_columns)
    for rule in contract.rules:
        broken = connection.execute(f"select * from clean.{name} where not ({rule.expression})").fetchall()
        assert broken == [], rule.name
    assert len({tuple(row[column] for column in contract.key) for row in rows}) == len(rows)


def _has_free_key(name: str) -> bool:
    """Whether a key column is made up by the factory; a key of day and closed sets must be stated."""
    contract = dataset_contracts()[name]
    return any(
        contract.by_name[column].default is None and contract.by_name[column].type in ("text", "integer")
        for column in contract.key
    )


def test_stated_values_are_kept_and_misspelt_columns_refused() -> None:
    assert make_row("orders", order_id="7")["order_id"] == "7"
    with pytest.raises(KeyError, match="orders has no column order_nr"):
        make_row("orders", order_nr="7")


def test_business_dates_are_shop_local() -> None:
    contract = dataset_contracts()["orders"]
    row = make_row("orders", ordered_at=datetime(2025, 6, 30, 23, 30))
    assert business_date(contract, row) == date(2025, 6, 30)
    assert business_date(contract, row, "Europe/Berlin") == date(2025, 7, 1)
