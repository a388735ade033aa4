"""The engine that a value stands for."""

from __future__ import annotations

from typing import Any, Protocol

from gramian.batch import Source
from gramian.engines.local import Local
from gramian.engines.progress import Progress
from gramian.errors import OptionError, did_you_mean
from gramian.typing import M, Pass

NAMES = ("local", "dask")


class Engine(Protocol):
    """How a pass is run; the whole engine contract is one method."""

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Lift every unit, add the partials by the fixed tree."""
        ...


def engine_of(engine: object = None, data: object = None) -> Engine:
    """An engine by name, a client of Dask, an object with a method `fold`, or None.

    None is threads of this process, and for a frame of Dask, as `data`, its workers.
    Raises OptionError for anything else, MissingExtraError where the engine is not installed.
    """
    if engine is None:
        engine = "dask" if _is_of(data, "dask") else "local"
    if isinstance(engine, str):
        return _named(engine)
    if _is_of(engine, "distributed") and not hasattr(engine, "fold"):
        return _dask(engine)
    if not callable(getattr(engine, "fold", None)):
        examples = 'gm.Local(threads=2), "dask" or a distributed.Client'
        raise OptionError(f"engine must have a method 'fold', such as {examples}; found {engine!r}")
    unchecked: Any = engine
    checked: Engine = unchecked
    return checked


def _named(name: str) -> Engine:
    if name not in NAMES:
        raise OptionError(
            f"engine must be one of {', '.join(map(repr, NAMES))}, found {name!r}{did_you_mean(name, NAMES)}"
        )
    return Local() if name == "local" else _dask(None)


def _dask(client: object) -> Engine:
    from gramian.engines.dask import Dask  # an extra, and slow to import

    return Dask(client)


def _is_of(value: object, package: str) -> bool:
    return type(value).__module__.partition(".")[0] == package
