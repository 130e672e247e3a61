"""What the processes of the test of readers beside a real backfill do."""

from pathlib import Path

from ecom_assets.settings import Home
from ecom_assets.warehouse import open_snapshot
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import SmallShop

DAYS = 20  # below what forecasts and detectors need, whose work would take the time
# One day is torn where its lines have prices of two rounds, or its published total is not that of its lines.
LOOK = """
    select
        business_date,
        count(distinct unit_price_amount) as prices,
        sum(unit_price_amount * quantity) as total,
        any_value(gross_amount) as published
    from clean.order_items left join kpi.daily_revenue using (business_date)
    group by business_date
    having prices <> 1 or total is distinct from published
"""


class PricedShop(SmallShop):
    """All lines of a round cost the same, and each round something else."""

    price = 1

    def items(self, day):
        return [{**line, "unit_price_amount": f"{self.price}.00"} for line in super().items(day)]


def backfill_rounds(folder: str, stop) -> None:
    """Change every file and backfill every day, each round by the runs that `ecom run --from --to` starts."""
    shop = PricedShop(Path(folder) / "shop", DAYS)
    graph = Graph(shop, Path(folder) / "home")
    while not stop.is_set() or shop.price == 1:
        shop.price += 1
        shop.write()
        report = graph.run(shop.days[0], shop.days[-1])
        assert report.succeeded, report


def watch(folder: str, stop, results) -> None:
    """Look at the newest snapshot over and over; put (reads, versions, faults) into `results`."""
    home, reads, versions, faults = Home(Path(folder) / "home"), 0, set(), []
    while not stop.is_set() or not reads:
        try:
            with open_snapshot(home) as connection:
                faults += connection.execute(LOOK).fetchall()
                ((days,),) = connection.execute(
                    "select count(distinct business_date) from clean.order_items"
                ).fetchall()
                faults += [f"{days} days"] if days != DAYS else []
                versions.add(connection.execute("select version from lineage.snapshot").fetchall()[0][0])
                reads += 1
            stop.wait(0.1)  # eight readers that never rest would leave the backfill no core
        except Exception as error:
            faults.append(repr(error))
    results.put((reads, versions, faults[:5]))
