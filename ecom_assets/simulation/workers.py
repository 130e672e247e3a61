"""Days divided among processes: each day follows from the shop's seed alone, so any process can make it.

A block of days costs a process some seconds more than its days: rows of the block's first days depend on the two
months before them. Blocks are therefore long and few.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

SHORTEST_BLOCK = 20  # days that are worth a process
_FIRST_MORE = 15  # days that the first block has more: nothing lies before the shop's first day
_TICK_S = 0.2
Progress = Callable[[int, int], None]
Work = Callable[[Sequence[int], Progress], Any]

_counted: Any = None  # in a worker: days done by all processes


def blocks_of(days: Sequence[int], workers: int) -> list[list[int]]:
    """The days in at most `workers` runs, the first of them the longest; one run where there are few days."""
    count = max(1, min(workers, len(days) // SHORTEST_BLOCK))
    more = _FIRST_MORE if count > 1 else 0
    each = (len(days) - more) / count
    edges = [0, *(round(more + each * number) for number in range(1, count)), len(days)]
    return [list(days[first:last]) for first, last in pairwise(edges)]


def in_blocks(work: Work, days: Sequence[int], workers: int, progress: Progress | None) -> list[Any]:
    """What `work(block, progress)` gives for each block, in order; the first is done here, the others elsewhere.

    Args:
        work: can be pickled; is called once a process, with the days of its block.
        days: in order.
        workers: processes at most, this one included.
        progress: gets days done and in all.
    """
    blocks, total = blocks_of(days, workers), len(days)
    if len(blocks) == 1:
        return [work(days, progress or (lambda done, of: None))]
    context = get_context("spawn")
    counted = context.Value("q", 0)

    def tell(more: int) -> None:
        with counted.get_lock():
            counted.value += more
        if progress:
            progress(counted.value, total)

    with ProcessPoolExecutor(len(blocks) - 1, context, _start, (counted,)) as pool:
        others = [pool.submit(_count, work, block) for block in blocks[1:]]
        first = work(blocks[0], lambda done, of: tell(1))
        while _pending(others):
            tell(0)
        tell(0)
        return [first, *(other.result() for other in others)]


def _pending(others: list["Future[Any]"]) -> bool:
    return bool(wait(others, _TICK_S).not_done)


def _start(counted: Any) -> None:
    global _counted
    _counted = counted


def _count(work: Work, block: Sequence[int]) -> Any:
    def tell(done: int, of: int) -> None:
        with _counted.get_lock():
            _counted.value += 1

    return work(block, tell)
