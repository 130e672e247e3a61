"""The tuned event log says what Dagster's own says, to every reader, while it is written."""

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from ecom_assets.orchestration.event_log import OPEN_SHARDS, TunedSqliteEventLogStorage

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01")
RANGE = {ASSET_PARTITION_RANGE_START_TAG: "2024-01-03", ASSET_PARTITION_RANGE_END_TAG: "2024-01-12"}


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("is_good", asset="daily"), dg.AssetCheckSpec("is_bad", asset="daily")],
)
def daily():
    yield dg.AssetCheckResult(check_name="is_good", passed=True)
    yield dg.AssetCheckResult(check_name="is_bad", passed=False, severity=dg.AssetCheckSeverity.WARN)
    yield dg.MaterializeResult(metadata={"rows": 3}, tags={"colour": "blue"})


@dg.asset(deps=[daily], check_specs=[dg.AssetCheckSpec("is_whole", asset="whole")])
def whole():
    yield dg.AssetCheckResult(check_name="is_whole", passed=True)
    yield dg.MaterializeResult(metadata={"rows": 7})


@dg.asset
def broken():
    raise dg.Failure("as asked", allow_retries=False)


PROJECT = Path(__file__).parents[2]


def tuned_instance() -> dg.DagsterInstance:
    """A persistent instance on the storages that the project's dagster.yaml names, below ECOM_HOME."""
    return dg.DagsterInstance.from_config(str(PROJECT))


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    instance = tuned_instance()
    assert isinstance(instance.event_log_storage, TunedSqliteEventLogStorage)
    yield instance
    instance.dispose()


@pytest.fixture
def stock(tmp_path):
    (tmp_path / "stock").mkdir()
    (tmp_path / "stock" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    instance = dg.DagsterInstance.from_config(str(tmp_path / "stock"))
    assert type(instance.event_log_storage) is SqliteEventLogStorage
    yield instance
    instance.dispose()


def _facts(instance: dg.DagsterInstance) -> dict:
    """What readers of an event log ask of it, without ids and times."""
    log = instance.event_log_storage
    keys = [dg.AssetKey("daily"), dg.AssetKey("whole")]
    checks = [dg.AssetCheckKey(keys[0], "is_good"), dg.AssetCheckKey(keys[0], "is_bad"),
              dg.AssetCheckKey(keys[1], "is_whole")]  # fmt: skip
    latest = log.get_latest_asset_check_execution_by_key(checks)
    return {
        "partitions": {key: sorted(log.get_materialized_partitions(key)) for key in keys},
        "events": Counter(
            event.dagster_event.event_type_value
            for run in instance.get_runs()
            for event in instance.all_logs(run.run_id)
            if event.is_dagster_event
        ),
        "records": {
            record.asset_entry.asset_key: record.asset_entry.last_materialization.dagster_event.partition
            for record in instance.get_asset_records(keys)
        },
        "metadata": {
            key: instance.get_latest_materialization_event(key).asset_materialization.metadata for key in keys
        },
        "checks": {
            key.name: (record.status.value, record.event.dagster_event.asset_check_evaluation_data.passed)
            for key, record in latest.items()
        },
        "materializations": {key: len(instance.fetch_materializations(key, limit=99).records) for key in keys},
        "index_mirrors_runs": [
            result.event_log_entry.run_id
            for result in instance.fetch_run_status_changes(dg.DagsterEventType.RUN_SUCCESS, limit=10).records
        ]
        == [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))],
        "newest": sorted(log.get_latest_storage_id_by_partition(keys[0], dg.DagsterEventType.ASSET_MATERIALIZATION)),
        "statistics": sorted(
            (instance.get_run_stats(run.run_id).steps_succeeded, instance.get_run_stats(run.run_id).materializations)
            for run in instance.get_runs()
        ),
    }


def _work(instance: dg.DagsterInstance) -> None:
    dg.materialize([daily, whole], instance=instance, tags=RANGE)
    dg.materialize([daily], instance=instance, partition_key="2024-01-20", selection=[daily])
    dg.materialize([broken], instance=instance, raise_on_error=False)


def test_it_answers_like_the_stock_storage(tuned, stock):
    _work(tuned)
    _work(stock)
    found = _facts(tuned)
    assert found == _facts(stock)
    assert found["partitions"][dg.AssetKey("daily")] == [f"2024-01-{day:02}" for day in [*range(3, 13), 20]]
    assert found["checks"]["is_bad"] == ("FAILED", False)


def test_an_unpartitioned_check_is_planned_once_for_a_range(tuned, stock):
    """Stock storage plans it for each day of the range, and leaves those rows as planned for good."""
    for instance, rows in ((stock, 11), (tuned, 1)):
        dg.materialize([daily], instance=instance, tags=RANGE)
        history = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("daily"), "is_good"), limit=99
        )
        assert len(history) == rows
        assert [record.status.value for record in history].count("SUCCEEDED") == 1


def test_a_new_process_reads_all_of_it(tuned):
    _work(tuned)
    count = (
        "import dagster as dg; i = dg.DagsterInstance.from_config('.');"
        "print(len(i.get_materialized_partitions(dg.AssetKey('daily'))), i.get_runs_count())"
    )
    out = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert out.stdout.split() == ["11", "3"], "the writer still holds the files open, and nothing is lost on others"


def test_readers_and_writers_share_the_files(tuned):
    """Eight readers on their own storage objects, as the web server has, while runs are written."""
    stop, trouble, seen = threading.Event(), [], []

    def read() -> None:
        reader = tuned_instance()
        try:
            while not stop.is_set():
                seen.append(len(reader.get_materialized_partitions(dg.AssetKey("daily"))))
                reader.get_latest_materialization_event(dg.AssetKey("whole"))
                for run in reader.get_runs(limit=2):
                    reader.all_logs(run.run_id)
        except Exception as error:
            trouble.append(error)
        finally:
            reader.dispose()

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        dg.materialize([daily, whole], instance=tuned, tags=RANGE)
    stop.set()
    for reader in readers:
        reader.join()
    assert trouble == []
    assert set(seen) <= {0, 10}, "a batch of days appears at once"


def test_an_open_run_is_followed_live(tuned):
    """The UI's live log comes from a watch on the files; open connections must not silence it."""
    watcher = tuned_instance()
    followed = []
    started, go_on = threading.Event(), threading.Event()

    @dg.asset
    def slow():
        started.set()
        go_on.wait(10)

    run = threading.Thread(target=lambda: dg.materialize([slow], instance=tuned))
    run.start()
    assert started.wait(20)
    run_id = tuned.get_runs(limit=1)[0].run_id
    watcher.watch_event_logs(run_id, None, lambda event, cursor: followed.append(event.dagster_event.event_type_value))
    tuned.report_engine_event("knock", tuned.get_run_by_id(run_id))
    deadline = time.monotonic() + 10
    while "ENGINE_EVENT" not in followed and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "ENGINE_EVENT" in followed, "seen while the run goes on, not after its end"
    assert "STEP_SUCCESS" not in followed
    go_on.set()
    run.join()
    watcher.dispose()


def test_a_range_is_stored_as_batches(tuned, monkeypatch):
    sizes = []
    store = TunedSqliteEventLogStorage.store_event_batch
    monkeypatch.setattr(
        TunedSqliteEventLogStorage,
        "store_event_batch",
        lambda self, events: (sizes.append(len(events)), store(self, events))[1],
    )
    dg.materialize([daily], instance=tuned, tags=RANGE)
    assert 10 in sizes, "the ten materializations in one commit"


def test_a_failed_batch_leaves_nothing_in_the_index(tuned, monkeypatch):
    dg.materialize([daily], instance=tuned, tags=RANGE)
    run = tuned.get_runs(limit=1)[0]
    events = list(tuned.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION))
    stored = iter([None, None])
    tags = SqliteEventLogStorage._store_asset_event_tags

    def fail_at_the_third(self, *arguments):
        if next(stored, "third") == "third":
            raise OSError("disk full")
        return tags(self, *arguments)

    monkeypatch.setattr(TunedSqliteEventLogStorage, "_store_asset_event_tags", fail_at_the_third)
    with pytest.raises(OSError, match="disk full"):
        tuned.event_log_storage.store_event_batch(events)
    assert len(tuned.fetch_materializations(dg.AssetKey("daily"), limit=99).records) == 10
    assert len(tuned.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)) == 10


def test_many_runs_keep_few_files_open(tuned):
    for _ in range(OPEN_SHARDS + 2):
        dg.materialize([whole], instance=tuned, selection=[whole])
    log = tuned.event_log_storage
    assert len(log._shards) <= OPEN_SHARDS + 1
    assert all(tuned.all_logs(run.run_id) for run in tuned.get_runs()), "closed ones are opened again when asked for"


def test_a_wipe_elsewhere_is_noticed(tuned):
    dg.materialize([whole], instance=tuned, selection=[whole])
    run_id = tuned.get_runs(limit=1)[0].run_id
    other = tuned_instance()
    other.event_log_storage.wipe()
    other.dispose()
    assert tuned.all_logs(run_id) == []
    dg.materialize([whole], instance=tuned, selection=[whole])
    assert len(tuned.all_logs(tuned.get_runs(limit=1)[0].run_id)) > 5
