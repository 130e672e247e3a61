"""Cost of an asset with a check that do nothing: Dagster's in-process executor against its multiprocess default."""

import argparse
import os
import tempfile
import time

import dagster as dg

from ecom_assets.orchestration.shop import PROJECT

ASSETS = 10
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _asset(number: int) -> dg.AssetsDefinition:
    name = f"asset_{number}"

    @dg.asset(name=name, check_specs=[dg.AssetCheckSpec("holds", asset=name)])
    def made():
        yield dg.AssetCheckResult(check_name="holds", passed=True)
        yield dg.MaterializeResult()

    return made


def _job(executor: dg.ExecutorDefinition) -> dg.JobDefinition:
    assets = [_asset(number) for number in range(ASSETS)]
    jobs = [dg.define_asset_job("bench_executors")]
    return dg.Definitions(assets, jobs=jobs, executor=executor).resolve_job_def("bench_executors")


def in_process() -> dg.JobDefinition:
    return _job(dg.in_process_executor)


def multiprocess() -> dg.JobDefinition:
    return _job(dg.multiprocess_executor)


def seconds(make, instance: dg.DagsterInstance) -> float:
    started = time.perf_counter()
    result = dg.execute_job(dg.reconstructable(make), instance=instance, run_config=QUIET)
    assert result.success
    return (time.perf_counter() - started) / ASSETS


def main(_: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=PROJECT / "data") as folder:
        os.environ["ECOM_HOME"] = folder
        with dg.DagsterInstance.from_config(str(PROJECT)) as instance:
            inside, many = seconds(in_process, instance), seconds(multiprocess, instance)
    print(f"  in process   {inside:6.3f} s an asset with its check")
    print(f"  multiprocess {many:6.3f} s an asset with its check: {many / inside:.0f} times")
