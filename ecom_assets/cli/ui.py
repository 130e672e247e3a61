"""The verb that opens Dagster's UI on the home."""

import errno
import os
import signal
import socket
import sys
from pathlib import Path

import typer

from ecom_assets.cli import show
from ecom_assets.orchestration.shop import PROJECT, ShopContext

_TRIED = 20  # ports after the wanted one


def ui(host: str, port: int, shop: Path | None, landing: Path | None) -> None:
    """Become `dagster dev`, with the environment that makes it show this home.

    Raises:
        SettingsError: the home cannot be written, where Dagster keeps its history.
        typer.BadParameter: no port from `port` on is free, or the host is none of this machine.
    """
    context = ShopContext.resolve(shop, landing)
    taken = free_port(host, port)
    context.home.require_writable()
    environ = {
        **os.environ,
        "DAGSTER_HOME": str(PROJECT),
        "ECOM_HOME": str(context.home.root),
        "ECOM_SHOP": str(context.shop_file),
        "ECOM_LANDING": str(context.landing),
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }
    screen = show.errors()
    screen.print(f"Dagster's UI on {context.home.root}: http://{host}:{taken}", soft_wrap=True)
    screen.print("It answers after some twenty seconds; Ctrl-C ends it.", style="dim")
    if host not in ("127.0.0.1", "localhost", "::1"):
        warning = "Anyone who reaches this address can start runs: put a proxy with a password before it."
        screen.print(warning, style="yellow")
    workspace = str(PROJECT / "workspace.yaml")
    command = [sys.executable, "-m", "dagster", "dev", "-w", workspace, "--host", host, "--port", str(taken)]
    # Not in the project's folder: Dagster lets the .env there win over the environment, and with it another home.
    context.home.dagster.mkdir(parents=True, exist_ok=True)
    os.chdir(context.home.dagster)
    # A script's `ecom ui &` hands down an ignored SIGINT, and Dagster ends at SIGTERM by what SIGINT does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.execve(sys.executable, command, environ)  # noqa: S606 - Ctrl-C and signals then reach Dagster itself


def free_port(host: str, wanted: int) -> int:
    """The first port from `wanted` on that nobody listens on."""
    for port in range(wanted, min(wanted + _TRIED, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise typer.BadParameter(f"--host {host}: {error.strerror}") from error
                continue
            return port
    raise typer.BadParameter(f"no port from {wanted} to {wanted + _TRIED - 1} is free on {host}")
