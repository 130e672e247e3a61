import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import LockedError, writer_lock

pytestmark = pytest.mark.integration


def hold(root: str, held) -> None:
    with writer_lock(Home(Path(root)), "a backfill of two years"):
        held.set()
        signal.pause()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def holder(home):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=hold, args=(str(home.root), held))
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def test_a_second_writer_is_told_who_holds_the_lock(home, holder):
    with pytest.raises(LockedError) as refused, writer_lock(home, "a second run"):
        pass
    said = str(refused.value)
    assert "a backfill of two years" in said
    assert f"process {holder.pid} on {os.uname().nodename}, since 20" in said


def test_a_killed_holder_blocks_nobody(home, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    record = home.lock.with_suffix(".json")
    assert json.loads(record.read_text())["pid"] == holder.pid  # what it left is stale
    with writer_lock(home, "the next run"):
        assert json.loads(record.read_text())["what"] == "the next run"
    assert not record.exists()


def test_a_lock_is_free_after_an_error_and_waits_when_asked(home):
    with pytest.raises(RuntimeError, match="broken"), writer_lock(home, "a run that fails"):
        raise RuntimeError("broken")
    with writer_lock(home, "the next run"):
        pass


def test_a_writer_can_wait_for_the_lock(home, holder):
    with pytest.raises(LockedError), writer_lock(home, "short wait", wait_seconds=0.2):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    with writer_lock(home, "long wait", wait_seconds=10):
        assert home.lock.with_suffix(".json").exists()


def test_an_unreadable_record_still_gives_one_clear_message(home, holder):
    home.lock.with_suffix(".json").write_text("{ half")
    with pytest.raises(LockedError, match="a process that has just begun"), writer_lock(home, "a second run"):
        pass
