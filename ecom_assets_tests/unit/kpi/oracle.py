"""The sales KPIs once more, in plain loops over dicts with Decimal and Fraction: what the SQL must equal.

Written from the words of the definitions, not from the SQL. Quotients are exact Fractions, so that a table
is compared with the true value rounded, never with another rounding.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median_low
from typing import Any
from zoneinfo import ZoneInfo

from ecom_assets_tests.unit.kpi.shops import TestShop

Row = dict[str, Any]
NO_SALE = ("pending", "failed", "void")
ZERO = Decimal(0)


def ratio(numerator: Any, denominator: Any) -> Fraction | None:
    if numerator is None or not denominator:
        return None
    return Fraction(numerator) / Fraction(denominator)


def total(values: Iterable[Any]) -> Any:
    return sum(values, ZERO)


def known_total(values: Iterable[Any]) -> Any:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if known else None


def strict_total(values: Iterable[Any]) -> Any:
    """The sum; None where one value is unknown."""
    values = list(values)
    return None if any(value is None for value in values) else sum(values, ZERO)


def end_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def groups(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


class DayOracle:
    """Orders, segments, days and channels of one shop, each table a list of dicts."""

    def __init__(self, shop: TestShop) -> None:
        self.shop = shop
        self.days = sorted(shop.days)
        self.products = {row["product_id"]: row for row in shop.rows["products"]}
        self.customers = {row["customer_id"]: row for row in shop.rows["customers"]}
        self.lines = groups(shop.rows["order_items"], lambda row: (row["store_id"], row["order_id"]))
        self.usual = {(row["month_start_date"], row["product_id"]): row for row in self.usual_prices()}
        self.sales = self._order_values()
        self.sale_of = {(row["store_id"], row["order_id"]): row for row in self.sales}
        self.refunds = [self._refund(row) for row in shop.rows["refunds"]]
        self.refunds = [row for row in self.refunds if row["day"] in self.days]

    def local(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.shop.time_zone))

    def is_known(self, day: date) -> bool:
        start = self.shop.history_complete_from
        return start is None or day >= start

    # -- orders ------------------------------------------------------------------------------------------------

    def unit_cost(self, line: Row) -> Decimal | None:
        if line["unit_cost_amount"] is not None:
            return line["unit_cost_amount"]
        product = self.products.get(line["product_id"])
        return product["unit_cost_amount"] if product else None

    def usual_prices(self) -> list[Row]:
        priced: dict[tuple[date, str], list[Decimal]] = defaultdict(list)
        for line in self.shop.rows["order_items"]:
            is_priced = line["quantity"] > 0 and line["unit_price_amount"] > 0
            if line["line_type"] == "product" and line["product_id"] is not None and is_priced:
                last_day = end_of(self.local(line["ordered_at"]).date())
                priced[last_day + timedelta(days=1), line["product_id"]].append(line["unit_price_amount"])
        return [
            {
                "month_start_date": month,
                "product_id": product,
                "usual_price_amount": median_low(prices),
                "order_lines": len(prices),
            }
            for (month, product), prices in priced.items()
        ]

    def index_sums(self, lines: list[Row]) -> Row:
        """Both sums of the price index over product lines."""
        comparable, usual = ZERO, ZERO
        for line in lines:
            month = self.local(line["ordered_at"]).date().replace(day=1)
            known = self.usual.get((month, line["product_id"]))
            if known and line["quantity"] > 0 and line["unit_price_amount"] > 0:
                comparable += line["quantity"] * line["unit_price_amount"]
                usual += line["quantity"] * known["usual_price_amount"]
        return {"comparable_amount": comparable, "usual_amount": usual}

    def _order_values(self) -> list[Row]:
        sales: list[Row] = []
        touches: dict[str, tuple[str, datetime]] = {}
        numbers: dict[str, int] = defaultdict(int)
        first_days: dict[str, date] = {}
        seen_sessions: set[str] = set()
        in_time = sorted(
            self.shop.rows["orders"], key=lambda row: (row["ordered_at"], row["store_id"], row["order_id"])
        )
        for order in in_time:
            if order["status"] in NO_SALE:
                continue
            day = self.local(order["ordered_at"]).date()
            lines = self.lines.get((order["store_id"], order["order_id"]), [])
            goods = [line for line in lines if line["line_type"] == "product"]
            others = [line for line in lines if line["line_type"] != "product"]
            gross = total(line["quantity"] * line["unit_price_amount"] for line in goods)
            discount = order["discount_amount"] + total(line["discount_amount"] for line in goods)
            customer = order["customer_id"]
            attributed = order["channel"]
            if attributed == "direct" and customer in touches:
                channel, touched_at = touches[customer]
                if order["ordered_at"] - touched_at <= timedelta(days=30):
                    attributed = channel
            if customer is not None:
                numbers[customer] += 1
                first_days.setdefault(customer, day)
                if order["channel"] not in ("direct", "unknown"):
                    touches[customer] = (order["channel"], order["ordered_at"])
            session = order["session_id"]
            sales.append(
                {
                    "business_date": day,
                    "store_id": order["store_id"],
                    "order_id": order["order_id"],
                    "customer_id": customer,
                    "ordered_at": order["ordered_at"],
                    "placed_by": order["placed_by"],
                    "channel": order["channel"],
                    "attributed_channel": attributed,
                    "device": order["device"],
                    "country": order["country"],
                    "has_session": session is not None,
                    "is_session_conversion": session is not None and session not in seen_sessions,
                    "customer_order_number": numbers[customer] if customer is not None else None,
                    "first_order_date": first_days[customer] if customer is not None else None,
                    "is_first_order": numbers[customer] == 1 if customer is not None and self.is_known(day) else None,
                    "gross_amount": gross,
                    "discount_amount": discount,
                    "ordered_amount": gross - discount,
                    "other_amount": order["shipping_amount"]
                    + total(line["quantity"] * line["unit_price_amount"] - line["discount_amount"] for line in others),
                    "tax_amount": order["tax_amount"],
                    "cost_amount": strict_total(
                        None if self.unit_cost(line) is None else line["quantity"] * self.unit_cost(line)  # type: ignore[operator]
                        for line in goods
                    ),
                    "items": sum(line["quantity"] for line in goods),
                    **self.index_sums(goods),
                }
            )
            if session is not None:
                seen_sessions.add(session)
        return sales

    def _refund(self, refund: Row) -> Row:
        sale = self.sale_of.get((refund["store_id"], refund["order_id"]))
        product = refund["product_id"]
        if product is None:
            for line in self.lines.get((refund["store_id"], refund["order_id"]), []):
                if line["line_number"] == refund["line_number"]:
                    product = line["product_id"]
        is_goods = refund["kind"] != "adjustment"
        return {
            "day": self.local(refund["refunded_at"]).date(),
            "hour": self.local(refund["refunded_at"]).hour,
            "channel": sale["channel"] if sale else "unknown",
            "device": sale["device"] if sale else "unknown",
            "country": sale["country"] if sale else "unknown",
            "product_id": product or "unknown",
            "customer_id": refund["customer_id"] or (sale["customer_id"] if sale else None),
            "is_goods": is_goods,
            "goods": refund["goods_amount"] if is_goods else ZERO,
            "other": refund["shipping_amount"] + (ZERO if is_goods else refund["goods_amount"]),
            "tax": refund["tax_amount"],
        }

    # -- days --------------------------------------------------------------------------------------------------

    def _money(self, sales: list[Row], refunds: list[Row]) -> Row:
        row = {
            "gross_amount": total(sale["gross_amount"] for sale in sales),
            "discount_amount": total(sale["discount_amount"] for sale in sales),
            "refund_amount": total(refund["goods"] for refund in refunds),
            "other_amount": total(sale["other_amount"] for sale in sales),
            "other_refund_amount": total(refund["other"] for refund in refunds),
            "tax_amount": total(sale["tax_amount"] for sale in sales) - total(refund["tax"] for refund in refunds),
        }
        row["ordered_amount"] = row["gross_amount"] - row["discount_amount"]
        row["net_amount"] = row["ordered_amount"] - row["refund_amount"]
        row["total_sales_amount"] = row["net_amount"] + row["other_amount"] - row["other_refund_amount"]
        return row

    def _counts(self, sales: list[Row]) -> Row:
        return {
            "orders": len(sales),
            "valued_orders": sum(sale["gross_amount"] > 0 for sale in sales),
            "items": sum(sale["items"] for sale in sales),
            "web_orders": sum(sale["placed_by"] == "web" for sale in sales),
            "tracked_orders": sum(sale["placed_by"] == "web" and sale["has_session"] for sale in sales),
            "converted_sessions": sum(sale["is_session_conversion"] for sale in sales),
        }

    def _traffic(self, day: date, **where: str) -> list[Row]:
        rows = [row for row in self.shop.rows["website_traffic"] if row["traffic_date"] == day]
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    def _spend(self, day: date, channel: str) -> Decimal | None:
        rows = [row for row in self.shop.rows["marketing_spend"] if row["spend_date"] == day]
        return known_total(row["spend_amount"] for row in rows if row["channel"] == channel)

    def sales_by_segment(self) -> list[Row]:
        rows = []
        for day in self.days:
            keys = {
                (s[c], s["device"], s["country"]) for s in self.sales_on(day) for c in ("channel", "attributed_channel")
            }
            keys |= {(r["channel"], r["device"], r["country"]) for r in self.refunds if r["day"] == day}
            keys |= {(t["channel"], t["device"], "not_split") for t in self._traffic(day)}
            spenders = {row["channel"] for row in self.shop.rows["marketing_spend"] if row["spend_date"] == day}
            keys |= {(channel, "not_split", "not_split") for channel in spenders}
            for channel, device, country in keys:
                where = {"channel": channel, "device": device, "country": country}
                here = [s for s in self.sales_on(day) if all(s[n] == v for n, v in where.items())]
                back = [r for r in self.refunds if r["day"] == day and all(r[n] == v for n, v in where.items())]
                given = [
                    s for s in self.sales_on(day)
                    if (s["attributed_channel"], s["device"], s["country"]) == (channel, device, country)
                ]  # fmt: skip
                traffic = self._traffic(day, channel=channel, device=device) if country == "not_split" else []
                rows.append(
                    {"business_date": day, **where, **self._money(here, back), **self._counts(here)}
                    | {
                        "known_cost_amount": total(s["cost_amount"] or ZERO for s in here),
                        "orders_without_cost": sum(s["cost_amount"] is None for s in here),
                        "new_customers": sum(bool(s["is_first_order"]) for s in here),
                        "refunds": len(back),
                        "sessions": known_total(t["sessions"] for t in traffic),
                        "attributed_orders": len(given),
                        "attributed_amount": total(s["ordered_amount"] for s in given),
                        "attributed_new_customers": sum(bool(s["is_first_order"]) for s in given),
                        "spend_amount": self._spend(day, channel) if device == "not_split" else None,
                        "comparable_amount": total(s["comparable_amount"] for s in here),
                        "usual_amount": total(s["usual_amount"] for s in here),
                    }
                )
        return rows

    def sales_on(self, day: date) -> list[Row]:
        return [sale for sale in self.sales if sale["business_date"] == day]

    def _converted(self, sales: list[Row], day: date) -> int | None:
        of_day = self._counts(self.sales_on(day))
        if of_day["web_orders"] and not of_day["tracked_orders"]:
            return None
        return self._counts(sales)["converted_sessions"]

    def knows_sessions(self) -> bool:
        counted = any(traffic["sessions"] is not None for day in self.days for traffic in self._traffic(day))
        return counted or any(self._counts(self.sales_on(day))["tracked_orders"] for day in self.days)

    def daily_revenue(self) -> list[Row]:
        rows = []
        knows_costs = any(sale["cost_amount"] for sale in self.sales)
        for day in self.days:
            sales, back = self.sales_on(day), [r for r in self.refunds if r["day"] == day]
            row = {"business_date": day, **self._money(sales, back), **self._counts(sales), "refunds": len(back)}
            row["cost_amount"] = strict_total(sale["cost_amount"] for sale in sales) if knows_costs else None
            row["margin_amount"] = None if row["cost_amount"] is None else row["net_amount"] - row["cost_amount"]
            row["average_order_value"] = ratio(row["ordered_amount"], row["valued_orders"])
            row["sessions"] = known_total(traffic["sessions"] for traffic in self._traffic(day))
            row["converted_sessions"] = self._converted(sales, day)
            if not self.knows_sessions():
                row["tracked_orders"] = None
            row["conversion_rate"] = ratio(row["converted_sessions"], row["sessions"])
            row["orders_per_session"] = ratio(row["valued_orders"], row["sessions"])
            row["tracking_coverage_rate"] = ratio(row["tracked_orders"], row["web_orders"])
            new = [sale for sale in sales if sale["is_first_order"]]
            back_again = {s["customer_id"] for s in sales if s["customer_id"] and s["first_order_date"] < day}
            row["new_customers"] = len(new) if self.is_known(day) else None
            row["returning_customers"] = len(back_again) if self.is_known(day) else None
            rows.append(row)
        return rows

    def channel_performance(self) -> list[Row]:
        rows = []
        for day in self.days:
            sales, back = self.sales_on(day), [r for r in self.refunds if r["day"] == day]
            spenders = {row["channel"] for row in self.shop.rows["marketing_spend"] if row["spend_date"] == day}
            channels = {s["channel"] for s in sales} | {s["attributed_channel"] for s in sales} | spenders
            channels |= {r["channel"] for r in back} | {t["channel"] for t in self._traffic(day)}
            for channel in channels:
                here = [s for s in sales if s["channel"] == channel]
                given = [s for s in sales if s["attributed_channel"] == channel]
                row = {"business_date": day, "channel": channel, **self._counts(here)}
                row |= self._money(here, [r for r in back if r["channel"] == channel])
                for unused in ("other_amount", "other_refund_amount", "total_sales_amount", "tax_amount"):
                    del row[unused]
                has_traffic = bool(self._traffic(day))
                row["sessions"] = (
                    total(t["sessions"] for t in self._traffic(day, channel=channel)) if has_traffic else None
                )
                row["converted_sessions"] = self._converted(here, day)
                row["conversion_rate"] = ratio(row["converted_sessions"], row["sessions"])
                row["orders_per_session"] = ratio(row["valued_orders"], row["sessions"])
                row["average_order_value"] = ratio(row["ordered_amount"], row["valued_orders"])
                row["attributed_orders"] = len(given)
                row["attributed_amount"] = total(s["ordered_amount"] for s in given)
                new = sum(bool(s["is_first_order"]) for s in given)
                row["attributed_new_customers"] = new if self.is_known(day) else None
                row["spend_amount"] = spend = self._spend(day, channel)
                row["return_on_ad_spend"] = ratio(row["attributed_amount"], spend)
                row["acquisition_cost"] = ratio(spend, row["attributed_new_customers"]) if spend else None
                rows.append(row)
        return rows
