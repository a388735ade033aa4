"""Files of web servers as a file system of Arrow: read by ranges of bytes, each of the version that was seen first."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from time import sleep
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pyarrow as pa
from pyarrow import fs

from gramian.errors import DataError, first_line
from gramian.version import __version__

TRIES = 4
WAIT = 0.5  # seconds before the second try; twice as many before each further one
TIMEOUT = 60.0  # seconds without a byte
BLOCK = 2**23  # bytes of one request where a whole file is read
TRANSIENT = (408, 429, 500, 502, 503, 504)
GONE, FORBIDDEN, PAST_END = (404, 410), (401, 403), 416
CHANGED = "has changed while it was being read; start again when nothing writes to it"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server says of a file.

    Attributes
    ----------
    size : int or None
        Bytes; None where the server does not say it.
    version : str
        Its ETag, or the time of its last change as the server writes it.
    changed : datetime or None
        That time.
    ranges : bool
        Whether the server sends parts of it.
    """

    size: int | None
    version: str
    changed: Any
    ranges: bool


@dataclass(slots=True, eq=False)
class Web(fs.FileSystemHandler):  # type: ignore[misc]
    """Files by their addresses; nothing is listed, and nothing written.

    Attributes
    ----------
    seen : dict
        Address -> what was seen first: what is read must be of this version.
    latest : dict
        Address -> what was seen last.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    latest: dict[str, Seen] = field(default_factory=dict)

    def get_type_name(self) -> str:
        return "web"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[Any]:
        """Facts of files, asked for anew."""
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> Any:
        """Facts of one file."""
        seen = look(path)
        if seen is None:
            return fs.FileInfo(path, fs.FileType.NotFound)
        self.latest[path] = seen
        self.seen.setdefault(path, seen)
        return fs.FileInfo(path, fs.FileType.File, mtime=seen.changed, size=seen.size)

    def version(self, path: str) -> str:
        """What tells the version of a file, as it was seen last."""
        return self.latest[path].version

    def in_ranges(self, path: str) -> bool:
        """Whether the server sends parts of a file."""
        return self.seen[path].ranges

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(Ranges(path, self.seen[path]), mode="r")

    def open_input_stream(self, path: str) -> Any:
        """A file from its beginning to its end: by large ranges, each of which is tried again, or in one answer."""
        seen = self.seen[path]
        if seen.ranges:
            return pa.PythonFile(io.BufferedReader(Ranges(path, seen), BLOCK), mode="r")
        with explained(path):
            return pa.PythonFile(tried(lambda: checked(path, ask(path), seen)), mode="r")

    def _refuse(self, *_: object) -> Any:
        raise NotImplementedError("files of web servers are read only, by their addresses")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse


class Ranges(io.RawIOBase):
    """A file of a web server, of which only the bytes that are asked for are read."""

    def __init__(self, url: str, seen: Seen) -> None:
        self.url, self.seen, self.place, self.end = url, seen, 0, seen.size or 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.end}[whence]
        return self.place

    def readinto(self, buffer: Any) -> int:
        first, last = self.place, min(self.place + len(buffer), self.end) - 1
        if last < first:
            return 0
        with explained(self.url):
            buffer[: last + 1 - first] = tried(lambda: self._part(first, last))
        self.place = last + 1
        return last + 1 - first

    def _part(self, first: int, last: int) -> bytes:
        """The bytes from one place to another, both included. Raises HTTPException where fewer came."""
        with checked(self.url, ask(self.url, (first, last)), self.seen) as answer:
            part: bytes = answer.read()
        if len(part) != last + 1 - first:
            raise HTTPException(f"{last + 1 - first} bytes were asked for, {len(part)} came")
        return part


def ask(url: str, part: tuple[int, int] | None = None) -> Any:
    """The answer to a request for a file, or for the bytes from one place to another."""
    headers = {"User-Agent": f"gramian/{__version__}", "Accept-Encoding": "identity"}
    if part is not None:
        headers["Range"] = f"bytes={part[0]}-{part[1]}"
    return urlopen(Request(url, headers=headers), timeout=TIMEOUT)


def look(url: str) -> Seen | None:
    """What a server says of a file, by a request for its first byte; None where there is no such file.

    A request for the facts alone (HEAD) is refused for addresses that were signed for reading.
    """
    with explained(url):
        try:
            with tried(lambda: ask(url, (0, 0))) as answer:
                return _seen(url, answer)
        except HTTPError as error:
            if error.code == PAST_END:  # an empty file has no first byte
                return Seen(0, "", None, ranges=True)
            if error.code in GONE:
                return None
            raise


@contextmanager
def explained(url: str) -> Iterator[None]:
    """A context in which what a server answers, or fails to, becomes a DataError."""
    try:
        yield
    except HTTPError as error:
        if error.code in (*GONE, PAST_END):
            raise DataError(CHANGED, url) from error
        hint = "; check the address, and whether it needs a signature" if error.code in FORBIDDEN else ""
        raise DataError(f"the server refuses it ({error.code} {error.reason}){hint}", url) from error
    except (OSError, HTTPException) as error:
        raise DataError(f"cannot be read from the server, tried {TRIES} times ({first_line(error)})", url) from error


def _seen(url: str, answer: Any) -> Seen:
    """What an answer says of its file. Raises DataError for a page to look at."""
    if answer.headers.get_content_type() == "text/html":
        raise DataError("is a page of a web server (text/html), no file of data", url)
    changed, ranges = answer.headers.get("Last-Modified"), answer.status == 206
    size = answer.headers.get("Content-Range", "").rpartition("/")[2] if ranges else answer.headers["Content-Length"]
    return Seen(
        int(size) if size and size.isdecimal() else None,
        answer.headers.get("ETag") or changed or "",
        _time(changed),
        ranges and bool(size) and size.isdecimal(),
    )


def _time(text: str | None) -> Any:
    """A time as servers write it; None for anything else."""
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(text or "")
    return None


def checked(url: str, answer: Any, seen: Seen) -> Any:
    """An answer of the version that was seen. Raises DataError for another one."""
    now = _seen(url, answer)
    if (now.size, now.version, now.ranges) != (seen.size, seen.version, seen.ranges):
        answer.close()
        raise DataError(CHANGED, url)
    return answer


def tried(action: Callable[[], T]) -> T:
    """What an action gives, tried again after a moment where a server is busy or a connection breaks."""
    for attempt in range(TRIES):
        try:
            return action()
        except HTTPError as error:
            error.close()
            if error.code not in TRANSIENT or attempt == TRIES - 1:
                raise
        except (OSError, HTTPException):
            if attempt == TRIES - 1:
                raise
        sleep(WAIT * 2**attempt)
    raise AssertionError("unreachable")
