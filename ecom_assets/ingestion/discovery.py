"""Which files lie in the landing folder, and their identity. Opens none of them but to hash it."""

import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ecom_assets.ingestion.mapping import MappingError
from ecom_assets.ingestion.plans import SourcePlan

_BRACES = re.compile(r"\{([^{}]*)\}")
_log = logging.getLogger(__name__)
_BATCH_BYTES = 400_000_000  # as text; staged, texts take about twice that
_TOGETHER_BYTES = 4_000_000_000  # ten batches: 9 million lines of 100 bytes took 4.7 GB of memory in one load
_PACKED, _PACKED_ENDINGS = 10, (".parquet", ".pq", ".gz", ".xlsx", ".xlsm")  # bytes of text in one of these files
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart", ".swp", ".lock", "~")


@dataclass(frozen=True, order=True)
class LandingFile:
    """One file as it lies: `name` is relative to the `landing` folder, with forward slashes on every system.

    `lies_as` is its name on disk where that is no text: `name` then shows the odd bytes as escapes.
    """

    name: str
    landing: Path
    size_bytes: int
    modified_ns: int
    lies_as: str = ""

    @property
    def path(self) -> Path:
        """Where it lies. Made when it is asked for: a history has tens of thousands that nobody opens again."""
        return self.landing / (self.lies_as or self.name)


def discover(plan: SourcePlan, landing: Path) -> list[LandingFile]:
    """The files of the plan's source in the folder `landing`, by name.

    Hidden and unfinished files (`.x`, `~$x`, `_x`, `x.part`, …) are left out, and so is whatever lies outside
    the folder: a symbolic link is followed only as long as it stays inside.
    """
    root = landing.resolve()
    if not root.is_dir():
        return []
    found = {}
    inside: dict[str, bool] = {}  # by folder: resolving every file of four years would take a second
    for name in _matching(plan.pattern, root):
        folder = name.rpartition("/")[0]
        state = None if any(map(_is_hidden, name.split("/"))) else _state(f"{root}/{name}")
        if state is None:
            continue
        if folder not in inside:
            inside[folder] = _is_inside(root / folder, root)
        if not inside[folder] or (os.path.islink(f"{root}/{name}") and not _is_inside(root / name, root)):
            _log.warning("%s is left out: it leads outside the landing folder %s", shown(name), root)
            continue
        lies_as = name if shown(name) != name else ""
        found[shown(name)] = LandingFile(shown(name), root, state.st_size, state.st_mtime_ns, lies_as)
    return [found[name] for name in sorted(found)]


def shown(text: str) -> str:
    r"""The text as any program can write it: bytes of a name that are not UTF-8, half surrogate pairs as \udce9."""
    return text.encode("utf-8", "backslashreplace").decode()


def _matching(pattern: str, root: Path) -> Iterator[str]:
    """Names below `root`. Only a pathlib walk through all folders leaves out linked ones, which may lead in circles."""
    for one in alternatives(pattern):
        if "**" in one:
            yield from (path.relative_to(root).as_posix() for path in root.glob(one))
        else:  # a third of the time
            yield from (name.replace(os.sep, "/") for name in glob(one, root_dir=root))


def _state(path: str) -> os.stat_result | None:
    """Of a file, or what a link to one leads to; None for anything else, and for a file that has just gone."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state if stat.S_ISREG(state.st_mode) else None


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def batches(plan: SourcePlan, files: Sequence[LandingFile]) -> Iterator[list[LandingFile]]:
    """The files in runs that are staged together: what is staged lies in memory, many times the size of Parquet.

    Where a mapping's SQL looks beyond one file they stay together, however many they are.

    Raises:
        MappingError: all files would have to be read together, and are too many for that.
    """
    if plan.reads_beyond_a_file:
        _must_fit(plan, sum(map(_weight, files)))
    batch: list[LandingFile] = []
    weight = 0
    for file in files:
        if batch and not plan.reads_beyond_a_file and weight + _weight(file) > _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
        batch.append(file)
        weight += _weight(file)
    if batch:
        yield batch


def _weight(file: LandingFile) -> int:
    """About how many bytes of text the file holds."""
    return file.size_bytes * (_PACKED if file.name.lower().endswith(_PACKED_ENDINGS) else 1)


def _must_fit(plan: SourcePlan, weight: int) -> None:
    if weight > _TOGETHER_BYTES:
        raise MappingError(
            f"sources.{plan.name}: the SQL of its mapping looks beyond one file, so that all files are read together:"
            f" {weight / 1e9:.1f} GB as text, where {_TOGETHER_BYTES / 1e9:.0f} GB is the most. Keep to one file (have"
            " source_file in every join, group by and partition by), or deliver less history. Nothing was loaded"
        )


def alternatives(pattern: str) -> list[str]:
    """The glob patterns that one with braces stands for: `*.{csv,xlsx}` is `*.csv` and `*.xlsx`."""
    found = _BRACES.search(pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [one for choice in found[1].split(",") for one in alternatives(before + choice + after)]


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex: the `file_hash` of receipts and of the file ledger."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "~$", "_")) or part.lower().endswith(_UNFINISHED)
