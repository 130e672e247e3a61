"""Simulated shops as the daily series that detectors see, with the truth that they are scored by. Detects nothing.

Series are made by `ecom_assets.simulation.series` and `behaviour_series`, as they stand at 06:00 of the next day.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ecom_assets.defs.anomaly.detection import COVERAGE, QUERIES
from ecom_assets.simulation import Simulator, load_config
from ecom_assets.simulation.behaviour_series import day_values
from ecom_assets.simulation.landing import file_delay
from ecom_assets.simulation.plan import Plan, make_plan
from ecom_assets.simulation.sales import LONGEST_RETURN_DAYS
from ecom_assets.simulation.series import AT, Segments, day_sums, without
from ecom_assets.simulation.watched import METRICS, hide_unknown, metrics_of, series_keys, stacked_sums
from ecom_assets.simulation.world import World

DAYS, SCORED_FROM = 486, 120
NOT_WATCHED = ("discount_rate",)
KEYS = ["metric", "dimension", "member"]


@dataclass(frozen=True)
class SimulatedShop:
    """One shop. `daily`: time, metric, dimension, member ("" = the whole), value, quiet, expected, cases.

    `cases` is the denominator of a ratio, NaN for what is none. `quiet` is the twin without any incident, `expected`
    its exact expectation (the plan without noise; what of it depends on customers is taken from the quiet twin's
    running median). `incidents`: incident_id, kind,
    is_data_fault, scope, start, end. `deltas`: incident_id, time, metric, dimension, member, delta. `lineage`: see
    `anomalies.evidence.LINEAGE_COLUMNS`. `campaigns`: what the shop's calendar holds.
    """

    daily: pd.DataFrame
    incidents: pd.DataFrame
    deltas: pd.DataFrame
    lineage: pd.DataFrame
    campaigns: pd.DataFrame


def simulated_shop(seed: int, folder: Path, days: int = DAYS) -> SimulatedShop:
    """The shop of a seed, from the cache in `folder` where it is there."""
    home = folder / f"{seed}-{days}"
    names = list(SimulatedShop.__dataclass_fields__)
    if not (home / "done.json").is_file():
        shop = draw(seed, days)
        home.mkdir(parents=True, exist_ok=True)
        for name in names:
            getattr(shop, name).to_parquet(home / f"{name}.parquet")
        (home / "done.json").write_text(json.dumps({"seed": seed, "days": days}))
        return shop
    return SimulatedShop(**{name: pd.read_parquet(home / f"{name}.parquet") for name in names})


def as_watched(shop: SimulatedShop) -> SimulatedShop:
    """The shop with the series and values that the product's own query takes from kpi/daily_metrics.

    `deltas` are of the same series without those that are not judged (`NOT_WATCHED`).
    """
    daily = shop.daily[["time", *KEYS, "value", "cases"]].replace({"dimension": {"": "total"}, "member": {"": "all"}})
    with duckdb.connect() as connection:
        connection.execute("create schema kpi")
        connection.register("shown", daily)
        connection.execute(
            "create table kpi.daily_metrics as select time::date as business_date, metric, dimension, member, "
            "if(isnan(value), null, value) as value, if(isnan(cases), null, cases) as denominator from shown"
        )
        connection.execute("create schema forecast")
        connection.execute(
            "create table forecast.expectations (business_date date, metric text, dimension text, member text, "
            "expected double, prophet_expected double, made_on date)"
        )
        connection.execute("create schema anomaly")
        connection.execute(f"create table anomaly.coverage as {COVERAGE.sql}", dict(COVERAGE.params))
        query = QUERIES["daily"]
        told = connection.execute(query.sql, dict(query.params)).df().astype({"time": "datetime64[ns]"})
    kept = told[["time", *KEYS, "value"]].merge(shop.daily.drop(columns="value"), on=["time", *KEYS])
    keys = kept.loc[~kept["metric"].isin(NOT_WATCHED), KEYS].drop_duplicates()
    return replace(shop, daily=kept, deltas=shop.deltas.merge(keys, on=KEYS))


def draw(seed: int, days: int = DAYS) -> SimulatedShop:
    """Simulates the shop of a seed by `simulation.yaml`, at 80 to 400 orders a day and with any first day."""
    rng = np.random.default_rng([seed, 4])
    config = load_config(None, seed)
    config = config.model_copy(update={"orders_per_day": float(np.exp(rng.uniform(np.log(80), np.log(400))))})
    first = date(2024, 1, 1) + timedelta(days=int(rng.integers(0, 365)))
    simulator = Simulator(config, seed, first)
    world = simulator.world(days)
    segments = Segments.of(world)
    first_seen = np.full(len(world.people.cohort), np.iinfo(np.int64).max)
    touched = sorted({day for i in world.incidents for day in i.days if 0 <= day < days})
    incidents = [i for i in world.incidents if i.days.start < days]
    alone = {i.incident_id: without(world, i.incident_id) for i in incidents}
    quiet_world = without(world, *alone)
    made, quiet_made, parts, lineage = {}, {}, {}, []
    seen, quiet_seen, seen_without, cases = {}, {}, {}, {}
    for day in range(-LONGEST_RETURN_DAYS, days):
        made[day] = day_sums(world, day, first_seen)
        quiet_made[day] = day_sums(quiet_world, day, first_seen) if day in touched else made[day]
        here = [i for i in incidents if i.days.start <= day < i.days.stop]
        for incident in here:
            twin = quiet_made[day] if len(here) == 1 else day_sums(alone[incident.incident_id], day, first_seen)
            parts[incident.incident_id, day] = twin
        if day >= 0:
            _see(world, day, first_seen)
            lineage += _lineage(world, day, made[day])
            cases[day] = {}
            seen[day] = day_values(world, day, cases=cases[day])
            quiet_seen[day] = {**seen[day], **day_values(quiet_world, day, False)} if day in touched else seen[day]
            for incident in here:
                alike = quiet_seen[day] if len(here) == 1 else day_values(alone[incident.incident_id], day, False)
                seen_without[incident.incident_id, day] = alike
    days_of = pd.date_range(first, periods=days).as_unit("ns")
    sums = stacked_sums(world, made, days, segments)
    values = metrics_of(sums, world, days)
    quiet = metrics_of(stacked_sums(world, quiet_made, days, segments), world, days)
    expected = _expected(world, simulator, days, segments, quiet)
    plan = _plan_without_noise(world, simulator, days)
    daily = pd.concat(
        [
            _long(days_of, segments, values, quiet, expected, sums),
            _behaviour(world, plan, days_of, seen, quiet_seen, cases),
        ],
        ignore_index=True,
    )
    deltas = _deltas(world, incidents, made, parts, days, days_of, segments, values)
    deltas = pd.concat([deltas, _behaviour_deltas(days_of, seen, seen_without)], ignore_index=True)
    table = simulator.truth(days_of[-1].date()).to_pandas()
    table = table.rename(columns={"first_date": "start", "last_date": "end"})
    table = table[["incident_id", "kind", "is_data_fault", "scope", "start", "end", "size", "shape", "overlaps"]]
    table = table.rename(columns={"size": "share"}).astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    campaigns = pd.DataFrame(
        [
            (c.campaign_id, c.campaign_name, c.kind, c.channel, c.starts, c.ends, c.discount_rate)
            for c in world.plan.campaigns
            if c.is_registered
        ],
        columns=["campaign_id", "campaign_name", "kind", "channel", "starts_date", "ends_date", "discount_rate"],
    )
    campaigns = campaigns.astype({"starts_date": "datetime64[ns]", "ends_date": "datetime64[ns]"})
    lineage = pd.DataFrame(lineage).assign(business_date=lambda f: days_of[f["business_date"]])
    return SimulatedShop(daily, table, deltas, lineage, campaigns)


def _see(world: World, day: int, first_seen: np.ndarray) -> None:
    customer = world.base(day).customer
    known = customer[customer >= 0]
    first_seen[known] = np.minimum(first_seen[known], day)


def _lineage(world: World, day: int, made: object) -> list[dict]:
    said = []
    for dataset, (rows, repeated, hour) in made.rows.items():
        late = file_delay(world, dataset, day) > 0
        said.append(
            {
                "business_date": day, "dataset": dataset, "is_missing": late, "is_late": late,
                "rows": np.nan if late else rows, "repeated_rows": np.nan if late else repeated,
                "last_event_hour": np.nan if late else hour,
            }
        )  # fmt: skip
    return said


def _plan_without_noise(world: World, simulator: Simulator, days: int) -> Plan:
    still = world.config.noise.model_copy(update={"extra_sd": 1e-12, "channel_sd": 1e-12})
    config = world.config.model_copy(update={"noise": still})
    return make_plan(config, world.seed, simulator._clock, days)


def _expected(
    world: World, simulator: Simulator, days: int, segments: Segments, quiet: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The exact expectation of the quiet twin, [day, segment] a metric."""
    plan = _plan_without_noise(world, simulator, days)
    h = plan.history
    sessions, orders = plan.sessions, plan.sessions * plan.conversion
    depth = np.zeros((len(plan.orders), len(world.channels)))
    extra = np.zeros(depth.shape)
    paid = [i for i, c in enumerate(world.config.traffic.channels.values()) if c.cost_per_click]
    for campaign in plan.campaigns:
        first = world.clock.number(campaign.real_start) + h
        span = slice(max(first, 0), max(min(first + len(campaign.lift), len(depth)), 0))
        if campaign.failed:
            continue
        column = world.channels.index(campaign.channel) if campaign.channel else slice(None)
        depth[span, column] = np.maximum(depth[span, column], campaign.discount_rate)
        at = world.channels.index(campaign.channel) if campaign.channel else paid[0]
        extra[span, at] += campaign.planned_spend / len(campaign.lift)
    worth = orders * (1 - depth)[:, :, None]
    price = np.array([c.cost_per_click for c in world.config.traffic.channels.values()])
    spend = sessions.sum(axis=2) * price * 1.06 + extra
    drivers = {name: _by_segment(cells, segments) for name, cells in
               (("sessions", sessions), ("orders", orders), ("ordered_amount", worth))}  # fmt: skip
    shares = drivers["orders"] / drivers["orders"][:, :1]
    drivers["new_customers"] = shares * plan.new_customers[:, None]
    drivers["spend_amount"] = _by_segment(np.dstack([spend]), segments)
    drivers["refund_amount"] = _later(drivers["ordered_amount"])
    drivers["average_order_value"] = drivers["ordered_amount"] / drivers["orders"]
    drivers["conversion_rate"] = drivers["orders"] / drivers["sessions"]
    drivers["refund_rate"] = drivers["refund_amount"] / drivers["orders"]
    with np.errstate(divide="ignore", invalid="ignore"):
        drivers["return_on_ad_spend"] = drivers["ordered_amount"] / drivers["spend_amount"]
    drivers["tracking_coverage_rate"] = drivers["price_index"] = np.ones_like(drivers["orders"])
    drivers["discount_rate"] = 1 - drivers["ordered_amount"] / drivers["orders"] + 0.02
    made = {}
    for metric in METRICS:
        if metric in drivers:
            made[metric] = _fitted(quiet[metric], drivers[metric][h : h + days])
    made["net_amount"] = made["ordered_amount"] - made["refund_amount"]
    cost = _fitted(quiet["net_amount"] - quiet["margin_amount"], drivers["orders"][h : h + days])
    made["margin_amount"] = made["net_amount"] - cost
    return made


def _by_segment(cells: np.ndarray, segments: Segments) -> np.ndarray:
    """[day, segment] of [day, channel, device]; countries and categories go with the whole."""
    made = np.repeat(cells.sum(axis=(1, 2))[:, None], len(segments.names), axis=1)
    channels, devices = cells.sum(axis=2), cells.sum(axis=1)
    made[:, segments.first["channel"] : segments.first["channel"] + channels.shape[1]] = channels
    if devices.shape[1] > 1:
        made[:, segments.first["device"] : segments.first["device"] + devices.shape[1]] = devices
    return made


def _later(driver: np.ndarray) -> np.ndarray:
    """What is sent back of it, by a lognormal lag with a median of 12 days."""
    lags = np.arange(1, LONGEST_RETURN_DAYS + 1)
    weight = np.exp(-0.5 * (np.log(lags / 12) / 0.6) ** 2) / lags
    weight /= weight.sum()
    padded = np.concatenate([np.repeat(driver[:1], len(lags), axis=0), driver])
    return sum(w * padded[len(lags) - lag : len(padded) - lag] for w, lag in zip(weight, lags, strict=True))


def _fitted(quiet: np.ndarray, driver: np.ndarray, window: int = 41) -> np.ndarray:
    """The driver times the running median of what the quiet twin was of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = pd.DataFrame(quiet / driver).replace([np.inf, -np.inf], np.nan)
    return driver * ratio.rolling(window, center=True, min_periods=8).median().bfill().ffill().to_numpy()


def _long(
    days: pd.DatetimeIndex, segments: Segments, values: dict, quiet: dict, expected: dict, sums: np.ndarray
) -> pd.DataFrame:
    parts = []
    for metric, place, dimension, member in series_keys(segments):
        value = values[metric][:, place]
        if not np.nansum(np.abs(value)) or np.isfinite(value).sum() < 60:
            continue
        series = {"value": value, "quiet": quiet[metric][:, place], "expected": expected[metric][:, place]}
        denominator = METRICS[metric][1]
        series["cases"] = sums[:, AT[denominator], place] if denominator else np.nan
        parts.append(pd.DataFrame({"time": days, "metric": metric, "dimension": dimension, "member": member, **series}))
    return pd.concat(parts, ignore_index=True)


def _deltas(
    world: World, incidents: list, made: dict, parts: dict, days: int, days_of: pd.DatetimeIndex, segments: Segments,
    values: dict[str, np.ndarray],
) -> pd.DataFrame:  # fmt: skip
    """Value less the value without the incident, on its days, where they differ."""
    actual = stacked_sums(world, made, days, segments)
    rows = []
    for incident in incidents:
        mine = [day for day in incident.days if 0 <= day < days]
        if not mine:
            continue
        other = actual[mine].copy()
        for place, day in enumerate(mine):
            other[place, : AT["refund_amount"]] = parts[incident.incident_id, day].sums[: AT["refund_amount"]]
            for later in range(place + 1, len(mine)):
                after = mine[later] - day
                if after <= LONGEST_RETURN_DAYS:
                    less = made[day].refunds[after] - parts[incident.incident_id, day].refunds[after]
                    other[later, AT["refund_amount"]] -= less
            hide_unknown(world, day, other[place])
        twin = metrics_of(other, world, len(mine))
        for metric, place, dimension, member in series_keys(segments):
            change = values[metric][mine, place] - twin[metric][:, place]
            moved = np.flatnonzero(np.nan_to_num(np.abs(change)) > 1e-9)
            rows += [(incident.incident_id, days_of[mine[k]], metric, dimension, member, change[k]) for k in moved]
    return pd.DataFrame(rows, columns=["incident_id", "time", *KEYS, "delta"])


def _behaviour(
    world: World, plan: Plan, days_of: pd.DatetimeIndex, seen: dict, quiet_seen: dict, cases: dict
) -> pd.DataFrame:
    """Daily series of sessions, pages, services and voices; expected is the quiet twin's running median."""
    h, days = plan.history, len(days_of)
    sessions = plan.sessions[h : h + days]
    drivers = {"": sessions.sum(axis=(1, 2))}
    drivers |= {("channel", name): sessions[:, place].sum(axis=1) for place, name in enumerate(world.channels)}
    drivers |= {("device", name): sessions[:, :, place].sum(axis=1) for place, name in enumerate(world.devices)}
    parts = []
    for key in dict.fromkeys(key for day in range(days) for key in seen[day]):
        value = np.array([seen[day].get(key, np.nan) for day in range(days)])
        quiet = np.array([quiet_seen[day].get(key, np.nan) for day in range(days)])
        metric, dimension, member = key
        counts = metric in ("active_users", "abandoned_carts", "api_calls")
        driver = drivers.get((dimension, member), drivers[""]) if counts else np.ones(days)
        if np.isfinite(value).sum() < 60:
            continue
        expected = _fitted(quiet[:, None], driver[:, None])[:, 0]
        below = [cases[day].get(key, np.nan) for day in range(days)]
        series = {"value": value, "quiet": quiet, "expected": expected, "cases": below}
        names = {"metric": metric, "dimension": dimension, "member": member}
        parts.append(pd.DataFrame({"time": days_of, **names, **series}))
    return pd.concat(parts, ignore_index=True)


def _behaviour_deltas(days_of: pd.DatetimeIndex, seen: dict, seen_without: dict) -> pd.DataFrame:
    rows = []
    for (incident, day), twin in seen_without.items():
        for key, would in twin.items():
            change = seen[day].get(key, np.nan) - would
            if abs(change) > 1e-9:
                rows.append((incident, days_of[day], *key, change))
    return pd.DataFrame(rows, columns=["incident_id", "time", *KEYS, "delta"])
