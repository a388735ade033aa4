"""One thread for BLAS: parallelism is over units, and small solves are slower on many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401  brings a BLAS of its own, which must be loaded before it can be found

    return ThreadpoolController()


class _Shared:
    """A limit of the whole process, kept while anybody wants it: contexts of several threads overlap."""

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limited: AbstractContextManager[Any] | None = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limited = _controller().limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users and self.limited is not None:
                self.limited.__exit__(None, None, None)
                self.limited = None


_SHARED = _Shared()


def one_thread() -> AbstractContextManager[None]:
    """A context in which BLAS uses one thread; the last to leave it, of all threads, gives the others back."""
    return _SHARED.one_thread()
