from ecom_assets.contracts import dataset_contracts
from ecom_assets.contracts.model import Column
from ecom_assets.warehouse import Warehouse, connect
from ecom_assets.warehouse.connection import columns_of
from ecom_assets_tests.unit.warehouse.small_shop import (
    AS_OF,
    BUYERS,
    CONTRACTS,
    DAILY,
    SALES,
    SHOP,
    day,
    fetch,
    key_hash_sql,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_sales,
)


def test_every_dataset_gets_typed_empty_tables():
    warehouse = Warehouse(connect(":memory:"), SHOP)
    assert warehouse.prepare() == []
    for contract in dataset_contracts().values():
        clean = columns_of(warehouse.connection, f"clean.{contract.name}")
        stated = {column.name: column.sql_type for column in contract.columns}
        implied = {"business_date": "DATE"} if contract.partitioned_by else {}
        assert clean == {**implied, **stated, "_source_file": "VARCHAR", "_source_line": "BIGINT"}
        assert next(iter(clean)) == ("business_date" if contract.partitioned_by else contract.columns[0].name)
        raw = columns_of(warehouse.connection, f"raw.{contract.name}")
        origin = {"_source_file", "_source_line", "_business_date", *(["_key_hash"] if contract.keys_can_move else [])}
        assert set(raw) == origin | {column.name for column in contract.input_columns}
        assert {kind for name, kind in raw.items() if not name.startswith("_")} == {"VARCHAR"}
        assert fetch(warehouse, f"from quarantine.{contract.name}") == []


def test_preparing_again_keeps_everything():
    warehouse = new_warehouse()
    load_buyers(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("s1")]})
    write_sales(warehouse, 0)
    assert warehouse.prepare() == []
    assert fetch(warehouse, "select sale_id from clean.sales") == [("s1",)]
    assert warehouse.days_to_do(AS_OF) == []


def test_a_changed_contract_makes_its_table_anew_and_asks_for_its_days():
    warehouse = new_warehouse()
    load_buyers(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("s1")]})
    write_sales(warehouse, 0)
    wider = SALES.model_copy(update={"columns": (*SALES.columns, Column(name="note", description="New."))})
    changed = Warehouse(warehouse.connection, SHOP, (BUYERS, wider, DAILY), key_hash_sql)
    assert changed.prepare() == [
        "clean/sales: its contract changed, so the table was made anew and its days are to do again"
    ]
    assert "note" in columns_of(changed.connection, "raw.sales")
    assert fetch(changed, "select sale_id, note from raw.sales") == [("s1", None)]
    assert changed.days_to_do(AS_OF) == [day(0)]


def test_what_a_crash_left_staged_is_dropped():
    warehouse = new_warehouse()
    fetch(warehouse, "create table clean._next_sales as select 1 as half")
    warehouse.prepare()
    assert fetch(warehouse, "select table_name from information_schema.tables where table_name = '_next_sales'") == []


def test_timestamps_show_as_utc_whatever_the_machine_says():
    warehouse = Warehouse(connect(":memory:"), SHOP, CONTRACTS)
    assert fetch(warehouse, "select current_setting('TimeZone')") == [("UTC",)]


def test_assets_and_edges_are_kept_and_replaced():
    warehouse = new_warehouse()
    asset = {"asset": "kpi/daily", "domain": "sales", "owner": "team:growth", "upstream": ["clean/sales"]}
    warehouse.record_assets([asset, {"asset": "clean/sales"}])
    warehouse.record_assets([{**asset, "description": "One row per day.", "code_version": "2"}])
    assert fetch(warehouse, "from lineage.assets order by asset") == [
        ("clean/sales", "clean", None, None, None, None),
        ("kpi/daily", "kpi", "sales", "team:growth", "One row per day.", "2"),
    ]
    assert fetch(warehouse, "from lineage.asset_edges") == [("clean/sales", "kpi/daily")]
    warehouse.record_column_edges("kpi/daily", {"amount": [("clean/sales", "fee")], "sales": []})
    warehouse.record_column_edges("kpi/daily", {"amount": [("clean/sales", "amount")]})
    assert fetch(warehouse, "from lineage.column_edges") == [("clean/sales", "amount", "kpi/daily", "amount")]


def test_key_hashes_are_made_for_rows_that_came_before_them_and_anew_when_their_sql_changes():
    warehouse = new_warehouse()
    load(warehouse, SALES, {"a.csv": [sale("s1")]})
    expected = fetch(warehouse, "select hash('s1')")
    assert fetch(warehouse, "select _key_hash from raw.sales") == expected
    fetch(warehouse, "alter table raw.sales drop column _key_hash")
    fetch(warehouse, "delete from lineage.key_hashes")
    warehouse.prepare()
    assert fetch(warehouse, "select _key_hash from raw.sales") == expected
    other = Warehouse(warehouse.connection, warehouse.shop, warehouse.contracts.values(), lambda _: "hash(amount)")
    other.prepare()
    assert fetch(warehouse, "select _key_hash = hash(amount) from raw.sales") == [(True,)]
