"""The bytes of a text file, uncompressed: as a file of Python, as a stream for Arrow, and with the quotes counted.

Arrow's threads may hold on to a stream for a moment longer than whoever reads it. When the interpreter ends within that
moment, a thread that lets go of an object of Python aborts the process. So Arrow gets streams of its own only.
"""

from __future__ import annotations

import gzip
import os
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from gramian.data.paths import File

PIECE = 2**18  # bytes that are counted together: they stay in the cache of a core
QUOTE = ord('"')


def open_bytes(file: File) -> IO[bytes]:
    """A file opened for Python; of a gzip, length and checksum of every member are verified at its end."""
    return cast(IO[bytes], gzip.open(file.path) if is_gzip(file) else open(file.path, "rb"))


def open_stream(file: File) -> Any:
    """A file opened for Arrow; of a gzip, length and checksum of every member are verified at its end."""
    raw = pa.OSFile(os.fsencode(file.path))
    return pa.CompressedInputStream(raw, "gzip") if is_gzip(file) else raw


def in_memory(data: bytes) -> Any:
    """A copy of some bytes, opened for Arrow."""
    sink = pa.BufferOutputStream()
    sink.write(data)
    return pa.BufferReader(sink.getvalue())


def is_gzip(file: File) -> bool:
    """Whether the name says that the file is compressed."""
    return file.path.lower().endswith(".gz")


class Quotes:
    """Counts the quotes of a file, beside whoever reads it: in well-formed CSV, nearly always an even number."""

    def __init__(self, file: File) -> None:
        self._stream = open_stream(file)
        self.found = 0

    def __enter__(self) -> Quotes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def advance(self, size: int) -> bool:
        """Count in the next `size` bytes, which the system holds when another has just read them; False at the end."""
        for _ in range(0, size, PIECE):
            data = np.frombuffer(self._stream.read(PIECE), np.uint8)
            self.found += int(np.count_nonzero(data == QUOTE))
        return data.size > 0

    def drain(self) -> None:
        """Count in what is left, so that the end of a gzip is verified."""
        while self.advance(PIECE):
            pass
