"""What an exception while files are read means: a fault of one file, or of the machine. Words for what nobody expected.

No value of a file stands in these words: a refusal is read by everyone, and an exception's own text may quote one.
"""

import errno
import traceback

import duckdb

_MACHINE = (
    MemoryError,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.FatalException,
    duckdb.ConnectionException,
)
_MACHINE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS}


def is_of_the_machine(error: BaseException) -> bool:
    """Whether no file is to blame: memory or disk is full, the engine is gone, somebody interrupted."""
    if isinstance(error, OSError):
        return error.errno in _MACHINE_ERRNOS
    return isinstance(error, _MACHINE) or not isinstance(error, Exception)


def unexpected(error: Exception) -> str:
    """A refusal for an exception that no reader foresaw."""
    return (
        f"the file could not be read: an unexpected {type(error).__name__}; export it anew, or leave it out and report"
        " it: the log says where it came up"
    )


def place_of(error: Exception) -> str:
    """Where an exception came up, the innermost place last, without its text: that may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in frames)
