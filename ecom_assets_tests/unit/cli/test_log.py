"""The rotating log tells where an error arose, and nothing about a person."""

import pytest

from ecom_assets.cli import log


@pytest.fixture
def open_log(tmp_path):
    log.open_log(tmp_path / "logs")
    yield tmp_path / "logs" / log.NAME
    log.close_log()


def raised() -> Exception:
    try:
        raise ValueError("Could not convert string 'Ada O''Hara' of ada@shop.example, +49 170 123 45 67 to DATE")
    except ValueError as error:
        return error


def test_an_error_is_noted_with_its_place_and_without_values(open_log):
    assert log.note_error(raised())
    text = open_log.read_text()
    assert "ValueError: Could not convert string '…' of '…'" in text
    assert "test_log.py:" in text
    assert "in raised" in text
    for private in ("Ada", "Hara", "ada@", "shop.example", "170"):
        assert private not in text


def test_names_of_tables_and_days_stay_readable():
    assert log.without_values("clean.orders 2026-01-02 was refused") == "clean.orders 2026-01-02 was refused"


def test_the_log_does_not_grow_without_end(open_log):
    for _ in range(30):
        log.note("x" * 200_000)
    files = list(open_log.parent.iterdir())
    assert 1 < len(files) <= 5
    assert all(file.stat().st_size <= 1_000_000 for file in files)


def test_without_an_open_log_nothing_is_written(tmp_path):
    log.close_log()
    assert not log.note_error(raised())


def test_a_log_that_cannot_be_written_is_told_in_one_line(open_log, capsys):
    open_log.mkdir(parents=True)
    for _ in range(2):
        log.note("a run")
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"{open_log}: cannot be written (")
    assert said.endswith("; no log is kept")
