"""The verb that undoes a home: what was made there goes, what the shop brought and what people said stays."""

import shutil
from pathlib import Path
from shlex import quote

import typer

from ecom_assets.cli import log, show
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import Home, SettingsError

_KEPT = (
    "What stays: secret.key, by which addresses are hashed, and what was said of notifications (labels, snoozes); "
    "--all deletes them too."
)
_LOST = "Neither addresses hashed as before nor what was said of notifications (labels, snoozes) can be made again."


def reset(yes: bool, everything: bool = False) -> None:
    """Delete what `made` lists, after asking; a home that is being written is left alone.

    Labels and snoozes go into a small file of the home, from which the next run takes them again. `everything`
    deletes them and the key of hashed addresses too.

    Raises:
        LockedError: naming who writes.
        UnreadableLabelsError: labels and snoozes cannot be read to keep them.
        SettingsError: there are some, and the settings of their shop cannot be read.
        typer.Abort: the answer was no.
    """
    from ecom_assets.warehouse import writer_lock

    home = Home.from_environment()
    going = [*made(home), *(irreplaceable(home) if everything else [])]
    screen = show.console()
    if not going:
        screen.print(f"Nothing was made in {home.root} yet.", soft_wrap=True)
        return
    for path in going:
        screen.print(f"{_megabytes(path):>10,.1f} MB  {path}", soft_wrap=True)
    screen.print(_LOST if everything else _KEPT, soft_wrap=True)
    if not yes:
        typer.confirm("Delete these?", abort=True)
    anew = _anew(going)
    with writer_lock(home, "ecom reset"):
        kept = None if everything else _keep_said(home)
        log.close_log()  # its file goes too
        for path in going:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    home.lock.unlink(missing_ok=True)
    if kept:
        screen.print(f"Labels and snoozes are in {kept} until the next run of this shop takes them.", soft_wrap=True)
    screen.print(f"Deleted. `{anew}` makes it anew.", soft_wrap=True)


def made(home: Home) -> list[Path]:
    """What was made in the home and exists: tables, snapshots, history, and landing files of the simulator only."""
    candidates = [
        *(home.warehouse.with_name(home.warehouse.name + ending) for ending in ("", ".wal", ".tmp")),
        home.published,
        home.dagster,
        home.models,
        home.truth,
        home.logs,
        home.record,
        *_simulated(home),
    ]
    return [path for path in candidates if path.exists()]


def irreplaceable(home: Home) -> list[Path]:
    """What no run can make again and exists: the key of hashed addresses, labels and snoozes kept by a reset."""
    from ecom_assets.warehouse import kept

    return [path for path in (home.root / "secret.key", *sorted(home.root.glob(kept.PATTERN))) if path.exists()]


def _keep_said(home: Home) -> Path | None:
    from ecom_assets.warehouse import kept

    said = kept.read_said(home)
    return kept.keep(home, ShopContext.resolve().shop, said) if any(said.values()) else None


def _anew(going: list[Path]) -> str:
    """The command for the same shop, which the home no longer knows: `ecom run` alone would refuse or take another."""
    try:
        context = ShopContext.resolve()
    except SettingsError:
        return "ecom run --shop FILE --landing DIR"
    if context.shop_file in going:
        return "ecom demo"
    return f"ecom run --shop {quote(str(context.shop_file))} --landing {quote(str(context.landing))}"


def _simulated(home: Home) -> list[Path]:
    """The demo's settings and landing folders; a dataset that comes from files keeps its folder."""
    try:
        context = ShopContext.resolve()
    except SettingsError:
        return []
    if context.landing != home.landing:
        return []
    sources = context.shop.sources
    written = [home.landing / name for name, source in sources.items() if source.kind == "simulated"]
    return [*written, home.shop_file] if len(written) == len(sources) else written


def _megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
