"""Engine that reads the rows: as many threads as `n_jobs` says, one where there are few rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.engines.local import Local
from gramian.errors import OptionError
from gramian.kernels.threads import CORES
from gramian.sklearn.rows import ROWS_PER_UNIT


def local(rows: int, n_jobs: Any = None) -> Local:
    """Engine for so many rows; results have the same bits for any number of threads.

    Parameters
    ----------
    rows : int
        Number of rows. Up to one unit is read by one thread.
    n_jobs : int, optional
        Threads as in scikit-learn: None or -1 for one a core, -2 for one fewer, ...

    Raises
    ------
    OptionError
        Where `n_jobs` is not an integer, or is 0.
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0):
        raise OptionError(f"n_jobs must be a number of threads, -1 for one a core, or None, found {n_jobs!r}")
    if rows <= ROWS_PER_UNIT:
        return Local(1)
    if n_jobs is None:
        return Local()
    return Local(int(n_jobs) if n_jobs > 0 else max(CORES + 1 + int(n_jobs), 1))
