"""The rotating log of the `ecom` command: `logs/ecom.log` in the home. No value of a row ever enters it."""

import logging
import os
import re
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ecom_assets.guard.texts import visible

NAME = "ecom.log"
_LOGGER = logging.getLogger("ecom_assets.cli")

# What an error message may quote from a row: a literal in single quotes, an address, a long number but no day.
_PRIVATE = re.compile(
    r"'(?:[^'\n]|'')*'"
    r"|[^\s'\"<>]+@[^\s'\"<>]+"
    r"|(?<![\d-])(?!\d{4}-\d\d-\d\d(?!\d))\+?\d[\d ().+-]{7,}\d"
)


class _Log(RotatingFileHandler):
    """A file whose failing is told in one line, once: what the command does matters more than the note of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging names it
        """Say why the log cannot be written, and write no more of it."""
        print(f"{self.baseFilename}: cannot be written ({sys.exc_info()[1]}); no log is kept", file=sys.stderr)
        close_log()


def open_log(folder: Path) -> None:
    """Write the log below `folder`: five files of at most 1 MB, the newest without a number.

    A home that can only be read keeps no log: nothing happens in it that would be noted.
    """
    close_log()
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        return
    folder.mkdir(parents=True, exist_ok=True)
    handler = _Log(folder / NAME, maxBytes=1_000_000, backupCount=4, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def close_log() -> None:
    """Close the file, if one is open."""
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        handler.close()


def note(message: str) -> None:
    """One line about what the command does."""
    _LOGGER.info("%s", visible(message))


def note_error(error: BaseException) -> bool:
    """The error and where it was raised, as text without quoted values; whether a log was open to take it.

    Without one nothing is said: Python shows what no handler takes on standard error.
    """
    if not _LOGGER.handlers:
        return False
    steps = "".join(
        f"\n  {Path(step.filename).name}:{step.lineno} in {step.name}"
        for step in traceback.extract_tb(error.__traceback__)
    )
    _LOGGER.error("%s: %s%s", type(error).__name__, visible(without_values(str(error))), steps)
    return True


def without_values(text: str) -> str:
    """`text` with everything that could be a person's data replaced by '…'."""
    return _PRIVATE.sub("'…'", text)
