"""Keyed moments on every engine: the same bits, folds by the number within the file, whatever the order of files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines.test_engines import ENGINES

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_keyed import AccumulateKeyed
from gramian.fit.passes.job import prepare
from gramian.fit.passes.keys import ByColumns, Folds
from gramian.fit.passes.options import Options
from gramian.linalg.certificate import EPS

ROWS = (20_000, 33_333, 7)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyed")
    rng = np.random.default_rng(5)
    for number, rows in enumerate(ROWS):
        columns = {
            "y": rng.normal(1e3, 1, rows),
            "x": pa.array(rng.normal(50, 1, rows), mask=rng.random(rows) < 0.01),
            "f": rng.choice(["a", "b", "c"], rows),
            "g": rng.integers(0, 700, rows),
        }
        pq.write_table(pa.table(columns), folder / f"{number}.parquet", row_group_size=9_001)
    return [str(folder / f"{number}.parquet") for number in range(len(ROWS))]


def keyed(files, split, engine):
    source = source_of(files)
    design, _ = prepare("y ~ x * f", source, Options())
    return engine.fold(source, AccumulateKeyed(design, split))


@pytest.mark.parametrize("split", [Folds(10), ByColumns(("g",)), ByColumns(("f", "g"))], ids=str)
@pytest.mark.parametrize("engine", ENGINES[1:], ids=["two", "five", "pickling"])
def test_every_engine_gives_the_same_bits(files, split, engine):
    a, b = keyed(files, split, ENGINES[0]).moments, keyed(files, split, engine).moments
    assert a.keys == b.keys
    for one, other in (
        (a.dense, b.dense),
        (a.rows, b.rows),
        *((t.sums, b.tables[f].sums) for f, t in a.tables.items()),
    ):
        assert one.tobytes() == other.tobytes()


def test_folds_are_row_numbers_within_each_file_before_rows_are_left_out(files):
    folds = keyed(files, Folds(10), Local(threads=2))
    source = source_of(files)
    design, _ = prepare("y ~ x * f", source, Options())
    for fold in range(10):
        parts = [
            pq.read_table(file).take(pa.array(range(fold, rows, 10), pa.int64()))
            for file, rows in zip(files, ROWS, strict=True)
        ]
        alone = Local().fold(source_of(pa.concat_tables(parts)), Accumulate(design))
        assert folds[fold].moments.rows == alone.moments.rows
        assert folds[fold].dropped_rows.total == alone.dropped_rows.total
        scale = np.sqrt(np.outer(alone.moments.dense.diagonal(), alone.moments.dense.diagonal()))
        reach = 4 * alone.moments.rows * EPS  # of sums in two orders
        assert (np.abs(folds[fold].moments.dense - alone.moments.dense) <= reach * scale).all()


def test_folds_do_not_depend_on_the_order_of_files_or_on_row_groups(files, tmp_path):
    again = []
    for number, file in enumerate(reversed(files)):
        again.append(str(tmp_path / f"{number}.parquet"))
        pq.write_table(pq.read_table(file), again[-1], row_group_size=4_096)
    source = source_of(files)
    design, _ = prepare("y ~ x * f", source, Options())
    task = AccumulateKeyed(design, Folds(7))
    a, b = Local().fold(source, task).moments, Local().fold(source_of(again), task).moments
    assert a.rows.tolist() == b.rows.tolist()
    assert a.log_weight.tolist() == b.log_weight.tolist()
    size = np.sqrt(np.einsum("gii,gjj->gij", a.dense, a.dense))
    assert (np.abs(a.dense - b.dense) <= 4 * a.rows.sum() * EPS * size).all()


@pytest.mark.parametrize("kind", ["csv", "arrow", "frames", "batches", "pandas"])
def test_rows_of_every_kind_of_data_are_numbered_from_their_first(tmp_path, kind):
    rng = np.random.default_rng(8)
    rows = 150_000 if kind in ("frames", "pandas") else 5_000
    table = pa.table({"x": rng.integers(-9, 10, rows), "y": rng.integers(-9, 10, rows)})
    data = stored(kind, table, tmp_path)
    source = source_of(data)
    design, source = prepare("y ~ x", source, Options())
    folds = Local(threads=2).fold(source, AccumulateKeyed(design, Folds(7))).moments
    assert folds.rows.tolist() == [len(range(k, rows, 7)) for k in range(7)]
    at = folds.layout.rows.index((("x", 1),))
    shift = design.coordinates["x"]
    u = (table["x"].to_numpy() - shift.shift) / 2.0**shift.exponent
    # whole numbers over a power of two from a shift that is one: every sum is exact
    assert folds.dense[:, at, at].tolist() == [float((u[k::7] ** 2).sum()) for k in range(7)]


def stored(kind, table, folder):
    if kind == "csv":
        from pyarrow import csv

        csv.write_csv(table, folder / "data.csv")
        return str(folder / "data.csv")
    if kind == "arrow":
        with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
        return str(folder / "data.arrow")
    if kind == "frames":
        return [table.slice(0, 1_000), table.slice(1_000)]
    if kind == "batches":
        return iter(table.to_batches(max_chunksize=1_234))
    return table.to_pandas()
