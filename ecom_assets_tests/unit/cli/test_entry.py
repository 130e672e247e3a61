"""Every error is one clear line on standard error and an exit code; help answers at once."""

import subprocess
import sys

import pytest
import typer

from ecom_assets.cli import entry, log
from ecom_assets.settings import Home
from ecom_assets_tests.e2e.command import ecom


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    for name in ("ECOM_SHOP", "ECOM_LANDING"):
        monkeypatch.delenv(name, raising=False)
    yield Home(tmp_path / "home")
    log.close_log()


def failing(monkeypatch, error: BaseException) -> None:
    """The verb `run` does nothing but fail."""

    def fail(*_):
        raise error

    monkeypatch.setattr("ecom_assets.cli.work.run", fail)


def test_help_names_every_verb(capsys):
    assert entry.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in ("demo", "run", "status", "query", "quarantine", "lineage", "ui", "reset"):
        assert f"\n  {verb} " in shown


def test_alone_in_a_pipe_it_shows_the_help(capsys):
    assert entry.run([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sell"], "No such command 'sell'"),
        (["run", "--from", "2026-02-30"], "must be a day of the calendar"),
        (["run", "--sometimes"], "--sometimes"),
        (["query"], "Missing argument 'SQL'"),
        (["demo", "--days", "0"], "--days"),
        (["run", "--shop", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["query", "--format", "xml", "select 1"], "xml"),
    ],
)
def test_a_wrong_command_is_one_line_and_two(arguments, words, capsys):
    assert entry.run(arguments) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


def test_reading_before_anything_was_published_says_what_to_do_first(capsys):
    assert entry.run(["query", "select 1"]) == 1
    shown = capsys.readouterr().err
    assert "nothing is published yet" in shown
    assert len(shown.splitlines()) == 1


def test_without_a_log_an_error_is_one_line_all_the_same(home):
    """As a process: the handlers of a test run would take what Python otherwise shows on standard error."""
    shown = ecom(home.root, "status", code=1)
    assert shown.stderr.splitlines() == [f"{home.root}: nothing is published yet; run `ecom run` or `ecom demo` first"]


def test_a_folder_that_cannot_be_is_named(home, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("x")
    for inside in (tmp_path / "file", tmp_path / "file" / "home"):
        monkeypatch.setenv("ECOM_HOME", str(inside))
        assert entry.run(["demo"]) == 2
        said = f"ECOM_HOME: {inside} is no folder and cannot become one: {tmp_path / 'file'} is a file\n"
        assert capsys.readouterr().err == said
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    assert entry.run(["simulate", "--out", str(tmp_path / "file" / "x"), "--days", "1", "--customers", "5"]) == 1
    assert capsys.readouterr().err.strip() == f"{tmp_path / 'file' / 'x'}: Not a directory"


def test_what_a_verb_says_is_not_taken_for_a_fault_of_writing(home, capsys):
    assert entry.run(["forecast", "nowhere.csv"]) == 2
    assert capsys.readouterr().err == "nowhere.csv: there is no such file\n"
    assert entry.run(["forecast", "nowhere.csv", "--horizon", "0"]) == 2
    assert "(ecom forecast --help says what there is)" in capsys.readouterr().err


def test_an_error_of_the_project_is_shown_as_it_speaks(monkeypatch, capsys):
    from ecom_assets.warehouse import LockedError

    failing(monkeypatch, LockedError("the home is being written by a backfill"))
    assert entry.run(["run"]) == 1
    assert capsys.readouterr().err == "the home is being written by a backfill\n"


def test_an_unforeseen_error_goes_to_the_log_without_its_values(home, monkeypatch, capsys):
    home.root.mkdir()
    home.record.write_text("{}")
    failing(monkeypatch, ZeroDivisionError("cannot divide the sales of 'Ada Lovelace'\nby nothing"))
    assert entry.run(["run"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Unexpected ZeroDivisionError: cannot divide the sales of")
    assert len(shown.splitlines()) == 1
    logged = (home.logs / log.NAME).read_text()
    assert "ZeroDivisionError: cannot divide the sales of '…'" in logged
    assert "test_entry.py:" in logged
    assert "Lovelace" not in logged


def test_debug_shows_the_traceback(monkeypatch, capsys):
    failing(monkeypatch, ZeroDivisionError("nothing"))
    assert entry.run(["run", "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def interrupted_query() -> RuntimeError:
    """What DuckDB raises when Ctrl-C comes while it is at work."""
    error = RuntimeError("Query interrupted")
    error.__cause__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), interrupted_query()])
def test_an_interruption_says_that_nothing_is_half_done(monkeypatch, capsys, error):
    failing(monkeypatch, error)
    assert entry.run(["run"]) == 130
    assert capsys.readouterr().err == "Interrupted; what was not finished has changed nothing.\n"


def test_a_verb_that_ends_early_gives_its_code(monkeypatch, capsys):
    failing(monkeypatch, typer.Exit(1))
    assert entry.run(["run"]) == 1
    assert capsys.readouterr().err == ""


def test_a_group_without_its_verb_shows_its_help_alone(capsys):
    assert entry.run(["anomalies"]) == 2
    shown = capsys.readouterr().err
    assert "Usage: ecom anomalies" in shown
    assert "says what there is" not in shown


def test_the_environment_file_is_followed_where_nothing_else_is_said(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    path.write_text("ECOM_HOME=/srv/shop\nDAGSTER_HOME=/srv\nECOM_LANDING=/srv/in\n")
    entry._read_dot_env(path)
    assert Home.from_environment().root == tmp_path / "home"
    monkeypatch.delenv("ECOM_HOME")
    monkeypatch.setattr(entry.os, "environ", {})
    entry._read_dot_env(path)
    assert entry.os.environ == {"ECOM_HOME": "/srv/shop", "ECOM_LANDING": "/srv/in"}


def test_help_needs_none_of_the_heavy_libraries():
    code = (
        "import sys; from ecom_assets.cli import entry; entry.run(['--help']); "
        "print(sorted({'dagster', 'pandas', 'duckdb', 'numpy', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
