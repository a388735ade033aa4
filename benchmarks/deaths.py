"""Runs with a checkpoint that are killed at random moments, over and over, until they are through.

A parent that has loaded everything forks a child, which fits; after a random time, up to what a whole run takes, it is
killed. Then the checkpoint, where there is one, has to be whole, and the next child goes on from it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from findings import Finding, check
from problems import Sizes

from gramian.errors import ArtifactError
from gramian.serialize import file as store

ROWS, GROUP = 400_000, 5_000
EVERY = 0.01  # seconds between savings, so that many deaths fall into one
MODELS = ("ols", "glm")
Parent = subprocess.Popen[str]
PARENT = """
import os, select, signal, sys
import gramian as gm
from gramian.fit import checkpoint
data, checkpoint.EVERY, checkpoint.SHARE = sys.argv[1], float(sys.argv[2]), 0.5
gm.ols("y ~ x", data, engine=gm.Local(threads=1))  # what is loaded late is loaded now; no thread is left
while asked := sys.stdin.readline().split():
    model, file, patience = asked
    pid = os.fork()
    if not pid:
        kept = {} if file == "-" else {"checkpoint": file}
        fit = gm.ols("y ~ x * f", data, **kept) if model == "ols" else gm.glm("b ~ x + f", data, **kept)
        print(fit.coefficients.tobytes().hex(), fit.std_errors.tobytes().hex(), fit.rows, fit.passes, flush=True)
        os._exit(0)
    child = os.pidfd_open(pid)
    if not select.select([child], [], [], float(patience))[0]:
        signal.pidfd_send_signal(child, signal.SIGKILL)
    print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    os.close(child)
"""
NEVER = 1e6  # seconds


@dataclass(slots=True)
class Count:
    """What became of the children of one model."""

    deaths: int = 0
    through: int = 0
    same: int = 0
    kept: int = 0
    broken: list[str] = field(default_factory=list)


def deaths(sizes: Sizes, rounds: int) -> Finding:
    """Half of the deaths to each model."""
    with TemporaryDirectory() as name:
        data = _data(Path(name))
        counts = {model: _killed(model, data, Path(name) / "run", sizes.deaths // len(MODELS)) for model in MODELS}
    rows = [(m, f"{c.deaths}", f"{c.kept}", f"{len(c.broken)}", f"{c.through}", f"{c.same}") for m, c in counts.items()]
    broken = [told for count in counts.values() for told in count.broken]
    through, same = (sum(getattr(c, n) for c in counts.values()) for n in ("through", "same"))
    return Finding(
        f"deaths: {ROWS:,} rows in row groups of {GROUP:,}, saved every {EVERY:g} s",
        ("model", "killed", "left a checkpoint", "half written", "came through", "same bits"),
        rows,
        [
            check("half written checkpoints", len(broken), "none", not broken),
            check("runs that came through with the bits of one that was not killed", f"{same} of {through}", "all",
                  same == through > 0),
        ],
        details={"broken": broken},
    )  # fmt: skip


def _killed(model: str, data: Path, file: Path, wanted: int) -> Count:
    rng, count = np.random.default_rng(wanted), Count()
    with _parent(data) as parent:
        expected = _child(parent, model, "-", NEVER)
        began = perf_counter()
        _child(parent, model, str(file), NEVER)
        longest = perf_counter() - began
        while count.deaths < wanted or file.exists():
            patience = float(rng.uniform(0.0, longest)) if count.deaths < wanted else NEVER
            if printed := _child(parent, model, str(file), patience):
                count.through += 1
                count.same += printed == expected and not file.exists()
                continue
            count.deaths += 1
            if file.exists():
                count.kept += 1
                try:
                    store.load(file)
                except ArtifactError as error:
                    count.broken.append(str(error))
    return count


@contextmanager
def _parent(data: Path) -> Iterator[Parent]:
    """A process whose forks fit and die: loading takes longer than fitting."""
    command = [sys.executable, "-c", PARENT, str(data), str(EVERY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.communicate()  # it ends with its input


def _child(parent: Parent, model: str, file: str, patience: float) -> str:
    """What a child prints at its end; nothing where it was killed after so many seconds."""
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(f"{model} {file} {patience}\n")
    parent.stdin.flush()
    first = parent.stdout.readline()
    printed, end = ("", first) if first.startswith("exit") else (first, parent.stdout.readline())
    code = int(end.removeprefix("exit"))
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a child that was not killed ended with {code}")
    return "" if code else printed


def _data(folder: Path) -> Path:
    rng = np.random.default_rng(11)
    x, f = rng.normal(50.0, 1.0, ROWS), rng.choice(list("abcdefgh"), ROWS)
    b = rng.random(ROWS) < 1.0 / (1.0 + np.exp(50.0 - x))
    table = pa.table({"x": x, "f": f, "y": x + rng.normal(size=ROWS), "b": b})
    (folder / "data").mkdir()
    for i in range(4):
        part = table.slice(i * ROWS // 4, ROWS // 4)
        pq.write_table(part, folder / "data" / f"{i}.parquet", row_group_size=GROUP)
    return folder / "data"
