"""Copies of streams of bytes in temporary folders that live as long as the units that read them."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gramian.batch import Batch, WrappedUnit
from gramian.data.paths import COMPRESSED, kind_of

# how a file begins -> what its name ends in; text is CSV, unless it begins as JSON
MAGIC = (
    (b"PAR1", ".parquet"),
    (b"ARROW1", ".arrow"),
    (b"\xff\xff\xff\xff", ".arrow"),
    (b"ORC", ".orc"),
    (b"\x1f\x8b", ".csv.gz"),
    (b"BZh", ".csv.bz2"),
    (b"\xfd7zXZ\x00", ".csv.xz"),
    (b"\x28\xb5\x2f\xfd", ".csv.zst"),
)
HEAD = 1024  # bytes that tell a format
PIECE = 2**20


class Folder:
    """A temporary folder that is deleted with this object.

    Attributes
    ----------
    name : str
        Its path.
    """

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="gramian-")
        weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)


@dataclass(frozen=True, slots=True, eq=False)
class OfCopy(WrappedUnit):
    """A unit of a copy.

    Attributes
    ----------
    unit : Unit
        The unit.
    folder : Folder
        The folder with the copy, which is deleted with the last unit.
    """

    folder: Folder

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order."""
        return iter(self.unit.batches(columns, parallel=parallel))


def copy_stream(read: Callable[[int], bytes | str], path: str) -> int:
    """Write all that a function hands over, piece by piece, into a new file; how many bytes that were."""
    written = 0
    with open(path, "wb") as file:
        while piece := read(PIECE):
            written += file.write(piece.encode() if isinstance(piece, str) else piece)
    return written


def with_suffix(path: str) -> str:
    """The path of a copy, renamed to end as its format does, by its first bytes, where its own name says otherwise."""
    found = suffix_of(path)
    if kind_of(path) is not None and _compression(path) == _compression(found):
        return path
    os.rename(path, path + found)
    return path + found


def _compression(path: str) -> str:
    """How a file is compressed, by its name; empty where it is not."""
    extension = os.path.splitext(path)[1].lower()
    return extension if extension in COMPRESSED else ""


def suffix_of(path: str) -> str:
    """What the name of a file should end in, by its first bytes."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    text = ".json" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else ".csv"
    return next((suffix for magic, suffix in MAGIC if head.startswith(magic)), text)
