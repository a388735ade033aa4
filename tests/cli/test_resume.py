"""Engines, checkpoints and damaged data on the command line."""

from __future__ import annotations

import json
import os

import pyarrow.parquet as pq
import pytest

import gramian as gm


def test_dask_gives_the_same_answer(run):
    here, there = (
        run("fit", "y ~ x + group", "parts", "--engine", name, "--format", "json") for name in ("local", "dask")
    )
    assert (there.returncode, there.stdout) == (0, here.stdout), there.stderr


def test_threads_of_dask_are_its_own(run):
    done = run("fit", "y ~ x", "data.parquet", "--engine", "dask", "--threads", "2")
    assert done.returncode == 2
    assert "--threads does not go with --engine dask" in done.stderr


def test_a_checkpoint_is_gone_when_the_fit_is_complete(run, folder):
    plain, kept = run("fit", "y ~ x", "data.parquet"), run("fit", "y ~ x", "data.parquet", "--checkpoint", "run")
    assert (kept.returncode, kept.stdout) == (0, plain.stdout)
    assert "run" not in os.listdir(folder)


def test_a_checkpoint_of_another_formula(run, folder):
    class Stop:
        start = stop = lambda *_: None

        def advance(self, rows, size):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gm.ols("y ~ z", folder / "data.parquet", checkpoint=folder / "run", progress=Stop())
    done = run("fit", "y ~ x", "data.parquet", "--checkpoint", "run")
    assert done.returncode == 5
    assert "run: it was made with formula = 'y ~ z', now it is 'y ~ x'; give what it was made for" in done.stderr
    assert run("fit", "y ~ z", "data.parquet", "--checkpoint", "run").returncode == 0


def test_a_checkpoint_is_no_input(run):
    done = run("fit", "y ~ x", "data.parquet", "--checkpoint", "data.parquet")
    assert done.returncode == 2
    assert "data.parquet is one of the inputs; write to another file" in done.stderr


def test_a_damaged_row_group_is_left_out_and_named(run, folder):
    path = folder / "data.parquet"
    column = pq.read_metadata(path).row_group(1).column(2)  # z, in the second of three groups of 200
    content, start = bytearray(path.read_bytes()), column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)
    assert run("fit", "y ~ z", "data.parquet").returncode == 3
    done = run("fit", "y ~ z", "data.parquet", "--skip-bad", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rows"] == 400
    assert told["dropped_rows"] == {"in data.parquet, row group 1, which cannot be read": 200}


def test_a_checkpoint_with_skip_bad(run):
    done = run("fit", "y ~ x", "data.parquet", "--checkpoint", "run", "--skip-bad")
    assert done.returncode == 2
    assert "checkpoint and skip_bad do not go together" in done.stderr


def test_a_plan_takes_the_same_options(run, folder):
    done = run("fit", "y ~ x", "data.parquet", "--checkpoint", "run", "--explain")
    assert (done.returncode, "run" in os.listdir(folder)) == (0, False)


def test_a_gram_with_a_checkpoint_on_dask(run, folder):
    plain = run("gram", "y ~ x + group", "parts", "-o", "1.gram")
    kept = run("gram", "y ~ x + group", "parts", "-o", "2.gram", "--checkpoint", "run", "--engine", "dask")
    assert (plain.returncode, kept.returncode) == (0, 0), kept.stderr
    assert (folder / "1.gram").read_bytes() == (folder / "2.gram").read_bytes()
    assert "run" not in os.listdir(folder)
