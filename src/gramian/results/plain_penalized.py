"""One point of a penalised path as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.fit.penalties import PathOptions, path_options
from gramian.fit.solved import Solved
from gramian.results import plain
from gramian.results.plain_design import Arrays
from gramian.results.plain_solved import from_solved, solved

CONTENT = ("fit", "l1_ratio", "penalties", "standardize", "drop_first")
UNKNOWN = ("inverse", "solution/inverse")  # such a fit has no covariance, so nothing is written of one


def from_penalized(fit: Solved, options: PathOptions) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays; of the options those that tell how the fit was penalised, not the alphas around it."""
    told, arrays = from_solved(fit)
    values = (told, options.l1_ratio, dict(options.penalties), options.standardize, options.drop_first)
    return dict(zip(CONTENT, values, strict=True)), {k: a for k, a in arrays.items() if k not in UNKNOWN}


def penalized(manifest: Mapping[str, Any], arrays: Arrays) -> tuple[Solved, PathOptions]:
    """What `from_penalized` wrote; ValueError or GramianError for anything else."""
    fit, l1_ratio, penalties, standardize, drop_first = plain.fields(manifest, CONTENT)
    options = path_options(
        plain.number(l1_ratio),
        None,
        plain.mapping(penalties, plain.number),
        plain.flag(standardize),
        plain.flag(drop_first),
    )
    if arrays.keys() & set(UNKNOWN):
        plain.wrong("no covariance", list(arrays))
    width = arrays["coefficients"].size
    unknown = np.broadcast_to(np.float64(np.nan), (width, width))  # takes no memory
    found = solved(fit, {**arrays, **dict.fromkeys(UNKNOWN, unknown)})
    if found.alpha is None:
        plain.wrong("a penalty", None)
    return found, options
