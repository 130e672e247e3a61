"""A small shop by hand: 33 days around the change to summer time, drawn from a seed, with every awkward case.

Rows are plain dictionaries in the shape of the clean tables. Nothing here uses the project's own code.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

ZONE = ZoneInfo("Europe/Berlin")
FIRST_DAY = date(2025, 3, 3)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(33)]
PAGES = ["/", "/category/shoes", "/product/p1", "/product/p2", "/cart", "/checkout"]
ELEMENTS = ["menu", "banner", "buy", None]
SERVICES = ["checkout", "payment", "search"]


def local_day(moment: datetime) -> date:
    """The shop's calendar day of a naive UTC time."""
    return moment.replace(tzinfo=UTC).astimezone(ZONE).date()


def utc(day: date, seconds: float) -> datetime:
    """The naive UTC time so many seconds after local midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC).replace(tzinfo=None)
    return midnight + timedelta(seconds=seconds)


@dataclass
class SmallShop:
    """The rows of each table."""

    session_tracking: list[Row] = field(default_factory=list)
    clickstream: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    cart_abandonment: list[Row] = field(default_factory=list)
    page_load_times: list[Row] = field(default_factory=list)
    api_logs: list[Row] = field(default_factory=list)
    user_feedback: list[Row] = field(default_factory=list)
    support_tickets: list[Row] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        """Name and rows of each table."""
        yield from vars(self).items()


def small_shop(seed: int = 11) -> SmallShop:
    """The shop of one seed."""
    draw = random.Random(seed)
    shop = SmallShop()
    for number, day in enumerate(DAYS):
        for turn in range(draw.randint(6, 14)):
            _visit(shop, draw, day, f"s{number}-{turn}")
        for turn in range(draw.randint(0, 5)):
            _ticket(shop, draw, day, f"t{number}-{turn}")
        for turn in range(draw.randint(0, 4)):
            _feedback(shop, draw, day, f"f{number}-{turn}")
    for name, rows in shop.tables():
        if name != "orders":  # carts are recovered later; what went on past the last midnight is not over yet
            rows[:] = [row for row in rows if row["business_date"] in DAYS]
    return shop


def _dated(moment: datetime, **row: Any) -> Row:
    return {"business_date": local_day(moment), **row}


def _visit(shop: SmallShop, draw: random.Random, day: date, session_id: str) -> None:
    start = utc(day, draw.choice([draw.randint(0, 80_000), 86_400 - draw.randint(1, 200)]))
    consented = draw.random() < 0.8
    visitor = f"v{draw.randint(0, 40)}" if consented else None
    customer = f"c{draw.randint(0, 9)}" if draw.random() < 0.25 else None
    device = draw.choice(["mobile", "desktop", "tablet"])
    channel = draw.choice(["direct", "email", "paid_search"])
    is_bot = draw.random() < 0.15
    moment, paths = start, []
    for turn in range(draw.choice([1, 1, 2, 4, 8])):
        path = draw.choice(PAGES)
        paths.append(path)
        kinds = ["page_view"]
        if path.startswith("/product"):
            kinds.append("product_view")
        if turn and draw.random() < 0.6:
            kinds.append(draw.choice(["click", "add_to_cart", "checkout_start", "payment_attempt"]))
        for kind in kinds:
            if consented:
                shop.clickstream.append(
                    _dated(
                        moment,
                        event_id=f"e{len(shop.clickstream)}",
                        session_id=session_id,
                        visitor_id=visitor,
                        customer_id=customer,
                        occurred_at=moment,
                        event_type=kind,
                        page_path=path,
                        element=draw.choice(ELEMENTS) if kind == "click" else None,
                        device=device,
                        is_consented=True,
                    )
                )
            moment += timedelta(seconds=draw.randint(1, 90))
        _measure(shop, draw, session_id, moment, path, device)
        _call(shop, draw, session_id, moment)
    ended = moment
    if draw.random() < 0.2:
        ended = _buy(shop, draw, session_id, visitor, customer, moment, channel, device, consented)
    elif draw.random() < 0.4:
        _leave_cart(shop, draw, session_id, customer, moment, channel, device)
    shop.session_tracking.append(
        _dated(
            start,
            session_id=session_id,
            visitor_id=visitor,
            customer_id=customer,
            started_at=start,
            ended_at=ended if draw.random() < 0.9 else None,
            channel=channel,
            device=device,
            country=draw.choice(["DE", "AT"]),
            entry_page=paths[0] if draw.random() < 0.9 else None,
            exit_page=paths[-1] if draw.random() < 0.9 else None,
            page_views=len(paths),
            is_bot=is_bot,
        )
    )


def _buy(
    shop: SmallShop,
    draw: random.Random,
    session_id: str,
    visitor: str | None,
    customer: str | None,
    moment: datetime,
    channel: str,
    device: str,
    consented: bool,
) -> datetime:
    moment += timedelta(seconds=draw.randint(1, 300))
    order_id = f"o{len(shop.orders)}"
    shop.orders.append(
        _dated(
            moment,
            store_id="main",
            order_id=order_id,
            customer_id=customer or (f"c{draw.randint(0, 9)}" if draw.random() < 0.5 else None),
            session_id=session_id,
            ordered_at=moment,
            status=draw.choice(["paid", "paid", "paid", "failed", "void", "pending"]),
            channel=channel,
            device=device,
            country="DE",
        )
    )
    if consented:
        shop.clickstream.append(
            _dated(
                moment,
                event_id=f"e{len(shop.clickstream)}",
                session_id=session_id,
                visitor_id=visitor,
                occurred_at=moment,
                event_type="purchase",
                page_path="/checkout",
                order_id=order_id,
                device=device,
                is_consented=True,
            )
        )
    return moment


def _leave_cart(
    shop: SmallShop,
    draw: random.Random,
    session_id: str,
    customer: str | None,
    moment: datetime,
    channel: str,
    device: str,
) -> None:
    recovered = None
    if draw.random() < 0.5:
        recovered = f"o{len(shop.orders)}"
        wait = draw.choice([3 * 3600, 24 * 3600, 24 * 3600 + 1, 3 * 86_400, 7 * 86_400, 7 * 86_400 + 1, 9 * 86_400])
        placed = moment + timedelta(seconds=wait)
        shop.orders.append(
            _dated(placed, store_id="main", order_id=recovered, ordered_at=placed, status=draw.choice(["paid", "void"]))
        )
    shop.cart_abandonment.append(
        _dated(
            moment,
            cart_id=f"cart{len(shop.cart_abandonment)}",
            session_id=session_id,
            customer_id=customer,
            abandoned_at=moment,
            last_step=draw.choice(["cart", "shipping", "payment"]),
            cart_amount=draw.choice([0, 1, 5, 19.99, 20, 49.5, 120, 2000]),
            device=device,
            channel=channel,
            recovered_order_id=recovered,
        )
    )


def _measure(shop: SmallShop, draw: random.Random, session_id: str, moment: datetime, path: str, device: str) -> None:
    load = draw.choice([None, 2500.0, round(draw.lognormvariate(7.8, 0.6), 1)])
    shop.page_load_times.append(
        _dated(
            moment,
            load_id=f"l{len(shop.page_load_times)}",
            session_id=draw.choice([session_id, session_id, None]),
            occurred_at=moment,
            page_path=path,
            device=device,
            country="DE",
            ttfb_ms=draw.choice([None, float(draw.randint(20, 900))]),
            lcp_ms=draw.choice([None, 2500.0, 10_000.0, round(draw.lognormvariate(7.6, 0.6), 1)]),
            load_time_ms=load,
        )
    )


def _call(shop: SmallShop, draw: random.Random, session_id: str, moment: datetime) -> None:
    for _ in range(draw.randint(0, 2)):
        shop.api_logs.append(
            _dated(
                moment,
                request_id=f"r{len(shop.api_logs)}",
                occurred_at=moment,
                service=draw.choice(SERVICES),
                endpoint=draw.choice(["/a", "/b"]),
                method="GET",
                status_code=draw.choice([200, 200, 200, 200, 404, 499, 500, 503, None]),
                response_time_ms=draw.choice([None, 500.0, 2000.0, float(draw.randint(5, 4000))]),
                session_id=draw.choice([session_id, None]),
            )
        )


def _feedback(shop: SmallShop, draw: random.Random, day: date, feedback_id: str) -> None:
    moment = utc(day, draw.randint(0, 86_000))
    shop.user_feedback.append(
        _dated(
            moment,
            feedback_id=feedback_id,
            submitted_at=moment,
            rating=draw.choice([None, 1, 2, 3, 4, 5]),
            feedback_text=draw.choice(
                [None, "Great shop, excellent service!", "Terrible, awful, the worst.", "It is a box."]
            ),
            source=draw.choice(["review", "survey"]),
        )
    )


def _ticket(shop: SmallShop, draw: random.Random, day: date, ticket_id: str) -> None:
    opened = utc(day, draw.randint(0, 86_399))
    answered = opened + timedelta(seconds=draw.randint(60, 90_000)) if draw.random() < 0.8 else None
    resolved = opened + timedelta(seconds=draw.randint(100_000, 500_000)) if draw.random() < 0.6 else None
    shop.support_tickets.append(
        _dated(
            opened,
            ticket_id=ticket_id,
            opened_at=opened,
            first_response_at=answered,
            resolved_at=resolved,
            issue=draw.choice(["delivery", "payment", "website"]),
            priority=draw.choice([None, "high"]),
            contact_channel=draw.choice(["email", "chat"]),
            status="solved" if resolved else "open",
            satisfaction=draw.randint(1, 5) if resolved and draw.random() < 0.5 else None,
        )
    )
