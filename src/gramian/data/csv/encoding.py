"""Text in any encoding as UTF-8, piece by piece."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import IO

from gramian.data.csv.dialect import UTF8

Recode = Callable[[bytes, bool], bytes]  # the next bytes of a text, and whether they are the last ones, to UTF-8


def recoder(encoding: str) -> Recode:
    """Makes UTF-8 of the pieces of a text. Raises UnicodeDecodeError for bytes that are no such text."""
    if encoding == UTF8:
        return lambda data, last: data
    decode = codecs.getincrementaldecoder(encoding)().decode
    return lambda data, last: decode(data, last).encode()


class Utf8Reader:
    """Reads a text in another encoding as UTF-8.

    Parameters
    ----------
    raw : file object
        The text.
    encoding : str
        Its encoding.
    """

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self.raw, self.recode, self.rest, self.ended = raw, recoder(encoding), b"", False

    def read(self, size: int) -> bytes:
        """The next `size` bytes of UTF-8; fewer at the end only."""
        while len(self.rest) < size and not self.ended:
            data = self.raw.read(size)
            self.ended = not data
            self.rest += self.recode(data, self.ended)
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece
