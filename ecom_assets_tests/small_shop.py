"""A small shop that brings its own files, so that tests know every row that they put in."""

import csv
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

FIRST_DAY = date(2026, 3, 2)  # a Monday
PRICES = {"mug": "8.00", "lamp": "30.00", "rug": "95.50"}

SHOP = """\
name: Small Shop
time_zone: UTC
currency: EUR
first_day: {first_day}
last_day: {last_day}
history_complete_from: {first_day}
landing: landing
sources:
  products: {{kind: files, path: "products/*.csv"}}
  customers: {{kind: files, path: "customers/*.csv"}}
  orders: {{kind: files, path: "orders/*.csv"}}
  order_items: {{kind: files, path: "order_items/*.csv"}}
  refunds: {{kind: files, path: "refunds/*.csv"}}
"""


class SmallShop:
    """Writes the landing files of a shop with `orders_a_day` orders, each of one to three lines."""

    def __init__(self, folder: Path, days: int = 10, orders_a_day: int = 6) -> None:
        self.folder = folder
        self.landing = folder / "landing"
        self.days = [FIRST_DAY + timedelta(days=number) for number in range(days)]
        self.orders_a_day = orders_a_day
        folder.mkdir(parents=True, exist_ok=True)
        self.shop_file = folder / "shop.yaml"
        self.shop_file.write_text(SHOP.format(first_day=self.days[0], last_day=self.days[-1]))

    def write(self, days: Iterable[date] | None = None) -> "SmallShop":
        """Write all files of these days, by default of all of them."""
        self._csv("products", "products", [
            {"product_id": name, "product_name": name, "category": "home", "unit_price_amount": price,
             "unit_cost_amount": "4.00"} for name, price in PRICES.items()])  # fmt: skip
        self._csv("customers", "customers", [
            {"customer_id": f"c{number}", "country": "DE", "birth_year": 1960 + number * 5, "gender": "female",
             "signed_up_at": "2026-03-01 10:00:00"} for number in range(8)])  # fmt: skip
        for day in self.days if days is None else days:
            self.write_day(day)
        return self

    def write_day(self, day: date, orders: list[dict] | None = None, items: list[dict] | None = None) -> None:
        """Write one day's orders, lines and refunds; `orders` or `items` take the place of its own."""
        self._csv("orders", f"orders_{day}", self.orders(day) if orders is None else orders)
        self._csv("order_items", f"items_{day}", self.items(day) if items is None else items)
        self.write_refunds(day, self.refunds(day))

    def write_refunds(self, day: date, refunds: list[dict]) -> None:
        """Write the file of one day's refunds."""
        self._csv("refunds", f"refunds_{day}", refunds)

    def orders(self, day: date) -> list[dict]:
        """The day's orders, one an hour from eight o'clock."""
        return [
            {"order_id": f"{day:%m%d}-{number}", "customer_id": f"c{(day.day + number) % 8}",
             "ordered_at": str(datetime(day.year, day.month, day.day, 8 + number % 12, 15)), "status": "paid",
             "placed_by": "web", "channel": "email" if number % 2 else "direct", "device": "mobile", "country": "DE",
             "currency": "EUR", "discount_amount": "1.00" if number % 3 == 0 else "0.00", "shipping_amount": "0.00",
             "tax_amount": "0.00"}
            for number in range(self.orders_a_day)
        ]  # fmt: skip

    def items(self, day: date) -> list[dict]:
        """The lines of the day's orders."""
        names = list(PRICES)
        return [
            {"order_id": order["order_id"], "line_number": line + 1, "product_id": names[(number + line) % 3],
             "line_type": "product", "ordered_at": order["ordered_at"], "quantity": 1 + (number + line) % 2,
             "unit_price_amount": PRICES[names[(number + line) % 3]], "unit_cost_amount": "4.00",
             "discount_amount": "0.00"}
            for number, order in enumerate(self.orders(day))
            for line in range(1 + number % 3)
        ]  # fmt: skip

    def refunds(self, day: date) -> list[dict]:
        """One refund a day, of the day's second order."""
        order = self.orders(day)[1]
        return [
            {"refund_id": f"r{day:%m%d}", "order_id": order["order_id"], "customer_id": order["customer_id"],
             "refunded_at": order["ordered_at"].replace("09:15", "18:00"), "is_date_estimated": "false",
             "kind": "return", "goods_amount": "8.00", "shipping_amount": "0.00", "tax_amount": "0.00",
             "currency": "EUR"}
        ]  # fmt: skip

    def gross(self, day: date) -> float:
        """Gross sales of the day, counted here and not by the project."""
        return round(sum(float(line["unit_price_amount"]) * line["quantity"] for line in self.items(day)), 2)

    def discounts(self, day: date) -> float:
        """Discounts of the day."""
        return round(sum(float(order["discount_amount"]) for order in self.orders(day)), 2)

    def _csv(self, dataset: str, name: str, rows: list[dict]) -> None:
        path = self.landing / dataset / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
