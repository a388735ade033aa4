"""The bytes of a text file, uncompressed: as a Python file, as an Arrow stream, and with its quotes counted.

Arrow's threads may keep a stream for a moment after its reader is gone. If the interpreter ends within that moment, a
thread that releases a Python object aborts the process. Therefore Arrow is given its own streams only.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


def in_utf8(data: bytes, encoding: str) -> bytes:
    """Complete lines in another encoding as UTF-8. Raises UnicodeDecodeError for bytes that are no such text."""
    return data if encoding == "utf-8" else data.decode(encoding).encode()


def row_blocks(file: File, encoding: str, size: int, quotes: Quotes) -> Iterator[Any]:
    """The text of a file as UTF-8, in Arrow streams of complete rows of about `size` bytes; its quotes are counted.

    So no thread of Arrow calls Python's decoder. The next block is read while one is used. Raises ArrowInvalid for a
    row of more than two blocks, as Arrow does: behind a quote that is never closed all of the file is one row.
    """
    blocks = _row_blocks(file, encoding, size, quotes)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block


def _row_blocks(file: File, encoding: str, size: int, quotes: Quotes) -> Iterator[Any]:
    """The blocks of `row_blocks`, without a thread."""
    rest = b""
    with open_bytes(file) as stream:
        while data := stream.read(size):
            quotes.count += data.count(b'"')
            rest += data
            end = _rows_end(rest)
            if end:
                yield in_memory(in_utf8(rest[:end], encoding))
                rest = rest[end:]
            if len(rest) > 2 * size:  # in Arrow's words, which the search for the line at fault knows
                raise pa.ArrowInvalid("CSV parser got out of sync: a row straddles more than two blocks")
        if rest:
            yield in_memory(in_utf8(rest, encoding))


def _rows_end(data: bytes) -> int:
    """Length of the complete rows of a piece of CSV that begins outside quotes."""
    end = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    # an odd number of quotes: the line end is inside a quoted value
    while end and quotes % 2:
        before = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', before, end)
        end = before
    return end


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
