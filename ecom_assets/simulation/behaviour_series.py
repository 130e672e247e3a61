"""A shop's daily metrics of sessions, pages, services and voices, straight from its state. See `series`.

Of what the warehouse makes of the same files it leaves out broken and late rows, cookies, and sessions' clicks; a
truncated clickstream loses the last steps of the day, a truncated session file its last sessions.
"""

import numpy as np
import pyarrow as pa

from ecom_assets.simulation import walk, words
from ecom_assets.simulation.events import session_columns
from ecom_assets.simulation.incidents import touching
from ecom_assets.simulation.landing import file_delay
from ecom_assets.simulation.recorded import day_rows
from ecom_assets.simulation.streams import Floats, Ints, hashed
from ecom_assets.simulation.tables import Rows
from ecom_assets.simulation.visits import SHOWS_PAGE, Visits, visits_of
from ecom_assets.simulation.world import World

Key = tuple[str, str, str]
Values = dict[Key, float]
APDEX_API_MS, APDEX_LCP_MS = 500, 2500
STEPS = {walk.ADD: 2, walk.WISH: 0, walk.SHIPPING: 3, walk.PAYMENT: 4, walk.THANKS: 5}
MADE_OF = {
    # which late extracts leave metrics unknown
    "visits": ("session_tracking", "clickstream", "orders"), "pages": ("page_load_times",),
    "services": ("api_logs",), "carts": ("cart_abandonment",), "help": ("support_tickets",),
    "opinions": ("user_feedback",),
}  # fmt: skip


def day_values(world: World, day: int, with_voices: bool = True, cases: Values | None = None) -> Values:
    """Metric, dimension ("" for the whole) and member to value, of what is known of a day at 06:00 on the next.

    Voices (tickets, ratings) look back 45 days and cost as much as all else: twins go without. `cases` is filled with
    the denominators of ratios.
    """
    values: Values = {}
    cases = {} if cases is None else cases
    known = {name: not any(file_delay(world, one, day) for one in made_of) for name, made_of in MADE_OF.items()}
    if known["visits"] or known["carts"]:
        _visits(world, day, values, cases, known["visits"], known["carts"])
    if known["pages"]:
        _pages(world, day_rows(world, day, "page_load_times", True), values, cases)
    if known["services"]:
        _services(day_rows(world, day, "api_logs", True), values, cases)
    if with_voices and known["help"]:
        issue = _codes(day_rows(world, day, "support_tickets", True, False).table["issue"], words.ISSUES)
        values["tickets_opened", "", ""] = float(len(issue))
        for place, name in enumerate(words.ISSUES):
            values["tickets_opened", "issue", name] = float(np.sum(issue == place))
    if with_voices and known["opinions"]:
        stars = np.asarray(day_rows(world, day, "user_feedback", True).table["rating"].to_numpy())
        if len(stars):
            values["rating_mean", "", ""], cases["rating_mean", "", ""] = float(stars.mean()), float(len(stars))
    return values


def _codes(column: pa.ChunkedArray, names: tuple[str, ...]) -> Ints:
    """Position of each text in `names`."""
    place = {name: code for code, name in enumerate(names)}
    return np.array([place.get(text, -1) for text in column.to_pylist()], dtype=np.int64)


def _visits(world: World, day: int, values: Values, cases: Values, has_visits: bool, has_carts: bool) -> None:
    visits, of = visits_of(world, day), session_columns(world, day, True)
    sessions = visits.sessions
    if has_carts:
        _carts(world, visits, values)
    if not has_visits:
        return
    shown = _seen_steps(world, day, visits)
    weight = _delivered(world, day, visits) * (of.recorded & ~sessions.is_bot)
    n = len(sessions)
    pages = np.bincount(visits.session[shown & SHOWS_PAGE[visits.state]], minlength=n)
    events = np.bincount(visits.session[shown], minlength=n)
    step = np.zeros(n, dtype=np.int64)
    for state, reached in STEPS.items():
        np.maximum.at(step, visits.session[shown & (visits.state == state)], reached)
    step = np.where((pages > 0) & (step == 0), 1, step)
    base = (sessions.channel, sessions.device)
    counts: dict[str, Floats] = {
        "all": weight, "bounces": weight * ((pages == 1) & (events == 1)), "pages": weight * pages,
        **{f"step{at}": weight * (step >= at) for at in range(1, 6)},
    }  # fmt: skip
    names = {"channel": world.channels, "device": world.devices}
    for dimension, key, members in (("", None, ("",)), ("channel", base[0], names["channel"]),
                                    ("device", base[1], names["device"])):  # fmt: skip
        sums: dict[str, Floats] = {
            name: np.array([value.sum()]) if key is None else np.bincount(key, value, len(members)).astype("float64")
            for name, value in counts.items()
        }
        for metric, numerator, denominator in (
            ("bounce_rate", sums["bounces"], sums["all"]),
            ("pages_per_session", sums["pages"], sums["all"]),
            ("view_to_cart_rate", sums["step2"], sums["step1"]),
            ("cart_to_checkout_rate", sums["step3"], sums["step2"]),
            ("checkout_to_payment_rate", sums["step4"], sums["step3"]),
            ("payment_to_purchase_rate", sums["step5"], sums["step4"]),
            ("cart_abandonment_rate", sums["step2"] - sums["step5"], sums["step2"]),
        ):
            for place, member in enumerate(members):
                if denominator[place] > 0:
                    values[metric, dimension, member] = float(numerator[place] / denominator[place])
                    cases[metric, dimension, member] = float(denominator[place])
    speaks = ~of.visitor_hidden & (weight > 0)
    values["active_users", "", ""] = float(len(np.unique(sessions.visitor[speaks])))


def _seen_steps(world: World, day: int, visits: Visits) -> np.ndarray:
    """Steps that a truncated clickstream still holds."""
    shown = np.ones(len(visits.state), dtype=bool)
    for incident in touching(world.incidents, day, "truncated_file"):
        if incident.member("dataset") == "clickstream":
            shown &= visits.at_ms <= np.quantile(visits.at_ms, 1 - incident.size)
    return shown


def _delivered(world: World, day: int, visits: Visits) -> Floats:
    """How often each session is in the session file: twice where it was delivered again, not at all where cut off."""
    sessions = visits.sessions
    times = np.ones(len(sessions))
    for incident in touching(world.incidents, day, "duplicate_delivery"):
        if incident.member("dataset") == "session_tracking":
            times += hashed(world.seed, f"again.{incident.ordinal}", sessions.number) < incident.size
    for incident in touching(world.incidents, day, "truncated_file"):
        if incident.member("dataset") == "session_tracking" and len(sessions):
            begin = visits.at_ms[np.minimum(visits.starts[:-1], len(visits.at_ms) - 1)]
            times *= begin <= np.quantile(begin, 1 - incident.size)
    return times


def _carts(world: World, visits: Visits, values: Values) -> None:
    sessions, state, session = visits.sessions, visits.state, visits.session
    sign = np.where(state == walk.ADD, 1, np.where(state == walk.REMOVE, -1, 0))
    units = np.bincount(session, weights=sign * visits.units, minlength=len(sessions))
    left = (units > 0) & (sessions.order < 0)
    values["abandoned_carts", "", ""] = float(left.sum())
    reached = np.zeros(len(sessions), dtype=np.int64)
    for depth, deeper in ((1, walk.SHIPPING), (2, walk.PAYMENT)):
        reached[session[state == deeper]] = depth
    for dimension, key, members in (("step", reached, ("cart", "shipping", "payment")),
                                    ("channel", sessions.channel, world.channels),
                                    ("device", sessions.device, world.devices)):  # fmt: skip
        for place, count in enumerate(np.bincount(key[left], minlength=len(members)).tolist()):
            values["abandoned_carts", dimension, members[place]] = float(count)


def _pages(world: World, rows: Rows, values: Values, cases: Values) -> None:
    lcp = rows.table["lcp_ms"].to_numpy().astype("float64")
    load = rows.table["load_time_ms"].to_numpy().astype("float64")
    device = _indices(rows.table["device"])
    for place, member in enumerate(("", *world.devices)):
        mine = slice(None) if place == 0 else device == place - 1
        if len(lcp[mine]) < 5:
            continue
        key = ("device" if member else "", member)
        values["lcp_p75_ms", *key] = float(np.quantile(lcp[mine], 0.75))
        values["load_time_p95_ms", *key] = float(np.quantile(load[mine], 0.95))
        fast, slow = np.mean(lcp[mine] <= APDEX_LCP_MS), np.mean(lcp[mine] <= 4 * APDEX_LCP_MS)
        values["page_apdex_score", *key] = float((fast + slow) / 2)
        cases["page_apdex_score", *key] = float(len(lcp[mine]))


def _services(rows: Rows, values: Values, cases: Values) -> None:
    column = rows.table["service"].combine_chunks()
    service_of = np.array(column.dictionary.to_pylist(), dtype=object)[_indices(column)]
    status, wait = rows.table["status_code"].to_numpy(), rows.table["response_time_ms"].to_numpy().astype("float64")
    failed = status >= 500
    for service in ("", *column.dictionary.to_pylist()):
        mine = slice(None) if not service else service_of == service
        times = wait[mine]
        if not len(times):
            continue
        key = ("service" if service else "", service)
        good = ~failed[mine]
        values["api_calls", *key] = float(len(times))
        cases["error_rate", *key] = cases["api_apdex_score", *key] = float(len(times))
        values["error_rate", *key] = float(failed[mine].mean())
        fast = np.mean(good & (times <= APDEX_API_MS))
        values["api_apdex_score", *key] = float((fast + np.mean(good & (times <= 4 * APDEX_API_MS))) / 2)
        values["response_time_p95_ms", *key] = float(np.quantile(times, 0.95))


def _indices(column: pa.ChunkedArray) -> Ints:
    """Codes of a dictionary column, in the order of the names that it was made with."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(array.indices.to_numpy(zero_copy_only=False))
