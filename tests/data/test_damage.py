"""Damaged files: an error or the exact answer, never a third outcome."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data.reading import everything
from gramian.data.source import source_of
from gramian.errors import DataError

NAMES = ["t.parquet", "t.arrow", "t.feather", "t.ipc", "t.csv.gz"]


def small(table: pa.Table) -> pa.Table:
    return table.slice(0, 400).select(["x", "s", "i"])


def outcome(path: str, want: dict[str, list[object]]) -> str:
    try:
        found = everything(source_of(path), list(want))
    except DataError as error:
        return "error" if Path(path).name in str(error) else f"error without the name: {error}"
    return "same" if found == want else "other"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_anywhere_is_an_error(table, write, name):
    want = small(table).to_pydict()
    path = Path(write(small(table), name))
    whole = path.read_bytes()
    assert outcome(str(path), want) == "same"
    end = len(whole)
    for cut in [*range(0, end, end // 120), *range(end - 24, end)]:
        path.write_bytes(whole[:cut])
        assert outcome(str(path), want) == "error", cut


@pytest.mark.parametrize("name", ["t.parquet", "t.csv.gz"])
def test_a_flipped_bit_is_an_error_or_does_no_harm(table, write, name):
    want = small(table).to_pydict()
    # the types that Arrow writes beside those of Parquet have no check sum
    path = Path(write(small(table), name, **({"store_schema": False} if name == "t.parquet" else {})))
    whole = path.read_bytes()
    dice = random.Random(5)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        assert outcome(str(path), want) in ("error", "same")


@pytest.mark.parametrize("name", ["t.arrow", "t.ipc"])
def test_a_damaged_text_is_not_followed_out_of_bounds(write, name):
    path = Path(write({"s": ["alpha", "beta", "gamma"] * 10}, name))
    whole = path.read_bytes()
    offsets = np.arange(0, 4, dtype=np.int32) * 0 + [0, 5, 9, 14]
    at = whole.index(np.asarray(offsets, dtype=np.int32).tobytes())
    path.write_bytes(whole[: at + 4] + b"\xff\xff\xff\x7f" + whole[at + 8 :])
    with pytest.raises(DataError, match=f"{name}.*cannot be read, it is damaged"):
        everything(source_of(str(path)))


def test_a_stream_without_its_end_mark(write):
    path = Path(write({"x": [1, 2, 3]}, "t.ipc"))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"t.ipc: the stream stops without its end mark: it was cut off"):
        everything(source_of(str(path)))


def test_bytes_after_the_end_mark(write):
    path = Path(write({"x": [1, 2, 3]}, "t.ipc"))
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match=r"t.ipc: \d+ bytes follow the end mark of the stream"):
        everything(source_of(str(path)))


def test_a_gzip_of_several_members_is_whole(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n1,2\n") + gzip.compress(b"3,4\n"))
    assert everything(source_of(path)) == {"x": [1, 3], "y": [2, 4]}
    path.write_bytes(gzip.compress(b"x,y\n1,2\n") + gzip.compress(b"3,4\n")[:-1])
    with pytest.raises(DataError, match=r"t.csv.gz: cannot be read.*end-of-stream marker"):
        everything(source_of(path))


def test_a_large_gzip_is_verified_to_its_end(tmp_path):
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(b"x\n" + b"1\n" * 4_000_000, compresslevel=1)
    path.write_bytes(whole[:-4] + b"\x00\x00\x00\x00")
    source = source_of(path)
    with pytest.raises(DataError, match=r"t.csv.gz: cannot be read"):
        everything(source)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.csv.gz", "t.csv"])
def test_files_of_nothing_and_of_something_else(tmp_path, name):
    path = tmp_path / name
    for content in (b"", b"\x00" * 100, b"\x89PNG\r\n\x1a\n" * 20):
        path.write_bytes(content)
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            everything(source_of(path))
