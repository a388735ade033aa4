"""What paths stand for, and what is said when they stand for nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pd
import pytest

from data.reading import everything
from gramian.data import file
from gramian.data.source import source_of
from gramian.errors import DataError, SchemaError
from gramian.schema import Kind


def test_a_folder_a_pattern_and_a_list_are_the_same(write, tmp_path):
    found = [write({"x": [i]}, f"f{i}.parquet") for i in range(3)]
    write({"x": [99]}, "_skip.parquet")
    write({"x": [99]}, ".skip.parquet")
    for data in (tmp_path, str(tmp_path / "*.parquet"), found, found[::-1], [Path(p) for p in found]):
        assert everything(source_of(data)) == {"x": [0, 1, 2]}


def test_a_home_folder_is_expanded(write, tmp_path, monkeypatch):
    write({"x": [1]}, "t.parquet")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert everything(source_of("~/t.parquet")) == {"x": [1]}


def test_a_name_with_brackets_is_a_name_first(write):
    assert everything(source_of(write({"x": [1]}, "t[1].parquet"))) == {"x": [1]}


def test_folders_are_read_to_the_bottom_and_links_do_not_loop(write, tmp_path):
    write({"x": [1]}, "deep/er/t.parquet")
    os.symlink(tmp_path, tmp_path / "deep" / "up")
    assert everything(source_of(tmp_path)) == {"x": [1]}


def test_keys_of_folders_are_columns(write, tmp_path):
    write({"x": [1, 2]}, "year=2020/who=a%20b/t.parquet")
    write({"x": [3]}, "year=2021/who=__HIVE_DEFAULT_PARTITION__/t.parquet")
    for data in (tmp_path, str(tmp_path / "year=*"), str(tmp_path / "**" / "*.parquet")):
        source = source_of(data)
        assert everything(source) == {"x": [1, 2, 3], "year": [2020, 2020, 2021], "who": ["a b", "a b", None]}
        assert [f.kind for f in source.schema.fields] == [Kind.NUMBER, Kind.NUMBER, Kind.TEXT]
        assert everything(source, ["who"]) == {"who": ["a b", "a b", None]}
    assert source.units[0].name == os.path.join("year=2020", "who=a%20b", "t.parquet, row group 0")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "arrow", "ipc"])
def test_keys_of_folders_in_every_format(write, tmp_path, suffix):
    write({"x": [1, 2]}, f"k=1/t.{suffix}")
    write({"x": [3]}, f"k=b/t.{suffix}")
    assert everything(source_of(tmp_path)) == {"x": [1, 2, 3], "k": ["1", "1", "b"]}


def test_a_key_that_some_paths_lack_is_a_conflict(write):
    both = [write({"x": [1]}, "k=1/t.parquet"), write({"x": [2]}, "t.parquet")]
    with pytest.raises(SchemaError, match=r"column 'k' is in .* but not in t.parquet"):
        source_of(both).schema["k"]


def test_a_key_that_is_in_the_file_too_is_a_conflict(write):
    with pytest.raises(SchemaError, match="both in the file and in the name of its folder"):
        source_of(write({"x": [1]}, "x=1/t.parquet")).schema["x"]


def test_inputs_tell_what_is_read(write, tmp_path):
    path = write({"x": list(range(1000))}, "t.parquet")
    source = source_of(path)
    known = Path(path).stat()
    identity = f"{known.st_dev}:{known.st_ino}:{known.st_mtime_ns}"
    assert source.inputs == ((path, known.st_size, 1000, known.st_mtime_ns, 4, identity),)
    assert source.rows == 1000


def error(data: object) -> str:
    with pytest.raises(DataError) as caught:
        source_of(data)
    return str(caught.value)


def test_messages(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert error("t.parquet") == "t.parquet: no such file or folder; '.' is empty"
    os.mkdir("empty")
    assert error("empty").startswith("empty: the folder holds no files; supported are .parquet, .csv")
    write({"x": [1]}, "data/t.parquet")
    assert error("data/u.parquet") == "data/u.parquet: no such file or folder; 'data' holds t.parquet"
    assert error("date/u.parquet") == "date/u.parquet: no such file or folder (nor is there a folder 'date')"
    assert error("data/*.csv") == "data/*.csv: the pattern matches no file"
    assert error("nowhere://bucket/t.parquet").endswith("'nowhere' is no protocol that is known")
    assert error(["data/t.parquet", "data/*"]).startswith("data/t.parquet: is named more than once")
    write({"x": [1]}, "data/t.csv")
    assert error("data") == (
        "data: files of several formats (csv: t.csv; parquet: t.parquet); pass a pattern that matches one of them"
    )
    Path("t.xlsx").write_bytes(b"")
    assert error("t.xlsx").startswith("t.xlsx: unknown kind of file; supported are .parquet")


def test_messages_for_what_is_no_data():
    assert error(3).startswith("int: holds no rows that can be read; supported are paths")
    assert error(None).startswith("NoneType: holds no rows")
    assert error([]) == "iterable of batches: it yields no batches, so there are no columns"
    assert error([1, 2]) == "batch 1: int is no batch; yield record batches, frames or dicts of arrays"


def names_of_one_file(folder: Path) -> dict[str, str]:
    """Names of t.csv that other names of it stand beside."""
    os.symlink(folder / "t.csv", folder / "symbolic.csv")
    os.link(folder / "t.csv", folder / "hard.csv")
    os.symlink(folder, folder / "folder")
    names = {"dot": "./t.csv", "absolute": folder / "t.csv", "symbolic": "symbolic.csv", "hard": "hard.csv"}
    return {kind: str(name) for kind, name in names.items()} | {"through a folder": "folder/t.csv"}


def test_one_file_under_two_names_would_count_twice(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write({"x": [1.0, 2.0, 4.0]}, "t.csv")
    for name in names_of_one_file(tmp_path).values():
        assert "is named more than once: its rows would count twice" in error(["t.csv", name]), name
    for suffix in ("*.csv", "."):
        assert "is named more than once" in error(str(tmp_path / suffix))
    with pytest.raises(DataError, match="is named more than once"):
        source_of(pd.dataset(["t.csv", "hard.csv"], format="csv"))
    shutil.copy("t.csv", "copy.csv")
    assert len(source_of(["t.csv", "copy.csv"]).inputs) == 2


def test_network_mounts_are_not_mapped(monkeypatch):
    mounts = (("/", "ext4"), ("/net", "nfs4"), ("/net/fast", "xfs"), ("/fuse", "fuse.sshfs"))
    monkeypatch.setattr(file, "_mounts", lambda: mounts)
    local = {path: file._is_local(path) for path in ("/a", "/net/a", "/net/fast/a", "/fuse/a", "/network")}
    assert local == {"/a": True, "/net/a": False, "/net/fast/a": True, "/fuse/a": False, "/network": True}


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "ipc"])
def test_files_that_may_not_be_mapped_are_read(write, monkeypatch, suffix):
    monkeypatch.setattr(file, "_is_local", lambda path: False)
    assert everything(source_of(write({"x": [1, 2]}, f"t.{suffix}"))) == {"x": [1, 2]}


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.csv.gz", "t.arrow", "t.ipc"])
def test_a_file_that_changes_during_the_run_is_an_error(write, name):
    source = source_of(write({"x": pa.array(range(1000))}, name))
    os.utime(source.inputs[0].name, ns=(1, 1))
    with pytest.raises(DataError, match="has changed while it was being read; start again when nothing writes to it"):
        everything(source)
    os.remove(source.inputs[0].name)
    with pytest.raises(DataError, match="is gone while it was being read"):
        everything(source)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.arrow", "t.ipc"])
def test_a_file_that_changes_between_batches_is_an_error(write, name):
    source = source_of(write({"x": pa.array(range(200_000))}, name))
    batches = source.units[0].batches(["x"])
    next(batches)
    os.utime(source.inputs[0].name, ns=(1, 1))
    with pytest.raises(DataError, match="has changed"):
        list(batches)
