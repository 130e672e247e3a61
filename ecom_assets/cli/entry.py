"""Starts the command and turns every error into one clear line and an exit code.

1 = the work failed or data was refused, 2 = the command or a setting was wrong, 130 = interrupted.
A traceback is for `--debug`; without it only the log gets one, without the values that it may quote.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ecom_assets.guard.texts import visible
from ecom_assets.settings import Home, SettingsError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

# Errors about what a person wrote into a settings file, told apart by name: their modules are not imported for this.
_SETTINGS_ERRORS = ("ContractError", "MappingError", "PlanError")

# No dependency may call home, whatever its default.
_QUIET = {"DAGSTER_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


def main() -> None:
    """The console script `ecom`."""
    try:
        _read_dot_env(Path(".env"))
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # while modules are still being loaded
        sys.exit(_interrupted())


def run(arguments: Sequence[str]) -> int:
    """Run the command with `arguments`; the exit code."""
    from ecom_assets.cli import log

    try:
        _open_log(Home.from_environment())
        log.note(f"ecom {next((word for word in arguments if not word.startswith('-')), '')}")
        code = _invoked([word for word in arguments if word != "--debug"])
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _leave_pipe()
        return 0
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # so DuckDB tells that a query was interrupted
            return _interrupted()
        if "--debug" in arguments:
            import traceback

            traceback.print_exception(error)
        return _told(*_explained(error))


def _open_log(home: Home) -> None:
    from ecom_assets.cli import log

    there = next(each for each in (home.root, *home.root.parents) if each.exists())
    if not there.is_dir():
        raise SettingsError(f"ECOM_HOME: {home.root} is no folder and cannot become one: {there} is a file")
    if home.record.is_file():
        log.open_log(home.logs)


def _invoked(arguments: list[str]) -> int:
    """What the verb ends with.

    Not by Typer's own `main`: even outside of standalone mode that ends the process with 1 at a closed pipe, and
    turns Ctrl-C into a silent 130.
    """
    import typer

    from ecom_assets.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("ecom", arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _leave_pipe() -> None:
    """Send what is still to be flushed at exit nowhere, as Python's notes on SIGPIPE say."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _read_dot_env(path: Path) -> None:
    """Follow the same `.env` that Dagster reads in its working directory, but only what is about this project."""
    if not path.is_file() or "ECOM_HOME" in os.environ:
        return
    from dotenv import dotenv_values

    for name, value in dotenv_values(path).items():
        if name.startswith("ECOM_") and value:
            os.environ.setdefault(name, value)


def _interrupted() -> int:
    return _told("Interrupted; what was not finished has changed nothing.", INTERRUPTED)


def _told(message: str, code: int) -> int:
    print(visible(message, lines=True), file=sys.stderr)
    return code


def _explained(error: Exception) -> tuple[str, int]:
    """The line for a person, and the exit code."""
    from ecom_assets.cli import log

    kind = type(error)
    if isinstance(error, SettingsError) or kind.__name__ in _SETTINGS_ERRORS:
        return str(error), MISUSED
    if hasattr(error, "format_message"):  # of typer, or of the click that older versions of it stand on
        if kind.__name__ == "BadParameter" and getattr(error, "param", None) is None:
            return error.message, MISUSED  # a verb's own words: of what was asked for, not of how it was written
        command = getattr(getattr(error, "ctx", None), "command_path", None)
        is_help = kind.__name__ == "NoArgsIsHelpError"  # then the message is the whole help
        hint = f" ({command} --help says what there is)" if command and not is_help else ""
        return f"{error.format_message()}{hint}", MISUSED
    if kind.__name__ == "Abort":
        return "Nothing was done.", FAILED
    logged = log.note_error(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", FAILED
    if kind.__module__.startswith("ecom_assets."):
        return str(error), FAILED
    first = next(iter(str(error).splitlines()), "") or "no further words"
    where = "the log in the home says where" if logged else "--debug says where"
    return f"Unexpected {kind.__name__}: {first} ({where})", FAILED
