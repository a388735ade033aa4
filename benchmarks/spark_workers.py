"""Spark's Python workers, killed at random, against threads of this process; memory of a driver.

Spark runs in local mode on the loopback only; a task whose worker is killed is tried again, as on a cluster.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Any

import memory
import numpy as np
from findings import Finding, check
from lost_workers import FORMULAS, random_plan
from problems import NUMERIC, Sizes, doubles

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import same_bits

LIVES = 0.6  # of what a first fold takes, workers started for it: the time to the next death, at most
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
}
MASTER = "local[2, 1000]"  # tries of a task: the units are not to blame here
SESSION = f"""
import os, sys
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession
builder = SparkSession.builder.master({MASTER!r})
for name, value in {SETTINGS!r}.items():
    builder = builder.config(name, value)
session = builder.getOrCreate()
"""
HEAP = """
java = session._jvm.java.lang
java.System.gc()
runtime = java.Runtime.getRuntime()
print((runtime.totalMemory() - runtime.freeMemory()) / 1e6)
"""
MORE = 4  # times the rows
HEAP_ALIKE = 32.0  # MB by which heaps of one program differ
FIT = f"""{SESSION}
import gramian as gm
fit = gm.ols(sys.argv[1], session.read.parquet(sys.argv[2]))
assert fit.rows == int(sys.argv[3])
{HEAP}"""
IMPORTS = f"""{SESSION}
from gramian import Spark, ols
session.range(3).count()
{HEAP}"""


@dataclass(slots=True)
class Killer:
    """Kills a Python worker of this process's Spark now and then, until it is told to stop."""

    rng: np.random.Generator
    stopped: Event
    wait: float
    deaths: int = 0

    def run(self) -> None:
        while not self.stopped.wait(float(self.rng.uniform(0.0, self.wait))):
            if workers := python_workers():
                with suppress(ProcessLookupError):  # it was about to end
                    os.kill(int(self.rng.choice(workers)), signal.SIGKILL)
                    self.deaths += 1


def python_workers() -> list[int]:
    """Processes that Spark's daemons have forked, of those that descend from this one."""
    parents, daemons = {}, set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if b"pyspark.daemon" in (folder / "cmdline").read_bytes():
                daemons.add(int(folder.name))
    return [p for p in daemons if parents.get(p) in daemons and _descends(p, parents)]


def _descends(process: int, parents: dict[int, int]) -> bool:
    """Whether a process descends from this one."""
    while process in parents and process != os.getpid():
        process = parents[process]
    return process == os.getpid()


@contextmanager
def _killing(wait: float) -> Iterator[Killer]:
    killer = Killer(np.random.default_rng(17), Event(), wait)
    thread = Thread(target=killer.run)
    thread.start()
    try:
        yield killer
    finally:
        killer.stopped.set()
        thread.join()


def plans(sizes: Sizes, rounds: int) -> Finding:
    """Random unit plans, read as files by their units and as a Spark frame, until enough workers are killed."""
    names: dict[str, Any] = {}
    exec(SESSION, names)
    session, rng, wanted = names["session"], np.random.default_rng(13), max(sizes.deaths // 2, 3)
    session.sparkContext.setLogLevel("OFF")
    done = same = rows = close = 0
    began = perf_counter()
    gm.ols("y ~ x", session.range(100, numPartitions=2).selectExpr("id as x", "id % 7 as y"))
    with _killing(LIVES * (perf_counter() - began)) as killer:
        while killer.deaths < wanted or not done:
            with TemporaryDirectory() as name:
                expected, formula = random_plan(rng, Path(name)), str(rng.choice(FORMULAS))
                source = source_of(name)
                task = Accumulate(prepare(formula, source, Options())[0])
                here, there = Local(threads=1).fold(source, task), gm.Spark(session).fold(source, task)
                fit, frame = gm.ols(formula, name), gm.ols(formula, session.read.parquet(name))
            done, same = done + 1, same + same_bits(here, there)
            rows += there.moments.rows + there.dropped_rows.total == expected
            rows_of_frame = frame.rows + sum(frame.dropped_rows.values())
            close += rows_of_frame == expected and _agree(fit, frame)
    session.stop()
    return Finding(
        f"spark: {done} random plans on two workers",
        ("plans", "workers killed", "files: same bits", "files: every row once", "frames: every row once, same digits"),
        [(f"{done}", f"{killer.deaths}", f"{same}", f"{rows}", f"{close}")],
        [
            check("files: the bits of one local thread", f"{same} of {done}", "all", same == done),
            check("files: every row counted once", f"{rows} of {done}", "all", rows == done),
            check("frames: every row once, and the coefficients to the certified digits", f"{close} of {done}", "all",
                  close == done),
            check("workers killed", killer.deaths, f"at least {wanted}", killer.deaths >= wanted),
        ],
    )  # fmt: skip


def _agree(a: Any, b: Any) -> bool:
    """Whether coefficients agree to the digits that both certify; NaN where both left a column out."""
    digits = np.minimum(np.asarray(a.digits, float), np.asarray(b.digits, float))
    x, y = a.coefficients, b.coefficients
    identified = ~(np.isnan(x) & np.isnan(y))
    allowed = 2.0 * 10.0**-digits * np.maximum(np.abs(x), np.abs(y))
    return bool((np.abs(x - y) <= allowed)[identified].all())


def driver_memory(sizes: Sizes, rounds: int) -> Finding:
    """Memory of the driver while Spark reads a file, and four times as much: of Python and, cleared, of Java."""
    few, many = sizes.parquet // MORE, sizes.parquet
    work = {
        "imports and session": (IMPORTS,),
        f"{few:,} rows": (FIT, NUMERIC, str(doubles(few)), str(few)),
        f"{many:,} rows": (FIT, NUMERIC, str(doubles(many)), str(many)),
    }
    found = memory.peaks(work, rounds)
    heaps = [float(peak.printed.split()[-1]) for peak in found]
    ratio, grown = found[2].highest / found[1].highest, heaps[2] - heaps[1]
    return Finding(
        f"spark: memory of the process that asks, {few:,} and {many:,} rows, Parquet",
        (*memory.COLUMNS, "heap of Java after the fit, MB"),
        [(*peak.row, f"{heap:.0f}") for peak, heap in zip(found, heaps, strict=True)],
        [
            check(f"{MORE} times the rows, Python", f"{ratio:.3f} times the memory", f"1 ± {memory.ALIKE:g}",
                  abs(ratio - 1.0) <= memory.ALIKE),
            check(f"{MORE} times the rows, Java", f"{grown:+.0f} MB", f"within {HEAP_ALIKE:g} MB",
                  abs(grown) <= HEAP_ALIKE),
        ],
        memory.NOTE,
        details={"measure": "peak RssAnon", "ratio": ratio, "heaps": heaps},
    )  # fmt: skip
