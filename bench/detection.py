"""Detectors, their consensus, baselines and the oracle on simulated shops, scored as the product is scored.

`python -m bench detection --seeds 1 20`: seeds 1 to 999 are for development, 5001 to 5060 for validation, and each
run of those goes into validation_log.md. Shops are kept in `--cache`, and so is what came out of a shop for as long as
the code of the detectors and of this bench stays what it is: a run that broke goes on where it was.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.alarmers import GRID, PROPHET_99, RANDOM_A_MONTH, THRESHOLDS, TUNED, prophet_scores, scored_by
from bench.shop_forecasts import standing
from bench.simulated_series import DAYS, KEYS, SimulatedShop, as_watched, simulated_shop
from ecom_assets.anomalies.evidence import event_evidence
from ecom_assets.anomalies.grouping import notify
from ecom_assets.anomalies.scorecard import STRATA, WARM_UP_DAYS, matched, named, random_notifications, sized
from ecom_assets.anomalies.scoring import Matched, balanced_accuracy, bootstrap_interval, score, scorecard
from ecom_assets.anomalies.shop import FALSE_A_MONTH, detect_shop
from ecom_assets.anomalies.verdict import verdicts
from ecom_assets.orchestration.table_asset import version_of_code

ALL_STRATA = {**STRATA, "from 3": (3.0, np.inf)}
PROMISED = ("clear", "from 3")
BASELINES = ("weekday_median", "two_of_three", "prophet", "random")
MOST_NOTIFICATIONS, MOST_FALSE = 3.0, 0.25


def main(asked: argparse.Namespace) -> None:
    kept = asked.cache / "results" / _version()
    kept.mkdir(parents=True, exist_ok=True)
    done = []
    for seed in range(asked.seeds[0], asked.seeds[1] + 1):
        is_simulated = (asked.cache / f"{seed}-{DAYS}" / "done.json").is_file()
        if is_simulated or not asked.cached:
            done.append(_kept_result(seed, asked, kept))
    if not done:
        raise SystemExit(f"no simulated shop of these seeds in {asked.cache}; without --cached they are simulated")
    frames = {name: pd.concat([pd.DataFrame(one[name]) for one in done], ignore_index=True) for name in done[0]}
    if asked.tune:
        tuning = tuning_of(frames["counts"])
        print(tuning.to_string(index=False, float_format="%.3f"))
        print("within the budget:", best_thresholds(tuning))
    else:
        report(**frames)


def _version() -> str:
    """Of all code that a shop's result depends on."""
    own = [
        Path(__file__).parent / name
        for name in ("alarmers.py", "detection.py", "shop_forecasts.py", "simulated_series.py")
    ]
    digest = hashlib.sha256(version_of_code("anomalies", "forecasting").encode())
    for path in own:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _kept_result(seed: int, asked: argparse.Namespace, folder: Path) -> dict[str, list[dict]]:
    options = {name: getattr(asked, name) for name in ("prophet", "tune", "forecasts")}
    path = folder / f"{'-'.join([str(seed), *(name for name, given in options.items() if given)])}.json"
    if not path.is_file():
        found = judged_shop(simulated_shop(seed, asked.cache), seed, asked.cache, **options)
        rows = {name: frame.to_dict("records") for name, frame in found.items()}
        path.write_text(json.dumps(rows, default=str))
    return json.loads(path.read_text())


def judged_shop(
    shop: SimulatedShop, seed: int, cache: Path, prophet: bool = False, tune: bool = False, forecasts: bool = False
) -> dict[str, pd.DataFrame]:
    """What came out of one shop.

    Args:
        shop: with its truth.
        seed: of the shop.
        cache: where its folder is, for what takes long.
        prophet: whether Prophet is a baseline too.
        tune: whether the baselines are tried at every threshold of `GRID`.
        forecasts: whether the detectors are given forecasts, as in a shop that has been forecast for a year.

    Returns:
        counts: by alarmer, threshold and stratum, see `scoring.score`; verdicts: kind, is_data_fault and verdict of
        every incident that the consensus hit; clear: every clear incident with who hit it.
    """
    shop, lineage, folder = as_watched(shop), lineage_of(shop), cache / f"{seed}-{DAYS}"
    daily = shop.daily[["time", *KEYS, "value"]]
    if forecasts:
        daily = daily.merge(standing(shop, folder / "forecasts.parquet"), on=["time", *KEYS], how="left")
    started = time.process_time()
    found = detect_shop(daily, shop.campaigns, lineage=lineage)
    seconds = time.process_time() - started
    watched = found.points[found.points["is_watched"]]
    quiet = shop.daily.drop(columns="value").rename(columns={"quiet": "value"})
    incidents = sized(shop.incidents, effects_of(shop), quiet)
    first, last = watched["time"].min() + pd.Timedelta(days=WARM_UP_DAYS), watched["time"].max()
    said: dict[tuple[str, float | None], pd.DataFrame] = {}
    scored = dict(scored_by(watched, shop))
    if prophet:
        scored["prophet"] = prophet_scores(shop, folder / "prophet.parquet")
        said["prophet at 99 %", None] = named(*notify(scored["prophet"], threshold=PROPHET_99))
    for name, days in scored.items():
        if not tune or name in TUNED:
            for threshold in GRID if tune else (THRESHOLDS.get(name),):
                said[name, threshold] = named(*notify(days, FALSE_A_MONTH, threshold))
    said["consensus", None] = named(found.notifications, found.members)
    said["random", None] = random_notifications(watched, first, last, seed, RANDOM_A_MONTH)
    outcomes = {key: matched(notifications, incidents, first, last) for key, notifications in said.items()}
    counts = [
        {"seed": seed, "alarmer": name, "threshold": threshold, "stratum": stratum, **score(outcome, sizes),
         "days": (last - first).days + 1}
        for (name, threshold), outcome in outcomes.items() for stratum, sizes in ALL_STRATA.items()
    ]  # fmt: skip
    evidence = event_evidence(found.notifications, found.members, found.points, lineage)
    told = _told_apart(outcomes["consensus", None], verdicts(evidence))
    series = found.points[KEYS].drop_duplicates().shape[0]
    print(f"seed {seed}: {seconds:.1f} s of computing for {series} series", flush=True)
    return {"counts": pd.DataFrame(counts), "verdicts": told, "clear": _clear(seed, outcomes)}


def tuning_of(counts: pd.DataFrame) -> pd.DataFrame:
    """One row a baseline and threshold: measures, and whether it keeps the budget."""
    rows = []
    for (name, threshold), group in counts.dropna(subset="threshold").groupby(["alarmer", "threshold"]):
        clear, from_3 = (scorecard(group[group["stratum"] == stratum]) for stratum in PROMISED)
        said, false = clear["notifications_a_month"], clear["false_a_month"]
        keeps = said <= MOST_NOTIFICATIONS and false <= MOST_FALSE
        rows.append({"alarmer": name, "threshold": threshold, "f1_clear": clear["f1"], "f1_from_3": from_3["f1"],
                     "notifications_a_month": said, "false_a_month": false, "keeps_budget": keeps})  # fmt: skip
    return pd.DataFrame(rows)


def best_thresholds(tuning: pd.DataFrame) -> dict[str, float]:
    """By alarmer, of the thresholds that keep the budget the one with the highest F1 of clear incidents."""
    keeps = tuning[tuning["keeps_budget"]].fillna({"f1_clear": 0.0, "f1_from_3": 0.0})
    best = keeps.sort_values(["f1_clear", "f1_from_3"], ascending=False, kind="stable").groupby("alarmer").first()
    return best["threshold"].to_dict()


def report(counts: pd.DataFrame, verdicts: pd.DataFrame, clear: pd.DataFrame) -> None:
    """Prints every measure, and the interval of the ones that are promised."""
    rows = []
    for (alarmer, stratum), group in counts.groupby(["alarmer", "stratum"], sort=False):
        low, high = bootstrap_interval(group, "f1", draws=1_000) if stratum in PROMISED else (np.nan, np.nan)
        rows.append({"alarmer": alarmer, "stratum": stratum, **scorecard(group), "f1_low": low, "f1_high": high})
    print(pd.DataFrame(rows).drop(columns="shops").to_string(index=False, float_format="%.3f"))
    for stratum in PROMISED:
        _compare(counts[counts["stratum"] == stratum], stratum)
    everything = counts[(counts["alarmer"] == "consensus") & (counts["stratum"] == "all")]
    empty = everything[everything["incidents"] == 0]
    print(f"{len(everything)} shops, {len(empty)} of them without incident; false a month there: "
          f"{scorecard(empty)['false_a_month']:.3f}")  # fmt: skip
    if len(verdicts):
        is_fault, said = verdicts["is_data_fault"].to_numpy(bool), verdicts["verdict"] == "data fault"
        accuracy = balanced_accuracy(is_fault, said.to_numpy())
        print(f"data fault or business change: balanced accuracy {accuracy:.3f} over {len(verdicts)} hits")
        print(verdicts.groupby(["kind", "verdict"]).size().to_string())
    missed = clear[~clear["consensus"].astype(bool)]
    print(f"clear incidents that the consensus missed: {len(missed)} of {len(clear)}")
    print(missed.to_string(index=False, float_format="%.2f"))


def _compare(counts: pd.DataFrame, stratum: str) -> None:
    """The consensus against the oracle and against the best of the baselines, shops drawn anew in pairs."""
    f1 = {name: scorecard(group)["f1"] for name, group in counts.groupby("alarmer")}
    best = max((name for name in BASELINES if name in f1), key=lambda name: np.nan_to_num(f1[name]))
    by_shop = {name: counts[counts["alarmer"] == name].set_index("seed") for name in ("consensus", "oracle", best)}
    rng, seeds = np.random.default_rng(0), counts["seed"].unique()
    shares, gains = [], []
    for _ in range(1_000):
        drawn = rng.choice(seeds, len(seeds))
        ours, oracle, other = (scorecard(by_shop[name].loc[drawn])["f1"] for name in ("consensus", "oracle", best))
        shares.append(ours / oracle)
        gains.append(ours - other)
    for words, value, draws in (
        ("F1 ÷ the oracle's", f1["consensus"] / f1["oracle"], shares),
        (f"F1 − that of {best}", f1["consensus"] - f1[best], gains),
    ):
        low, high = np.nanquantile(draws, [0.025, 0.975])
        print(f"{stratum}: {words} {value:.3f}, 95 % interval {low:.3f} to {high:.3f}")


def effects_of(shop: SimulatedShop) -> pd.DataFrame:
    """Each series on an incident's days with and without it."""
    table = shop.deltas.merge(shop.daily[["time", *KEYS, "value"]], on=["time", *KEYS])
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


def _told_apart(outcome: Matched, said: pd.DataFrame) -> pd.DataFrame:
    """kind, is_data_fault and verdict of every incident that the consensus hit."""
    hits = outcome.notifications[outcome.notifications["outcome"] == "hit"]
    hits = hits.merge(outcome.incidents[["incident_id", "kind", "is_data_fault"]], on="incident_id")
    hits = hits.merge(said, left_on="notification_id", right_on="event_id")
    return hits[["kind", "is_data_fault", "verdict"]]


def _clear(seed: int, outcomes: dict[tuple[str, float | None], Matched]) -> pd.DataFrame:
    """Clear incidents with their size and whether the consensus and the oracle hit them."""
    incidents = outcomes["consensus", None].incidents.assign(seed=seed)
    for name in ("consensus", "oracle"):
        found = next(outcome for (alarmer, _), outcome in outcomes.items() if alarmer == name)
        incidents[name] = found.incidents["notification_id"].notna().to_numpy()
    chosen = incidents[incidents["size"] >= STRATA["clear"][0]]
    return chosen[["seed", "kind", "scope", "start", "share", "size", "consensus", "oracle"]]
