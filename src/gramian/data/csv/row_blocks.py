"""A CSV file that is compressed, or in another encoding than UTF-8, as blocks of complete rows in UTF-8.

It is unpacked and decoded once. A row ends where Arrow's parser ends it: a quote opens a value only where it is the
first character of a field, and a quote inside other values is a character like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.data.csv.dialect import Dialect
from gramian.data.csv.encoding import recoder
from gramian.data.csv.raw_text import QUOTE, Quotes, in_memory, open_stream
from gramian.data.file import File
from gramian.typing import Codes

LINE_ENDS = tuple(b"\r\n")


def row_blocks(file: File, dialect: Dialect, size: int, quotes: Quotes) -> Iterator[Any]:
    """The text of a file as UTF-8, in Arrow streams of complete rows of about `size` bytes; its quotes are counted.

    So no thread of Arrow calls Python's decoder. The next block is read while one is used. Raises ArrowInvalid for a
    row of more than two blocks, as Arrow does: behind a quote that is never closed all of the file is one row.
    """
    blocks = _row_blocks(file, dialect, size, quotes)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block


def _row_blocks(file: File, dialect: Dialect, size: int, quotes: Quotes) -> Iterator[Any]:
    """The blocks of `row_blocks`, without a thread."""
    rest, recode, delimiter = b"", recoder(dialect.encoding), (dialect.delimiter or ",").encode()
    skips = dialect.skipped > 0  # then blank lines at the beginning count
    with open_stream(file) as stream:
        while data := stream.read(size):
            text = recode(data, False)
            quotes.count += text.count(b'"')
            rest += text
            end = rows_end(rest, delimiter)
            if rest[:end].strip(b"\r\n"):
                yield in_memory(rest[:end])
                rest, skips = rest[end:], False
            elif not skips:
                rest = rest[end:]  # blank lines, of which Arrow cannot make a block
            if len(rest) > 2 * size:  # in Arrow's words, which the search for the line at fault knows
                raise pa.ArrowInvalid("CSV parser got out of sync: a row straddles more than two blocks")
        if (rest := rest + recode(b"", True)).strip(b"\r\n"):
            yield in_memory(rest)


def rows_end(text: bytes, delimiter: bytes) -> int:
    """Length of the complete rows of a piece of CSV that begins with a row; 0 where none is complete."""
    if (last := _last_line_end(text, len(text))) < 0 or b'"' not in text:
        return last + 1
    starts, ends = quoted_spans(text, delimiter)
    while last >= 0 and (span := int(np.searchsorted(starts, last)) - 1) >= 0 and last < ends[span]:
        last = _last_line_end(text, int(starts[span]))
    return last + 1


def _last_line_end(text: bytes, stop: int) -> int:
    """Position of the last line end before `stop`, -1 without any."""
    if (found := text.rfind(b"\n", 0, stop)) >= 0:
        return found
    # old files end lines with carriage returns alone; at the end of a piece a line feed may follow
    return text.rfind(b"\r", 0, min(stop, len(text) - 1))


def quoted_spans(text: bytes, delimiter: bytes) -> tuple[Codes, Codes]:
    """First and last position of every quoted value; one that is still open ends behind the text."""
    data = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(data == QUOTE)
    first = np.isin(data[places - 1], (*LINE_ENDS, *delimiter)) | (places == 0)  # quotes that begin a field
    starts, ends = places[0::2], places[1::2]
    # two quotes in a quoted value are one: it seems to end and to begin again at once
    again = np.concatenate(([False], starts[1:] == ends[: len(starts) - 1] + 1))
    if not (first[0::2] | again).all():
        starts, ends = _spans_beside_strays(places.tolist(), first.tolist())
    return starts, ends if len(ends) == len(starts) else np.append(ends, len(text))


def _spans_beside_strays(places: list[int], first: list[bool]) -> tuple[Codes, Codes]:
    """The spans where quotes stand inside values that are not quoted, one after the other.

    places : positions of all quotes. first : which of them begin a field.
    """
    starts, ends, i = list[int](), list[int](), 0
    while i < len(places):
        if first[i]:
            starts.append(places[i])
            i += 1
            while i + 1 < len(places) and places[i + 1] == places[i] + 1:
                i += 2
            ends += places[i : i + 1]
        i += 1
    return np.array(starts, np.int64), np.array(ends, np.int64)
