"""What a shell sees: help without heavy imports, pipes that close, Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copyfile
from time import monotonic

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from processes import COMMAND, PLAIN

import gramian as gm
from gramian.serialize import file as store

HEAVY = ("numpy", "pyarrow", "scipy", "rich", "lark", "pandas", "polars", "duckdb", "threadpoolctl")
SAYS = """
import sys
from gramian.cli.main import main
code = main(sys.argv[1:])
print(sorted(set({heavy}) & {{name.partition(".")[0] for name in sys.modules}}), code, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--help",),
        ("--version",),
        ("fit", "--help"),
        ("predict", "--help"),
        ("inspect", "-h"),
        ("gram", "-h"),
        ("add", "-h"),
        ("fit",),
    ],
)
def test_help_imports_nothing_heavy(arguments):
    script = SAYS.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, encoding="utf-8", check=True)
    assert done.stderr.splitlines()[-1] == f"[] {2 if arguments == ('fit',) else 0}"


def test_help_tells_of_every_command_and_default(run):
    said = run("--help").stdout
    assert all(name in said for name in ("fit", "predict", "inspect", "--version"))
    assert run().stdout == said
    assert run("fit", "--help").stdout.count("[default: ") >= 4


def test_version(run):
    assert run("--version").stdout == "gramian 0.1.0\n"


def test_a_reader_that_has_enough(run, folder):
    assert run("fit", "y ~ x", "data.parquet", "--save", "y.fit").returncode == 0
    with subprocess.Popen(
        [*COMMAND, "predict", "y.fit", "data.parquet"],
        cwd=folder,
        env=PLAIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder of half a billion rows that takes little place: copies of a file whose rows repeat themselves."""
    rows = 1_000_000
    (tmp_path / "large").mkdir()
    first = tmp_path / "large" / "000.parquet"
    x = np.arange(rows) % 1000
    pq.write_table(pa.table({"x": x, "y": x * x}), first, compression="zstd")
    for number in range(1, 500):
        copyfile(first, first.with_name(f"{number:03}.parquet"))
    return tmp_path


@pytest.mark.parametrize(
    "arguments", [("fit", "y ~ x + I(x^2)", "large"), ("predict", "y.fit", "large", "-o", "out.csv")]
)
def test_ctrl_c_while_the_bar_is_shown(large, arguments):
    pq.write_table(pa.table({"x": [1.0, 2, 3, 4], "y": [1.0, 2, 4, 7]}), large / "small.parquet")
    gm.ols("y ~ x", large / "small.parquet").save(large / "y.fit")
    before = set(os.listdir(large))
    reader, terminal = pty.openpty()
    environment = PLAIN | {"TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=large, env=environment, stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        said = read_until(reader, b" rows, ")
        process.send_signal(signal.SIGINT)
        said += read_until(reader, b"interrupted")
        assert process.wait(timeout=60) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(reader)
    assert b"Traceback" not in said
    assert set(os.listdir(large)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_with_a_checkpoint_is_stopped_and_says_how_to_go_on(large, number):
    reader, terminal = pty.openpty()
    arguments = ("fit", "y ~ x + I(x^2)", "large", "--checkpoint", "run")
    environment = PLAIN | {"TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=large, env=environment, stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        said = read_until(reader, b" rows, ")
        process.send_signal(number)
        said += read_until(reader, b"of 500 units of pass 1 are saved in run; run the same again to go on")
        assert process.wait(timeout=60) == 130
    os.close(reader)
    assert b"interrupted: " in said
    assert b"Traceback" not in said
    assert sorted(os.listdir(large)) == ["large", "run"]
    assert store.load(large / "run")[0] == "checkpoint"


def read_until(terminal: int, mark: bytes) -> bytes:
    """What a terminal shows until it shows the mark."""
    said, deadline = b"", monotonic() + 60
    while mark not in said:
        ready, _, _ = select.select([terminal], [], [], max(deadline - monotonic(), 0))
        assert ready, said
        said += os.read(terminal, 4096)
    return said
