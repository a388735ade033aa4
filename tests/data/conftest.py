"""One table, handed over as every kind of source."""

from __future__ import annotations

import bz2
import datetime
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

ROWS = 1000


@pytest.fixture(scope="session")
def table() -> pa.Table:
    rng = np.random.default_rng(7)
    gone = rng.random(ROWS) < 0.1
    day = datetime.date(2020, 1, 1)
    return pa.table(
        {
            "x": pa.array(rng.normal(size=ROWS), mask=gone),
            "i": pa.array(rng.integers(-50, 50, ROWS), mask=np.roll(gone, 1)),
            "s": pa.array(rng.choice(["red", "green", "blue, light", "gr\u00fcn"], ROWS), mask=np.roll(gone, 2)),
            "b": pa.array(rng.random(ROWS) < 0.5, mask=np.roll(gone, 3)),
            "d": pa.array([day + datetime.timedelta(days=int(k)) for k in rng.integers(0, 400, ROWS)]),
        }
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a table to a file; the name tells the format."""

    def written(table: Any, name: str, **options: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = table if isinstance(table, pa.Table) else pa.table(table)
        WRITERS[path.name.lstrip(".").partition(".")[2]](table, path, **options)
        return str(path)

    return written


def write_parquet(table: pa.Table, path: Path, **options: Any) -> None:
    pq.write_table(table, path, **{"row_group_size": 300, "write_page_checksum": True} | options)


def write_csv(table: pa.Table, path: Path) -> None:
    pc.write_csv(table, path)


def write_gzip(table: pa.Table, path: Path) -> None:
    with gzip.open(path, "wb") as file:
        pc.write_csv(table, file)


def write_bzip(table: pa.Table, path: Path) -> None:
    with bz2.open(path, "wb") as file:
        pc.write_csv(table, file)


def write_xz(table: pa.Table, path: Path) -> None:
    with lzma.open(path, "wb") as file:
        pc.write_csv(table, file)


def write_zstd(table: pa.Table, path: Path) -> None:
    with pa.CompressedOutputStream(path, "zstd") as file:
        pc.write_csv(table, file)


def write_file(table: pa.Table, path: Path, rows: int = 300, compression: str | None = None) -> None:
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=rows)


def write_stream(table: pa.Table, path: Path, rows: int = 300) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)


def write_orc(table: pa.Table, path: Path) -> None:
    pyarrow.orc.write_table(table, path, stripe_size=1024)


def write_lines(table: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist()))


def write_lines_gzip(table: pa.Table, path: Path) -> None:
    write_lines(table, path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def write_array(table: pa.Table, path: Path) -> None:
    path.write_text(json.dumps(table.to_pylist(), default=str))


WRITERS = {
    "orc": write_orc,
    "ndjson": write_lines,
    "jsonl.gz": write_lines_gzip,
    "json": write_array,
    "parquet": write_parquet,
    "csv": write_csv,
    "csv.gz": write_gzip,
    "csv.bz2": write_bzip,
    "csv.xz": write_xz,
    "csv.zst": write_zstd,
    "arrow": write_file,
    "feather": write_file,
    "ipc": write_stream,
}
