"""Rows of a compiled function shared between threads, where they do not depend on each other.

Each row is computed as by one thread, so that the bits are the same for any number of threads. Threads are started for
a call and end with it: a process that forks later has none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from threading import Thread

import numpy as np

from gramian.typing import AnyCodes

MIN_OPERATIONS = 1 << 19  # of a thread, which take some times longer than to start it

# cores that this process may use, as it was started
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_most: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """A context in which compiled functions use no more threads than so many."""
    before = _most.set(threads)
    try:
        yield
    finally:
        _most.reset(before)


def in_parts(work: Callable[[int, int], None], rows: int, operations: int, before: AnyCodes | None = None) -> None:
    """Do the rows [first, last) of some work, in parts that take similarly long side by side.

    Parameters
    ----------
    work : callable
        Takes the first row and the one behind the last; most of it is done without the interpreter lock.
    rows : int
        Number of rows.
    operations : int
        How much there is to do in all of them, as additions.
    before : (rows + 1,), optional
        What there is to do before each row, in any unit, and in all rows; the same for each without it.
    """
    most = _most.get()
    parts = max(min(CORES if most is None else most, CORES, operations // MIN_OPERATIONS, rows), 1)
    cuts = [rows * i // parts for i in range(parts + 1)]
    if before is not None and parts > 1:
        cuts[1:-1] = np.searchsorted(before, [int(before[-1]) * i // parts for i in range(1, parts)]).tolist()
    errors: list[BaseException] = []

    def part(first: int, last: int) -> None:
        try:
            work(first, last)
        except BaseException as error:  # raised again by the thread that asked
            errors.append(error)

    others = [Thread(target=part, args=cut) for cut in pairwise(cuts[1:])]
    for thread in others:
        thread.start()
    part(0, cuts[1])
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
