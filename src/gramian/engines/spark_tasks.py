"""What a Python worker of Spark runs: the sums of a partition of a frame, or of units that the worker reads."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.engines.fold import accumulate_unit, one_thread
from gramian.engines.remote import accumulate_file_unit
from gramian.errors import EngineError
from gramian.typing import Pass
from gramian.version import __version__

RESULT = "position long, result binary"  # columns of what a worker hands over, in Spark's words


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a unit or a partition.

    Attributes
    ----------
    sums : Any
        Its partial result; None where it failed.
    read : Any
        What was read of a partition.
    error : Exception or None
        What it raised.
    """

    sums: Any = None
    read: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class FoldPartition:
    """Accumulates the partition that a worker has. task, unit : pickled. version : of gramian, where they come from."""

    version: str
    task: bytes
    unit: bytes

    def __call__(self, pieces: Iterator[Any]) -> Iterator[Any]:
        """One row: number of the partition and what became of it; none for a partition without rows."""
        from pyspark import TaskContext  # an optional package, which the worker has

        number = TaskContext.get().partitionId()
        done = _done(self, pieces, number)
        if done.error is not None or done.read.rows:
            yield _row(number, done)


@dataclass(frozen=True, slots=True)
class FoldUnits:
    """Accumulates units whose positions a worker receives. task, units : pickled, the units by position."""

    version: str
    task: bytes
    units: dict[int, bytes]

    def __call__(self, pieces: Iterator[Any]) -> Iterator[Any]:
        """For each unit a row: its position and what became of it."""
        for piece in pieces:
            for position in piece.column(0).to_pylist():
                yield _row(position, _done_unit(self, position))


def innermost(unit: Any) -> Any:
    """The unit that others select rows of."""
    while hasattr(unit, "unit"):
        unit = unit.unit
    return unit


def _done(work: FoldPartition, pieces: Iterator[Any], number: int) -> Done:
    """The sums of a partition."""
    try:
        task, unit = _unpickled(work, work.unit)
        partition = innermost(unit)
        partition.name, partition.stream = f"{partition.name}, partition {number}", pieces
        with one_thread():
            return Done(accumulate_unit(task, unit), partition.read)
    except Exception as error:  # Spark would hand over its text alone
        return Done(error=error)


def _done_unit(work: FoldUnits, position: int) -> Done:
    """The sums of a unit of a file."""
    try:
        task, unit = _unpickled(work, work.units[position])
        with one_thread():
            return Done(accumulate_file_unit(task, unit, _host))
    except Exception as error:
        return Done(error=error)


def _unpickled(work: FoldPartition | FoldUnits, unit: bytes) -> tuple[Pass[Any], Any]:
    """The pass and a unit. Raises EngineError where the worker has another version of gramian."""
    if work.version != __version__:
        message = f"the workers of Spark have gramian {__version__}, this process has {work.version}"
        raise EngineError(f"{message}; install the same on all")
    return pickle.loads(work.task), pickle.loads(unit)


def _host() -> str:
    """The machine of this worker."""
    import socket

    return socket.gethostname()


def _row(position: int, done: Done) -> Any:
    """A record batch of one row."""
    try:
        result = pickle.dumps(done)
    except Exception:  # an exception of a pass of somebody's own
        result = pickle.dumps(Done(error=EngineError(f"{type(done.error).__name__}: {done.error}")))
    return pa.RecordBatch.from_pydict({"position": pa.array([position], pa.int64()), "result": [result]})
