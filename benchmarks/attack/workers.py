"""Dask's workers killed in the middle of a pass: the bits of one local thread, every row once.

One or both of two workers are killed at a random moment of each pass; nannies start others in their place.

    cd benchmarks && python -m attack.workers --size 20
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import monotonic, sleep
from typing import Any

import lost_workers
import numpy as np
from attack.verdicts import RIGHT, SILENT, Verdict, main

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import same_bits

LONGEST = 0.3  # seconds to the death
PATIENCE = 30.0  # seconds until both workers are there again


@cache
def client() -> Any:
    """Two workers of this process and their client, kept as long as the process."""
    import dask
    import distributed

    dask.config.set(lost_workers.SETTINGS)
    return distributed.Client(lost_workers.two_workers())


def kill(rng: np.random.Generator) -> None:
    """Kill one worker or both."""
    processes = rng.permutation(lost_workers.workers_of(client().cluster))
    for process in processes[: int(rng.integers(1, 3))]:
        with suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)


def attack(number: int) -> Verdict:
    """One plan of units, one death or two."""
    from gramian.engines.dask import Dask

    rng, until = np.random.default_rng([47, number]), monotonic() + PATIENCE
    while len(lost_workers.workers_of(client().cluster)) < 2 and monotonic() < until:
        sleep(0.05)
    with TemporaryDirectory() as folder:
        rows = lost_workers.random_plan(rng, Path(folder))
        source = source_of(folder)
        design, _ = prepare(str(rng.choice(lost_workers.FORMULAS)), source, Options())
        task = Accumulate(design)
        here = Local(threads=1).fold(source, task)
        death = Timer(float(rng.uniform(0.0, LONGEST)), kill, (rng,))
        death.start()
        there = Dask(client()).fold(source, task)
        death.join()
    if there.moments.rows + there.dropped_rows.total != rows:
        return Verdict(SILENT, f"{there.moments.rows} rows instead of {rows}")
    return Verdict(RIGHT) if same_bits(here, there) else Verdict(SILENT, "other bits than those of one thread")


ATTACKS = {"workers": attack}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 20)
