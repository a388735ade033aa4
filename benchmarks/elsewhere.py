"""The same fold elsewhere: on workers of Dask and Spark that are killed, and in runs that are killed and go on.

python benchmarks/elsewhere.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from tempfile import TemporaryDirectory

import deaths
import lost_workers
import savings
import spark_workers
from command import Program, main
from contenders import fitted
from problems import NUMERIC, WIDTH, Sizes, copies_of, doubles
from runner import Bar, Contender, Race

import gramian as gm

COPIES = 10


def checkpoint(sizes: Sizes) -> Race:
    """A pass whose sums are kept every two seconds, beside the same pass without."""
    data = str(copies_of(doubles(sizes.parquet), COPIES))
    folder = TemporaryDirectory()

    def kept() -> object:
        fit = gm.ols(NUMERIC, data, checkpoint=f"{folder.name}/run")
        return fit.coefficients, fit.std_errors

    return Race(
        "checkpoint",
        f"{COPIES * sizes.parquet:,} rows x {WIDTH} doubles and an outcome, Parquet",
        [Contender("with a checkpoint", kept), Contender("without", lambda: fitted(NUMERIC, data))],
        [Bar("with a checkpoint", "without", 1.05)],
        times=3,
    )


PROGRAM = Program(
    "elsewhere",
    "Workers and runs that are killed; what checkpoints cost; memory of a client.",
    {"checkpoint": checkpoint},
    {
        "savings": savings.savings,
        "workers": lost_workers.plans,
        "deaths": deaths.deaths,
        "client": lost_workers.client_memory,
        "spark": spark_workers.plans,
        "driver": spark_workers.driver_memory,
    },
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
