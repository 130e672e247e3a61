"""A simulated shop's main series, by day, as its sources recorded them, and what was planned. Forecasts nothing.

Only the sales datasets are made, and summed here in one statement: enough for a bench, no substitute for the KPI
tables, whose definitions are finer.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd

from ecom_assets.forecasting.series import History, season_lengths
from ecom_assets.simulation import Simulator

DATASETS = ("orders", "order_items", "refunds", "website_traffic")
SERIES = ("net_amount", "orders", "sessions", "conversion_rate", "new_customers", "sessions of paid_search")
_SQL = """
    with lines as (
        select order_id,
            sum((quantity::double * unit_price_amount::double - discount_amount::double) * fx_rate::double) as amount
        from order_items where line_type = 'product' group by order_id
    )
    select
        (select sum(amount) from lines)
            - (select sum(discount_amount::double * fx_rate::double) from orders)
            - (select coalesce(sum(goods_amount::double * fx_rate::double), 0) from refunds) as net_amount,
        (select count(distinct order_id) from orders where status not in ('pending', 'failed', 'void')) as orders,
        (select sum(sessions) from website_traffic) as sessions,
        (select count(distinct session_id) from orders) as converted,
        (select sum(sessions) from website_traffic where channel = 'paid_search') as paid,
        (select list(distinct customer_id) from orders where customer_id is not null) as customers
"""


@dataclass(frozen=True)
class DailyShop:
    """Histories by name; days on which trend or level changed; days that lie in a planned campaign or beside one."""

    histories: dict[str, History]
    changes: pd.DatetimeIndex
    planned: pd.DatetimeIndex


def daily_shop(seed: int, days: int = 730) -> DailyShop:
    """Two years of the shop of a seed: its size and first day are drawn too."""
    rng = np.random.default_rng([seed, 28])
    first = date(2024, 1, 1) + timedelta(days=int(rng.integers(0, 365)))
    simulator = Simulator({}, seed, first, orders_per_day=float(np.exp(rng.uniform(np.log(60), np.log(300)))))
    times = pd.date_range(first, periods=days).as_unit("ns")
    sums = pd.DataFrame(_sums(simulator, first, days), index=times)
    sums["conversion_rate"] = sums["converted"] / sums["sessions"]
    sums["sessions of paid_search"] = sums["paid"]
    last = times[-1].date()
    campaigns = simulator.recorded(last, ("campaigns",))["campaigns"].to_pandas()
    histories = {
        name: History(times, sums[name].to_numpy("float64"), season_lengths(times), name != "net_amount",
                      _concerning(campaigns, name))
        for name in SERIES
    }  # fmt: skip
    plan = simulator.plan_until(days)
    growth = np.diff(np.log(plan.level[plan.history - 1 : plan.history + days]))
    changes = times[np.flatnonzero(np.abs(np.diff(growth, prepend=growth[0])) > 1e-6)]
    return DailyShop(histories, changes, _planned(campaigns, times))


def _sums(simulator: Simulator, first: date, days: int) -> list[dict[str, float]]:
    connection, seen, found = duckdb.connect(), set(), []
    for number in range(days):
        for name, table in simulator.recorded(first + timedelta(days=number), DATASETS).items():
            connection.register(name, table)
        net, orders, sessions, converted, paid, customers = connection.execute(_SQL).fetchone()
        new = set(customers or ()) - seen
        seen |= new
        found.append({"net_amount": net, "orders": orders, "sessions": sessions, "converted": converted, "paid": paid,
                      "new_customers": len(new)})  # fmt: skip
    return found


def _concerning(campaigns: pd.DataFrame, name: str) -> pd.DataFrame:
    channel = name.partition(" of ")[2]
    return campaigns[campaigns["channel"].isna() | (campaigns["channel"] == channel)] if channel else campaigns


def _planned(campaigns: pd.DataFrame, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    day = pd.Timedelta(days=1)
    inside = np.zeros(len(times), dtype=bool)
    for row in campaigns.itertuples():
        start, end = pd.Timestamp(row.starts_date), pd.Timestamp(row.ends_date)
        inside |= np.asarray((times >= start - day) & (times <= end + day))
    return times[inside]
