"""Files of object stores as they were when a fit began, and units of them, which check that they stay so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from gramian.batch import Batch, WrappedUnit
from gramian.errors import DataError, first_line

MARKS = ("ETag", "etag", "version_id", "LastModified", "last_modified", "updated", "mtime", "created")  # of fsspec


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of an object store as it was when the fit began.

    Attributes
    ----------
    url : str
        Its address.
    path : str
        Its path in the file system.
    size : int
        Bytes.
    changed : int or None
        Time of its last change in nanoseconds, where the store says it.
    version : str
        Its ETag, where that is known.
    """

    url: str
    path: str
    size: int | None
    changed: int | None
    version: str = ""

    @property
    def name(self) -> str:
        """Its name, without folders and without what was asked of a web server."""
        return os.path.basename(urlsplit(self.path).path if is_web(self.path) else self.path)

    @property
    def identity(self) -> str:
        """What it is known by."""
        return f"{self.url}:{self.size}:{self.version or self.changed}"


class Readers:
    """How many units of a file are being read: the last of those that overlap looks whether it has changed."""

    __slots__ = ("lock", "reading")

    def __init__(self) -> None:
        self.lock, self.reading = Lock(), 0

    def enter(self) -> None:
        """One more."""
        with self.lock:
            self.reading += 1

    def leave(self) -> bool:
        """One less; whether there is no other."""
        with self.lock:
            self.reading -= 1
            return self.reading == 0


@dataclass(frozen=True, slots=True, eq=False)
class Checked(WrappedUnit):
    """A unit of a remote file, which must stay as it is between passes.

    Attributes
    ----------
    unit : Unit
        The unit.
    file : RemoteFile
        Its file.
    system : Any
        The file system.
    readers : Readers
        Of all units of the file.
    """

    file: RemoteFile
    system: Any
    readers: Readers

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the file has changed since the fit began."""
        self.readers.enter()
        try:
            yield from self.unit.batches(columns, parallel=parallel)
        except DataError:
            self._check()  # a change is why it cannot be read, perhaps
            raise
        finally:
            last = self.readers.leave()
        if last:  # what changed before has not changed back: one look after all that overlap is enough
            self._check()

    def _check(self) -> None:
        """Raise DataError where the file is gone or has changed."""
        with reached(self.file.url):
            if isinstance(handler := handler_of(self.system), fs.FSSpecHandler):
                handler.fs.invalidate_cache()  # it may keep what it listed before
            now = seen(self.system, self.system.get_file_info(self.file.path))
        if now != (self.file.size, self.file.changed, self.file.version):
            raise DataError("has changed while it was being read; start again when nothing writes to it", self.file.url)


def is_web(address: str) -> bool:
    """Whether an address is of a web server."""
    return address.lower().startswith(("http://", "https://"))


def handler_of(system: Any) -> Any:
    """The handler in Python that is behind a file system of Arrow; None where there is none."""
    return getattr(system, "handler", None)


def seen(system: Any, info: Any) -> tuple[int | None, int | None, str]:
    """Size, time of the last change, and ETag or another mark of the version of a file."""
    handler = handler_of(system)
    if isinstance(handler, fs.FSSpecHandler):
        known = handler.fs.info(info.path)
        return info.size, info.mtime_ns, next((str(known[name]) for name in MARKS if known.get(name)), "")
    version: Callable[[str], str] = getattr(handler, "version", lambda path: "")
    return info.size, info.mtime_ns, version(info.path)


@contextmanager
def reached(address: str) -> Iterator[None]:
    """A context in which a store answers; DataError where it does not, or not to us."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"cannot be reached; check the address and the credentials ({first_line(error)})", address
        ) from error
