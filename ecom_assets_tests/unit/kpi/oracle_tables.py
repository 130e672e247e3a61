"""The plain-Python computation of the other sales KPIs: months, cycles, products, customers and metrics."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ecom_assets_tests.unit.kpi.oracle import (
    ZERO,
    DayOracle,
    Row,
    end_of,
    groups,
    known_total,
    ratio,
    strict_total,
    total,
)

AGE_BANDS = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))


def next_month(month: date) -> date:
    return end_of(month) + timedelta(days=1)


class Oracle(DayOracle):
    """All KPI tables of one shop."""

    # -- months, cycles ----------------------------------------------------------------------------------------

    def monthly_revenue(self) -> list[Row]:
        rows: list[Row] = []
        by_month = groups(self.daily_revenue(), lambda row: row["business_date"].replace(day=1))
        for month in sorted(by_month):
            days = by_month[month]
            row: Row = {"month_start_date": month, "days": len(days)}
            row["is_complete"] = self.days[0] <= month and self.days[-1] >= end_of(month)
            for name in ("gross_amount", "discount_amount", "ordered_amount", "refund_amount", "net_amount", "refunds",
                         "other_amount", "other_refund_amount", "total_sales_amount", "tax_amount", "orders",
                         "valued_orders", "items"):  # fmt: skip
                row[name] = total(day[name] for day in days)
            for name in ("cost_amount", "margin_amount", "new_customers"):
                row[name] = strict_total(day[name] for day in days)
            row["average_order_value"] = ratio(row["ordered_amount"], row["valued_orders"])
            row["sessions"] = known_total(day["sessions"] for day in days)
            both = [d for d in days if d["sessions"] is not None and d["converted_sessions"] is not None]
            row["conversion_rate"] = ratio(
                total(d["converted_sessions"] for d in both), total(d["sessions"] for d in both)
            )
            before = next((r for r in rows if next_month(r["month_start_date"]) == month), None)
            comparable = before and before["is_complete"] and row["is_complete"] and before["net_amount"] > 0
            row["net_growth_rate"] = (
                Fraction(row["net_amount"]) / Fraction(before["net_amount"]) - 1 if comparable else None
            )  # type: ignore[index]
            rows.append(row)
        return rows

    def sales_seasonality(self) -> list[Row]:
        position: dict[str, Callable[[date, int], int]] = {
            "month": lambda day, hour: day.month,
            "weekday": lambda day, hour: day.isoweekday(),
            "hour": lambda day, hour: hour,
        }
        rows = []
        for cycle, of in position.items():
            seen: dict[int, list[date]] = defaultdict(list)
            for day in self.days:
                for place in range(24) if cycle == "hour" else [of(day, 0)]:
                    seen[place].append(day)
            orders: dict[int, int] = defaultdict(int)
            net: dict[int, Decimal] = defaultdict(Decimal)
            for sale in self.sales:
                place = of(sale["business_date"], self.local(sale["ordered_at"]).hour)
                orders[place] += 1
                net[place] += sale["ordered_amount"]
            for refund in self.refunds:
                net[of(refund["day"], refund["hour"])] -= refund["goods"]
            all_days = sum(map(len, seen.values()))
            mean_orders = ratio(sum(orders.values()), all_days)
            mean_net = ratio(sum(net.values()), all_days)
            for place, days in seen.items():
                per_day, net_per_day = Fraction(orders[place], len(days)), Fraction(net[place]) / len(days)
                rows.append(
                    {
                        "cycle": cycle,
                        "position": place,
                        "position_name": {"month": days[0].strftime("%B"), "weekday": days[0].strftime("%A")}.get(
                            cycle, f"{place:02}:00"
                        ),
                        "days": len(days),
                        "orders": orders[place],
                        "net_amount": net[place],
                        "orders_per_day": per_day,
                        "net_amount_per_day": net_per_day,
                        "orders_index": per_day / mean_orders if mean_orders else None,
                        "net_index": net_per_day / mean_net if mean_net and mean_net > 0 else None,
                    }
                )
        return rows

    # -- products ----------------------------------------------------------------------------------------------

    def product_performance(self) -> list[Row]:
        rows = []
        for day in self.days:
            sales = self.sales_on(day)
            lines = [
                line for sale in sales for line in self.lines.get((sale["store_id"], sale["order_id"]), [])
                if line["line_type"] == "product"
            ]  # fmt: skip
            back = [r for r in self.refunds if r["day"] == day]
            on_orders = total(s["discount_amount"] for s in sales) - total(line["discount_amount"] for line in lines)
            products = {line["product_id"] or "unknown" for line in lines}
            products |= {r["product_id"] for r in back if r["is_goods"]}
            if on_orders:
                products.add("order_level")
            for product_id in products:
                product = self.products.get(product_id)
                sold = [line for line in lines if (line["product_id"] or "unknown") == product_id]
                costs = [None if self.unit_cost(x) is None else x["quantity"] * self.unit_cost(x) for x in sold]  # type: ignore[operator]
                row = {
                    "business_date": day,
                    "product_id": product_id,
                    "product_name": product["product_name"] if product else None,
                    "category": (product["category"] if product else None) or "unknown",
                    "order_lines": len(sold),
                    "items": sum(line["quantity"] for line in sold),
                    "gross_amount": total(line["quantity"] * line["unit_price_amount"] for line in sold),
                    "discount_amount": total(line["discount_amount"] for line in sold),
                    "refund_amount": total(r["goods"] for r in back if r["product_id"] == product_id),
                    "cost_amount": strict_total(costs),
                    **self.index_sums(sold),
                }
                if product_id == "order_level":
                    row |= {"category": "order_level", "discount_amount": on_orders}
                row["net_amount"] = row["gross_amount"] - row["discount_amount"] - row["refund_amount"]
                row["margin_amount"] = None if row["cost_amount"] is None else row["net_amount"] - row["cost_amount"]
                rows.append(row)
        return rows

    def category_performance(self) -> list[Row]:
        rows = []
        by_category = groups(self.product_performance(), lambda row: (row["business_date"], row["category"]))
        for (day, category), products in by_category.items():
            row: Row = {
                "business_date": day,
                "category": category,
                "products_sold": sum(p["items"] != 0 for p in products),
            }
            for name in ("order_lines", "items", "gross_amount", "discount_amount", "refund_amount", "net_amount",
                         "comparable_amount", "usual_amount"):  # fmt: skip
                row[name] = total(product[name] for product in products)
            for name in ("cost_amount", "margin_amount"):
                row[name] = strict_total(product[name] for product in products)
            rows.append(row)
        return rows

    # -- customers ---------------------------------------------------------------------------------------------

    def _traits(self, customer_id: str | None) -> tuple[str, str, str, str, bool]:
        person = self.customers.get(customer_id) if customer_id else None
        if person is None:
            return ("unknown", "unknown", "unknown", "unknown", customer_id is None)
        band = "unknown"
        if person["birth_year"] is not None:
            age = self.days[-1].year - person["birth_year"]
            band = next((name for below, name in AGE_BANDS if age < below), "65 and over")
        gender = (person["gender"] or "").strip().lower() or "unknown"
        return (person["country"], gender, band, person["acquisition_channel"], False)

    def customer_demographics(self) -> list[Row]:
        sales = groups(self.sales, lambda sale: self._traits(sale["customer_id"]))
        refunds = groups((r for r in self.refunds if r["is_goods"]), lambda refund: self._traits(refund["customer_id"]))
        rows = []
        for traits in sales.keys() | refunds.keys():
            bought, back = sales.get(traits, []), refunds.get(traits, [])
            ordered, refunded = total(s["ordered_amount"] for s in bought), total(r["goods"] for r in back)
            names = ("country", "gender", "age_band", "acquisition_channel", "is_guest")
            rows.append(
                {
                    **dict(zip(names, traits, strict=True)),
                    "customers": None if traits[-1] else len({s["customer_id"] for s in bought}),
                    "orders": len(bought),
                    "ordered_amount": ordered,
                    "refund_amount": refunded,
                    "net_amount": ordered - refunded,
                    "average_order_value": ratio(ordered, sum(s["gross_amount"] > 0 for s in bought)),
                }
            )
        return rows

    def cohort_retention(self) -> list[Row]:
        members = [s for s in self.sales if s["customer_id"] and self.is_known(s["first_order_date"])]
        rows = []
        for cohort, sales in groups(members, lambda sale: sale["first_order_date"].replace(day=1)).items():
            size = len({sale["customer_id"] for sale in sales})
            month, age = cohort, 0
            while month <= self.days[-1]:
                finished = self.days[-1] >= end_of(month)
                here = [s for s in sales if s["business_date"].replace(day=1) == month]
                active = len({s["customer_id"] for s in here})
                rows.append(
                    {
                        "cohort_start_date": cohort,
                        "age_months": age,
                        "is_finished": finished,
                        "customers": size if self.days[-1] >= end_of(cohort) else None,
                        "active_customers": active if finished else None,
                        "retention_rate": ratio(active, size) if finished else None,
                        "orders": len(here) if finished else None,
                        "ordered_amount": total(s["ordered_amount"] for s in here) if finished else None,
                    }
                )
                month, age = next_month(month), age + 1
        return rows

    # -- metrics -----------------------------------------------------------------------------------------------

    def daily_metrics(self) -> list[Row]:
        """Spelled out metric by metric: this is the list that the catalogue must come to."""
        sums = ("gross_amount", "discount_amount", "ordered_amount", "refund_amount", "net_amount",
                "total_sales_amount", "orders", "items", "sessions", "new_customers")  # fmt: skip
        ratios = {
            "average_order_value": ("ordered_amount", "valued_orders"),
            "items_per_order": ("items", "valued_orders"),
            "conversion_rate": ("converted_sessions", "sessions"),
            "orders_per_session": ("valued_orders", "sessions"),
            "tracking_coverage_rate": ("tracked_orders", "web_orders"),
            "discount_rate": ("discount_amount", "gross_amount"),
            "refund_rate": ("refund_amount", "gross_amount"),
        }
        visits = ("sessions", "conversion_rate", "orders_per_session", "tracking_coverage_rate")
        goods = (
            "gross_amount",
            "discount_amount",
            "refund_amount",
            "net_amount",
            "items",
            "discount_rate",
            "refund_rate",
        )
        rows: list[Row] = []
        segments, categories = self.sales_by_segment(), self.category_performance()
        for day in self.daily_revenue():
            date_of = day["business_date"]
            facts = {"total": {"all": [day]}, "category": self._members(categories, date_of, "category")}
            facts |= {name: self._members(segments, date_of, name) for name in ("channel", "device", "country")}
            rows.extend(self._price_index(date_of, facts))
            for metric in (*sums, *ratios, "cost_amount", "margin_amount", "margin_rate"):
                top, bottom = ratios.get(metric, (metric, None))
                if metric == "margin_rate":
                    top, bottom = "margin_amount", "net_amount"
                if day[top] is None or (bottom and day[bottom] is None):
                    continue
                allowed = {"total", "channel", "device", "country"} - ({"country"} if metric in visits else set())
                allowed |= {"category"} if metric in goods else set()
                if metric in ("cost_amount", "margin_amount", "margin_rate"):
                    allowed = {"total", "category"}
                for dimension in allowed:
                    for member, parts in facts[dimension].items():
                        numerator = known_total(part[top] for part in parts) or ZERO
                        denominator = (known_total(part[bottom] for part in parts) or ZERO) if bottom else None
                        if dimension != "total" and bottom and not numerator and not denominator:
                            continue
                        rows.append(metric_row(date_of, metric, dimension, member, numerator, denominator))
            if day["returning_customers"] is not None:
                plain = metric_row(date_of, "returning_customers", "total", "all", day["returning_customers"], None)
                rows.append({**plain, "numerator": None})
            rows.extend(self._advertising(date_of))
        return rows

    @staticmethod
    def _price_index(day: date, facts: dict[str, dict[str, list[Row]]]) -> list[Row]:
        rows, sold = [], [part for parts in facts["channel"].values() for part in parts]
        for dimension, members in {**facts, "total": {"all": sold} if sold else {}}.items():
            for member, parts in members.items():
                comparable, usual = (
                    total(part[name] for part in parts) for name in ("comparable_amount", "usual_amount")
                )
                if usual or dimension == "total":
                    rows.append(metric_row(day, "price_index", dimension, member, comparable, usual))
        return rows

    @staticmethod
    def _members(rows: list[Row], day: date, name: str) -> dict[str, list[Row]]:
        found = groups((row for row in rows if row["business_date"] == day), lambda row: row[name])
        found.pop("not_split", None)
        return found

    def _advertising(self, day: date) -> list[Row]:
        channels = [row for row in self.channel_performance() if row["business_date"] == day]
        if all(row["spend_amount"] is None for row in channels):
            return []
        rows = []
        spent = [row for row in channels if row["spend_amount"]]
        for dimension, members in (("total", {"all": channels}), ("channel", groups(channels, lambda r: r["channel"]))):
            for member, parts in members.items():
                here = [row for row in spent if row in parts]
                spend = total(row["spend_amount"] for row in here)
                attributed = total(row["attributed_amount"] for row in here)
                rows.append(metric_row(day, "spend_amount", dimension, member, spend, None))
                if spent and (dimension == "total" or spend or attributed):
                    rows.append(metric_row(day, "return_on_ad_spend", dimension, member, attributed, spend))
                if spent and self.is_known(day) and (dimension == "total" or spend):
                    new = total(row["attributed_new_customers"] for row in here)
                    rows.append(metric_row(day, "acquisition_cost", dimension, member, spend, new))
        return rows


def metric_row(day: date, metric: str, dimension: str, member: str, numerator: Any, denominator: Any) -> Row:
    return {
        "business_date": day,
        "metric": metric,
        "dimension": dimension,
        "member": member,
        "numerator": numerator,
        "denominator": denominator,
        "value": Fraction(numerator) if denominator is None else ratio(numerator, denominator),
    }
