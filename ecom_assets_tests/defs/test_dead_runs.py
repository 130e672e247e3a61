"""Runs whose process was killed end in Dagster's history, and no other run does."""

import logging
import signal
import subprocess
import sys
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.monitoring import execute_run_monitoring_iteration

from ecom_assets.orchestration.dead_runs import GONE, end_dead_runs
from ecom_assets.orchestration.leases import LeasedRuns
from ecom_assets.orchestration.runs import open_instance

# A process in the middle of a step.
AMID = """
import time, dagster as dg
from ecom_assets.orchestration.runs import open_instance

@dg.op
def endless():
    print("amid", flush=True)
    time.sleep(600)

@dg.job
def backfill():
    endless()

with open_instance() as instance:
    backfill.execute_in_process(instance=instance)
"""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_HOME", str(tmp_path))
    with open_instance() as opened:
        yield opened


def _killed_amid(number: int) -> None:
    """Runs that are killed in the middle of a step, all at once."""
    running = [
        subprocess.Popen([sys.executable, "-c", AMID], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(number)
    ]
    for process in running:
        assert process.stdout.readline() == b"amid\n"
    for process in running:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def _begun(instance: dg.DagsterInstance, run_id: str | None = None) -> str:
    """A run that this very process has begun."""
    run = create_run_for_test(instance, "backfill", run_id=run_id)
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", run.job_name), run.run_id)
    return run.run_id


def _statuses(instance: dg.DagsterInstance) -> dict[str, str]:
    return {run.run_id: run.status.value for run in instance.get_runs()}


def _by_monitoring(instance: dg.DagsterInstance) -> None:
    """What Dagster's daemon does every half minute."""
    daemon = SimpleNamespace(instance=instance, create_request_context=lambda: None)
    assert [fault for fault in execute_run_monitoring_iteration(daemon, logging.getLogger("a test")) if fault] == []


@pytest.mark.parametrize("end", [end_dead_runs, _by_monitoring])
def test_killed_runs_end_as_failed_and_runs_that_live_or_wait_do_not(instance, end):
    _killed_amid(2)
    dead = set(_statuses(instance))
    assert set(_statuses(instance).values()) == {"STARTED"}
    living = _begun(instance)
    create_run_for_test(instance, "backfill")
    queued = create_run_for_test(
        instance,
        "backfill",
        status=dg.DagsterRunStatus.QUEUED,
        remote_job_origin=instance.get_runs(limit=1)[0].remote_job_origin,
    ).run_id
    end(instance)
    found = _statuses(instance)
    assert {found[run_id] for run_id in dead} == {"FAILURE"}
    assert (found[living], found[queued]) == ("STARTED", "QUEUED")
    assert sorted(found.values()) == ["FAILURE", "FAILURE", "NOT_STARTED", "QUEUED", "STARTED"]
    for run_id in dead:
        (failure,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert GONE in failure.dagster_event.message
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "backfill"), living)
    end(instance)
    assert _statuses(instance)[living] == "SUCCESS"


def test_a_run_of_the_command_that_was_killed_before_it_began_ends_too(instance):
    made = AMID[: AMID.index("@dg.op")] + (
        "from dagster._core.test_utils import create_run_for_test\n"
        "with open_instance() as instance:\n"
        "    create_run_for_test(instance, 'backfill')\n"
        "    print('amid', flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", made], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"amid\n"
    end_dead_runs(instance)
    assert list(_statuses(instance).values()) == ["NOT_STARTED"], "its process lives"
    process.kill()
    process.wait()
    process.stdout.close()
    end_dead_runs(instance)
    assert list(_statuses(instance).values()) == ["FAILURE"]


def test_a_run_without_a_lease_is_dead_and_one_to_be_canceled_is_canceled(instance):
    """So are all runs that were killed before runs kept a lease."""
    old, asked = _begun(instance), _begun(instance)
    for run_id in (old, asked):
        instance.run_storage.leases.give_up(run_id)
    instance.report_run_canceling(instance.get_run_by_id(asked))
    end_dead_runs(instance)
    assert _statuses(instance) == {old: "FAILURE", asked: "CANCELED"}


def test_a_run_that_ends_while_it_is_looked_at_keeps_its_end(instance, monkeypatch):
    run_id = _begun(instance)

    def looked_at(run_id: str) -> bool:
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "backfill"), run_id)
        return False

    monkeypatch.setattr(instance.run_storage, "is_alive", looked_at)
    end_dead_runs(instance)
    assert _statuses(instance) == {run_id: "SUCCESS"}


def test_a_run_that_never_began_is_ended_by_dagsters_own_patience(instance, monkeypatch):
    never = create_run_for_test(instance, "backfill").run_id
    monkeypatch.setattr(dg.DagsterInstance, "run_monitoring_start_timeout_seconds", 1e-9)
    _by_monitoring(instance)
    assert _statuses(instance) == {never: "FAILURE"}


def test_an_ended_run_leaves_no_lease_behind(instance):
    storage = instance.run_storage
    run_id = _begun(instance)
    assert storage.is_alive(run_id)
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "backfill"), run_id)
    assert not storage.is_alive(run_id)
    _begun(instance)
    _killed_amid(1)
    end_dead_runs(instance)
    assert len(list(storage.leases._folder.iterdir())) == 1


def test_the_launcher_watches_only_runs_that_keep_leases(instance, monkeypatch):
    assert isinstance(instance.run_storage, LeasedRuns)
    assert instance.run_launcher.supports_check_run_worker_health
    with dg.DagsterInstance.ephemeral() as other:  # as in PostgreSQL: nobody could tell
        monkeypatch.setattr(instance, "_run_storage", other.run_storage)
        assert not instance.run_launcher.supports_check_run_worker_health
        end_dead_runs(instance)
