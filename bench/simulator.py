"""The whole simulator to Parquet: labelled rows a second by the clock on two cores, and memory against days.

Every measurement is a process of its own, so that its peak memory is its own; where days are shared among processes
it is that of the largest, times their number. Rows of all fifteen datasets count: with the incidents' truth beside
them they are labelled. The events of `--clicks` are written in one file, then deleted.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROMISED_ROWS_PER_S = 1_000_000
PROMISED_MB = 4_000
WORKERS = 2
MEMORY_DAYS = (10, 40)
SESSIONS_PER_DAY = 40_000.0
WARM_DAYS = 40


def main(asked: argparse.Namespace) -> None:
    """Print rows a second, peak memory at two numbers of days, and what so many events cost."""
    print(f"  {'':34}{'rows':>14}{'seconds':>9}{'rows/s':>12}{'peak MB':>9}{'disk MB':>9}")
    size = {"sessions_per_day": SESSIONS_PER_DAY}
    shared = _measured("a file a day, two processes", {**size, "days": WARM_DAYS, "partition_by": "date"})
    for days in MEMORY_DAYS:
        _measured(f"one file a dataset, {days} days", {**size, "days": days})
    found = [shared["rows"] / shared["seconds"]]
    events = asked.clicks
    if events:
        days = max(1, round(events / 1_000_000))
        whole = _measured(f"{events:,} events, {days} days", {"events": events, "days": days})
        print(f"  {whole['clickstream']:,} rows of clickstream; promised: under {PROMISED_MB} MB")
    print(f"  {found[0]:,.0f} rows a second on {WORKERS} cores (promised: {PROMISED_ROWS_PER_S:,})")


def _measured(title: str, wishes: dict[str, Any]) -> dict[str, float]:
    """One measurement in a process of its own, printed as a line."""
    with tempfile.TemporaryDirectory(prefix="bench-simulator-") as folder:
        command = [sys.executable, "-m", "bench.simulator", folder, json.dumps(wishes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{title} failed:\n{done.stderr[-2000:]}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
    rate = found["rows"] / found["seconds"]
    print(
        f"  {title:34}{found['rows']:14,.0f}{found['seconds']:9.1f}{rate:12,.0f}{found['peak_mb']:9,.0f}{disk:9,.0f}",
        flush=True,
    )
    return found


def measure(folder: Path, wishes: dict[str, Any]) -> dict[str, float]:
    """Simulate into `folder` and say rows, seconds by the clock from the first day on, and peak memory."""
    from ecom_assets.simulation import simulate_files

    started = time.perf_counter()
    written = simulate_files(folder, "parquet", workers=WORKERS, **wishes)
    seconds = time.perf_counter() - started
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + (WORKERS - 1) * children
    rows = written.rows
    return {"rows": sum(rows.values()), "clickstream": rows["clickstream"], "seconds": seconds, "peak_mb": peak / 1024}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), json.loads(sys.argv[2]))))
