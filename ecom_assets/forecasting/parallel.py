"""The same work on many series, one process a core. Knows nothing of the work."""

from collections.abc import Callable, Sequence
from typing import Any

MIN_ITEMS = 8
"""Fewer are done where they are: a process takes two seconds to import Prophet and scikit-learn."""


def map_series(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    on_done: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> list[Any]:
    """`work` of each item, in the order of the items.

    The processes are joblib's: fresh ones on every platform (a fork of a process with an open DuckDB and running
    threads may hang), without the caller's main module, which need not be guarded.

    Args:
        work: a function of a module; it and its results are pickled.
        items: what it is called with.
        on_done: told how many are done, of how many.
        workers: number of processes, by default one a core; with 1 everything is done in this process.
    """
    if workers is None:
        from joblib import cpu_count

        workers = cpu_count() if len(items) >= MIN_ITEMS else 1
    results = []
    for result in _results(work, items, min(workers, len(items))):
        results.append(result)
        if on_done:
            on_done(len(results), len(items))
    return results


def _results(work: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Any:
    if workers < 2:
        return map(work, items)
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        return Parallel(n_jobs=workers, return_as="generator")(delayed(work)(item) for item in items)
