"""Detectors on drawn shops and on the Numenta benchmark.

python bench/alarms.py nab --data ../shared/data         # real hourly prices: windows hit, false alarms
python bench/alarms.py drawn --seeds 101 112             # drawn shops: event precision, recall, F1
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from ecom_assets.anomalies.detect import detect
from ecom_assets.anomalies.grouping import notify
from ecom_assets.anomalies.incident_size import incident_size, moved_series, robust_sigma
from ecom_assets.anomalies.scoring import bootstrap_interval, match, score, scorecard
from ecom_assets.anomalies.shop import detect_shop
from ecom_assets.ingestion.series_file import read_series
from ecom_assets_tests.unit.forecasting.drawn import DrawnShop, draw_shop

FIRST_SCORED_DAY = 300


def show(table: pd.DataFrame) -> None:
    with pd.option_context("display.width", 200, "display.max_columns", 30):
        print(table.to_string(index=False, float_format="%.3f"), flush=True)


def nab(arguments: argparse.Namespace) -> None:
    windows = json.loads((arguments.data / "nab" / "windows.json").read_text())
    for name, pairs in windows.items():
        frame = read_series(arguments.data / "nab" / name, "timestamp", "value").frame
        started = time.perf_counter()
        events = detect(frame).events
        spans = [tuple(map(pd.Timestamp, pair)) for pair in pairs]
        inside = [any(start <= raised <= end for start, end in spans) for raised in events["raised"]]
        hit = sum(events["raised"].between(start, end).any() for start, end in spans)
        days = (frame["time"].iloc[-1] - frame["time"].iloc[0]).days
        seconds = time.perf_counter() - started
        false = len(events) - sum(inside)
        print(f"\n{name}: {hit} of {len(spans)} windows, {false} false in {days} days, {seconds:.1f} s")
        show(events.assign(inside=inside).drop(columns=["end", "event_id"]))


def truth(shop: DrawnShop, points: dict[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Incidents with their size and the series that they moved, in logs."""
    with np.errstate(all="ignore"):
        sigma = {key: robust_sigma(np.log(said["value"] / said["expected"]).to_numpy()) for key, said in points.items()}
        change = {key: np.log(shop.series[key] / shop.quiet[key]) for key in points}
    rows = []
    for number, incident in enumerate(shop.incidents.itertuples(index=False)):
        span = slice(shop.days.get_loc(incident.start), shop.days.get_loc(incident.end) + 1)
        delta = {key: np.where(np.isfinite(values[span]), values[span], np.nan) for key, values in change.items()}
        size, moved = incident_size(delta, sigma), frozenset(moved_series(delta, sigma))
        rows.append((number, incident.start, incident.end, size, moved))
    return pd.DataFrame(rows, columns=["incident_id", "start", "end", "size", "moved"])


def drawn(arguments: argparse.Namespace) -> None:
    counts: dict[tuple[str, str], list[dict]] = {}
    for seed in range(arguments.seeds[0], arguments.seeds[1] + 1):
        shop = draw_shop(seed)
        keys = [key for key in shop.series if key[0] in ("sessions", "orders", "conversion_rate") or not key[1]]
        parts = [
            pd.DataFrame({"time": shop.days, "metric": metric, "dimension": "channel" if member else "",
                          "member": member, "value": shop.series[metric, member]})
            for metric, member in keys
        ]  # fmt: skip
        scored = detect_shop(pd.concat(parts, ignore_index=True), shop.campaigns).points
        points = {key: scored[(scored["metric"] == key[0]) & (scored["member"] == key[1])] for key in keys}
        incidents = truth(shop, points)
        for detector in ("consensus", "surprise_zscore", "surprise_isolation_forest", "surprise_forecast_residual"):
            table = scored.assign(score=scored[detector])
            said, members = notify(table, arguments.budget)
            said = said[said["raised"] >= shop.days[FIRST_SCORED_DAY]]
            first = members.merge(said[["notification_id", "raised"]], on="notification_id")
            first = first[first["time"] == first["raised"]]
            named = {number: frozenset(zip(rows["metric"], rows["member"], strict=True))
                     for number, rows in first.groupby("notification_id")}  # fmt: skip
            said = said.assign(names=[named[number] for number in said["notification_id"]])
            matched = match(said, incidents)
            for stratum, sizes in (("all", (0.0, np.inf)), ("from 3", (3.0, np.inf)), ("clear", (6.0, np.inf))):
                row = {**score(matched, sizes), "days": len(shop.days) - FIRST_SCORED_DAY}
                counts.setdefault((detector, stratum), []).append(row)
        print(f"shop {seed}", flush=True)
    rows = []
    for (detector, stratum), kept in counts.items():
        low, high = bootstrap_interval(pd.DataFrame(kept), "f1", draws=500)
        rows.append(
            {"detector": detector, "stratum": stratum, **scorecard(pd.DataFrame(kept)), "f1_low": low, "f1_high": high}
        )
    show(pd.DataFrame(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["nab", "drawn"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 8))
    parser.add_argument("--budget", type=float, default=0.1, help="false notifications a shop-month")
    arguments = parser.parse_args()
    globals()[arguments.what](arguments)


if __name__ == "__main__":
    main()
