"""Tables of very many columns: the work grows with the number of columns, not with its square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as pd
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.data.csv import sample
from gramian.data.source import source_of

ROWS = 30


def wide(width: int) -> pa.Table:
    names = ["y", *(f"x{i}" for i in range(1, width))]
    return pa.table([pa.array(column) for column in np.random.default_rng(0).normal(size=(width, ROWS))], names=names)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, table = tmp_path_factory.mktemp("wide"), wide(2000)
    paths = {name: folder / f"t.{name}" for name in ("parquet", "csv", "arrow")}
    pq.write_table(table, paths["parquet"])
    pc.write_csv(table, paths["csv"])
    with pa.ipc.new_file(paths["arrow"], table.schema) as writer:
        writer.write_table(table)
    return paths


@pytest.mark.parametrize("name", ["parquet", "csv", "arrow", "dataset", "table"])
def test_two_columns_of_many_are_two_columns(paths, name):
    """A formula that names few columns is no wide problem, however many the file has."""
    data = {**paths, "dataset": pd.dataset(paths["parquet"]), "table": wide(2000)}[name]
    fit = gm.ols("y ~ x1 + x2", data)
    assert (fit.rows, fit.rank, fit.solver if hasattr(fit, "solver") else "gram") == (ROWS, 3, "gram")


def test_a_row_longer_than_a_piece_of_the_sample_has_its_types(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "PIECE", 1000)
    path = tmp_path / "t.csv"
    pc.write_csv(wide(200), path)
    source = source_of(path)
    assert {field.type for field in source.schema.fields} == {"double"}
    assert gm.ols("y ~ x1", path).rows == ROWS


def test_integers_beyond_int64_stay_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{10**20 + i},{10.0**20},{i}\n" for i in range(5)), encoding="utf-8")
    assert [field.type for field in source_of(path).schema.fields] == ["string", "double", "int64"]
