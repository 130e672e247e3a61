"""Where Dagster keeps its own state: every part of it below the folder `dagster` of the shop's home.

`dagster.yaml` can name one environment variable per storage and append nothing to it; these subclasses turn the
home into each storage's folder, so that ECOM_HOME alone decides where a shop's history lies. What they store, and
how, is Dagster's own (save for the event log, see there).
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from dagster import DagsterEvent, DagsterEventType, StringSource

# Dagster's pages and its timeline find a run by the code location and job that it says it came from.
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._serdes import ConfigurableClassData

from ecom_assets.orchestration.event_log import TunedSqliteEventLogStorage
from ecom_assets.orchestration.leases import LeasedRuns, Leases
from ecom_assets.settings import Home

CODE_LOCATION = "ecom_assets"  # as workspace.yaml names it
_CONFIG = {"home": StringSource}
_ENDS = (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED)
_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), SINGLETON_REPOSITORY_NAME)


def _folder(home: str, name: str) -> str:
    # A relative home follows the working directory, which differs between the UI's processes and a terminal.
    return str(Home(Path(home)).dagster / name)


class HomeEventLogStorage(TunedSqliteEventLogStorage):
    """The event log below the home."""

    @classmethod
    def config_type(cls) -> Any:
        """What `dagster.yaml` may say."""
        return _CONFIG

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "HomeEventLogStorage":
        """The storage below the configured home."""
        return cls(_folder(config_value["home"], "events"), inst_data)


class HomeRunStorage(LeasedRuns, SqliteRunStorage):
    """The record of runs below the home, and a lease for each that is alive."""

    @classmethod
    def config_type(cls) -> Any:
        """What `dagster.yaml` may say."""
        return _CONFIG

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "HomeRunStorage":
        """The storage below the configured home."""
        storage = cls.from_local(_folder(config_value["home"], "runs"), inst_data)
        storage.leases = Leases(Path(_folder(config_value["home"], "leases")))
        return storage

    def handle_run_event(self, run_id: str, event: DagsterEvent, update_timestamp: datetime | None = None) -> None:
        """Keep the run's state, and its lease from before it counts as begun until after it counts as ended.

        That a run begins is told in the process that runs it, whoever launched it.
        """
        if event.event_type == DagsterEventType.RUN_START:
            self.leases.take(run_id)
        super().handle_run_event(run_id, event, update_timestamp)
        if event.event_type in _ENDS:
            self.leases.give_up(run_id)

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Record a run, under the code location also where the command started it, and its days only by its tags.

        In a run whose last asset is partitioned Dagster 1.13 plans each unpartitioned check for every day of the run's
        subset: in a two-year range 730 rows a check, 0.4 s each, that stay "planned" for good. The tags that name
        the range say the same, and are read with each check's own partitions.
        """
        if dagster_run.remote_job_origin is None:  # of this very process, which may be killed before it begins the run
            self.leases.take(dagster_run.run_id)
        origin = dagster_run.remote_job_origin or _REPOSITORY.get_job_origin(dagster_run.job_name)
        return super().add_run(dagster_run._replace(partitions_subset=None, remote_job_origin=origin))


class HomeScheduleStorage(SqliteScheduleStorage):
    """The ticks of schedules and sensors below the home."""

    @classmethod
    def config_type(cls) -> Any:
        """What `dagster.yaml` may say."""
        return _CONFIG

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> SqliteScheduleStorage:
        """The storage below the configured home."""
        return cls.from_local(_folder(config_value["home"], "schedules"), inst_data)


class HomeArtifactStorage(LocalArtifactStorage):
    """Files that Dagster itself keeps, below the home."""

    @classmethod
    def config_type(cls) -> Any:
        """What `dagster.yaml` may say."""
        return _CONFIG

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "HomeArtifactStorage":
        """The storage below the configured home."""
        return cls(_folder(config_value["home"], "artifacts"), inst_data)


class HomeComputeLogManager(LocalComputeLogManager):
    """What steps print, below the home."""

    @classmethod
    def config_type(cls) -> Any:
        """What `dagster.yaml` may say."""
        return _CONFIG

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "HomeComputeLogManager":
        """The manager below the configured home."""
        return cls(_folder(config_value["home"], "printed"), inst_data=inst_data)
