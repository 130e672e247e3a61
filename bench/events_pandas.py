"""The tables of the events bench in pandas, from Parquet files to Parquet files, as one would write them plainly."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.events_shared import CHECKS, DAYS, FIRST_DAY, cpu_seconds

OBJECTIVE = 0.995  # availability, as the project's default
Tables = dict[tuple[str, ...], pd.DataFrame]


def in_pandas(folder: Path) -> dict[str, float]:
    """Seconds a table, and the numbers by which contenders are compared; what is made lies on disk."""
    parts: dict[str, float] = {}
    started = last = time.perf_counter()
    cpu = cpu_seconds()

    def lap(name: str, tables: Iterable[pd.DataFrame]) -> None:
        nonlocal last
        for number, table in enumerate(tables):
            plain = table.reset_index()
            plain.columns = [str(column) for column in plain.columns]
            plain.to_parquet(folder / f"pandas-{name}-{number}.parquet")
        parts[name], last = time.perf_counter() - last, time.perf_counter()

    events = pd.read_parquet(folder / "clickstream.parquet").dropna(subset="visitor_id")
    loads = pd.read_parquet(folder / "page_load_times.parquet")
    calls = pd.read_parquet(folder / "api_logs.parquet")
    lap("load", [])
    events, sessions = sessions_of(events)
    lap("sessions", [sessions])
    lap("session_behavior", session_behavior(events, sessions))
    engagement = click_engagement(events, sessions)
    lap("click_engagement", engagement.values())
    funnel = purchase_funnel(sessions)
    lap("purchase_funnel", [funnel])
    active = active_users(sessions)
    lap("active_users", [pd.DataFrame(active).assign(stickiness=active[1] / active[28])])
    speed = page_speed(loads)
    lap("page_speed", speed.values())
    health = api_health(calls)
    lap("api_health", health.values())
    parts["total"] = time.perf_counter() - started
    parts["cpu"] = cpu_seconds() - cpu
    found = (
        len(sessions), sessions["page_view"].sum(), funnel["reached_5"].sum(),
        engagement[()]["clicking_sessions"].sum(), active[28][-1], speed[("page_path",)]["lcp_ms 0.95"].sum(),
        health[("service",)][0.99].sum(), health[()]["error"].sum(),
    )  # fmt: skip
    return {**parts, **dict(zip(CHECKS, map(float, found), strict=True))}


def sessions_of(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events in order with their session and step, and the sessions: 30 minutes of silence end one."""
    events = events.sort_values(["business_date", "visitor_id", "occurred_at"], kind="stable")
    same = (events["visitor_id"] == events["visitor_id"].shift()) & (
        events["business_date"] == events["business_date"].shift()
    )
    starts = ~same | (events["occurred_at"].diff() > pd.Timedelta(minutes=30))
    events["session"] = np.cumsum(starts.to_numpy())
    order = ["page_view", "product_view", "add_to_cart", "checkout_start", "payment_attempt", "purchase"]
    steps = dict(zip(order, (1, 1, 2, 3, 4, 5), strict=True))
    events["step"] = events["event_type"].map(steps).astype("float").fillna(0).astype("int8")
    for kind in ("page_view", "product_view", "click"):
        events[kind] = (events["event_type"] == kind).astype("int32")
    by_session = events.groupby("session", sort=False)
    sessions = by_session.agg(
        business_date=("business_date", "first"), visitor_id=("visitor_id", "first"), device=("device", "first"),
        started_at=("occurred_at", "first"), ended_at=("occurred_at", "last"), page_view=("page_view", "sum"),
        product_view=("product_view", "sum"), click=("click", "sum"), events=("step", "size"), step=("step", "max"),
    )  # fmt: skip
    viewed = events[events["page_view"] == 1].groupby("session", sort=False)["page_path"]
    sessions["entry_page"], sessions["exit_page"] = viewed.first(), viewed.last()
    stamp = sessions["started_at"].dt.strftime("%Y%m%dT%H%M%S.%f")
    sessions["session_id"] = sessions["visitor_id"] + "/" + stamp
    for step, name in ((1, "view"), (2, "cart"), (3, "checkout"), (4, "payment"), (5, "purchase")):
        sessions[f"has_{name}"] = sessions["step"] >= step
    sessions["duration_s"] = (sessions["ended_at"] - sessions["started_at"]).dt.total_seconds()
    sessions["page_views"] = sessions[["page_view", "product_view"]].max(axis=1)
    others = sessions["events"] - sessions["page_view"] - sessions["product_view"]
    sessions["bounced"] = (sessions["page_views"] <= 1) & (others == 0)
    # What a shop with nothing but a clickstream does not know of a session.
    sessions["channel"], sessions["country"], sessions["orders"] = "unknown", "unknown", 0
    sessions["customer_id"], sessions["campaign_id"] = None, None
    sessions["is_bot"], sessions["is_start"] = False, True
    return events, sessions


def session_behavior(events: pd.DataFrame, sessions: pd.DataFrame) -> list[pd.DataFrame]:
    """Durations, pages and bounces by dimension; views, entries and exits by page."""
    behavior = []
    for keys in ((), ("channel",), ("device",), ("country",), ("entry_page",)):
        groups = sessions.groupby(["business_date", *keys], observed=True)
        table = groups.agg(sessions=("bounced", "size"), bounces=("bounced", "sum"), page_views=("page_views", "sum"))
        table["pages_per_session"] = table["page_views"] / table["sessions"]
        table["bounce_rate"] = table["bounces"] / table["sessions"]
        behavior.append(table.join(groups["duration_s"].quantile([0.5, 0.9]).unstack()))
    views = events[events["page_view"] == 1].groupby(["business_date", "page_path"], observed=True).size()
    entries = sessions.groupby(["business_date", "entry_page"], observed=True).size()
    exits = sessions.groupby(["business_date", "exit_page"], observed=True).size()
    pages = pd.concat({"views": views, "entries": entries, "exits": exits}, axis=1).fillna({"entries": 0, "exits": 0})
    pages["drop_off_rate"] = (pages["exits"] / pages["views"]).clip(upper=1)
    return [*behavior, pages]


def click_engagement(events: pd.DataFrame, sessions: pd.DataFrame) -> Tables:
    """Clicks and clicking sessions by page and element, against all sessions and ranked within the day."""
    clicks, visits = events[events["click"] == 1], sessions.groupby("business_date").size()
    engagement: Tables = {}
    for keys in ((), ("page_path",), ("element",), ("page_path", "element")):
        groups = clicks.groupby(["business_date", *keys], observed=True)["session"]
        table = groups.agg(clicks="size", clicking_sessions="nunique")
        day = table.index.get_level_values(0)
        table["sessions"] = visits.reindex(day).to_numpy()
        table["clicks_per_session"] = table["clicks"] / table["sessions"]
        table["clicks_per_clicking_session"] = table["clicks"] / table["clicking_sessions"]
        ranked = table.groupby(level=0)["clicks"]
        table["most"], table["least"] = ranked.rank(method="min", ascending=False), ranked.rank(method="min")
        engagement[keys] = table
    return engagement


def purchase_funnel(sessions: pd.DataFrame) -> pd.DataFrame:
    """Sessions that reached each step."""
    reached = {f"reached_{step}": (sessions["step"] >= step).astype(int) for step in range(1, 6)}
    groups = sessions.assign(**reached).groupby(["business_date", "channel", "device"], observed=True)
    funnel = groups[list(reached)].sum().join(groups.size().rename("sessions"))
    for step in range(2, 6):
        funnel[f"rate_{step}"] = funnel[f"reached_{step}"] / funnel[f"reached_{step - 1}"]
    funnel["rate"] = funnel["reached_5"] / funnel["reached_1"]
    return funnel


def active_users(sessions: pd.DataFrame) -> dict[int, Any]:
    """Visitors of the last 1, 7 and 28 days: each visit counts until the span is over or the next visit comes."""
    seen = sessions[["business_date", "visitor_id"]].drop_duplicates().sort_values(["visitor_id", "business_date"])
    day = (pd.to_datetime(seen["business_date"]) - pd.Timestamp(FIRST_DAY)).dt.days.to_numpy()
    later = np.append(day[1:], DAYS + 28)
    later[np.append(seen["visitor_id"].to_numpy()[1:] != seen["visitor_id"].to_numpy()[:-1], True)] = DAYS + 28
    active = {}
    for span in (1, 7, 28):
        change = np.zeros(DAYS + 60)
        np.add.at(change, day, 1)
        np.add.at(change, np.minimum(day + span, later), -1)
        active[span] = np.cumsum(change)[:DAYS]
    return active


def page_speed(loads: pd.DataFrame) -> Tables:
    """Quantiles and Apdex shares of page loads by dimension; members with ten loads are ranked by slowness."""
    loads["wait"] = loads["lcp_ms"].fillna(loads["load_time_ms"])
    loads["satisfied"], loads["tolerated"] = loads["wait"] <= 2500, loads["wait"].between(2500, 10000, "right")
    loads["frustrated"] = loads["wait"] > 10000
    speed: Tables = {}
    for keys in ((), ("page_path",), ("device",), ("country",)):
        groups = loads.groupby(["business_date", *keys], observed=True)
        table = groups[["satisfied", "tolerated", "frustrated"]].sum()
        table["loads"], table["timed"] = groups.size(), groups["wait"].count()
        table["apdex"] = (table["satisfied"] + table["tolerated"] / 2) / table["timed"]
        shares = groups[["ttfb_ms", "lcp_ms", "load_time_ms"]].quantile([0.5, 0.75, 0.95]).unstack()
        shares.columns = [f"{measure} {share}" for measure, share in shares.columns]
        if keys:
            wait = groups["wait"].quantile(0.75)[table["timed"] >= 10]
            table["slowness_rank"] = wait.groupby(level=0).rank(method="min", ascending=False)
        speed[keys] = table.join(shares)
    return speed


def api_health(calls: pd.DataFrame) -> Tables:
    """Errors, Apdex shares, latency quantiles and the error budget of calls by service and endpoint."""
    calls["error"], time_ms = calls["status_code"] >= 500, calls["response_time_ms"]
    calls["client_error"] = calls["status_code"].between(400, 499)
    calls["satisfied"] = ~calls["error"] & (time_ms <= 500)
    calls["tolerated"] = ~calls["error"] & time_ms.between(500, 2000, "right")
    calls["frustrated"] = calls["error"] | (time_ms > 2000)
    apdex = ["satisfied", "tolerated", "frustrated"]
    health: Tables = {}
    for keys in ((), ("service",), ("service", "endpoint")):
        groups = calls.groupby(["business_date", *keys], observed=True)
        table = groups[["error", "client_error", *apdex]].sum()
        table["calls"], table["answered"] = groups.size(), groups["status_code"].count()
        table["error_rate"] = table["error"] / table["answered"]
        table["availability"] = 1 - table["error_rate"]
        table["apdex"] = (table["satisfied"] + table["tolerated"] / 2) / table[apdex].sum(axis=1)
        table["allowed_errors"] = (1 - OBJECTIVE) * table["answered"]
        table["error_budget_left"] = 1 - table["error"] / table["allowed_errors"]
        table = table.join(groups["response_time_ms"].quantile([0.5, 0.95, 0.99]).unstack())
        if keys:
            table["slowness_rank"] = table.groupby(level=0)[0.95].rank(method="min", ascending=False)
        health[keys] = table
    return health
