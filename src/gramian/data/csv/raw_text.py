"""The bytes of a text file, uncompressed: as a Python file, as an Arrow stream, and with its quotes counted.

Arrow's threads may keep a stream for a moment after its reader is gone. If the interpreter ends within that moment, a
thread that releases a Python object aborts the process. Therefore Arrow is given its own streams only.
"""

from __future__ import annotations

import gzip
import os
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from gramian.data.file import File

PIECE = 2**18  # bytes that are counted together: they fit into the cache of a core
QUOTE = ord('"')


def open_bytes(file: File) -> IO[bytes]:
    """The file as a Python file of bytes, uncompressed.

    Length and checksum of every member of a gzip are verified when its end is read.
    """
    return cast(IO[bytes], gzip.open(file.path) if is_gzip(file) else open(file.path, "rb"))


def open_stream(file: File) -> Any:
    """The file as an Arrow stream, uncompressed.

    Length and checksum of every member of a gzip are verified when its end is read.
    """
    raw = pa.OSFile(os.fsencode(file.path))
    return pa.CompressedInputStream(raw, "gzip") if is_gzip(file) else raw


def in_memory(data: bytes) -> Any:
    """A copy of some bytes, as an Arrow stream."""
    # copied into Arrow's own memory: a view of the bytes would be a Python object in Arrow's hands
    sink = pa.BufferOutputStream()
    sink.write(data)
    return pa.BufferReader(sink.getvalue())


def is_gzip(file: File) -> bool:
    """Whether the name of the file says that it is compressed."""
    return file.path.lower().endswith(".gz")


class Quotes:
    """Counts the quotes of a file while it is read by Arrow, or in blocks of rows.

    In well-formed CSV the number is even, except where a quote stands inside an unquoted value.

    Attributes
    ----------
    count : int
        Quotes counted so far.
    """

    def __init__(self, file: File, *, in_blocks: bool) -> None:
        # blocks are counted where they are read; what Arrow reads is read here once more
        self._stream = pa.BufferReader(b"") if in_blocks else open_stream(file)
        self.count = 0

    def __enter__(self) -> Quotes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def advance(self, size: int) -> bool:
        """Count the quotes in the next `size` bytes; False at the end of the file.

        The bytes were just read by another stream, so they come from the cache of the operating system.
        """
        for _ in range(0, size, PIECE):
            data = np.frombuffer(self._stream.read(PIECE), np.uint8)
            self.count += int(np.count_nonzero(data == QUOTE))
        return data.size > 0

    def drain(self) -> None:
        """Count the quotes in the rest of the file, so that the end of a gzip is verified."""
        while self.advance(PIECE):
            pass
