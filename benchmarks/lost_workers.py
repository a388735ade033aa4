"""Dask's workers, killed at random, against threads of this process; memory of a client.

All processes listen on the loopback only. Workers are killed by SIGKILL and started again by their nannies.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging import CRITICAL
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import memory
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from findings import Finding, check
from problems import NUMERIC, Sizes, copies_of, doubles

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import same_bits

FORMULAS = ("y ~ x", "y ~ x * f + I(x^2)", "y ~ poly(x, 3) + f", "y ~ 0 + f:x")
WAIT = 0.5  # seconds to the next death, at most
SETTINGS = {
    "distributed.scheduler.allowed-failures": 1000,  # the units are not to blame here
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.deploy.lost-worker-timeout": "1h",  # by then a nanny gives up whose worker is away, killed again
}
LOADED = ("distributed", "gramian.engines.dask", "gramian.fit.passes.accumulate")  # in what new workers are forked from
LOOPBACK: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "silence_logs": CRITICAL,
    "threads_per_worker": 1,
    "n_workers": 2,
}
COPIES = 10
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(**eval(sys.argv[1])) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
FIT = """
import sys
import distributed
import gramian as gm
with distributed.Client(sys.argv[1]) as client:
    fit = gm.ols(sys.argv[2], sys.argv[3], engine=client)
    print(fit.rows, fit.coefficients.sum())
"""
IMPORTS = """
import sys
import distributed
from gramian import ols, Dask
with distributed.Client(sys.argv[1]) as client:
    print(client.submit(max, 1, 2).result())
"""


@dataclass(slots=True)
class Killer:
    """Kills one worker or both, now and then when both are there, until it is told to stop."""

    cluster: Any
    rng: np.random.Generator
    stopped: Event
    deaths: int = 0

    def run(self) -> None:
        while not self.stopped.wait(float(self.rng.uniform(0.0, WAIT))):
            running = workers_of(self.cluster)
            if len(running) == LOOPBACK["n_workers"]:  # else a slow machine would see no worker live
                for process in self.rng.permutation(running)[: self.rng.integers(1, len(running) + 1)]:
                    self._kill(int(process))

    def _kill(self, process: int) -> None:
        with suppress(ProcessLookupError):  # it was about to end
            os.kill(process, signal.SIGKILL)
            self.deaths += 1


def workers_of(cluster: Any) -> list[int]:
    """The processes of the workers that have been started."""
    processes = [nanny.process for nanny in cluster.workers.values() if nanny.status.name == "running"]
    known = [process.pid for process in processes if process is not None and process.status.name == "running"]
    return [number for number in known if number is not None]


def plans(sizes: Sizes, rounds: int) -> Finding:
    """Random unit plans: files, row groups, levels, formulas."""
    import dask
    import distributed

    from gramian.engines.dask import Dask

    rng, same, rows = np.random.default_rng(13), 0, 0
    with (
        dask.config.set(SETTINGS),
        two_workers() as cluster,
        distributed.Client(cluster) as client,
        _killing(cluster) as killer,
    ):
        for _ in range(sizes.plans):
            with TemporaryDirectory() as name:
                expected = random_plan(rng, Path(name))
                source = source_of(name)
                design, _ = prepare(str(rng.choice(FORMULAS)), source, Options())
                task = Accumulate(design)
                here, there = Local(threads=1).fold(source, task), Dask(client).fold(source, task)
                same += same_bits(here, there)
                rows += there.moments.rows + there.dropped_rows.total == expected
    return Finding(
        f"workers: {sizes.plans} random plans on two workers",
        ("plans", "workers killed", "same bits", "every row once"),
        [(f"{sizes.plans}", f"{killer.deaths}", f"{same}", f"{rows}")],
        [
            check("the bits of one local thread", f"{same} of {sizes.plans}", "all", same == sizes.plans),
            check("every row counted once", f"{rows} of {sizes.plans}", "all", rows == sizes.plans),
            check("workers killed", killer.deaths, "some", killer.deaths > 0),
        ],
    )


def two_workers() -> Any:
    """Two workers, whose successors need not load anything."""
    from distributed import LocalCluster
    from distributed.utils import get_mp_context

    get_mp_context().set_forkserver_preload(list(LOADED))
    return LocalCluster(**LOOPBACK)


@contextmanager
def _killing(cluster: Any) -> Iterator[Killer]:
    killer = Killer(cluster, np.random.default_rng(17), Event())
    thread = Thread(target=killer.run)
    thread.start()
    try:
        yield killer
    finally:
        killer.stopped.set()
        thread.join()


def random_plan(rng: np.random.Generator, folder: Path) -> int:
    """Files of random lengths, cut at random, whose factors have levels of their own; returns all rows."""
    total = 0
    for number in range(rng.integers(1, 5)):
        rows = int(rng.integers(50, 4000))
        x = pa.array(rng.normal(float(rng.choice([0.0, 1e6])), 1.0, rows), mask=rng.random(rows) < 0.02)
        f = rng.choice([f"level {i}" for i in range(int(rng.integers(1, 30)))], rows)
        table = pa.table({"x": x, "f": f, "y": rng.normal(size=rows)})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=int(rng.integers(20, rows + 1)))
        total += rows
    return total


def client_memory(sizes: Sizes, rounds: int) -> Finding:
    """Peak private memory of a client while workers of another process read a file, and ten times as much."""
    file = doubles(sizes.parquet)
    told = repr({name: value for name, value in LOOPBACK.items() if name != "silence_logs"})
    command = [sys.executable, "-W", "ignore", "-c", CLUSTER, told]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        work = {
            "imports and connection": (IMPORTS, address),
            f"{sizes.parquet:,} rows": (FIT, address, NUMERIC, str(file)),
            f"{COPIES * sizes.parquet:,} rows": (FIT, address, NUMERIC, str(copies_of(file, COPIES))),
        }
        found = memory.peaks(work, rounds)
        cluster.communicate("")
    _, one, ten = found
    ratio = ten.highest / one.highest
    alike = check("ten times the rows", f"{ratio:.3f} times the memory", f"1 ± {memory.ALIKE:g}",
                  abs(ratio - 1.0) <= memory.ALIKE)  # fmt: skip
    return Finding(
        "client: memory of the process that asks, Parquet",
        memory.COLUMNS,
        [peak.row for peak in found],
        [alike],
        memory.NOTE,
        details={"measure": "peak RssAnon", "ratio": ratio},
    )
