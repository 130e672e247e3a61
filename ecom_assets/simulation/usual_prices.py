"""What each product usually cost in the month before a day, as kpi/usual_prices makes it of the same files.

Of what the warehouse makes of them it leaves out broken rows and takes those that come late as come: of a median of a
month they change nothing. Only scoring reads it.
"""

import numpy as np

from ecom_assets.simulation.sales import Sales, sales_of
from ecom_assets.simulation.streams import Floats
from ecom_assets.simulation.tables import _currency
from ecom_assets.simulation.world import World

MONTHS_KEPT = 4


def usual_prices(world: World, day: int) -> Floats:
    """Cents by product: the lower median unit price of the lines of the calendar month before; NaN without lines.

    A shop without some incident (`series.without`) shares them with the whole one. A median hardly moves with an
    incident, and to make a month of another shop's sales for each of its days would take a hundred times as long.
    """
    today = world.clock.day(day)
    return world.kept("usual_prices", _of_month_before, world.clock.number(today.replace(day=1)), MONTHS_KEPT)


def _of_month_before(world: World, first_day: int) -> Floats:
    last = world.clock.day(first_day - 1)
    from_day = world.clock.number(last.replace(day=1))
    product, price = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for day in range(max(from_day, 0), first_day):
        sales = sales_of(world, day)
        lines = np.flatnonzero(sales.served)
        product.append(sales.intents.product[lines])
        price.append(recorded_prices(world, sales)[lines])
    return lower_medians(np.concatenate(product), np.concatenate(price), len(world.products.weight))


def recorded_prices(world: World, sales: Sales) -> Floats:
    """Unit price of each line in cents of the shop's currency, as clean/order_items has it of what was recorded."""
    order, currency = sales.intents.line_order, _currency(world, sales, faults=True)
    return np.round(currency.cents(sales.price, order) * currency.rate[order], 2)


def lower_medians(group: np.ndarray, values: Floats, groups: int) -> Floats:
    """Of each group the middle value, of an even number the lower of the two; NaN where there is none."""
    values, group = values[values > 0], group[values > 0]
    by_value = np.lexsort((values, group))
    count = np.bincount(group, minlength=groups)
    middle = np.cumsum(count) - count + (count - 1) // 2
    found = np.full(groups, np.nan)
    found[count > 0] = values[by_value][middle[count > 0]]
    return found


__all__ = ["lower_medians", "recorded_prices", "usual_prices"]
