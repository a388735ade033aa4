"""Data through a pipe: a dash among DATA."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from gramian.cli.main import main

TABLE = pa.table({"x": [1.0, 2.0, 4.0, 7.0], "y": [1.0, 3.0, 5.0, 6.0]})


@pytest.fixture
def ran(monkeypatch, capsys, tmp_path):
    """Run the command with a content of the standard input: exit code and what it printed."""

    def done(content: bytes, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out or captured.err

    return done


def as_parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


def as_csv() -> bytes:
    sink = io.BytesIO()
    pc.write_csv(TABLE, sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [as_parquet(), as_csv(), "\n".join(map(json.dumps, TABLE.to_pylist())).encode()],
    ids=["Parquet", "CSV", "JSON"],
)
def test_the_standard_input_is_a_file_of_its_format(ran, content, tmp_path):
    code, printed = ran(content, "fit", "y ~ x", "-", "--format", "json")
    assert (code, json.loads(printed)["rows"]) == (0, 4)
    assert not list(tmp_path.iterdir())  # the copy is gone


@pytest.mark.parametrize(
    ("paths", "content", "message"),
    [(["-", "-"], b"x", "is given twice, but can be read once"), (["-"], b"", "which - stands for, is empty")],
)
def test_what_cannot_be_read_is_said(ran, paths, content, message):
    code, printed = ran(content, "fit", "y ~ x", *paths)
    assert code == 2
    assert message in printed
