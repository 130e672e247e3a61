"""Ends in Dagster's history the runs whose process is gone, so that none of them blocks the queue for good.

Whoever takes the writer's lock does so, and so does Dagster's daemon, which would launch nothing as long as dead runs
count as under way. The daemon's monitoring skips Dagster's own launcher, which cannot tell a dead run from a live one;
that of a home can, since its runs keep a lease (see `leases`).
"""

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from ecom_assets.orchestration.leases import LeasedRuns

GONE = (
    "The process of this run is gone: it was killed, or the machine went down. What was not finished has changed "
    "nothing and is done by the next run."
)

_UNDER_WAY = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark every run of the home as failed whose process is gone; as canceled where that was asked for.

    Runs that wait in the queue, or that Dagster has not launched yet, are none of them: its monitoring ends those that
    do not begin in time. Those of the command it never launches, so they end here also where they had not begun.
    """
    storage = instance.run_storage
    if not isinstance(storage, LeasedRuns):
        return
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)):
        has_begun = run.status != dg.DagsterRunStatus.NOT_STARTED
        if storage.is_alive(run.run_id) if has_begun else not storage.is_abandoned(run.run_id):
            continue
        now = instance.get_run_by_id(run.run_id)  # one that has just ended gave its lease up after it said so
        if now is None or now.status != run.status:
            continue
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, GONE)
        else:
            instance.report_run_failed(run, GONE)


class HomeRunLauncher(dg.DefaultRunLauncher):
    """Launches runs as Dagster does by itself, and knows which of them are alive where the home keeps their record."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Not where another storage keeps the runs: those take no lease, and would all count as dead."""
        return isinstance(self._instance.run_storage, LeasedRuns)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """What Dagster's monitoring asks of every run that has begun."""
        if self._instance.run_storage.is_alive(run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, GONE)
