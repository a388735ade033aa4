"""What a worker of a Dask cluster runs: a unit, rows that were sent, and the sum of two partial results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gramian.batch import Batch
from gramian.engines.fold import one_thread
from gramian.engines.remote import accumulate_file_unit
from gramian.typing import M, Pass


def identity(task: Pass[M]) -> Pass[M]:
    """The pass itself, as a task that others depend on."""
    return task


def accumulate_on_worker(task: Pass[M], unit: Any, on_cluster: Mapping[Any, Any] | None = None) -> M:
    """Run on a worker: the partial result of a unit that the worker reads.

    on_cluster : futures that the unit needs, resolved by Dask.
    """
    unit = replace(unit, on_cluster=on_cluster) if on_cluster else unit
    with one_thread():
        return accumulate_file_unit(task, unit, _address)


def _address() -> str:
    """The address of this worker."""
    from distributed import get_worker  # an optional package, which the worker has

    return str(get_worker().address)


def accumulate_sent_rows(task: Pass[M], batches: list[Batch]) -> M:
    """Run on a worker: the partial result of rows that were sent."""
    with one_thread():
        return task.accumulate(batches)


def add(a: M, b: M) -> M:
    """Run on a worker: the sum of two partial results."""
    with one_thread():
        return a + b
