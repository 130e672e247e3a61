"""How the command ends when its reader goes away or Ctrl-C comes: as a process, through real pipes and signals."""

import signal
import subprocess
import sys
from contextlib import closing

import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import publish
from ecom_assets_tests.e2e.command import environment
from ecom_assets_tests.unit.warehouse.small_shop import CONTRACTS, new_warehouse


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One with a snapshot to ask."""
    home = Home(tmp_path_factory.mktemp("home"))
    warehouse = new_warehouse(home.warehouse)
    with closing(warehouse.connection):
        publish(warehouse.connection, home, CONTRACTS)
    return home


def started(home: Home, *arguments: str) -> subprocess.Popen[str]:
    """The command under way, which takes SIGINT as it would on a terminal, however the tests were started."""
    return subprocess.Popen(
        [sys.executable, "-m", "ecom_assets", *arguments],
        env=environment(home.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_reader_may_leave_in_the_middle(home):
    with started(home, "query", "select * from range(2000000)", "--format", "csv") as process:
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("arguments", [["query", "from range(300)"], ["query", "select 1", "-f", "json"], ["--help"]])
def test_a_reader_may_leave_before_anything_is_said(home, arguments):
    with started(home, *arguments) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


def test_ctrl_c_inside_a_verb_says_that_nothing_is_half_done(home):
    with started(home, "query", "select * from range(4000000000)", "--format", "csv") as process:
        assert process.stdout.readline() == "range\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "Interrupted; what was not finished has changed nothing.\n")
