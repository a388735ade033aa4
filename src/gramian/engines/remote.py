"""What workers of all clusters do: read a unit of a file, and say where it is out of their reach."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gramian.engines.fold import accumulate_unit
from gramian.errors import DataError, GramianError
from gramian.typing import M, Pass


def accumulate_file_unit(task: Pass[M], unit: Any, worker: Callable[[], str]) -> M:
    """The partial result of a unit that this worker reads.

    worker : its name, for the error that says that it has no access to the file.
    """
    try:
        return accumulate_unit(task, unit)
    except GramianError as error:
        path = getattr(getattr(unit, "file", None), "path", None)
        if path is None or os.access(path, os.R_OK):
            raise
        access = f"has no access to '{path}'; every worker has to see the files by the same paths"
        raise DataError(f"the worker {worker()} {access}", unit.name) from error
