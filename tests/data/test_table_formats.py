"""Tables of Delta, Iceberg and Hudi: the rows that their log says, or an error; never the files underneath."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pd
import pyarrow.parquet as pq
import pytest

import gramian as gm
from data.delta_tables import write_table
from data.reading import count, everything
from gramian.data.source import source_of
from gramian.errors import DataError

deltalake = pytest.importorskip("deltalake")
pytest.importorskip("pyiceberg")


def rows(first: int, last: int) -> pa.Table:
    x = np.arange(first, last)
    return pa.table({"y": x**2 % 7 * 1.0, "x": x * 1.0, "k": np.where(x % 2, "u", "v")})


RIGHT = rows(10, 200)  # of 200 rows that were written twice, 10 were removed


@pytest.fixture(params=[None, ["k"]], ids=["plain", "partitioned"])
def delta(tmp_path, request) -> Path:
    path = tmp_path / "delta"
    deltalake.write_deltalake(path, rows(0, 200), partition_by=request.param)
    deltalake.write_deltalake(path, rows(0, 200), mode="overwrite", partition_by=request.param)
    deltalake.DeltaTable(path).delete("x < 10")
    return path


@pytest.fixture(scope="module")
def iceberg(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that pyiceberg imports
        from pyiceberg.catalog.memory import InMemoryCatalog

        catalog = InMemoryCatalog("catalog", warehouse=f"file://{tmp_path_factory.mktemp('iceberg')}")
        catalog.create_namespace("n")
        table = catalog.create_table("n.t", rows(0, 1).schema)
        table.append(rows(0, 200))
        table.overwrite(rows(0, 200))
        table.delete("x < 10")
    return table


@pytest.fixture
def deleting(tmp_path, monkeypatch):
    """A table of 20 rows, and a function that adds a file of deletes, which pyiceberg reads and does not write."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyiceberg.catalog.memory import InMemoryCatalog
        from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestContent, ManifestWriterV2
        from pyiceberg.typedef import Record
    catalog = InMemoryCatalog("catalog", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("n")
    table = catalog.create_table("n.d", rows(0, 1).schema)
    table.append(rows(0, 20))

    def delete(kind: str, deletes: pa.Table, columns: list[int] | None = None) -> None:
        path = tmp_path / f"{kind}.parquet"
        pq.write_table(deletes, path)
        unknown = (
            "column_sizes",
            "value_counts",
            "null_value_counts",
            "nan_value_counts",
            "lower_bounds",
            "upper_bounds",
        )
        file = DataFile.from_args(
            content=DataFileContent[kind], file_path=path.as_uri(), file_format=FileFormat.PARQUET, partition=Record(),
            record_count=deletes.num_rows, file_size_in_bytes=path.stat().st_size, equality_ids=columns, spec_id=0,
            split_offsets=None, sort_order_id=None, key_metadata=None, **{name: {} for name in unknown},
        )  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(ManifestWriterV2, "content", lambda self: ManifestContent.DELETES)
            with table.transaction() as transaction, transaction.update_snapshot().fast_append() as snapshot:
                snapshot.append_data_file(file)

    return table, delete


def folder_of(table) -> Path:
    return Path(table.metadata_location.removeprefix("file://")).parents[1]


def check(data, right=RIGHT) -> None:
    found = everything(source_of(data), ["x", "y", "k"])
    assert sorted(zip(found["x"], found["y"], found["k"], strict=True)) == sorted(
        zip(*(right[name].to_pylist() for name in ("x", "y", "k")), strict=True)
    )
    assert count(source_of(data)) == right.num_rows
    # written and read in another order, so that sums differ in their last bits
    expected = gm.ols("y ~ x + k", right)
    assert np.allclose(gm.ols("y ~ x + k", data).coefficients, expected.coefficients, rtol=1e-12, atol=0)


def test_a_delta_table(delta):
    for data in (delta, str(delta), [str(delta)], deltalake.DeltaTable(delta)):
        check(data)


def test_an_older_version_of_a_delta_table(delta):
    assert count(source_of(deltalake.DeltaTable(delta, version=1)), ["x"]) == 200


@pytest.mark.skipif(not hasattr(deltalake.DeltaTable, "scan"), reason="of deltalake 1.6 and later")
@pytest.mark.parametrize("feature", ["deletionVectors", "columnMapping", "v2Checkpoint"])
def test_features_of_delta_that_a_scan_applies(tmp_path, feature):
    deleted = [1, 3, 4, 199] if feature == "deletionVectors" else []
    path = write_table(tmp_path / "t", rows(0, 200), feature, deleted=deleted, mapped=feature == "columnMapping")
    kept = rows(0, 200).filter(pa.array([at not in deleted for at in range(200)]))
    for data in (str(path), deltalake.DeltaTable(path)):
        check(data, kept)
    fit = gm.ols("y ~ x + k", path, vcov="HC1")  # two passes over the same rows
    assert fit.std_errors == pytest.approx(gm.ols("y ~ x + k", kept, vcov="HC1").std_errors, rel=1e-10)
    fit.save(tmp_path / "a.fit")
    assert len(gm.load(tmp_path / "a.fit").predict()) == len(kept)


@pytest.mark.parametrize("feature", ["typeWidening", "quantumRows"])
def test_features_of_delta_that_nobody_applies_are_refused(tmp_path, feature):
    path = write_table(tmp_path / "t", rows(0, 20), feature)
    with pytest.raises(DataError, match=r"has features that deltalake does not read \(.*\); write it without them"):
        source_of(path)


@pytest.mark.skipif(not hasattr(deltalake.DeltaTable, "scan"), reason="of deltalake 1.6 and later")
def test_a_delta_table_that_moves_on_between_passes_is_refused(tmp_path):
    table = deltalake.DeltaTable(write_table(tmp_path / "t", rows(0, 20), "columnMapping", mapped=True))
    source = source_of(table)
    entry = tmp_path / "t" / "_delta_log" / f"{1:020}.json"
    entry.write_text('{"commitInfo": {"timestamp": 1, "operation": "WRITE", "operationParameters": {}}}')
    table.update_incremental()
    with pytest.raises(DataError, match="was version 0 at first and is 1 now"):
        count(source)


def test_an_iceberg_table(iceberg):
    check(iceberg)


def test_the_folder_of_an_iceberg_table_needs_its_version(iceberg):
    with pytest.raises(DataError, match="is an Iceberg table whose current version only its catalog knows"):
        source_of(folder_of(iceberg))


def test_the_folder_of_an_iceberg_table_that_names_its_version(iceberg):
    hint = folder_of(iceberg) / "metadata" / "version-hint.text"
    hint.write_text(Path(iceberg.metadata_location).name.removesuffix(".metadata.json"), encoding="utf-8")
    try:
        check(folder_of(iceberg))
    finally:
        hint.unlink()


def test_a_snapshot_stays_while_others_write(iceberg):
    source = source_of(iceberg)
    assert count(source, ["x"]) == 190
    iceberg.append(rows(0, 5))
    assert count(source, ["x"]) == 190
    iceberg.delete("x < 5")


def test_rows_that_files_of_iceberg_delete_by_place_are_left_out(deleting):
    table, delete = deleting
    (task,) = table.scan().plan_files()
    delete("POSITION_DELETES", pa.table({"file_path": [task.file.file_path] * 3, "pos": [1, 3, 19]}))
    check(table, rows(0, 20).filter(pa.array([at not in (1, 3, 19) for at in range(20)])))


def test_rows_that_files_of_iceberg_delete_by_value_are_refused(deleting):
    table, delete = deleting
    delete("EQUALITY_DELETES", pa.table({"x": [2.0]}), [2])
    with pytest.raises(DataError, match=r"has features that pyiceberg does not read \(.*equality deletes.*\); write"):
        gm.ols("y ~ x", table)


def test_a_hudi_table_is_refused_by_name(tmp_path):
    os.mkdir(tmp_path / ".hoodie")
    pq.write_table(RIGHT, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"belongs to the Hudi table .*; Hudi cannot be read here; read the table by"):
        source_of(tmp_path)


def test_the_files_of_a_table_are_never_read(delta, iceberg, tmp_path):
    for folder, kind in ((delta, "Delta"), (folder_of(iceberg), "Iceberg")):
        files = [str(path) for path in folder.rglob("*.parquet")]
        other = tmp_path / "other.parquet"
        pq.write_table(RIGHT, other)
        below = [files, files[:1], os.path.dirname(files[0]), str(folder.parent), [str(folder), str(other)]]
        for data in [below[0], below[1], below[4], *([below[2]] if kind == "Iceberg" else []), pd.dataset(files)]:
            with pytest.raises(DataError, match=f"belongs to the {kind} table '{folder}', whose log says which rows"):
                source_of(data)
        with pytest.raises(DataError, match="table"):
            source_of(str(folder / "**" / "*.parquet"))


def test_a_saved_fit_reads_the_rows_of_its_version_again(delta, tmp_path):
    for data in (delta, deltalake.DeltaTable(delta)):
        fit = gm.ols("y ~ x", data)
        fit.save(tmp_path / "a.fit")
        expected = fit.predict()
        saved = gm.load(tmp_path / "a.fit")
        assert np.array_equal(saved.predict(), expected)
        deltalake.DeltaTable(delta).delete("x < 20")  # another version
        assert np.array_equal(saved.predict(), expected)
        assert np.array_equal(gm.load(tmp_path / "a.fit").predict(), expected)


def test_a_saved_fit_reads_the_rows_of_its_snapshot_again(iceberg, tmp_path):
    fit = gm.ols("y ~ x", iceberg)
    fit.save(tmp_path / "a.fit")
    saved = gm.load(tmp_path / "a.fit")
    assert np.array_equal(saved.predict(), fit.predict())
    assert len(saved.predict()) == RIGHT.num_rows
    content = (tmp_path / "a.fit").read_bytes()
    saved.save(tmp_path / "b.fit")
    assert (tmp_path / "b.fit").read_bytes() == content
