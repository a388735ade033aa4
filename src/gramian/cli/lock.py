"""A lock on a file that is read, changed and written again: one process after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gramian.errors import ArtifactError

try:
    import fcntl
except ImportError:  # a system without it, such as Windows: there a second writer is refused
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: str | os.PathLike[str], waiting: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """A context in which no other process is in this context for the same file; the system ends it with the process.

    waiting : called once where another process is there already, before this one waits. The lock is on a hidden file
    beside it, for the file itself is replaced by a new one. Raises ArtifactError where that file cannot be made.
    """
    target = Path(path)
    lock = target.parent / f".{target.name}.lock"
    descriptor = _acquired(lock, waiting)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # under the lock: whoever waits sees that the file is another one, and tries again
        os.close(descriptor)


def _acquired(lock: Path, waiting: Callable[[], Any]) -> int:
    """The descriptor of the lock's file, once it is ours."""
    announced = False
    while True:
        try:
            flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if fcntl is None else 0)
            descriptor = os.open(lock, flags, 0o644)
        except FileExistsError as error:
            raise ArtifactError(
                f"{lock}: another process writes the file beside it; delete this one if there is no such process"
            ) from error
        except OSError as error:
            raise ArtifactError(f"{lock}: cannot be made ({error.strerror or error})") from error
        if fcntl is None:
            return descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not announced:
                announced = True
                waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                return descriptor
        os.close(descriptor)  # the one before has deleted it
