"""Row groups of remote Parquet files: the bytes of their columns by few large requests, several at a time, ahead.

The columns of neighbouring row groups often lie side by side (the last of one, the first of the next): a stretch of row
groups of a file is asked for together, and while it is decoded the next stretches are on their way.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pd
import pyarrow.parquet as pq

from gramian.data.dataset import Scan
from gramian.data.libraries.stretches import Stretch, chunks_of, joined

REQUESTS = max(4, 2 * (os.cpu_count() or 1))  # at a time: more than decoding keeps up with would only wait
STRETCH = 2**24  # bytes that are asked for together, unless one row group has more
AHEAD = 2**26  # bytes that are on their way or wait to be decoded, unless one stretch has more


class Fetched:
    """The bytes of a stretch, on their way.

    Attributes
    ----------
    stretch : Stretch
        Which ones.
    unread : set of int
        Numbers of row groups that have not been read to their ends.
    parts : list of Future
        The bytes of each range.
    """

    def __init__(self, stretch: Stretch, system: Any, pool: ThreadPoolExecutor) -> None:
        self.stretch, self.system, self.unread = stretch, system, set(stretch.units)
        self.lock = Lock()
        self.file: Any = None
        self.parts: list[Future[bytes]] = [pool.submit(self._part, place) for place in stretch.ranges]

    def _part(self, place: range) -> bytes:
        """The bytes of a range. Raises OSError where fewer came."""
        part = self.read_at(place.start, len(place))
        if len(part) != len(place):
            raise OSError(f"{len(place)} bytes were asked for, {len(part)} came")
        return part

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes of the file, by a request of their own."""
        with self.lock:
            self.file = self.file or self.system.open_input_file(self.stretch.path)
        part: bytes = self.file.read_at(size, start)
        return part

    def opened(self) -> Any:
        """The bytes as a file of Arrow, when they are there. Raises what a request raised."""
        parts = [memoryview(part.result()) for part in self.parts]
        return pa.PythonFile(Sparse([place.start for place in self.stretch.ranges], parts, self.read_at), mode="r")


class Sparse(io.RawIOBase):
    """A file of which some parts are known, and others asked for.

    Parameters
    ----------
    starts : sequence of int
        Where each part begins, in order.
    parts : sequence of memoryview
        Their bytes.
    read_at : callable
        What reads other bytes: place and number.
    """

    def __init__(
        self, starts: Sequence[int], parts: Sequence[memoryview], read_at: Callable[[int, int], bytes]
    ) -> None:
        self.starts, self.parts, self.read_at, self.place = starts, parts, read_at, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = self.starts[-1] + len(self.parts[-1]) if self.parts else 0
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: end}[whence]
        return self.place

    def read(self, size: int = -1) -> Any:
        """So many bytes from the place on; those that are known are not copied."""
        at = bisect_right(self.starts, self.place) - 1
        first = self.place - self.starts[at] if at >= 0 else 0
        piece = self.parts[at][first : first + size] if at >= 0 else b""
        if len(piece) < size:  # some files are said to need bytes behind a column, too
            piece = self.read_at(self.place, size)
        self.place += len(piece)
        return piece


class ReadAhead:
    """What is on its way from a file system, in the order of the row groups.

    Parameters
    ----------
    system : FileSystem
        Where the files are.
    scans : sequence of Scan
        All row groups, those of a file one after another.
    sizes : Mapping[str, int]
        Path -> bytes of the file.
    """

    def __init__(self, system: Any, scans: Sequence[Scan], sizes: Mapping[str, int]) -> None:
        self.system, self.scans, self.sizes = system, scans, sizes
        self.pool = ThreadPoolExecutor(REQUESTS, thread_name_prefix="gramian-requests")
        self.lock = Lock()
        self.columns: frozenset[str] = frozenset()
        self.fetched: dict[int, Fetched] = {}  # number of each row group -> what holds its bytes

    @contextmanager
    def reading(self, number: int, columns: Sequence[str]) -> Iterator[Any]:
        """A file of Arrow with these columns of a row group. Raises what a request raised.

        The bytes are let go when every row group of their stretch has been read, or could not be. They are kept where
        a reader ends before: who looks at the first rows reads the others soon.
        """
        with self.lock:
            fetched = self._asked_for(number, frozenset(columns))
        done: Iterable[int] = fetched.stretch.units
        try:
            yield fetched.opened()
            done = [number]
        except GeneratorExit:
            done = []
            raise
        finally:
            self._let_go(fetched, done)

    def _asked_for(self, number: int, columns: frozenset[str]) -> Fetched:
        """What holds the bytes of a row group; those of the next ones are asked for, too."""
        if columns != self.columns:
            self.columns, self.fetched = columns, {}
        for stretch in self._missing(number):
            self.fetched |= dict.fromkeys(stretch.units, Fetched(stretch, self.system, self.pool))
        return self.fetched[number]

    def _missing(self, number: int) -> Iterator[Stretch]:
        """Stretches from a row group on that are not on their way, as many as may be."""
        size, at = sum({id(one): one.stretch.size for one in self.fetched.values()}.values()), number
        # at the first row group there is nothing ahead: whoever looks at first rows may need no more
        while at < (len(self.scans) if number else 1):
            stretch = self.fetched[at].stretch if at in self.fetched else self._stretch(at)
            if at not in self.fetched:
                size += stretch.size
                if size > AHEAD and at != number:
                    return
                yield stretch
            at = stretch.units.stop

    def _let_go(self, fetched: Fetched, numbers: Iterable[int]) -> None:
        """Forget bytes that nobody needs any more."""
        with self.lock:
            fetched.unread.difference_update(numbers)
            if not fetched.unread:
                self.fetched = {n: other for n, other in self.fetched.items() if other is not fetched}

    def _stretch(self, number: int) -> Stretch:
        """The row groups from one on that are asked for together."""
        path, size, end = self.scans[number].part.path, 0, number
        places: list[range] = []
        while end < len(self.scans) and self.scans[end].part.path == path and end not in self.fetched:
            chunks = chunks_of(self.scans[end], self.columns, self.sizes[path])
            size += sum(map(len, chunks))
            if end > number and size > STRETCH:
                break
            places, end = places + chunks, end + 1
        return Stretch(range(number, end), path, joined(places))


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A row group as a fragment of a dataset has it, for a `Scan`: the bytes come from what was read ahead.

    Attributes
    ----------
    fragment : Any
        The fragment, of one row group.
    number : int
        Its number among all.
    ahead : ReadAhead
        What reads.
    keys : Mapping[str, Any]
        Columns that its path holds -> their values.
    """

    fragment: Any
    number: int
    ahead: ReadAhead
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def row_groups(self) -> Any:
        """As of a fragment."""
        return self.fragment.row_groups

    def to_batches(
        self, *, columns: Sequence[str], schema: Any, batch_size: int, use_threads: bool, **_: Any
    ) -> Iterator[Any]:
        """As of a fragment: the rows in order. schema : with the types of keys."""
        keys = [name for name in columns if name in self.keys]
        stored = [name for name in columns if name not in self.keys]
        footer, (group,) = self.fragment.metadata, self.fragment.row_groups
        with self.ahead.reading(self.number, stored) as file:
            reader = pq.ParquetFile(file, metadata=footer, pre_buffer=False, page_checksum_verification=True)
            for piece in reader.iter_batches(
                batch_size, row_groups=[group.id], columns=stored, use_threads=use_threads
            ):
                for name in keys:
                    value = pa.scalar(self.keys[name], schema.field(name).type)
                    piece = piece.append_column(name, pa.repeat(value, piece.num_rows))
                yield piece


def read_ahead(system: Any, scans: Sequence[Scan], sizes: Mapping[str, int]) -> tuple[Scan, ...]:
    """The same row groups of Parquet files, of which the bytes are read ahead. sizes : path -> bytes."""
    ahead = ReadAhead(system, scans, sizes)
    return tuple(replace(scan, part=_group(scan.part, number, ahead)) for number, scan in enumerate(scans))


def _group(fragment: Any, number: int, ahead: ReadAhead) -> Group:
    """A fragment that is read ahead."""
    stored = set(fragment.physical_schema.names)
    keys = pd.get_partition_keys(fragment.partition_expression)
    return Group(fragment, number, ahead, {name: value for name, value in keys.items() if name not in stored})
