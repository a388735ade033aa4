"""The bytes of a text file, uncompressed, with the quotes in them counted."""

from __future__ import annotations

import gzip
import io
from typing import IO, cast

from gramian.data.paths import File


def open_bytes(file: File) -> IO[bytes]:
    """A file opened for reading; of a gzip, length and checksum of every member are verified at its end."""
    return cast(IO[bytes], gzip.open(file.path) if is_gzip(file) else open(file.path, "rb"))


def open_text(file: File) -> Counted:
    """A file opened for a reader of CSV."""
    return Counted(open_bytes(file))


def is_gzip(file: File) -> bool:
    """Whether the name says that the file is compressed."""
    return file.path.lower().endswith(".gz")


class Counted(io.RawIOBase):
    """A stream that counts the quotes it hands out: in well-formed CSV, nearly always an even number."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.quotes += data.count(b'"')
        return data

    def drain(self) -> None:
        """Read what is left, so that the end of a gzip is verified."""
        while self.read(1 << 20):
            pass

    def close(self) -> None:
        self._stream.close()
        super().close()
