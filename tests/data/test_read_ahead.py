"""Columns of remote Parquet files come by few requests, are asked for once, and are let go."""

from __future__ import annotations

import io
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from data.reading import everything
from gramian.data.libraries import read_ahead
from gramian.data.libraries.remote import _system
from gramian.data.source import source_of
from gramian.errors import DataError

GROUPS, ROWS = 6, 12_000
TABLE = pa.table({f"x{j}": np.random.default_rng(j).normal(size=ROWS) for j in range(20)})


@pytest.fixture
def store() -> Any:
    """A store in memory with a file of six row groups in each of two folders, which are keys."""
    system = fsspec.filesystem("memory")
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=ROWS // GROUPS, compression=None, use_dictionary=False)
    for key in range(2):
        with system.open(f"/b/k={key}/t.parquet", "wb") as file:
            file.write(sink.getvalue())
    yield system
    system.store.clear()


@pytest.fixture
def asked(store, monkeypatch) -> list[int]:
    """Bytes of every request beside those of footers."""
    requests: list[int] = []
    read_at = read_ahead.Fetched.read_at

    def counted(self: Any, start: int, size: int) -> bytes:
        requests.append(size)
        return read_at(self, start, size)

    monkeypatch.setattr(read_ahead.Fetched, "read_at", counted)
    return requests


def waiting(source: Any) -> dict[int, Any]:
    """What has been asked for and is not let go."""
    return source.units[0].unit.part.ahead.fetched


def test_neighbouring_columns_come_together_once_and_are_let_go(asked):
    source = source_of("memory://b")
    next(source.units[0].batches(["x0", "x19"]))  # a look at the first rows
    assert everything(source, ["x0", "x19"]) == pa.concat_tables([TABLE, TABLE]).select(["x0", "x19"]).to_pydict()
    # the last column of a row group lies beside the first one of the next: one request more than row groups
    assert len(asked) == 2 * (GROUPS + 1)
    assert sum(asked) < 1.1 * 2 * 2 * 8 * ROWS
    assert not waiting(source)
    fit = gm.ols("x0 ~ x19 + k", source)
    assert fit.rows == 2 * ROWS
    assert not waiting(source)


@pytest.mark.parametrize("stretch", [1, 40_000, 2**24])
@pytest.mark.parametrize("ahead", [1, 70_000, 2**26])
def test_no_more_than_the_limit_is_on_its_way(store, monkeypatch, stretch, ahead):
    monkeypatch.setattr(read_ahead, "STRETCH", stretch)
    monkeypatch.setattr(read_ahead, "AHEAD", ahead)
    source = source_of("memory://b")
    most = max(ahead, stretch, 2 * 8 * ROWS // GROUPS + 500)
    for unit in source.units:
        for batch in unit.batches(["x3", "x9"]):
            held = {id(one): one.stretch.size for one in waiting(source).values()}
            assert sum(held.values()) <= most
            assert batch.rows == ROWS // GROUPS
    assert everything(source, ["x9", "k"])["k"] == [0] * ROWS + [1] * ROWS
    assert not waiting(source)


def test_a_request_that_fails_or_is_cut_short_is_named_and_made_anew(store, monkeypatch):
    source, read_at = source_of("memory://b"), read_ahead.Fetched.read_at
    monkeypatch.setattr(read_ahead.Fetched, "read_at", lambda self, start, size: read_at(self, start, size - 1))
    with pytest.raises(DataError, match=r"t.parquet, row group 0: .*bytes were asked for, \d+ came"):
        everything(source, ["x2"])
    monkeypatch.setattr(read_ahead.Fetched, "read_at", read_at)
    assert everything(source, ["x2"])["x2"] == 2 * TABLE["x2"].to_pylist()


def test_what_a_store_answers_is_not_taken_for_damage(store, monkeypatch):
    def refused(self: Any, start: int, size: int) -> bytes:
        raise OSError("When reading b/t.parquet: AWS Error ACCESS_DENIED during GetObject operation: no body")

    monkeypatch.setattr(read_ahead.Fetched, "read_at", refused)
    with pytest.raises(
        DataError, match=r"row group 0: does not arrive from its store \(AWS Error ACCESS_DENIED .*check"
    ):
        everything(source_of("memory://b"), ["x2"])


def test_a_footer_that_places_a_column_outside_the_file_is_named(store):
    source = source_of("memory://b")
    ahead = source.units[0].unit.part.ahead
    ahead.sizes = dict.fromkeys(ahead.sizes, 1000)
    with pytest.raises(DataError, match=r"row group 0: its footer says that column 'x2' is at bytes .* of 1000"):
        everything(source, ["x2"])


def test_bytes_that_were_not_foreseen_are_asked_for():
    parts = read_ahead.Sparse([4], [memoryview(b"abc")], lambda start, size: b"0123abcdef"[start : start + size])
    parts.seek(4)
    assert [bytes(parts.read(size)) for size in (2, 3)] == [b"ab", b"cde"]
    parts.seek(0)
    assert bytes(parts.read(5)) == b"0123a"


def test_s3_has_time_to_answer_and_keeps_what_the_address_says(monkeypatch):
    address = "s3://key:secret@b/t.parquet?endpoint_override=127.0.0.1:9&scheme=http&region=eu-west-1"
    _, (options,) = _system(address).__reduce__()
    assert options["request_timeout"] == 20.0
    kept = [options[name] for name in ("access_key", "secret_key", "region", "scheme", "endpoint_override")]
    assert kept == ["key", "secret", "eu-west-1", "http", "127.0.0.1:9"]
