"""Detectors, their consensus, baselines and the oracle on simulated shops, scored as the product is scored.

`python -m bench.detection --seeds 1 20 --cache DIR` prints one row an alarmer and stratum. Seeds 1 to 999 are for
development; of 5001 to 5060 each run goes into validation_log.md. Prophet as a baseline is left out: it takes
minutes a shop.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.simulated_series import KEYS, NOT_WATCHED, SimulatedShop, simulated_shop
from ecom_assets.anomalies.evidence import event_evidence
from ecom_assets.anomalies.grouping import notify
from ecom_assets.anomalies.scorecard import STRATA, WARM_UP_DAYS, alarmers, matched, named, sized
from ecom_assets.anomalies.scoring import Matched, balanced_accuracy, bootstrap_interval, score, scorecard
from ecom_assets.anomalies.shop import FALSE_A_MONTH, detect_shop
from ecom_assets.anomalies.verdict import verdicts
from ecom_assets.anomalies.wide import Wide, sustained_of, wide_of

ALL_STRATA = {**STRATA, "from 3": (3.0, np.inf)}
BUDGETS = {"oracle": 5.5}
"""The oracle's threshold of surprise, best of nine on 17 development shops; all others use the product's budget."""
RANDOM_A_MONTH = 1.0
INEXACT = "black friday|christmas"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--cache", type=Path, required=True, help="folder for simulated shops")
    parser.add_argument(
        "--brief", action="store_true", help="without the forest, pairs, all three, two of three and the weekday median"
    )
    parser.add_argument("--only-cached", action="store_true", help="leave out shops that are not simulated yet")
    asked = parser.parse_args()
    counts, told = [], []
    for seed in range(asked.seeds[0], asked.seeds[1] + 1):
        if asked.only_cached and not (asked.cache / f"{seed}-486" / "done.json").is_file():
            continue
        found, verdict = judged_shop(simulated_shop(seed, asked.cache), seed, asked.brief)
        counts.append(found)
        told.append(verdict)
    report(pd.concat(counts, ignore_index=True), pd.concat(told, ignore_index=True))


def judged_shop(shop: SimulatedShop, seed: int, brief: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts by alarmer and stratum of one shop, and truth and verdict of every incident that was hit."""
    started = time.process_time()
    lineage = lineage_of(shop)
    found = detect_shop(shop.daily[["time", *KEYS, "value"]], shop.campaigns, lineage=lineage)
    seconds = time.process_time() - started
    watched = found.points[found.points["is_watched"]]
    quiet = shop.daily[~shop.daily["metric"].isin(NOT_WATCHED)].drop(columns="value").rename(columns={"quiet": "value"})
    incidents = sized(shop.incidents, effects_of(shop), quiet)
    said = {"consensus": named(found.notifications, found.members)}
    for name, make in alarmers().items():
        if brief and name not in ("zscore", "forecast_residual"):
            continue
        scored = watched[["time", *KEYS, "zscore"]].assign(score=make(watched))
        said[name] = named(*notify(scored, FALSE_A_MONTH, BUDGETS.get(name)))
    said["oracle"] = named(*notify(oracle_scores(shop), FALSE_A_MONTH, BUDGETS["oracle"]))
    first = watched["time"].min() + pd.Timedelta(days=WARM_UP_DAYS)
    last = watched["time"].max()
    said["random"] = _random(watched, first, last, seed)
    rows, outcomes = [], {}
    for name, notifications in said.items():
        outcomes[name] = matched(notifications, incidents, first, last)
        for stratum, sizes in ALL_STRATA.items():
            counted = score(outcomes[name], sizes)
            rows.append({"seed": seed, "alarmer": name, "stratum": stratum, **counted, "days": (last - first).days + 1})
    evidence = event_evidence(found.notifications, found.members, found.points, lineage)
    print(
        f"seed {seed}: {seconds:.1f} s of computing for {found.points[KEYS].drop_duplicates().shape[0]} series",
        flush=True,
    )
    return pd.DataFrame(rows), _told_apart(outcomes["consensus"], verdicts(evidence))


def report(counts: pd.DataFrame, told: pd.DataFrame) -> None:
    """Prints every measure, and the interval of the ones that are promised."""
    rows = []
    for (alarmer, stratum), group in counts.groupby(["alarmer", "stratum"], sort=False):
        rows.append({"alarmer": alarmer, "stratum": stratum, **scorecard(group)})
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    for alarmer in ("consensus", "oracle"):
        for stratum in ("clear", "from 3"):
            chosen = counts[(counts["alarmer"] == alarmer) & (counts["stratum"] == stratum)]
            low, high = bootstrap_interval(chosen, "f1")
            print(f"{alarmer} F1 {stratum}: 95 % interval {low:.3f} to {high:.3f} over {len(chosen)} shops")
    if len(told):
        accuracy = balanced_accuracy(told["is_data_fault"].to_numpy(bool), (told["verdict"] == "data fault").to_numpy())
        print(f"data fault or business change: balanced accuracy {accuracy:.3f} over {len(told)} hits")
        print(told.groupby(["kind", "verdict"]).size().to_string())


def effects_of(shop: SimulatedShop) -> pd.DataFrame:
    """Each series on an incident's days with and without it."""
    watched = shop.deltas[~shop.deltas["metric"].isin(NOT_WATCHED)]
    table = watched.merge(shop.daily[["time", *KEYS, "value"]], on=["time", *KEYS])
    return table.assign(with_incident=table["value"], without_incident=table["value"] - table["delta"])


def lineage_of(shop: SimulatedShop) -> pd.DataFrame:
    """What lineage would say of the files: of orders and lines as drawn, of session files by their incidents' law.

    A session file of a quiet day repeats nothing and ends at midnight; a truncated one ends where the shop's hours
    have let through what is left.
    """
    from ecom_assets.simulation import load_config

    hours = np.array(load_config().traffic.hours)
    passed = np.concatenate([[0.0], np.cumsum(hours / hours.sum())])
    days, parts = pd.DatetimeIndex(shop.daily["time"].unique()), [shop.lineage]
    for dataset in ("session_tracking", "clickstream"):
        table = pd.DataFrame({"business_date": days, "dataset": dataset, "rows": 1000.0, "repeated_rows": 0.0})
        table = table.assign(is_missing=False, is_late=False, last_event_hour=23.98)
        for incident in shop.incidents[shop.incidents["scope"] == f"dataset={dataset}"].itertuples():
            inside = table["business_date"].between(incident.start, incident.end)
            if incident.kind == "truncated_file":
                table.loc[inside, "last_event_hour"] = np.interp(1 - incident.share, passed, np.arange(25))
            if incident.kind == "duplicate_delivery":
                table.loc[inside, "repeated_rows"] = 1000 * incident.share / (1 + incident.share)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def oracle_scores(shop: SimulatedShop) -> pd.DataFrame:
    """Scored days, as `notify` takes them, of who knows the quiet expectation and the noise of each series.

    The noise law is the quiet twin's own: its spread, and an exponential tail above its 90 % quantile. In the weeks
    of Black Friday and Christmas, where stock runs out and the plan is not exact, it takes two fifths off.
    """
    daily = shop.daily[~shop.daily["metric"].isin(NOT_WATCHED)]
    wide = wide_of(daily[["time", *KEYS, "value"]], 100)
    expected, quiet = (_moved(daily, wide, name) for name in ("expected", "quiet"))
    rest = quiet - expected
    floor = np.array([space.floor for space in wide.spaces])
    sigma = np.maximum(1.4826 * np.nanmedian(np.abs(rest - np.nanmedian(rest, axis=0)), axis=0), floor)
    zscores = (wide.moved - expected) / sigma
    size, usual = sustained_of(zscores), sustained_of(rest / sigma)
    scores = np.zeros(size.shape)
    for place in np.flatnonzero(wide.is_told):
        known = usual[np.isfinite(usual[:, place]), place]
        bar = np.quantile(known, 0.9)
        excess = max(float(np.mean(known[known > bar] - bar)), 0.2) if (known > bar).any() else 0.5
        own = np.nan_to_num(size[:, place])
        scores[:, place] = np.where(
            own > bar, 1 + (own - bar) / excess / np.log(10), np.clip(own / max(bar, 1e-9), 0, 1)
        )
    names = shop.campaigns["campaign_name"].str.lower()
    for plan in shop.campaigns[names.str.contains(INEXACT)].itertuples():
        near = (wide.days >= plan.starts_date) & (wide.days <= plan.ends_date + pd.Timedelta(days=7))
        scores[near] *= 0.6
    told = np.flatnonzero(wide.is_told)
    frame = {name: np.repeat([wide.keys[place][at] for place in told], len(wide.days)) for at, name in enumerate(KEYS)}
    return pd.DataFrame(
        {"time": np.tile(wide.days, len(told)), **frame, "score": scores[:, told].T.ravel(),
         "zscore": zscores[:, told].T.ravel()}
    )  # fmt: skip


def _moved(daily: pd.DataFrame, wide: Wide, column: str) -> np.ndarray:
    table = daily.pivot_table(index="time", columns=KEYS, values=column, dropna=False)
    values = table.reindex(index=wide.days, columns=pd.MultiIndex.from_tuples(wide.keys)).to_numpy("float64")
    return np.column_stack([space.forward(values[:, place]) for place, space in enumerate(wide.spaces)])


def _random(watched: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp, seed: int) -> pd.DataFrame:
    days = pd.date_range(first, last)
    raised = days[np.random.default_rng(seed).random(len(days)) < RANDOM_A_MONTH / 30.4]
    names = frozenset(watched[KEYS].drop_duplicates().itertuples(index=False, name=None))
    return pd.DataFrame({"notification_id": range(len(raised)), "raised": raised, "names": [names] * len(raised)})


def _told_apart(outcome: Matched, said: pd.DataFrame) -> pd.DataFrame:
    """kind, is_data_fault and verdict of every incident that the consensus hit."""
    hits = outcome.notifications[outcome.notifications["outcome"] == "hit"]
    hits = hits.merge(outcome.incidents[["incident_id", "kind", "is_data_fault"]], on="incident_id")
    hits = hits.merge(said, left_on="notification_id", right_on="event_id")
    return hits[["kind", "is_data_fault", "verdict"]]


if __name__ == "__main__":
    main()
