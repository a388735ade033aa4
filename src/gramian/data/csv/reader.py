"""Source over CSV: a unit is a file, with types from a sample.

A value that does not fit the type of its column is an error that names the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from gramian.batch import Batch, batch_rows
from gramian.data.columns import family
from gramian.data.csv.dialect import UTF8, Dialect
from gramian.data.csv.errors import first_fault, unclosed, unclosed_quote
from gramian.data.csv.raw_text import Quotes, compression_of, open_stream
from gramian.data.csv.row_blocks import row_blocks
from gramian.data.csv.sample import conversion, parsing, plain_numbers, sample
from gramian.data.file import File, FileInfo
from gramian.data.read_errors import READ_ERRORS
from gramian.data.unify_schema import duplicates
from gramian.errors import GramianError

BLOCK = 2**22  # bytes that are parsed together
UNKNOWN = Dialect()
TEXT = pa.dictionary(pa.int32(), pa.string())


def inspect(file: File, asked: Dialect = UNKNOWN) -> FileInfo:
    """Columns of a file: names from the first line, types from a sample. asked : what is known of its dialect."""
    sampled = sample(file, asked)
    unusable = duplicates(sampled.names)
    return FileInfo(file, sampled.types, unusable, sampled.rows, dialect=sampled.dialect, examples=sampled.examples)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> Iterator[Table]:
    """The file as one unit, or none where it has no rows.

    A column without values in the sample has the type that it has in the other files.
    """
    if info.rows == 0:
        return
    types = {name: agreed.get(name) if pa.types.is_null(kind) else kind for name, kind in info.types.items()}
    typed_columns = tuple((name, kind if kind is not None else pa.null()) for name, kind in types.items())
    yield Table(info.file, typed_columns, info.dialect)


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file.

    Attributes
    ----------
    file : File
        The file.
    types : tuple of (str, Any)
        Column -> Arrow type that its values must have. A tuple, so that the unit can be hashed.
    dialect : Dialect
        Its delimiter.
    """

    file: File
    types: tuple[tuple[str, Any], ...]
    dialect: Dialect

    @property
    def name(self) -> str:
        """The file."""
        return self.file.label

    @property
    def rows(self) -> int | None:
        """Not known before it is read."""
        return None

    @property
    def size(self) -> int:
        """Bytes of the file, as it is stored (compressed or not)."""
        return self.file.size

    def portable(self, columns: Sequence[str]) -> Table:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError with the line of a value that does not fit its column."""
        in_file = self.file.stored(columns)
        # without columns (y ~ 1 on keys of folders) the first is read, to count the rows
        read = {name: kind for name, kind in self.types if name in in_file} or {self.types[0][0]: pa.string()}
        first = 0
        for piece in self._pieces(read, parallel):
            for at in range(0, piece.num_rows, step := batch_rows(len(columns))):
                rows = piece.slice(at, step)
                yield self.file.batch(rows, columns, self.name, first)
                first += rows.num_rows

    def _pieces(self, read: Mapping[str, Any], parallel: bool) -> Iterator[Any]:
        """Record batches of the file, with its faults as DataError."""
        self.file.check()
        names = [name for name, _ in self.types]
        with Quotes(self.file, in_blocks=_in_blocks(self.file, self.dialect)) as quotes:
            try:
                for piece in _parsed(self.file, read, names, self.dialect, quotes, parallel=parallel):
                    # beside the parser, which does not report a quote that is never closed near the end of a file
                    quotes.advance(BLOCK)
                    yield piece
                quotes.drain()
            except GramianError:
                raise
            except READ_ERRORS as error:
                self.file.check()
                raise first_fault(self.file, self.dialect, read, error) from error
            self.file.check()
            # reading once more costs time, so only where the number of quotes is odd
            if quotes.count % 2 and (line := unclosed_quote(self.file, self.dialect)):
                raise unclosed(self.file, line)


def _parsed(
    file: File, read: Mapping[str, Any], names: Sequence[str], dialect: Dialect, quotes: Quotes, *, parallel: bool
) -> Iterator[Any]:
    """A record batch for each block.

    The stream is not closed here, because Arrow may still read ahead: it closes when its last owner releases it.
    """
    in_blocks = _in_blocks(file, dialect)
    grouped = {name for name, kind in read.items() if dialect.thousands and family(kind) in ("integer", "float")}
    types = {name: TEXT if family(kind) == "text" else kind for name, kind in read.items()}
    types |= dict.fromkeys(grouped, pa.string())
    streams = row_blocks(file, dialect, BLOCK, quotes) if in_blocks else [open_stream(file)]
    for number, stream in enumerate(streams):
        for piece in pc.open_csv(
            stream,
            # only the first stream begins with the names, if the file does
            read_options=pc.ReadOptions(
                use_threads=parallel,
                block_size=max(BLOCK, stream.size()) if in_blocks else BLOCK,
                column_names=None if dialect.named and not number else list(names),
                skip_rows=0 if number else dialect.skipped,
            ),
            parse_options=parsing(dialect),
            convert_options=conversion(dialect, column_types=types, include_columns=list(read)),
        ):
            yield _ungrouped(piece, read, grouped, dialect) if grouped else piece


def _in_blocks(file: File, dialect: Dialect) -> bool:
    """Whether a file is unpacked or decoded before Arrow parses it."""
    return compression_of(file) is not None or dialect.encoding != UTF8


def _ungrouped(piece: Any, read: Mapping[str, Any], grouped: set[str], dialect: Dialect) -> Any:
    """A record batch with numbers in the place of texts with marks of thousands."""
    columns = [
        plain_numbers(piece.column(name), dialect).cast(kind) if name in grouped else piece.column(name)
        for name, kind in read.items()
    ]
    return pa.record_batch(columns, names=list(read))
