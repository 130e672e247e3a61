"""What customers say: feedback and support tickets, caused by what happened to their order or their visit.

Like refunds, both are made from the day of the cause and come on a later day, so a day looks back a few weeks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import columns, words
from ecom_assets.simulation.calendar import DAY_S
from ecom_assets.simulation.sales import AT_CHECKOUT, AT_PAYMENT, KEPT, Sales, sales_of
from ecom_assets.simulation.streams import Floats, Ints, hashed
from ecom_assets.simulation.tables import Rows, table
from ecom_assets.simulation.world import World

LONGEST_VOICE_DAYS = 45
_LOST_FEEDBACK, _LATE_FEEDBACK = 0.10, 0.22
_LATE_TICKET, _RETURN_TICKET, _LOST_TICKET = 0.30, 0.12, 0.20
_SAY_NOTHING = 0.2  # feedback that is stars alone
_STAR_SHARES = {
    "good": (0.03, 0.05, 0.12, 0.34, 0.46),
    "late": (0.34, 0.30, 0.20, 0.11, 0.05),
    "lost": (0.55, 0.30, 0.12, 0.03, 0.0),
}
_FIELDS = ("due_day", "number", "wall_s", "customer", "order", "product", "cause", "stars", "bits")


@dataclass(frozen=True)
class _Voices:
    """Columns `_FIELDS` of what a day's orders and visits will bring, by due day."""

    data: Ints
    starts: Ints

    def after(self, days: int) -> Ints:
        return self.data[self.starts[days] : self.starts[days + 1]]


def user_feedback(world: World, day: int, faults: bool) -> Rows:
    """One row a piece of feedback submitted on a day."""
    due = _due(world, day, "feedback", _feedback_of)
    (_, number, wall, customer, order, product, cause, stars, bits) = due.T
    silent = hashed(world.seed, "feedback.text", number) < _SAY_NOTHING
    texts = [words.text(s, c, b) for s, c, b in zip(stars.tolist(), cause.tolist(), bits.tolist(), strict=True)]
    n = len(due)
    made = {
        "feedback_id": columns.ids("F", number),
        "customer_id": columns.ids("K", customer, customer < 0),
        "order_id": columns.ids("O", order, order < 0),
        "product_id": columns.ids("P", product, product < 0),
        "submitted_at": columns.timestamps(world.clock.utc(day, wall)),
        "rating": pa.array(stars),
        "feedback_text": pa.array(texts, pa.string(), mask=silent),
        "source": columns.words(words.SOURCES, (product < 0).astype(np.int64)),
    }
    return Rows(table("user_feedback", made, n), number).only(np.lexsort((number, wall)))


def support_tickets(world: World, day: int, faults: bool, complete: bool = True) -> Rows:
    """One row a ticket opened on a day; `complete` ones know their answer, solution and rating."""
    due = _due(world, day, "tickets", _tickets_of)
    (_, number, wall, customer, order, _, issue, urgency, bits) = due.T
    u = np.stack([hashed(world.seed, f"ticket.{name}", number) for name in ("answer", "solve", "rate", "end")])
    contact = (bits % len(words.CONTACT_CHANNELS)).astype(np.int64)
    pace = np.array([1.0, 0.12, 0.05, 1.3])[contact] * np.array([1.3, 1.0, 0.5])[urgency]
    answered = (4.0 * pace * 3600 * _lognormal(u[0], 0.8)).astype(np.int64) + 60
    solved = answered + (14 * 3600 * _lognormal(u[1], 0.9)).astype(np.int64) + 300
    solved = np.minimum(solved, LONGEST_VOICE_DAYS * DAY_S)
    stays_open = u[3] < 0.03
    happy = 4.4 - 1.2 * (solved > 2 * DAY_S) - 0.8 * (answered > 12 * 3600)
    rated = (hashed(world.seed, "ticket.rated", number) < 0.35) & ~stays_open
    stars = np.clip(np.rint(happy + 2.4 * (u[2] - 0.5)), 1, 5).astype(np.int64)
    settled = day + (wall + solved) // DAY_S
    fresh = (~np.ones(len(due), bool)) if complete else settled > day
    answer_known = np.ones(len(due), bool) if complete else wall + answered < DAY_S
    unsolved = stays_open | fresh
    status = np.where(~unsolved, np.where(u[3] < 0.5, 3, 2), np.where(answer_known, 1, 0))
    at = world.clock.utc(day, wall)
    subjects = [s for name in words.ISSUES for s in words.SUBJECTS[name]]
    made = {
        "ticket_id": columns.ids("T", number),
        "customer_id": columns.ids("K", customer, customer < 0),
        "order_id": columns.ids("O", order, order < 0),
        "opened_at": columns.timestamps(at),
        "first_response_at": columns.timestamps(at + answered, ~answer_known),
        "resolved_at": columns.timestamps(at + solved, unsolved),
        "issue": columns.words(words.ISSUES, issue),
        "priority": columns.words(words.PRIORITIES, urgency),
        "contact_channel": columns.words(words.CONTACT_CHANNELS, contact),
        "status": columns.words(("new", "open", "solved", "closed"), status),
        "satisfaction": pa.array(stars, mask=~rated | unsolved),
        "subject": columns.words(subjects, issue * 3 + bits // 8 % 3),
    }
    settled = np.where(stays_open, np.where(wall + answered < DAY_S, day, day + (wall + answered) // DAY_S), settled)
    rows = Rows(table("support_tickets", made, len(due)), number, settled)
    return rows.only(np.lexsort((number, wall)))


def _lognormal(u: Floats, sigma: float) -> Floats:
    from scipy.special import ndtri

    return np.asarray(np.exp(sigma * ndtri(np.clip(u, 1e-9, 1 - 1e-9))))


def _due(world: World, day: int, name: str, make: Callable[[World, int], _Voices]) -> Ints:
    parts = [
        world.kept(name, make, earlier).after(day - earlier)
        for earlier in range(max(day - LONGEST_VOICE_DAYS, 0), day + 1)
    ]
    return np.concatenate(parts)


def _sorted(day: int, rows: Sequence[Sequence[np.ndarray]]) -> _Voices:
    data = np.concatenate([np.stack([np.asarray(c).astype(np.int64) for c in row], axis=1) for row in rows])
    after = data[:, 0] - day
    data = data[(after >= 0) & (after <= LONGEST_VOICE_DAYS)]
    data = data[np.argsort(data[:, 0], kind="stable")]
    return _Voices(data, np.searchsorted(data[:, 0] - day, np.arange(LONGEST_VOICE_DAYS + 2)))


def _lost(sales: Sales) -> tuple[Ints, Ints]:
    """Intents that failed at the checkout or the payment, and why."""
    lost = np.flatnonzero((sales.fate == AT_CHECKOUT) | (sales.fate == AT_PAYMENT))
    return lost, np.where(sales.fate[lost] == AT_PAYMENT, words.PAYMENT, words.SLOW)


def _feedback_of(world: World, day: int) -> _Voices:
    sales = sales_of(world, day)
    intents, number = sales.intents, sales.intents.number
    u = np.stack([hashed(world.seed, f"feedback.{name}", number) for name in ("asks", "lag", "stars", "words", "hour")])
    arrived = (intents.wall_s + sales.delivered_after_s) // DAY_S
    late = arrived > sales.promised_days
    speaks = (sales.fate == KEPT) & (sales.delivered_after_s > 0)
    speaks &= u[0] < np.where(late, _LATE_FEEDBACK, world.config.behaviour.feedback_share)
    chosen = np.flatnonzero(speaks)
    product = _first_product(sales)[chosen]
    liking = hashed(world.seed, "products.liked", product) - 0.5  # some products are better than others
    good, bad = (np.cumsum(_STAR_SHARES[name]) for name in ("good", "late"))
    turn = np.clip(u[2][chosen] + 0.25 * liking, 0, 0.999)
    stars = 1 + np.where(late[chosen], np.searchsorted(bad, u[2][chosen]), np.searchsorted(good, turn))
    about_order = late[chosen] | (u[3][chosen] < 0.3)
    cause = np.where(late[chosen], words.LATE, np.where(about_order, words.SERVICE, words.PRODUCT))
    # Who is content although the parcel was late writes about what was in it.
    cause = np.where(late[chosen] & (stars >= 4), words.PRODUCT, cause)
    rows = [(
        day + arrived[chosen] + (u[1][chosen] * 9).astype(np.int64), number[chosen], _day_time(u[4][chosen]),
        intents.customer[chosen], number[chosen], np.where(about_order, -1, product), cause, np.minimum(stars, 5),
        u[3][chosen] * 1e6,
    )]  # fmt: skip
    lost, why = _lost(sales)
    lost, why = lost[u[0][lost] < _LOST_FEEDBACK], why[u[0][lost] < _LOST_FEEDBACK]
    nothing = np.full(len(lost), -1)
    stars = 1 + np.searchsorted(np.cumsum(_STAR_SHARES["lost"]), u[2][lost])
    due = day + 1 + (u[1][lost] * 3).astype(np.int64)
    rows.append((due, number[lost], _day_time(u[4][lost]), intents.customer[lost], nothing, nothing, why,
                 np.minimum(stars, 4), u[3][lost] * 1e6))  # fmt: skip
    return _sorted(day, rows)


def _tickets_of(world: World, day: int) -> _Voices:
    sales = sales_of(world, day)
    intents, number = sales.intents, sales.intents.number
    names = ("asks", "late", "return", "when", "hour", "words", "issue")
    u = dict(zip(names, (hashed(world.seed, f"tickets.{name}", number) for name in names), strict=True))
    kept = sales.fate == KEPT
    late = (
        kept
        & (sales.delivered_after_s > 0)
        & ((intents.wall_s + sales.delivered_after_s) // DAY_S > sales.promised_days)
    )
    refund = np.full(len(intents), -1)
    np.maximum.at(refund, intents.line_order, sales.refund_day)
    sets = [
        (kept & (u["asks"] < world.config.behaviour.ticket_share), day + (u["when"] * 12).astype(np.int64),
         np.where(u["issue"] < 0.55, 3, np.where(u["issue"] < 0.8, 4, 5)), 0),
        (late & (u["late"] < _LATE_TICKET), day + sales.promised_days + 1, np.full(len(intents), 0), 1),
        ((refund > day) & (u["return"] < _RETURN_TICKET), np.maximum(refund - 3, day + 1), np.full(len(intents), 2), 2),
    ]  # fmt: skip
    rows = []
    for chosen_mask, due, issue, block in sets:
        chosen = np.flatnonzero(chosen_mask)
        rows.append(_ticket_rows(intents.number, intents.customer, chosen, due[chosen], issue[chosen], block, u, True))
    lost, why = _lost(sales)
    speaks = u["asks"][lost] < _LOST_TICKET
    lost, issue = lost[speaks], np.where(why[speaks] == words.PAYMENT, 1, 5)
    due = day + 1 + (u["when"][lost] * 2).astype(np.int64)
    rows.append(_ticket_rows(intents.number, intents.customer, lost, due, issue, 3, u, False))
    return _sorted(day, rows)


def _ticket_rows(
    number: Ints,
    customer: Ints,
    chosen: Ints,
    due: Ints,
    issue: Ints,
    block: int,
    u: dict[str, Floats],
    has_order: bool,
) -> tuple[np.ndarray, ...]:
    nothing = np.full(len(chosen), -1)
    urgency = np.where(issue <= 1, 2, np.where(u["issue"][chosen] < 0.3, 0, 1))
    return (
        due, number[chosen] * 4 + block, _day_time(u["hour"][chosen]), customer[chosen],
        number[chosen] if has_order else nothing, nothing, issue, urgency, u["words"][chosen] * 1e6,
    )  # fmt: skip


def _first_product(sales: Sales) -> Ints:
    """The product of each order's first line that was sold; the first asked for where none was."""
    first = np.full(len(sales.intents), -1)
    lines = np.flatnonzero(sales.served)[::-1]
    first[sales.intents.line_order[lines]] = sales.intents.product[lines]
    return np.maximum(first, 0)


def _day_time(u: Floats) -> Ints:
    """Local seconds between 7 and 23 o'clock."""
    return (7 * 3600 + u * 16 * 3600).astype(np.int64)
