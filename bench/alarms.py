"""Alarms on real hourly prices of the Numenta anomaly benchmark: labelled windows that were hit, and false alarms."""

import argparse
import json
import time

import pandas as pd

from ecom_assets.anomalies.detect import detect
from ecom_assets.ingestion.series_file import read_series


def main(asked: argparse.Namespace) -> None:
    folder = asked.data / "nab"
    if not (folder / "windows.json").is_file():
        print(f"no {folder}: --data names the folder of public series")
        return
    windows = json.loads((folder / "windows.json").read_text())
    for name, pairs in windows.items():
        frame = read_series(folder / name, "timestamp", "value").frame
        started = time.perf_counter()
        events = detect(frame).events
        spans = [tuple(map(pd.Timestamp, pair)) for pair in pairs]
        inside = [any(start <= raised <= end for start, end in spans) for raised in events["raised"]]
        hit = sum(events["raised"].between(start, end).any() for start, end in spans)
        days = (frame["time"].iloc[-1] - frame["time"].iloc[0]).days
        seconds = time.perf_counter() - started
        false = len(events) - sum(inside)
        print(f"\n{name}: {hit} of {len(spans)} windows, {false} false in {days} days, {seconds:.1f} s")
        print(events.assign(inside=inside).drop(columns=["end", "event_id"]).to_string(index=False), flush=True)
