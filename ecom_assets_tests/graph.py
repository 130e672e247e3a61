"""The whole graph on a shop of one's own, for tests: run it, ask what readers see."""

from datetime import date
from pathlib import Path
from typing import Any

from ecom_assets.orchestration.runs import RunReport, execute, exported
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.warehouse import open_snapshot
from ecom_assets_tests.small_shop import SmallShop


class Graph:
    """One home that holds `shop`."""

    def __init__(self, shop: SmallShop, home: Path) -> None:
        self.shop = shop
        self.context = ShopContext.resolve(shop.shop_file, environ={"ECOM_HOME": str(home)})

    def run(self, from_day: date | None = None, to_day: date | None = None, **more: Any) -> RunReport:
        """What `ecom run` does."""
        return execute(self.context, from_day, to_day, **more)

    def environment(self) -> Any:
        """The shop in the environment, as Dagster's own processes have it."""
        return exported(self.context)

    def ask(self, sql: str) -> list[tuple]:
        """Rows that a reader of the published snapshot gets."""
        with open_snapshot(self.context.home) as connection:
            return connection.execute(sql).fetchall()

    def days(self, table: str) -> list[date]:
        """Days that a reader finds in a table."""
        return [row[0] for row in self.ask(f"select distinct business_date from {table} order by 1")]

    def hashes(self) -> dict[tuple[str, date | None], int]:
        """Content hash of every day and every whole table that stands."""
        return {row[:2]: row[2] for row in self.ask(
            "select asset, business_date, content_hash from lineage.days where content_hash is not null")}  # fmt: skip
