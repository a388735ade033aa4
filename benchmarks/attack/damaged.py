"""Damaged files: the answer of the undamaged one, a refusal, or that of what a strict reader finds in the file.

Bits are flipped, bytes replaced, pieces cut out, ends cut off, files joined: CSV, gzip, Parquet with and without
checksums and dictionaries, Arrow IPC and streams, alone and beside a sound file. Where there is an answer and it is
not that of the sound file, the whole file is read by a reader that knows nothing of gramian (`csv` and `gzip` of
Python; Arrow with every value checked), and the same model of these rows has to be the same. Where a check sum
stands in the file, no other content is taken.

    cd benchmarks && python -m attack.damaged --size 100
"""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as pi
import pyarrow.parquet as pq
from attack.verdicts import RIGHT, SILENT, Verdict, main
from numpy.typing import NDArray

import gramian as gm

ROWS = 240
FORMULA = "y ~ x + k + f"
COLUMNS = ("y", "x", "k", "f")
MISSING = ("", "NA", "NULL", "null", "NaN", "nan")
ALIKE = 1e-7  # relative: other batches, other sums
Bytes = Callable[[pa.Table], bytes]
Strict = Callable[[bytes], pa.Table]


@cache
def sound(seed: int) -> pa.Table:
    """Rows of an outcome, a real column, a whole one with missing values, and a factor."""
    rng = np.random.default_rng(seed)
    x = rng.normal(10.0, 2.0, ROWS).round(4)
    k = pa.array(rng.integers(0, 50, ROWS), mask=rng.random(ROWS) < 0.03)
    f = rng.choice(["red", "green", "blue, or so"], ROWS)
    return pa.table({"y": (2 * x + rng.standard_normal(ROWS)).round(5), "x": x, "k": k, "f": f})


def csv_bytes(table: pa.Table) -> bytes:
    """Every text in quotes, missing values as nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return text.getvalue().encode()


END = "the end"  # a line after the last one


def strict_csv(data: bytes) -> pa.Table:
    """What Python's own reader finds, if all lines are as long as the first and all quotes are closed."""
    *lines, last = [line for line in csv.reader(io.StringIO(data.decode() + f"\n{END}", newline="")) if line]
    if last != [END]:  # it is part of a value; a quote inside a value that is not quoted opens nothing
        raise ValueError("a quote that is not closed")
    names, rows = lines[0], lines[1:]
    if any(len(row) != len(names) for row in rows) or len(set(names)) != len(names):
        raise ValueError("lines of other lengths")
    return pa.table({name: typed([row[i] for row in rows]) for i, name in enumerate(names)})


def typed(texts: list[str]) -> pa.Array:
    """Numbers where all are, else texts; nothing is missing."""
    present: list[str | None] = [
        text if text not in ("", "NA", "NULL", "null", "NaN", "nan") else None for text in texts
    ]
    try:
        return pa.array([None if text is None else float(text.replace("_", "?")) for text in present], pa.float64())
    except ValueError:
        return pa.array(present, pa.string())


def parquet_bytes(**options: Any) -> Bytes:
    """A file of several row groups and pages."""

    def written(table: pa.Table) -> bytes:
        file = pa.BufferOutputStream()
        pq.write_table(table, file, row_group_size=100, data_page_size=400, **options)
        return bytes(file.getvalue())

    return written


def strict_parquet(data: bytes) -> pa.Table:
    """All values, and as many as the footer says."""
    reader = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    table = reader.read()
    footer = reader.metadata
    if not table.num_rows == footer.num_rows == sum(footer.row_group(i).num_rows for i in range(footer.num_row_groups)):
        raise ValueError("other numbers of rows")
    return table


def ipc_bytes(stream: bool = False, **options: Any) -> Bytes:
    """An IPC file or a stream of several record batches."""

    def written(table: pa.Table) -> bytes:
        file = pa.BufferOutputStream()
        make = pi.new_stream if stream else pi.new_file
        with make(file, table.schema, options=pi.IpcWriteOptions(**options)) as writer:
            writer.write_table(table, max_chunksize=100)
        return bytes(file.getvalue())

    return written


def strict_ipc(data: bytes) -> pa.Table:
    """All record batches."""
    return pi.open_file(pa.BufferReader(data)).read_all()


def strict_stream(data: bytes) -> pa.Table:
    """All record batches up to the end mark, which has to be there and the last thing."""
    if data[-8:] != b"\xff\xff\xff\xff\0\0\0\0":
        raise ValueError("no end mark at the end")
    source = pa.BufferReader(data)
    table = pi.open_stream(source).read_all()
    if source.tell() != len(data):
        raise ValueError("bytes after the end mark")
    return table


# ending, writer, strict reader, and whether all bytes have check sums
KINDS: dict[str, tuple[str, Bytes, Strict, bool]] = {
    "CSV": (".csv", csv_bytes, strict_csv, False),
    "CSV, gzip": (
        ".csv.gz", lambda table: gzip.compress(csv_bytes(table), mtime=0),
        lambda data: strict_csv(gzip.decompress(data)), True,
    ),
    "Parquet": (".parquet", parquet_bytes(compression="none"), strict_parquet, False),
    "Parquet, checksums": (".parquet", parquet_bytes(write_page_checksum=True), strict_parquet, False),
    "Parquet, no dictionaries": (".parquet", parquet_bytes(use_dictionary=False), strict_parquet, False),
    "Arrow IPC": (".arrow", ipc_bytes(), strict_ipc, False),
    "Feather, zstd": (".feather", ipc_bytes(compression="zstd"), strict_ipc, False),
    "Arrow stream": (".arrows", ipc_bytes(stream=True), strict_stream, False),
}  # fmt: skip


def damage(rng: np.random.Generator, data: bytes, other: bytes) -> tuple[bytes, str]:
    """Damaged bytes, and what was done."""
    out, kind = bytearray(data), int(rng.integers(7))
    where = int(rng.integers(len(out))) if rng.random() < 0.7 else len(out) - 1 - int(rng.integers(min(400, len(out))))
    length = int(2 ** rng.uniform(0, 9))
    match kind:
        case 0:
            out[where] ^= 1 << int(rng.integers(8))
        case 1:
            for place in rng.integers(len(out), size=int(rng.integers(2, 6))):
                out[place] ^= 1 << int(rng.integers(8))
        case 2:
            out[where : where + length] = rng.bytes(length)
        case 3:
            del out[where:]
        case 4:
            del out[where : where + length]
        case 5:
            out[where:where] = out[max(where - length, 0) : where]
        case _:
            out += other if rng.random() < 0.5 else other[int(rng.integers(len(other))) :]
    action = ("one bit flipped", "bits flipped", "noise", "cut off", "cut out", "repeated", "joined")[kind]
    return bytes(out), f"{action} at {where}, {length} bytes"


def facts(fit: Any) -> tuple[list[str], NDArray[np.float64]]:
    """Names and numbers of a fit that must not change: rows, those left out, coefficients and their errors."""
    counts = [float(fit.rows), float(sum(fit.dropped_rows.values()))]
    return list(fit.names), np.array([*counts, *fit.coefficients, *fit.std_errors])


def by_fit(source: Any) -> Any:
    return facts(gm.ols(FORMULA, source))


def by_gram(source: Any) -> Any:
    return facts(gm.gram(FORMULA, source).ols())


def by_absorbing(source: Any) -> Any:
    return facts(gm.ols("y ~ x + k | f", source))


def by_predicting(source: Any) -> Any:
    return [], fitted().predict(source)


@cache
def fitted() -> Any:
    """The fit of the sound rows."""
    return gm.ols(FORMULA, sound(1))


USES = (by_fit, by_gram, by_absorbing, by_predicting)


def same(found: Any, expected: Any) -> bool:
    """Whether names and numbers agree."""
    (names, values), (right_names, right) = found, expected
    return names == right_names and values.shape == right.shape and np.allclose(
        values, right, ALIKE, 1e-9, equal_nan=True
    )  # fmt: skip


def attack_on(kind: str) -> Callable[[int], Verdict]:
    """The attack on one kind of file."""
    ending, writer, strict, summed = KINDS[kind]

    def attack(number: int) -> Verdict:
        rng = np.random.default_rng([29, number])
        whole, beside = writer(sound(1)), bool(rng.random() < 0.3)
        data, action = damage(rng, whole, writer(sound(int(rng.integers(1, 3)))))
        use = USES[int(rng.integers(len(USES)))]
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / f"a{ending}"
            path.write_bytes(data)
            if beside:
                (Path(folder) / f"b{ending}").write_bytes(writer(sound(3)))
            found = use(folder if beside else path)  # a refusal ends here
            more = [sound(3)] if beside else []
            what = f"{use.__name__}, {action}{', beside a sound file' if beside else ''}"
            return compared(use, found, more, (lambda: strict(data)), what, summed and len(data) <= len(whole))

    return attack


def compared(
    use: Callable[[Any], Any], found: Any, more: list[pa.Table], strict: Callable[[], pa.Table], what: str, summed: bool
) -> Verdict:
    """Right if it is the answer of the sound file, or of what a strict reader finds."""
    if same(found, use(pa.concat_tables([sound(1), *more]))):
        return Verdict(RIGHT)
    if summed:
        return Verdict(SILENT, f"{what}: other content in spite of a check sum")
    try:
        names = COLUMNS[1:] if use is by_predicting else COLUMNS  # those that are read
        table = strict().select(names)
        table.validate(full=True)  # every value
        table = pa.concat_tables([table, *(other.select(names) for other in more)], promote_options="permissive")
        expected = use(table)
    except Exception as error:
        return Verdict(SILENT, f"{what}: an answer where a strict reader has {type(error).__name__}: {error}"[:300])
    if same(found, expected):
        return Verdict(RIGHT)
    return Verdict(SILENT, f"{what}: {found} where a strict reader finds {table.num_rows} rows and {expected}")


ATTACKS = {kind: attack_on(kind) for kind in KINDS}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 100)
