"""Materialization events per second: the tuned event log against Dagster's stock SQLite storage, on the same disk."""

import argparse
import os
import tempfile
import time
from datetime import date
from pathlib import Path

import dagster as dg

from ecom_assets.orchestration.days import range_tags
from ecom_assets.orchestration.shop import PROJECT

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2026-01-01")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
STOCK_DAYS = 60  # stock storage takes about 0.1 s an event; the rate does not depend on the number


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 1})


def rate(instance: dg.DagsterInstance, days: int) -> float:
    keys = DAYS.get_partition_keys()[:days]
    tags = range_tags((date.fromisoformat(keys[0]), date.fromisoformat(keys[-1])))
    job = dg.Definitions([daily]).resolve_implicit_global_asset_job_def()
    started = time.perf_counter()
    job.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
    return days / (time.perf_counter() - started)


def main(_: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=PROJECT / "data") as folder:
        (Path(folder) / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        with dg.DagsterInstance.from_config(folder) as instance:
            rate(instance, 2)
            stock = rate(instance, STOCK_DAYS)
        os.environ["ECOM_HOME"] = folder
        with dg.DagsterInstance.from_config(str(PROJECT)) as instance:
            rate(instance, 2)
            tuned = rate(instance, 730)
    print(f"  stock SQLite storage {stock:8.1f} materializations/s (one range of {STOCK_DAYS} days)")
    print(f"  tuned                {tuned:8.1f} materializations/s (one range of 730 days): {tuned / stock:.0f} times")
