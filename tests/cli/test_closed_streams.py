"""Outputs that cannot be written, and inputs that are no files: a sentence each."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FIT = f"{sys.executable} -m gramian fit 'y ~ x' data.csv"
NO_SPACE = "error: the output cannot be written (No space left on device)\n"
pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


@pytest.mark.parametrize(
    ("streams", "code", "message"),
    [
        (">/dev/full", 1, NO_SPACE),
        (">&-", 1, "error: the output cannot be written (Bad file descriptor)\n"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
    ],
)
def test_a_stream_that_cannot_be_written(folder, streams, code, message):
    done = subprocess.run(f"{FIT} --no-progress {streams}", cwd=folder, shell=True, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr.endswith(message)
    assert "Traceback" not in done.stderr
    assert "mistake in gramian" not in done.stderr


def test_two_outputs_in_one_file(run, folder):
    done = run("fit", "y ~ x", "data.csv", "--save", "a.fit", "--gram", "./a.fit")
    assert (done.returncode, done.stderr) == (2, "error: --save and --gram write to one file, a.fit; name two\n")


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.parquet"])
def test_a_pipe_is_no_file(run, folder, name):
    os.mkfifo(folder / name)
    done = run("fit", "y ~ x", name)
    assert done.returncode == 3
    assert done.stderr.endswith(
        "is a pipe or a device, which cannot be read again; write its content to a file first\n"
    )
