"""Choice of the engine: from a name, a Dask client, a Spark session, an engine object or the data."""

from __future__ import annotations

from typing import Any, Protocol

from gramian.batch import Source
from gramian.engines.local import Local
from gramian.engines.progress import Progress
from gramian.errors import OptionError, did_you_mean
from gramian.typing import M, Pass

NAMES = ("local", "dask", "spark")


class Engine(Protocol):
    """How a pass is run. Any object with this method is an engine."""

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Accumulate every unit of the source and add the partial results by the fixed tree (`engines.fold`).

        Parameters
        ----------
        source : Source
            Where the units come from.
        task : Pass
            What is accumulated.
        progress : Progress, optional
            What is informed of rows and bytes read, from any thread.

        Returns
        -------
        M
            The sum over all units; `task.empty` where there are none.
        """
        ...


def engine_of(engine: object = None, data: Any = None) -> Engine:
    """The engine that an option stands for.

    Parameters
    ----------
    engine : str, distributed.Client, pyspark.sql.SparkSession, Engine or None
        "local", "dask", "spark", a client of Dask, a session of Spark, an object with a method `fold`, or None: threads
        of this process, and for a frame of Dask or Spark its workers.
    data : object
        The data of the fit or their source, for the choice under None.

    Raises
    ------
    OptionError
        Anything else.
    MissingExtraError
        The engine is not installed.
    """
    if engine is None:
        table = _table_of(data)
        if _is_of(table, "pyspark"):
            return _spark(getattr(table, "sparkSession", None))
        engine = "dask" if _is_of(table, "dask") else "local"
    if isinstance(engine, str):
        return _named(engine)
    # recognised by the name of its package, so that distributed need not be imported
    if _is_of(engine, "distributed") and not hasattr(engine, "fold"):
        return _dask(engine)
    if _is_of(engine, "pyspark") and not hasattr(engine, "fold"):
        return _spark(engine)
    if not callable(getattr(engine, "fold", None)):
        examples = 'gm.Local(threads=2), "dask", a distributed.Client or a SparkSession'
        raise OptionError(f"engine must have a method 'fold', such as {examples}; found {engine!r}")
    unchecked: Any = engine
    checked: Engine = unchecked
    return checked


def _named(name: str) -> Engine:
    """The engine of this name."""
    if name not in NAMES:
        raise OptionError(
            f"engine must be one of {', '.join(map(repr, NAMES))}, found {name!r}{did_you_mean(name, NAMES)}"
        )
    return {"local": Local, "dask": _dask, "spark": _spark}[name]()


def _dask(client: object = None) -> Engine:
    """An engine on Dask."""
    from gramian.engines.dask import Dask  # an optional package, and slow to import

    return Dask(client)


def _spark(session: object = None) -> Engine:
    """An engine on Spark."""
    from gramian.engines.spark import Spark

    return Spark(session)


def _table_of(data: Any) -> Any:
    """The frame that a source reads, or `gramian.rows` select from; other data as they are."""
    if type(data).__name__ == "Rows":
        return data.data
    units = getattr(data, "units", None)
    unit: Any = units[0] if isinstance(units, tuple) and units else None
    while hasattr(unit, "unit"):
        unit = unit.unit
    return getattr(unit, "frame", data)


def _is_of(value: object, package: str) -> bool:
    """Whether the type of a value comes from this package, without importing it."""
    return type(value).__module__.partition(".")[0] == package
