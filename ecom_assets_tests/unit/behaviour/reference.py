"""The KPI tables of a small shop in plain Python: loops and dictionaries, as the definitions read.

Written from the contracts' words, not from the SQL; slow and simple on purpose.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from ecom_assets_tests.unit.behaviour.small_shop import DAYS, Row, SmallShop

SALE_BARS = ("pending", "failed", "void")
STEPS = {"page_view": 1, "product_view": 1, "add_to_cart": 2, "checkout_start": 3, "payment_attempt": 4}
DAY, EPOCH = timedelta(days=1), datetime(1970, 1, 1)


def percentile(values: Iterable[float | None], share: float) -> float | None:
    """Linear interpolation between the two nearest ranks."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    place = share * (len(known) - 1)
    low, high = math.floor(place), math.ceil(place)
    return known[low] + (known[high] - known[low]) * (place - low)


def ratio(above: float, below: float) -> float | None:
    """Quotient, None by nothing."""
    return above / below if below else None


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Rows by key."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _sold(order: Row) -> bool:
    return order["status"] not in SALE_BARS


def cut_by_silence(events: Iterable[Row]) -> list[list[Row]]:
    """Sessions of events that have none: a person's events of a day, cut by more than 30 minutes of silence."""
    sessions: list[list[Row]] = []
    people = grouped(
        events, lambda event: (event["business_date"], event.get("visitor_id") or event.get("customer_id"))
    )
    for (_, person), theirs in people.items():
        if person is None:
            continue
        last = None
        for event in sorted(theirs, key=lambda event: event["occurred_at"]):
            if last is None or event["occurred_at"] - last > timedelta(minutes=30):
                sessions.append([])
            sessions[-1].append(event)
            last = event["occurred_at"]
    return sessions


def sessions(shop: SmallShop, has_session_table: bool = True) -> list[Row]:
    """`kpi/sessions`."""
    tracked = {(row["business_date"], row["session_id"]): row for row in shop.session_tracking}
    events = grouped(
        (event for event in shop.clickstream if event.get("session_id")),
        lambda event: (event["business_date"], event["session_id"]),
    )
    if not has_session_table:
        for session in cut_by_silence(event for event in shop.clickstream if not event.get("session_id")):
            first = min(event["occurred_at"] for event in session)
            person = session[0].get("visitor_id") or session[0].get("customer_id")
            events[session[0]["business_date"], f"{person}/{(first - EPOCH) // timedelta(microseconds=1)}"] = session
    orders = grouped(
        (order for order in shop.orders if order.get("session_id") and _sold(order)),
        lambda order: (order["business_date"], order["session_id"]),
    )
    unsold = {(order["business_date"], order["order_id"]) for order in shop.orders if not _sold(order)}
    keys = {key for key in {*tracked, *events, *orders} if key[0] in DAYS}
    return [
        _session(key, tracked.get(key), events.get(key, []), orders.get(key, []), unsold, has_session_table)
        for key in keys
    ]


def _session(
    key: tuple[date, str],
    row: Row | None,
    events: list[Row],
    orders: list[Row],
    unsold: set[tuple[date, str]],
    has_session_table: bool,
) -> Row:
    kinds = Counter(event["event_type"] for event in events)
    views = sorted(
        ((event["occurred_at"], event["page_path"]) for event in events if event["event_type"] == "page_view"),
    )
    step = 0
    for event in events:
        reached = STEPS.get(event["event_type"], 0)
        if event["event_type"] == "purchase":
            reached = 4 if (event["business_date"], event.get("order_id")) in unsold else 5
        step = max(step, reached)
    if orders:
        step = 5

    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    def least(rows: list[Row], name: str) -> Any:
        return min((one[name] for one in rows if one.get(name) is not None), default=None)

    row = row or {}
    started = first(row.get("started_at"), least(events, "occurred_at"), least(orders, "ordered_at"))
    ended = first(
        row.get("ended_at"),
        max((event["occurred_at"] for event in events), default=None),
        max((order["ordered_at"] for order in orders), default=None),
    )
    page_views = max(row.get("page_views") or 0, kinds["page_view"], kinds["product_view"])
    others = sum(kinds.values()) - kinds["page_view"] - kinds["product_view"]
    return {
        "business_date": key[0],
        "session_id": key[1],
        "visitor_id": first(row.get("visitor_id"), least(events, "visitor_id")),
        "customer_id": first(row.get("customer_id"), least(orders, "customer_id"), least(events, "customer_id")),
        "started_at": started,
        "ended_at": ended,
        "duration_s": (ended - started).total_seconds() if ended and started else None,
        "channel": first(row.get("channel"), least(orders, "channel"), "unknown"),
        "campaign_id": row.get("campaign_id"),
        "device": first(row.get("device"), least(events, "device"), least(orders, "device"), "unknown"),
        "country": first(row.get("country"), least(orders, "country"), "unknown"),
        "entry_page": first(row.get("entry_page"), views[0][1] if views else None),
        "exit_page": first(row.get("exit_page"), views[-1][1] if views else None),
        "page_views": page_views,
        "page_view_events": kinds["page_view"],
        "clicks": kinds["click"],
        "orders": len(orders),
        "has_view": step >= 1 or page_views > 0,
        "has_cart": step >= 2,
        "has_checkout": step >= 3,
        "has_payment": step >= 4,
        "has_purchase": step >= 5,
        "is_bounce": page_views <= 1 and others == 0 and not orders,
        "is_bot": row.get("is_bot", False),
        "is_start": bool(row) or not has_session_table,
    }


def session_customers(visits: list[Row]) -> list[Row]:
    """`kpi/session_customers`."""
    found = []
    counted = [visit for visit in visits if visit["is_start"] and not visit["is_bot"]]
    for visit in counted:
        customer = visit["customer_id"]
        if customer is None and visit["visitor_id"] is not None:
            theirs = sorted(
                (one["started_at"], one["session_id"], one["customer_id"])
                for one in counted
                if one["visitor_id"] == visit["visitor_id"] and one["customer_id"]
            )
            here = (visit["started_at"], visit["session_id"])
            before = [one[2] for one in theirs if one[:2] < here]
            after = [one[2] for one in theirs if one[:2] > here]
            customer = before[-1] if before else after[0] if after else None
        if customer is not None:
            found.append(
                {name: visit[name] for name in ("session_id", "business_date", "visitor_id")}
                | {"customer_id": customer, "is_stitched": visit["customer_id"] is None}
            )
    return found


def session_behavior(visits: list[Row], shop: SmallShop) -> list[Row]:
    """`kpi/session_behavior`."""
    counted = [visit for visit in visits if visit["is_start"] and not visit["is_bot"]]
    rows = []
    for dimension in ("all", "channel", "device", "country", "entry_page"):
        groups = grouped(counted, lambda visit: (visit["business_date"], visit.get(dimension, "all")))  # noqa: B023
        for (day, member), group in groups.items():
            if member is None:
                continue
            bounces, views = sum(one["is_bounce"] for one in group), sum(one["page_views"] for one in group)
            rows.append(
                {
                    "business_date": day,
                    "dimension": dimension,
                    "member": member,
                    "sessions": len(group),
                    "page_views": views,
                    "pages_per_session": views / len(group),
                    "bounces": bounces,
                    "bounce_rate": bounces / len(group),
                    "duration_median_s": percentile([one["duration_s"] for one in group], 0.5),
                    "duration_p90_s": percentile([one["duration_s"] for one in group], 0.9),
                    "entries": None,
                    "exits": None,
                    "drop_off_rate": None,
                }
            )
    return rows + _pages(counted, shop)


def _pages(counted: list[Row], shop: SmallShop) -> list[Row]:
    bots = {(row["business_date"], row["session_id"]) for row in shop.session_tracking if row["is_bot"]}
    views: Counter[tuple[date, str]] = Counter()
    for event in shop.clickstream:
        person = event.get("session_id") or event.get("visitor_id") or event.get("customer_id")
        is_bots = (event["business_date"], event.get("session_id")) in bots
        if event["event_type"] == "page_view" and person and not is_bots:
            views[event["business_date"], event["page_path"]] += 1
    entries = Counter((visit["business_date"], visit["entry_page"]) for visit in counted)
    exits = Counter((visit["business_date"], visit["exit_page"]) for visit in counted)
    seen = Counter((visit["business_date"], visit["exit_page"]) for visit in counted if visit["page_view_events"])
    rows = []
    days = {visit["business_date"] for visit in counted}
    for key in {*views, *entries, *exits}:
        if key[1] is None or key[0] not in days:
            continue
        row: Row = dict.fromkeys(
            ("sessions", "pages_per_session", "bounces", "bounce_rate", "duration_median_s", "duration_p90_s")
        )
        row |= {"business_date": key[0], "dimension": "page", "member": key[1], "page_views": views.get(key)}
        row |= {"entries": entries[key], "exits": exits[key], "drop_off_rate": None}
        if key in views:
            row["drop_off_rate"] = min(seen[key] / views[key], 1)
        rows.append(row)
    return rows


def click_engagement(visits: list[Row], shop: SmallShop) -> list[Row]:
    """`kpi/click_engagement`, where events name their session."""
    bots = {(row["business_date"], row["session_id"]) for row in shop.session_tracking if row["is_bot"]}
    everyone = Counter(visit["business_date"] for visit in visits if not visit["is_bot"])
    clicks = [
        event
        for event in shop.clickstream
        if event["event_type"] == "click"
        and (event["business_date"], event["session_id"]) not in bots
        and event["business_date"] in everyone
    ]
    rows = []
    for dimension, pages, elements in (
        ("page_element", True, True),
        ("page", True, False),
        ("element", False, True),
        ("all", False, False),
    ):
        groups = grouped(
            clicks,
            lambda click: (
                click["business_date"],
                click["page_path"] if pages else "all",  # noqa: B023
                (click["element"] or "unknown") if elements else "all",  # noqa: B023
            ),
        )
        for (day, page, element), group in groups.items():
            same_day = [len(other) for key, other in groups.items() if key[0] == day]
            clicking = len({click["session_id"] for click in group})
            rows.append(
                {
                    "business_date": day,
                    "dimension": dimension,
                    "page_path": page,
                    "element": element,
                    "clicks": len(group),
                    "clicking_sessions": clicking,
                    "sessions": everyone[day],
                    "clicks_per_session": len(group) / everyone[day],
                    "clicks_per_clicking_session": len(group) / clicking,
                    "most_clicked_rank": 1 + sum(other > len(group) for other in same_day),
                    "least_clicked_rank": 1 + sum(other < len(group) for other in same_day),
                }
            )
    return rows


def purchase_funnel(visits: list[Row]) -> list[Row]:
    """`kpi/purchase_funnel`."""
    rows = []
    groups = grouped(
        (visit for visit in visits if not visit["is_bot"]),
        lambda visit: (visit["business_date"], visit["channel"], visit["device"]),
    )
    for (day, channel, device), group in groups.items():
        steps = [
            sum(one[f"has_{step}"] for one in group) for step in ("view", "cart", "checkout", "payment", "purchase")
        ]
        view, cart, checkout, payment, purchase = steps
        rows.append(
            {
                "business_date": day,
                "channel": channel,
                "device": device,
                "sessions": len(group),
                "view_sessions": view,
                "cart_sessions": cart,
                "checkout_sessions": checkout,
                "payment_sessions": payment,
                "purchase_sessions": purchase,
                "view_to_cart_rate": ratio(cart, view),
                "cart_to_checkout_rate": ratio(checkout, cart),
                "checkout_to_payment_rate": ratio(payment, checkout),
                "payment_to_purchase_rate": ratio(purchase, payment),
                "view_to_purchase_rate": ratio(purchase, view),
            }
        )
    return rows


def active_users(visits: list[Row], days: list[date]) -> list[Row]:
    """`kpi/active_users`."""
    seen = defaultdict(set)
    for visit in visits:
        if visit["is_start"] and not visit["is_bot"] and visit["visitor_id"]:
            seen[visit["business_date"]].add(visit["visitor_id"])
    rows = []
    for day in days:

        def within(span: int) -> int | None:
            if (day - days[0]).days + 1 < span:  # noqa: B023
                return None
            return len(set().union(*(seen[day - DAY * back] for back in range(span))))  # noqa: B023

        rows.append(
            {
                "business_date": day,
                "active_users_1d": within(1),
                "active_users_7d": within(7),
                "active_users_28d": within(28),
                "stickiness_rate": ratio(within(1) or 0, within(28) or 0),
            }
        )
    return rows


def error_budget(shop: SmallShop, days: list[date], objective: float) -> list[Row]:
    """`kpi/error_budget`."""
    answered = [call for call in shop.api_logs if call["status_code"] is not None]
    rows = []
    for service in ["all", *sorted({call["service"] for call in shop.api_logs})]:
        theirs = [call for call in answered if service in ("all", call["service"])]
        for day in days:
            month = [call for call in theirs if day - 27 * DAY <= call["business_date"] <= day]
            today = [call for call in theirs if call["business_date"] == day]
            if not month:
                continue
            errors = sum(call["status_code"] >= 500 for call in month)
            allowed = (1 - objective) * len(month)
            rows.append(
                {
                    "business_date": day,
                    "service": service,
                    "answered_calls_28d": len(month),
                    "errors_28d": errors,
                    "availability_28d_rate": 1 - errors / len(month),
                    "availability_objective_rate": objective,
                    "allowed_errors_28d": allowed,
                    "error_budget_left_rate": 1 - errors / allowed,
                    "burn_rate_1d": ratio(
                        sum(call["status_code"] >= 500 for call in today), (1 - objective) * len(today)
                    ),
                }
            )
    return rows
