import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_assets_tests.unit.warehouse.small_shop import (
    AS_OF,
    SALES,
    day,
    fetch,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_sales,
)


@pytest.fixture
def warehouse():
    made = new_warehouse()
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale("s1", 0), sale("s2", 0, 20), sale("s3", 1, 30)]})
    write_sales(made, 0, 1)
    return made


def standing(warehouse):
    return fetch(warehouse, "select sale_id, business_date, amount::int from clean.sales order by all")


def test_a_corrected_row_leaves_its_old_day(warehouse):
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11)]})
    assert warehouse.days_to_do(AS_OF) == [day(0), day(1)]
    write_sales(warehouse, 0, 1)
    assert standing(warehouse) == [("s1", day(1), 11), ("s2", day(0), 20), ("s3", day(1), 30)]
    assert warehouse.days_to_do(AS_OF) == []


@pytest.mark.parametrize("asked", [0, 1])
def test_writing_one_of_two_days_writes_both(warehouse, asked):
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11)]})
    assert set(write_sales(warehouse, asked).accepted_days) == {day(0), day(1)}
    assert standing(warehouse) == [("s1", day(1), 11), ("s2", day(0), 20), ("s3", day(1), 30)]
    assert warehouse.days_to_do(AS_OF) == []


def test_the_old_day_waits_when_the_new_one_is_refused(warehouse):
    before = standing(warehouse)
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11), sale("bad", 1, -1)]})
    outcome = write_sales(warehouse, 0, 1)
    assert outcome.refused_days == (day(0), day(1))
    assert "shares a corrected row with 2024-03-02" in outcome.reasons[day(0)]
    assert standing(warehouse) == before
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11)]})
    assert write_sales(warehouse, *(each.day - 1 for each in warehouse.days_to_do(AS_OF))).refused_days == ()
    assert standing(warehouse) == [("s1", day(1), 11), ("s2", day(0), 20), ("s3", day(1), 30)]


def test_the_new_day_waits_when_the_old_one_is_refused(warehouse):
    before = standing(warehouse)
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11), sale("bad", 0, -1)]})
    outcome = write_sales(warehouse, 0, 1)
    assert outcome.refused_days == (day(0), day(1))
    assert standing(warehouse) == before


def test_a_row_that_moved_back_returns(warehouse):
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11)]})
    write_sales(warehouse, 0, 1)
    load(warehouse, SALES, {"c.csv": [sale("s1", 0, 12)]})
    assert warehouse.days_to_do(AS_OF) == [day(0), day(1)]
    write_sales(warehouse, 0)
    assert standing(warehouse) == [("s1", day(0), 12), ("s2", day(0), 20), ("s3", day(1), 30)]


def test_without_the_correcting_file_the_row_is_back_on_its_day(warehouse):
    before = standing(warehouse)
    load(warehouse, SALES, {"b.csv": [sale("s1", 1, 11)]})
    write_sales(warehouse, 0, 1)
    load(warehouse, SALES, {"b.csv": []})
    assert warehouse.days_to_do(AS_OF) == [day(0), day(1)]
    write_sales(warehouse, 0, 1)
    assert standing(warehouse) == before
    assert fetch(warehouse, "from raw.moved_keys") == []


def test_a_row_that_a_replaced_file_moved_does_not_stand_twice(warehouse):
    """Day 0 is refused and keeps s1; raw knows s1 on day 1 only, so nothing there says that it moved."""
    before = standing(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("bad", 0, -1), sale("s1", 1, 11)]})
    assert fetch(warehouse, "from raw.moved_keys") == []
    outcome = write_sales(warehouse, 0, 1)
    assert outcome.refused_days == (day(0), day(1))
    assert standing(warehouse) == before
    load(warehouse, SALES, {"a.csv": [sale("s2", 0, 21), sale("s1", 1, 11)]})
    write_sales(warehouse, 0, 1)
    assert standing(warehouse) == [("s1", day(1), 11), ("s2", day(0), 21)]


def test_a_row_does_not_vanish_when_its_day_is_emptied_and_its_new_one_refused(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 1, 11), sale("bad", 1, -1)]})
    outcome = write_sales(warehouse, 0, 1)
    assert (outcome.refused_days, outcome.missing_days) == ((day(0), day(1)), ())
    assert ("s1", day(0), 10) in standing(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("s1", 1, 11)]})
    assert warehouse.days_to_do(AS_OF)[-1] == day(1)
    assert write_sales(warehouse, 1).missing_days == (day(0),)  # the day that was held back comes along
    assert standing(warehouse) == [("s1", day(1), 11)]


def test_a_day_that_is_written_before_its_partner_waits_for_it(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s2", 0, 20), sale("s1", 1, 11)]})
    assert write_sales(warehouse, 1).refused_days == (day(1),)
    assert set(write_sales(warehouse, 0).accepted_days) == {day(0), day(1)}
    assert standing(warehouse) == [("s1", day(1), 11), ("s2", day(0), 20)]
    assert warehouse.days_to_do(AS_OF) == []


ARRIVALS = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 99)), max_size=5), min_size=1, max_size=4
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals=ARRIVALS, rewritten=st.booleans(), replaced=st.booleans())
def test_any_arrivals_end_with_the_last_of_each_key_on_its_day(arrivals, rewritten, replaced):
    """Compared with a plain dictionary that knows only: file by file, line by line, the last one wins."""
    warehouse = new_warehouse()
    load_buyers(warehouse)
    files = {}
    for number, brought in enumerate(arrivals):
        name = f"{number % 2 if replaced else number}.csv"
        files[name] = brought
        load(warehouse, SALES, {name: [sale(f"s{key}", on, amount) for key, on, amount in brought]})
        if rewritten:
            write_sales(warehouse, *((each - day(0)).days for each in warehouse.days_to_do(AS_OF)))
    write_sales(warehouse, *((each - day(0)).days for each in warehouse.days_to_do(AS_OF)))
    last = {f"s{key}": (day(on), amount) for name in sorted(files) for key, on, amount in files[name]}
    assert standing(warehouse) == sorted((key, on, amount) for key, (on, amount) in last.items())
    assert warehouse.days_to_do(AS_OF) == []
