import duckdb
import pytest

from ecom_assets.contracts.model import Column
from ecom_assets.quality import content_hash_sql
from ecom_assets_tests.unit.warehouse.small_shop import SALES

MEASURED = SALES.model_copy(
    update={
        "columns": (
            Column(name="sale_id", description="Id."),
            Column(name="score", type="double", description="Score."),
            Column(name="_note", description="Left out."),
        ),
        "key": ("sale_id",),
        "partitioned_by": None,
        "rules": (),
        "references": (),
    }
)


def hash_of(values: str) -> int:
    sql = f"select {content_hash_sql(MEASURED)} from (values {values}) t(sale_id, score, _note)"
    return duckdb.connect().execute(sql).fetchall()[0][0]


def test_order_of_rows_does_not_matter():
    assert hash_of("('a', 1.0::double, 'x'), ('b', 2.0, 'y')") == hash_of("('b', 2.0::double, 'y'), ('a', 1.0, 'x')")


@pytest.mark.parametrize(
    "other",
    ["('a', 1.1::double, 'x')", "('c', 1.0::double, 'x')", "(null, 1.0::double, 'x')", "('a', null::double, 'x')"],
)
def test_any_value_matters(other):
    assert hash_of("('a', 1.0::double, 'x')") != hash_of(other)


def test_a_row_that_came_twice_does_not_vanish():
    once, twice = hash_of("('a', 1.0::double, 'x')"), hash_of("('a', 1.0::double, 'x'), ('a', 1.0, 'x')")
    assert twice == 2 * once != 0


def test_doubles_agree_to_nine_digits():
    assert hash_of("('a', (0.1::double + 0.2::double), 'x')") == hash_of("('a', 0.3::double, 'x')")
    assert hash_of("('a', 0.123456789::double, 'x')") != hash_of("('a', 0.123456780::double, 'x')")
    assert hash_of("('a', -0.0::double, 'x')") == hash_of("('a', 0.0::double, 'x')")


def test_columns_of_the_place_are_left_out():
    assert hash_of("('a', 1.0::double, 'x')") == hash_of("('a', 1.0::double, 'other')")


def test_no_rows_hash_to_zero():
    sql = f"select {content_hash_sql(MEASURED)} from (select 'a' as sale_id, 1.0::double as score where false)"
    assert duckdb.connect().execute(sql).fetchall() == [(0,)]
