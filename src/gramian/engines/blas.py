"""Limits BLAS to one thread: units are read in parallel, and small solves are slower on many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> Any:
    """Controller of the BLAS libraries that are loaded; found once."""
    import scipy.linalg  # noqa: F401  loads a BLAS of its own, which can be limited only after it is loaded

    return ThreadpoolController()


class _Shared:
    """A limit on BLAS for the process, held while any thread needs it.

    BLAS has one setting for the process, and contexts of several threads overlap: so users are counted, the first sets
    the limit and the last removes it.
    """

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limited: AbstractContextManager[Any] | None = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """A context in which BLAS uses one thread; the last thread to leave it restores the number of threads."""
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limited = _controller().limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Count one user less, and remove the limit after the last."""
        with self.lock:
            self.users -= 1
            if not self.users and self.limited is not None:
                self.limited.__exit__(None, None, None)
                self.limited = None


one_thread = _Shared().one_thread  # the limit of this process

THREADED_WIDTH = 2000  # columns from which on a solve is quicker on several threads


@contextmanager
def threads_for(width: int) -> Iterator[None]:
    """A context for a solve of so many columns: one thread below `THREADED_WIDTH`."""
    with one_thread() if width < THREADED_WIDTH else nullcontext():
        yield
