"""Which files lie in the landing folder, and their identity. Opens none of them but to hash it."""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecom_assets.ingestion.plans import SourcePlan

_BRACES = re.compile(r"\{([^{}]*)\}")
_log = logging.getLogger(__name__)
_BATCH_BYTES = 400_000_000  # as text; staged, texts take about twice that
_PACKED, _PACKED_ENDINGS = 10, (".parquet", ".pq", ".gz", ".xlsx", ".xlsm")  # bytes of text in one of these files
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart", ".swp", ".lock", "~")


@dataclass(frozen=True, order=True)
class LandingFile:
    """One file as it lies: `name` is relative to the landing folder, with forward slashes on every system."""

    name: str
    path: Path
    size_bytes: int
    modified_ns: int


def discover(plan: SourcePlan, landing: Path) -> list[LandingFile]:
    """The files of the plan's source in the folder `landing`, by name.

    Hidden and unfinished files (`.x`, `~$x`, `_x`, `x.part`, …) are left out, and so is whatever lies outside
    the folder: a symbolic link is followed only as long as it stays inside.
    """
    root = landing.resolve()
    if not root.is_dir():
        return []
    found = {}
    inside: dict[Path, bool] = {}  # by folder: resolving every file of four years would take a second
    for path in (path for pattern in alternatives(plan.pattern) for path in root.glob(pattern)):
        relative = path.relative_to(root)
        if any(_is_hidden(part) for part in relative.parts) or not path.is_file():
            continue
        if path.parent not in inside:
            inside[path.parent] = path.parent.resolve().is_relative_to(root)
        if not (path.resolve().is_relative_to(root) if path.is_symlink() else inside[path.parent]):
            _log.warning("%s is left out: it leads outside the landing folder %s", relative, root)
            continue
        state = path.stat()
        found[relative.as_posix()] = LandingFile(relative.as_posix(), path, state.st_size, state.st_mtime_ns)
    return [found[name] for name in sorted(found)]


def batches(plan: SourcePlan, files: Sequence[LandingFile]) -> Iterator[list[LandingFile]]:
    """The files in runs that are staged together: what is staged lies in memory, many times the size of Parquet.

    The files of a mapping stay together, as its SQL may look beyond one file.
    """
    batch: list[LandingFile] = []
    weight = 0
    for file in files:
        heavy = _PACKED if file.name.lower().endswith(_PACKED_ENDINGS) else 1
        if batch and plan.mapping is None and weight + heavy * file.size_bytes > _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
        batch.append(file)
        weight += heavy * file.size_bytes
    if batch:
        yield batch


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
