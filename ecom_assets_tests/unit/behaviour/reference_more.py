"""More KPI tables in plain Python: carts, speed, health, support, feedback and friction."""

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


STEPS = ("none", "cart", "checkout", "payment")
STEP_EVENTS = ("add_to_cart", "checkout_start", "payment_attempt")


def steps_reached(visit: Row) -> list[str]:
    """The steps before a purchase that a session reached, or went past."""
    furthest = max(number for number, step in enumerate(STEPS) if step == "none" or visit[f"has_{step}"])
    return list(STEPS[: furthest + 1])


def step_of_first_error(calls: list[Row], events: list[Row]) -> str | None:
    """Where a session stood when its first error came; None where none came, or only behind its purchase."""
    bought = [event["occurred_at"] for event in events if event["event_type"] == "purchase"]
    errors = [call["occurred_at"] + timedelta(seconds=1) for call in calls if (call["status_code"] or 0) >= 500]
    errors = [moment for moment in errors if not bought or moment < min(bought)]
    if not errors:
        return None
    done = {event["event_type"] for event in events if event["occurred_at"] <= min(errors)}
    return STEPS[max((number for number, kind in enumerate(STEP_EVENTS, 1) if kind in done), default=0)]


def first_loads(loads: list[Row], events: list[Row]) -> dict[str, Row]:
    """The first measured load at each step of a session, of those before its purchase."""
    bought = [event["occurred_at"] for event in events if event["event_type"] == "purchase"]
    found: dict[str, Row] = {}
    for load in sorted(loads, key=lambda load: (load["occurred_at"], load["load_id"])):
        wait = load["lcp_ms"] if load["lcp_ms"] is not None else load["load_time_ms"]
        shown = load["occurred_at"] + timedelta(seconds=1)
        if wait is not None and not (bought and shown >= min(bought)):
            done = {event["event_type"] for event in events if event["occurred_at"] <= shown}
            number = max((number for number, kind in enumerate(STEP_EVENTS, 1) if kind in done), default=0)
            found.setdefault(STEPS[number], {**load, "wait": wait})
    return found


def friction_exposure(visits: list[Row], shop: SmallShop, threshold: float) -> list[Row]:
    """`kpi/friction_exposure`."""
    loads = grouped(
        (load for load in shop.page_load_times if load["session_id"]),
        lambda load: (load["business_date"], load["session_id"]),
    )
    calls, events = (
        grouped((row for row in rows if row["session_id"]), lambda row: (row["business_date"], row["session_id"]))
        for rows in (shop.api_logs, shop.clickstream)
    )
    names = ("sessions", "purchases", "fast_sessions", "fast_sessions_going_on", "slow_sessions",
             "slow_sessions_going_on", "healthy_sessions", "healthy_purchases", "failing_sessions", "failing_purchases")  # fmt: skip
    rows: dict[tuple, Row] = {}
    for visit in (visit for visit in visits if not visit["is_bot"]):
        day, key = visit["business_date"], (visit["business_date"], visit["session_id"])
        seen = first_loads(loads.get(key, []), events.get(key, []))
        met = step_of_first_error(calls.get(key, []), events.get(key, []))
        reached = [*steps_reached(visit), *(["purchase"] if visit["has_purchase"] else [])]
        for number, step in enumerate(steps_reached(visit)):
            page = "/" + seen[step]["page_path"].partition("?")[0].split("/")[1] if step in seen else "unmeasured"
            row = rows.setdefault((day, visit["device"], step, page), {
                "business_date": day, "device": visit["device"], "step": step, "page_type": page,
                **dict.fromkeys(names, 0),
            })  # fmt: skip
            row["sessions"] += 1
            row["purchases"] += visit["has_purchase"]
            if step in seen:
                pace = "slow" if seen[step]["wait"] > threshold else "fast"
                row[f"{pace}_sessions"] += 1
                row[f"{pace}_sessions_going_on"] += len(reached) > number + 1
            for kind, holds in (("healthy", key in calls and met is None), ("failing", met == step)):
                row[f"{kind}_sessions"] += holds
                row[f"{kind}_purchases"] += holds and visit["has_purchase"]
    return list(rows.values())


def lost_to_slowness(exposure: list[Row], day: date) -> tuple[float, float, float]:
    """Sessions that met a slow page on a day, what they had bought otherwise, and what they bought, step by step."""
    affected, expected, actual = 0.0, 0.0, 0.0
    past = [row for row in exposure if day - 27 * DAY <= row["business_date"] <= day]
    for row in (row for row in past if row["business_date"] == day and row["slow_sessions"]):
        alike = [each for each in past if each["device"] == row["device"] and each["step"] == row["step"]]
        today = [each for each in alike if each["business_date"] == day]
        measured = sum(each["fast_sessions"] + each["slow_sessions"] for each in today)
        factor = sum(each["sessions"] for each in today) / measured
        affected += row["slow_sessions"] * factor
        fast = [each for each in alike if each["page_type"] == row["page_type"]]
        rate = ratio(sum(each["fast_sessions_going_on"] for each in fast), sum(each["fast_sessions"] for each in fast))
        worth: float | None = 1.0
        if row["step"] != "payment":
            further = STEPS[STEPS.index(row["step"]) + 1]
            there = [each for each in past if each["device"] == row["device"] and each["step"] == further]
            worth = ratio(sum(each["purchases"] for each in there), sum(each["sessions"] for each in there)) or 0.0
        if rate is not None:
            expected += row["slow_sessions"] * rate * factor * worth
            actual += row["slow_sessions_going_on"] * factor * worth
    return affected, expected, actual


def lost_to_errors(exposure: list[Row], day: date) -> tuple[float, float, float]:
    """Sessions that met an error with something in the cart, what they had bought otherwise, and what they bought."""
    affected, expected, actual = 0, 0.0, 0
    past = [row for row in exposure if day - 27 * DAY <= row["business_date"] <= day and row["step"] != "none"]
    strata = grouped(past, lambda row: (row["device"], row["step"]))
    for rows in strata.values():
        today = [row for row in rows if row["business_date"] == day]
        rate = ratio(sum(row["healthy_purchases"] for row in rows), sum(row["healthy_sessions"] for row in rows))
        hurt = sum(row["failing_sessions"] for row in today)
        affected += hurt
        if rate is not None and hurt:
            expected += hurt * rate
            actual += sum(row["failing_purchases"] for row in today)
    return affected, expected, actual


def cost_of_friction(exposure: list[Row], revenue: list[Row], carts: list[Row], days: list[date]) -> list[Row]:
    """`kpi/cost_of_friction` without its words."""
    rows = []
    for day in days:
        month = [row for row in revenue if day - 27 * DAY <= row["business_date"] <= day]
        order_value = ratio(sum(row["ordered_amount"] for row in month), sum(row["valued_orders"] for row in month))
        if not any(row["business_date"] == day for row in revenue):
            order_value = None
        for cause, (affected, expected, actual) in (
            ("slowness", lost_to_slowness(exposure, day)),
            ("errors", lost_to_errors(exposure, day)),
        ):
            rows.append(
                {
                    "business_date": day,
                    "cause": cause,
                    "affected": int(affected + 0.5 + 1e-9),  # halves up, as SQL rounds
                    "expected_purchases": expected,
                    "actual_purchases": actual,
                    "lost_purchases": expected - actual,
                    "average_order_value": order_value,
                    "lost_amount": (expected - actual) * order_value if order_value is not None else None,
                }
            )
    for cart in carts:
        if cart["dimension"] == "all":
            known = cart["abandoned_carts"] is not None
            lost = cart["abandoned_carts"] - cart["recovered_carts"] if known else None
            rows.append(
                {
                    "business_date": cart["business_date"],
                    "cause": "abandonment",
                    "affected": cart["abandoned_carts"],
                    "expected_purchases": cart["abandoned_carts"],
                    "actual_purchases": cart["recovered_carts"],
                    "lost_purchases": lost,
                    "average_order_value": ratio(float(cart["lost_amount"]), lost) if lost is not None else None,
                    "lost_amount": cart["lost_amount"],
                }
            )
    return rows
