import pytest

from ecom_assets_tests.unit.warehouse.small_shop import (
    BUYERS,
    DAILY,
    DAILY_SALES,
    SALES,
    Sql,
    day,
    fetch,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_daily,
    write_sales,
)


@pytest.fixture
def warehouse():
    made = new_warehouse()
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1, 20)]})
    write_sales(made, 0, 1)
    write_daily(made)
    return made


def kept(warehouse):
    return fetch(warehouse, 'select measure, "day", was, "is", cause from lineage.restatements order by all')


def test_a_first_value_and_an_unchanged_one_restate_nothing(warehouse):
    assert kept(warehouse) == []
    load(warehouse, SALES, {"b.csv": [sale("s3", 2)]})
    write_sales(warehouse, 2)
    assert write_daily(warehouse).restatements == ()
    assert kept(warehouse) == []


def test_a_late_file_restates_the_day_that_it_touched(warehouse):
    load(warehouse, SALES, {"late.csv": [sale("s3", 0, 5)]})
    write_sales(warehouse, 0)
    found = write_daily(warehouse).restatements
    assert {(each.measure, each.day, each.was, each.is_) for each in found} == {
        ("sales", day(0), 1, 2),
        ("amount", day(0), 10, 15),
    }
    assert kept(warehouse) == [
        ("amount", day(0), 10.0, 15.0, "loaded late.csv"),
        ("sales", day(0), 1.0, 2.0, "loaded late.csv"),
    ]


def test_a_new_definition_is_named_as_the_cause(warehouse):
    contract_free = Sql(DAILY_SALES.sql.replace("count(*)", "count(*) + 1"), reads=DAILY_SALES.reads)
    outcome = warehouse.write(warehouse.contracts["kpi/daily"], contract_free, None, "run", "v2")
    assert {each.cause for each in outcome.restatements} == {"the table's definition changed"}
    assert {each.measure for each in outcome.restatements} == {"sales"}


def test_a_refused_table_restates_nothing(warehouse):
    wrong = Sql(DAILY_SALES.sql.replace("sum(amount)", "sum(amount) + 1"))
    assert write_daily(warehouse, query=wrong).restatements == ()
    assert kept(warehouse) == []


def test_members_of_a_wider_key_are_named():
    contract = DAILY.model_copy(update={"key": ("business_date", "sales"), "reconciliations": ()})
    made = new_warehouse(contracts=[BUYERS, SALES, contract])
    for amount in (1, 2):
        query = Sql(f"select date '2024-03-01' as business_date, 7::bigint as sales, {amount}::decimal(18,4) as amount")
        outcome = made.write(contract, query, None, "run", "v1")
    assert [(each.measure, each.member, each.was, each.is_) for each in outcome.restatements] == [
        ("amount", "sales=7", 1.0, 2.0)
    ]
