"""The bytes of a text file, uncompressed: as a Python file, as an Arrow stream, and with its quotes counted.

Arrow's threads may keep a stream for a moment after its reader is gone. If the interpreter ends within that moment, a
thread that releases a Python object aborts the process. Therefore Arrow is given its own streams only.
"""

from __future__ import annotations

import io
import os
from importlib import import_module
from typing import IO, Any, NamedTuple, cast

import numpy as np
import pyarrow as pa

from gramian.data.file import File

PIECE = 2**18  # bytes that are counted together: they fit into the cache of a core
QUOTE = ord('"')


class Compression(NamedTuple):
    """How a file may be compressed.

    Attributes
    ----------
    magic : bytes
        How such a file begins.
    codec : str or None
        Its name in Arrow.
    module : str or None
        The module of Python that opens it.
    """

    magic: bytes
    codec: str | None
    module: str | None


COMPRESSIONS = {
    ".gz": Compression(b"\x1f\x8b", "gzip", "gzip"),
    ".bz2": Compression(b"BZh", "bz2", "bz2"),
    ".xz": Compression(b"\xfd7zXZ\x00", None, "lzma"),
    ".zst": Compression(b"\x28\xb5\x2f\xfd", "zstd", None),
}


def open_bytes(file: File) -> IO[bytes]:
    """The file as a Python file of bytes, uncompressed.

    Lengths and checksums of compressed files are verified when their end is read.
    """
    compression = compression_of(file)
    if compression is None:
        return open(file.path, "rb")
    if compression.module is None:
        return cast(IO[bytes], io.BufferedReader(open_stream(file)))
    return cast(IO[bytes], import_module(compression.module).open(file.path))


def open_stream(file: File) -> Any:
    """The file as a stream of bytes, uncompressed: one of Arrow, but for xz, which Arrow does not know.

    Lengths and checksums of compressed files are verified when their end is read.
    """
    compression = compression_of(file)
    if compression is not None and compression.codec is None:
        return open_bytes(file)
    raw = pa.OSFile(os.fsencode(file.path))
    return raw if compression is None else pa.CompressedInputStream(raw, compression.codec)


def in_memory(data: bytes) -> Any:
    """A copy of some bytes, as an Arrow stream."""
    # copied into Arrow's own memory: a view of the bytes would be a Python object in Arrow's hands
    sink = pa.BufferOutputStream()
    sink.write(data)
    return pa.BufferReader(sink.getvalue())


def compression_of(file: File) -> Compression | None:
    """How a file is compressed, by its name; None where it is not."""
    return COMPRESSIONS.get(os.path.splitext(file.path)[1].lower())


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
