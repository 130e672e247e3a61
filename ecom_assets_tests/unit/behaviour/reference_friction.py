"""Who met slowness and errors, and what they cost, in plain Python."""

from datetime import date, timedelta

from ecom_assets_tests.unit.behaviour.reference import DAY, grouped, ratio
from ecom_assets_tests.unit.behaviour.small_shop import Row, SmallShop

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
             "slow_sessions_going_on", "healthy_sessions", "healthy_purchases", "failing_sessions",
             "failing_purchases")  # fmt: skip
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
                    "lost_amount": round((expected - actual) * order_value, 2) if order_value is not None else None,
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
