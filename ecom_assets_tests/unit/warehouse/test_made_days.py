"""A whole table whose SELECT can be asked for days: made anew where inputs changed, it reads as if all of it was."""

import pytest

from ecom_assets.contracts.model import Rule
from ecom_assets_tests.unit.warehouse.small_shop import (
    BUYERS,
    DAILY,
    SALES,
    Sql,
    daily_of_days,
    day,
    fetch,
    load,
    sale,
    warehouse_of_days,
    write_sales,
)

DAYS = 12
BY_DAY = DAILY.model_copy(update={"name": "by_day", "tracks_restatements": False})
OTHERS = DAILY.model_copy(update={"name": "others", "tracks_restatements": False, "reconciliations": ()})
OF_SALES = daily_of_days()
OF_OTHERS = daily_of_days("kpi.others")
ALL = Sql(OF_SALES.sql.replace("$from_day", "null").replace("$to_day", "null"), reads=OF_SALES.reads)


@pytest.fixture
def warehouse():
    return warehouse_of_days(DAYS, [BUYERS, SALES, BY_DAY, OTHERS])


def write(warehouse, query=OF_SALES, version="v1", contract=BY_DAY):
    return warehouse.write(contract, query, None, "run", version)


def held(warehouse):
    return fetch(warehouse, "select * from kpi.by_day order by all")


def mark(warehouse):
    """Falsify the standing rows, so that it shows which of them were made anew."""
    fetch(warehouse, "update kpi.by_day set sales = 99")


def marked(warehouse):
    return [row[0] for row in fetch(warehouse, "select business_date from kpi.by_day where sales = 99 order by 1")]


def test_days_from_the_first_to_the_last_that_changed_are_made_anew(warehouse):
    write(warehouse)
    mark(warehouse)
    load(warehouse, SALES, {"late.csv": [sale("x", 7), sale("y", 9)]})
    write_sales(warehouse, 7, 9)
    write(warehouse)
    assert marked(warehouse) == [day(number) for number in range(DAYS) if number not in (7, 8, 9)]


def test_rows_count_and_hash_are_those_of_the_whole(warehouse):
    write(warehouse)
    load(warehouse, SALES, {"late.csv": [sale("x", 3, 5)], "new.csv": [sale("n", DAYS)]})
    write_sales(warehouse, 3, DAYS)
    load(warehouse, SALES, {"a.csv": [sale(f"s{number}", number, 10 + number) for number in range(DAYS - 1)]})
    write_sales(warehouse, DAYS - 1)
    in_part, rows = write(warehouse), held(warehouse)
    whole = write(warehouse, ALL, "v2")
    assert rows == held(warehouse)
    assert (in_part.row_count, in_part.content_hash) == (whole.row_count, whole.content_hash)
    newest = "select newest_day, row_count from lineage.days where asset = 'kpi/by_day'"
    assert fetch(warehouse, newest) == [(day(DAYS), DAYS)]


def test_a_whole_input_is_known_by_its_rows(warehouse):
    of_others = BY_DAY.model_copy(update={"reconciliations": ()})
    write(warehouse, contract=OTHERS)
    write(warehouse, OF_OTHERS, contract=of_others)
    mark(warehouse)
    load(warehouse, SALES, {"late.csv": [sale("x", 4)]})
    write_sales(warehouse, 4)
    write(warehouse, contract=OTHERS)
    write(warehouse, OF_OTHERS, contract=of_others)
    assert marked(warehouse) == [day(number) for number in range(DAYS) if number != 4]


@pytest.mark.parametrize("why", ["nothing changed", "other code", "most of it changed", "refused before"])
def test_all_of_it_is_made_anew_where(warehouse, why):
    write(warehouse)
    if why == "refused before":
        wrong = Sql(OF_SALES.sql.replace("sum(amount)", "sum(amount) + 1"), OF_SALES.params, OF_SALES.reads)
        assert not write(warehouse, wrong).accepted
    if why == "most of it changed":
        load(warehouse, SALES, {"late.csv": [sale("x", 1), sale("y", 8)]})
        write_sales(warehouse, 1, 8)
    mark(warehouse)
    assert write(warehouse, version="v2" if why == "other code" else "v1").accepted
    assert marked(warehouse) == []


def test_a_day_that_fails_refuses_the_table_and_is_tried_again(warehouse):
    write(warehouse)
    before = held(warehouse)
    load(warehouse, SALES, {"late.csv": [sale("x", 7)]})
    write_sales(warehouse, 7)
    wrong = Sql(OF_SALES.sql.replace("sum(amount)", "sum(amount) + 1"), OF_SALES.params, OF_SALES.reads)
    refused = write(warehouse, wrong)
    assert not refused.accepted
    assert [reason for reason in refused.reasons if reason] == [day(7)]
    assert held(warehouse) == before
    assert write(warehouse).row_count == DAYS
    assert held(warehouse)[7][1:] == (2, 27)


def test_a_day_that_stands_with_a_warning_is_warned_of_again(warehouse):
    wary = BY_DAY.model_copy(update={"rules": (Rule(name="amount_is_low", expression="amount < 1000"),)})
    load(warehouse, SALES, {"late.csv": [sale("x", 9, 5000)]})
    write_sales(warehouse, 9)
    write(warehouse, contract=wary)
    load(warehouse, SALES, {"later.csv": [sale("y", 10)]})
    write_sales(warehouse, 10)
    mark(warehouse)
    failed = write(warehouse, contract=wary).failed()
    assert {verdict.business_date for verdict in failed} == {None, day(9)}
    assert marked(warehouse) == [day(number) for number in range(9)] + [day(11)]


def test_a_table_with_a_check_on_all_its_days_is_made_whole(warehouse):
    write(warehouse, contract=BY_DAY.model_copy(update={"min_rows": 1}))
    assert fetch(warehouse, "select count(*) from lineage.made_days") == [(0,)]
