"""Which runs are alive: a run keeps a file locked, and the operating system frees it when its process ends.

However that ends. A process number would not tell: it is given again to others, and means nothing in another
container. What this file system's locks do not reach cannot be known: several machines may share a home only where
locks on its disk reach all of them, which the writer's lock needs just as much. Imports no Dagster.
"""

from pathlib import Path

from filelock import FileLock, Timeout

_WAIT_SECONDS = 10.0  # whoever looks whether a run is alive holds its lock for a moment


class Leases:
    """The leases of a home's runs, one file each in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def take(self, run_id: str) -> None:
        """Say that the run is alive as long as this process is, or until it is given up."""
        if run_id in self._held:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._path(run_id), thread_local=False)
        lock.acquire(timeout=_WAIT_SECONDS)
        self._held[run_id] = lock

    def give_up(self, run_id: str) -> None:
        """Say that the run has ended, whether this process ran it or found it dead."""
        lock = self._held.pop(run_id, None)
        self._path(run_id).unlink(missing_ok=True)
        if lock:
            lock.release()

    def is_held(self, run_id: str) -> bool:
        """Whether a living process runs the run."""
        return run_id in self._held or (self._path(run_id).exists() and not self.is_abandoned(run_id))

    def is_abandoned(self, run_id: str) -> bool:
        """Whether a process took the run and is gone; of a run that nobody ever took nothing is known."""
        if run_id in self._held or not self._path(run_id).exists():
            return False
        try:
            with FileLock(self._path(run_id), thread_local=False).acquire(timeout=0):
                return True
        except Timeout:
            return False

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"


class LeasedRuns:
    """A storage of runs that keeps a lease for each that is alive; others cannot tell."""

    leases: Leases

    def is_alive(self, run_id: str) -> bool:
        """Whether the process that runs the run lives; asked of a run that has begun and not ended."""
        return self.leases.is_held(run_id)

    def is_abandoned(self, run_id: str) -> bool:
        """Whether the process that made the run, and was to run it itself, is gone; asked of one that has not begun."""
        return self.leases.is_abandoned(run_id)
