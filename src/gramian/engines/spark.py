"""Engine on Spark: one fold a partition by `mapInArrow`, partial results added in this process in a fixed order.

Rows of a Spark frame, and of files, are read by the Python workers of Spark and never pass through this process.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gramian.batch import Source, Unit
from gramian.engines.fold import Tree, remaining, tree_sum
from gramian.engines.local import Local
from gramian.engines.progress import Progress, Silent
from gramian.engines.spark_errors import explained
from gramian.engines.spark_tasks import RESULT, Done, FoldPartition, FoldUnits, innermost
from gramian.errors import EngineError, MissingExtraError, OptionError
from gramian.typing import M, Pass
from gramian.version import __version__

UNITS_PER_CORE = 8  # of files in one job: few enough to see progress, enough to keep all cores busy
UNKNOWN_CORES = 64  # of a cluster behind Spark Connect, which does not say how many it has


@dataclass(frozen=True, slots=True)
class Spark:
    """Run passes on the Python workers of Spark.

    Parameters
    ----------
    session : pyspark.sql.SparkSession, optional
        None: the active session, else one by the configuration of Spark. A Spark frame brings its own.

    Raises
    ------
    OptionError
        The session is something else.

    Notes
    -----
    Workers need gramian, of the same version, in their Python. A partition of a Spark frame has one partial result, a
    few kilobytes that Spark hands to this process, where they are added in the order of the partitions; a task that
    Spark runs again counts once. Files have the bits of `Local`; every worker has to see them by the same paths. Rows
    in the memory of this process stay there: its threads add them, since sending them would take longer.
    """

    session: Any = None

    def __post_init__(self) -> None:
        if self.session is not None and type(self.session).__name__ != "SparkSession":
            raise OptionError(f"session must be a SparkSession, found {type(self.session).__name__}")

    @property
    def workers(self) -> int:
        """Number of cores of the cluster at present."""
        return _cores(_session(self.session))

    def fold(
        self, source: Source, task: Pass[M], /, progress: Progress | None = None, tree: Tree[M] | None = None
    ) -> M:
        """Accumulate every partition or unit on some worker, and add the partial results by the fixed tree.

        Parameters
        ----------
        source, task, progress
            As in `Engine.fold`.
        tree : Tree, optional
            Tree to which the partial results are added; units that it already has are not read (a fit that is resumed).

        Raises
        ------
        UnreadableError
            A partition or unit ends the workers that read it.
        DataError
            Spark cannot read a partition, or a frame has other rows than in the pass before.
        EngineError
            Workers lack gramian, or Spark has stopped.
        Exception
            What a unit raised.
        """
        units, watch = tuple(source.units) if source.rereadable else (), progress or Silent()
        first = units[0] if units else None
        in_spark = hasattr(innermost(first), "spark_table")
        if not in_spark and not hasattr(first, "portable"):
            return Local().fold(source, task, progress=progress, tree=tree)
        sums = Tree[M]() if tree is None else tree
        rest = remaining(units, sums.count, watch)
        for partial in _sums_of_partitions(rest, task, watch) if in_spark else self._sums_of_files(rest, task, watch):
            sums.push(partial)
        return sums.sum()

    def _sums_of_files(self, units: Iterable[Unit], task: Pass[M], watch: Progress) -> Iterator[M]:
        """The partial results of units that workers read, in order; a few jobs one after the other."""
        session, rest, pickled = _session(self.session), iter(units), pickle.dumps(task)
        most = UNITS_PER_CORE * _cores(session)
        while some := list(islice(rest, most)):
            portable = {i: pickle.dumps(unit.portable(task.columns)) for i, unit in enumerate(some)}  # type: ignore[attr-defined]
            positions = session.range(0, len(some), 1, len(some))
            names = [unit.name for unit in some]
            done = _run(positions, FoldUnits(__version__, pickled, portable), names.__getitem__)
            for i, unit in enumerate(some):
                yield done[i].sums
                watch.advance(unit.rows or 0, unit.size)


def _sums_of_partitions(units: Iterable[Unit], task: Pass[M], watch: Progress) -> Iterator[M]:
    """The sums of Spark frames, each those of its partitions added in their order."""
    for unit in units:
        rows, pickled = innermost(unit), pickle.dumps(unit)
        table = rows.spark_table(_columns(pickled, task))
        work = FoldPartition(__version__, pickle.dumps(task), pickled)
        done = _run(table, work, lambda number, name=unit.name: f"{name}, partition {number}")  # type: ignore[misc]
        partials = [one for _, one in sorted(done.items())]
        read = sum((one.read for one in partials[1:]), partials[0].read) if partials else None
        if read is not None:
            rows.check_read(read)
            watch.advance(read.rows, 0)
        yield tree_sum(one.sums for one in partials) if partials else task.empty


def _columns(pickled: bytes, task: Pass[Any]) -> tuple[str, ...]:
    """The columns that a unit reads for a pass, those included by which it selects rows."""
    unit = pickle.loads(pickled)
    for _ in unit.batches(task.columns):  # it has no rows here
        pass
    columns: tuple[str, ...] = innermost(unit).columns
    return columns


def _run(rows: Any, work: FoldPartition | FoldUnits, name: Callable[[int], str]) -> dict[int, Done]:
    """What became of each partition or unit, by number. Raises what the first of them raised."""
    try:
        table = rows.mapInArrow(work, RESULT).toArrow()
    except ImportError:
        raise
    except Exception as error:  # of Spark, which has a class for each way to connect
        raise explained(error, rows.sparkSession, name) from error
    positions, results = (table.column(name).to_pylist() for name in ("position", "result"))
    done = {position: pickle.loads(result) for position, result in zip(positions, results, strict=True)}
    if len(done) < len(positions):
        raise EngineError("Spark handed over a partition twice; run it again")
    for position in sorted(done):
        if done[position].error is not None:
            raise done[position].error
    return done


def _session(session: Any) -> Any:
    """The session, or the active one, or a new one."""
    if session is not None:
        return session
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise MissingExtraError("pyspark", "spark") from error
    return SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()


def _cores(session: Any) -> int:
    """Number of tasks that the cluster runs at the same time."""
    try:
        return int(session.sparkContext.defaultParallelism)
    except Exception:  # Spark Connect has no context
        return UNKNOWN_CORES
