"""More KPI tables in plain Python: carts, speed, health, support and feedback."""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ecom_assets_tests.unit.behaviour.reference import DAY, SALE_BARS, grouped, percentile, ratio
from ecom_assets_tests.unit.behaviour.small_shop import ZONE, Row, SmallShop, local_day, utc

BOUNDS = [0, 1, *(step * 10**power for power in range(8) for step in (2, 5, 10))][:-1]


def value_band(amount: float) -> str:
    """The 1-2-5 band of a cart's value."""
    if amount < 0:
        return "below 0"
    low = max(bound for bound in BOUNDS if bound <= amount)
    above = [bound for bound in BOUNDS if bound > amount]
    return f"{low} to {min(above)}" if above else f"{low} and more"


def _local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZONE)


def cart_abandonment(
    shop: SmallShop, funnel: list[Row], days: list[date], delivered: Collection[date] | None = None
) -> list[Row]:
    """`kpi/cart_abandonment`; `delivered` are the days whose carts are known, by default all."""
    known_until = utc(days[-1] + DAY, 0)
    placed = {order["order_id"]: order["ordered_at"] for order in shop.orders if order["status"] not in SALE_BARS}
    carts = []
    for cart in shop.cart_abandonment:
        bought = placed.get(cart["recovered_order_id"])
        if bought is not None and bought <= cart["abandoned_at"] + timedelta(hours=24):
            continue
        carts.append({**cart, "recovered": bought is not None and bought <= cart["abandoned_at"] + 7 * DAY})
    members: dict[str, Callable[[Row], Any]] = {
        "all": lambda cart: "all",
        "step": lambda cart: cart["last_step"],
        "device": lambda cart: cart["device"],
        "channel": lambda cart: cart["channel"],
        "hour": lambda cart: f"{_local(cart['abandoned_at']):%H}",
        "weekday": lambda cart: f"{_local(cart['abandoned_at']):%A}".lower(),
        "value_band": lambda cart: value_band(cart["cart_amount"]),
    }
    rows = []
    for dimension, member_of in members.items():
        left = grouped(carts, lambda cart: (cart["business_date"], member_of(cart)))  # noqa: B023
        filled: dict[Any, list[Row]] = {}
        if dimension in ("all", "device", "channel"):
            filled = grouped(
                (row for row in funnel if row["cart_sessions"]),
                lambda row: (row["business_date"], row.get(dimension, "all")),  # noqa: B023
            )
        keys = {*left, *filled} | ({(day, "all") for day in days} if dimension == "all" else set())
        for day, member in keys:
            if day in days:
                key, is_known = (day, member), delivered is None or day in delivered
                horizon = known_until if is_known else datetime.min
                rows.append(
                    _carts(day, dimension, member, left.get(key, []), filled.get(key), horizon)
                    | {"is_final": utc(day + DAY, 0) + 7 * DAY <= known_until}
                )
    return rows


def _carts(
    day: date, dimension: str, member: str, carts: list[Row], filled: list[Row] | None, known_until: datetime
) -> Row:
    end = utc(day + DAY, 0)
    is_over = end + timedelta(hours=24) <= known_until
    recovered = [cart for cart in carts if cart["recovered"]]
    abandoned_amount = sum(Decimal(str(cart["cart_amount"])) for cart in carts)
    recovered_amount = sum(Decimal(str(cart["cart_amount"])) for cart in recovered)
    sessions = sum(row["cart_sessions"] for row in filled) if filled else None
    bought = sum(row["purchase_sessions"] for row in filled) if filled else None
    return {
        "business_date": day,
        "dimension": dimension,
        "member": member,
        "cart_sessions": sessions,
        "bought_cart_sessions": bought,
        "cart_abandonment_rate": 1 - bought / sessions if sessions and bought is not None else None,
        "abandoned_carts": len(carts) if is_over else None,
        "recovered_carts": len(recovered) if is_over else None,
        "recovery_rate": ratio(len(recovered), len(carts)) if is_over else None,
        "abandoned_amount": abandoned_amount if is_over else None,
        "recovered_amount": recovered_amount if is_over else None,
        "lost_amount": abandoned_amount - recovered_amount if is_over else None,
    }


def page_speed(shop: SmallShop, threshold: float) -> list[Row]:
    """`kpi/page_speed`."""
    rows = []
    for dimension, name in (("all", None), ("page", "page_path"), ("device", "device"), ("country", "country")):
        groups = grouped(
            shop.page_load_times,
            lambda load: (load["business_date"], load[name] if name else "all"),  # noqa: B023
        )
        slowness = {}
        for key, loads in groups.items():
            waits = [load["lcp_ms"] if load["lcp_ms"] is not None else load["load_time_ms"] for load in loads]
            waits = [wait for wait in waits if wait is not None]
            satisfied = sum(wait <= threshold for wait in waits)
            tolerated = sum(threshold < wait <= 4 * threshold for wait in waits)
            row = {
                "business_date": key[0],
                "dimension": dimension,
                "member": key[1],
                "loads": len(loads),
                "timed_loads": len(waits),
                "satisfied_loads": satisfied,
                "tolerated_loads": tolerated,
                "frustrated_loads": len(waits) - satisfied - tolerated,
                "apdex_score": ratio(satisfied + tolerated / 2, len(waits)),
                "slowness_rank": None,
            }
            for measure in ("ttfb", "lcp", "load_time"):
                for share in (50, 75, 95):
                    row[f"{measure}_p{share}_ms"] = percentile([load[f"{measure}_ms"] for load in loads], share / 100)
            if dimension != "all" and len(waits) >= 10:
                slowness[key] = (percentile(waits, 0.75), row)
            rows.append(row)
        for (day, _), (wait, row) in slowness.items():
            row["slowness_rank"] = 1 + sum(
                other > wait for key, (other, _) in slowness.items() if key[0] == day and other is not None
            )
    return rows


def api_health(shop: SmallShop, threshold: float, objective: float) -> list[Row]:
    """`kpi/api_health`."""
    rows = []
    for dimension, member_of in (
        ("all", lambda call: "all"),
        ("service", lambda call: call["service"]),
        ("endpoint", lambda call: f"{call['service']} {call['endpoint']}"),
    ):
        of_dimension = []
        groups = grouped(shop.api_logs, lambda call: (call["business_date"], member_of(call)))  # noqa: B023
        for (day, member), calls in groups.items():
            answered = [call for call in calls if call["status_code"] is not None]
            failed = [call for call in answered if call["status_code"] >= 500]
            fine = [
                call["response_time_ms"]
                for call in calls
                if call not in failed and call["response_time_ms"] is not None
            ]
            satisfied = sum(time <= threshold for time in fine)
            tolerated = sum(threshold < time <= 4 * threshold for time in fine)
            frustrated = sum(time > 4 * threshold for time in fine) + len(failed)
            times = [call["response_time_ms"] for call in calls]
            of_dimension.append(
                {
                    "business_date": day,
                    "dimension": dimension,
                    "member": member,
                    "calls": len(calls),
                    "answered_calls": len(answered),
                    "errors": len(failed),
                    "client_errors": sum(400 <= call["status_code"] < 500 for call in answered),
                    "error_rate": ratio(len(failed), len(answered)),
                    "availability_rate": 1 - len(failed) / len(answered) if answered else None,
                    "response_time_p50_ms": percentile(times, 0.5),
                    "response_time_p95_ms": percentile(times, 0.95),
                    "response_time_p99_ms": percentile(times, 0.99),
                    "satisfied_calls": satisfied,
                    "tolerated_calls": tolerated,
                    "frustrated_calls": frustrated,
                    "apdex_score": ratio(satisfied + tolerated / 2, satisfied + tolerated + frustrated),
                    "availability_objective_rate": objective,
                    "allowed_errors": (1 - objective) * len(answered),
                    "error_budget_left_rate": 1 - len(failed) / ((1 - objective) * len(answered)) if answered else None,
                }
            )
        for row in of_dimension:
            slow = row["response_time_p95_ms"]
            others = [
                one["response_time_p95_ms"] for one in of_dimension if one["business_date"] == row["business_date"]
            ]
            row["slowness_rank"] = None
            if dimension != "all" and slow is not None:
                row["slowness_rank"] = 1 + sum(other is not None and other > slow for other in others)
        rows += of_dimension
    return rows


def support_performance(shop: SmallShop, days: list[date]) -> list[Row]:
    """`kpi/support_performance`."""
    rows = []
    for dimension in ("all", "issue", "priority", "contact_channel"):
        tickets = grouped(
            shop.support_tickets,
            lambda ticket: "all" if dimension == "all" else ticket[dimension] or "unknown",  # noqa: B023
        )
        for member, theirs in tickets.items():
            for day in days:
                rows.append({"business_date": day, "dimension": dimension, "member": member, **_desk(theirs, day)})
    return rows


def _desk(tickets: list[Row], day: date) -> Row:
    def on_day(name: str) -> list[Row]:
        return [ticket for ticket in tickets if ticket[name] and local_day(ticket[name]) == day]

    def waits(of: list[Row], name: str) -> list[float]:
        return [(ticket[name] - ticket["opened_at"]).total_seconds() for ticket in of]

    answered, resolved = on_day("first_response_at"), on_day("resolved_at")
    rated = [ticket["satisfaction"] for ticket in resolved if ticket["satisfaction"] is not None]
    open_at_night = [
        ticket
        for ticket in tickets
        if local_day(ticket["opened_at"]) <= day
        and not (ticket["resolved_at"] and local_day(ticket["resolved_at"]) <= day)
    ]
    return {
        "opened": len(on_day("opened_at")),
        "answered": len(answered),
        "resolved": len(resolved),
        "backlog": len(open_at_night),
        "first_response_median_s": percentile(waits(answered, "first_response_at"), 0.5),
        "first_response_p90_s": percentile(waits(answered, "first_response_at"), 0.9),
        "resolution_median_s": percentile(waits(resolved, "resolved_at"), 0.5),
        "resolution_p90_s": percentile(waits(resolved, "resolved_at"), 0.9),
        "rated": len(rated),
        "satisfaction_sum": sum(rated),
        "satisfaction_mean": ratio(sum(rated), len(rated)),
    }


def feedback_sentiment(shop: SmallShop, polarity: dict[str, tuple[float, bool | None]], days: list[date]) -> list[Row]:
    """`kpi/feedback_sentiment`."""
    rows = []
    for dimension in ("all", "source", "rating"):
        groups = grouped(
            shop.user_feedback,
            lambda piece: (
                piece["business_date"],
                "all" if dimension == "all" else "none" if piece[dimension] is None else str(piece[dimension]),  # noqa: B023
            ),
        )
        keys = {*groups} | ({(day, "all") for day in days} if dimension == "all" else set())
        for key in keys:
            pieces = groups.get(key, [])
            stars = [piece["rating"] for piece in pieces if piece["rating"] is not None]
            moods = [polarity[piece["feedback_id"]] for piece in pieces if piece["feedback_id"] in polarity]
            judged = [contradicts for _, contradicts in moods if contradicts is not None]
            rows.append(
                {
                    "business_date": key[0],
                    "dimension": dimension,
                    "member": key[1],
                    "feedback": len(pieces),
                    "rated": len(stars),
                    "rating_sum": sum(stars),
                    "rating_mean": ratio(sum(stars), len(stars)),
                    "low_ratings": sum(star <= 2 for star in stars),
                    "texts": len(moods),
                    "polarity_sum": sum(mood for mood, _ in moods),
                    "polarity_mean": ratio(sum(mood for mood, _ in moods), len(moods)),
                    "comparable_texts": len(judged),
                    "contradictions": sum(judged),
                    "contradiction_rate": ratio(sum(judged), len(judged)),
                }
            )
    return rows
