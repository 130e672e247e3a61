"""The price index of a drawn shop against what the warehouse's own SQL makes of the tables of the same days."""

from datetime import date

import duckdb
import numpy as np
import pytest

from ecom_assets.contracts import contract
from ecom_assets.simulation import Simulator, sales
from ecom_assets.simulation.series import AT, Segments, day_sums, without
from ecom_assets.simulation.usual_prices import lower_medians, usual_prices
from ecom_assets_tests.factories import build, empty_warehouse, table_columns
from ecom_assets_tests.unit.kpi.shops import kpi_query

FIRST, DAYS = date(2026, 3, 18), 24  # a fortnight of March, whose prices are usual in April
MISTAKE, MIX_UP, AGAIN, SALE = 15, 18, 21, 22  # days in April
SCHEDULED = [
    {"kind": "price_mistake", "starts": MISTAKE, "hours": 24, "size": 0.4, "scope": {"category": "Garden"}},
    {"kind": "currency_mix_up", "starts": MIX_UP, "hours": 24, "size": 0.8, "scope": {"country": "AT"}},
    {"kind": "duplicate_delivery", "starts": AGAIN, "hours": 24, "size": 0.3, "scope": {"dataset": "orders"}},
    {"kind": "flash_sale", "starts": SALE, "hours": 24, "size": 0.8},
]
SETTINGS = {
    "orders_per_day": 60,
    "mess": {"late_row_rate": 0.0, "late_file_rate": 0.0},
    "incidents": {"none_share": 1.0, "scheduled": SCHEDULED},
}


@pytest.fixture(scope="module")
def simulator():
    """A shop in which no order is pending on the morning after, as in the tables that know how all turned out."""
    with pytest.MonkeyPatch.context() as patch:
        made = sales._status
        patch.setattr(sales, "_status", lambda world, u: (made(world, u)[1], made(world, u)[1]))
        yield Simulator(SETTINGS, 12, FIRST)


def sql_insert(dataset: str) -> str:
    """A recorded table as clean has it: on its business date, amounts in the shop's currency."""
    columns = []
    for column in contract(f"clean/{dataset}").columns:
        if column.source_of:
            columns.append(f"null as {column.name}")
        elif column.converts:
            columns.append(f"({column.name}::decimal(18, 4) * fx_rate::decimal(18, 8))::{column.sql_type}")
        else:
            columns.append(f"{column.name}::{column.sql_type}")
    return f"insert into clean.{dataset} select $day, {', '.join(columns)} from recorded"


@pytest.fixture(scope="module")
def warehouse(simulator) -> duckdb.DuckDBPyConnection:
    connection = empty_warehouse()
    for number in range(DAYS):
        day = simulator.world(number).clock.day(number)
        for dataset, rows in simulator.recorded(day, ["orders", "order_items"]).items():
            assert "business_date" in table_columns(contract(f"clean/{dataset}"))
            connection.register("recorded", rows)
            connection.execute(sql_insert(dataset), {"day": day})
        connection.execute("insert into lineage.sales_days values (?)", [day])
    products = simulator.day(FIRST, ["products"])["products"]
    connection.register("recorded", products)
    connection.execute("insert into clean.products (product_id, category) select product_id, category from recorded")
    for name in ("usual_prices", "order_values", "sales_by_segment", "product_performance", "category_performance"):
        build(connection, kpi_query(name), {"history_complete_from": None, "time_zone": "Europe/Berlin"})
    return connection


def of_tables(warehouse, day: date) -> dict[tuple[str, str], tuple[float, float]]:
    """Comparable and usual amount by dimension and member."""
    parts = [
        f"select '{dimension}', {member}, sum(comparable_amount)::double, sum(usual_amount)::double "
        f"from kpi.{table} where business_date = $day group by all having sum(usual_amount) > 0"
        for dimension, member, table in (
            ("total", "'all'", "sales_by_segment"), ("channel", "channel", "sales_by_segment"),
            ("device", "device", "sales_by_segment"), ("country", "country", "sales_by_segment"),
            ("category", "category", "category_performance"),
        )
    ]  # fmt: skip
    rows = warehouse.execute(" union all ".join(parts), {"day": day}).fetchall()
    return {(dimension, member): (comparable, usual) for dimension, member, comparable, usual in rows}


@pytest.mark.parametrize("number", [0, 13, 14, MISTAKE, MIX_UP, AGAIN, SALE, DAYS - 1])
def test_both_sums_are_those_of_the_tables(simulator, warehouse, number):
    world = simulator.world(DAYS)
    sums = day_sums(world, number).sums
    drawn = {
        name: (sums[AT["comparable_amount"], place], sums[AT["usual_amount"], place])
        for place, name in enumerate(Segments.of(world).names)
        if sums[AT["usual_amount"], place] > 0
    }
    found = of_tables(warehouse, world.clock.day(number))
    assert drawn.keys() == found.keys()
    assert (not found) == (world.clock.day(number).month == FIRST.month), "of March nothing is usual yet"
    for name, pair in drawn.items():
        # Foreign prices are rounded to the cent of their own currency, which the sums of a drawn shop leave out.
        assert pair == pytest.approx(found[name], rel=1e-3), name


def test_only_the_members_that_an_incident_strikes_cost_another_price(simulator):
    world = simulator.world(DAYS)
    names = Segments.of(world).names

    def index(number: int) -> dict[tuple[str, str], float]:
        sums = day_sums(world, number).sums
        with np.errstate(invalid="ignore"):
            ratio = sums[AT["comparable_amount"]] / sums[AT["usual_amount"]]
        return {name: value for name, value in zip(names, ratio, strict=True) if np.isfinite(value)}

    for number, struck in ((MISTAKE, ("category", "Garden")), (MIX_UP, ("country", "AT"))):
        found = index(number)
        assert abs(found[struck] - 1) > 0.1
        others = [value for name, value in found.items() if name[0] == struck[0] and name != struck]
        assert others == pytest.approx([1.0] * len(others), abs=0.02)
    assert index(AGAIN)["total", "all"] == pytest.approx(1.0, abs=0.01), "rows that come twice change no price"
    assert index(SALE)["total", "all"] == pytest.approx(1.0, abs=0.01), "a discount is no price"
    sold = day_sums(world, SALE).sums[:, 0]
    assert sold[AT["discount_amount"]] > 0.2 * sold[AT["gross_amount"]]


def test_a_twin_is_compared_with_the_same_usual_prices(simulator):
    world = simulator.world(DAYS)
    twin = without(world, "I0-00")
    assert np.array_equal(usual_prices(world, MISTAKE), usual_prices(twin, MISTAKE), equal_nan=True)
    garden = Segments.of(world).first["category"] + world.categories.index("Garden")
    was, would = (day_sums(one, MISTAKE).sums[:, garden] for one in (world, twin))
    assert was[AT["comparable_amount"]] / was[AT["usual_amount"]] == pytest.approx(0.6, abs=0.02)
    assert would[AT["comparable_amount"]] / would[AT["usual_amount"]] == pytest.approx(1.0, abs=0.02)


def test_the_lower_of_two_middle_prices_is_usual():
    group, price = np.array([2, 0, 2, 2, 0, 2]), np.array([5.0, 3.0, 1.0, 9.0, 0.0, 7.0])
    assert lower_medians(group, price, 4).tolist() == pytest.approx([3.0, np.nan, 5.0, np.nan], nan_ok=True)
