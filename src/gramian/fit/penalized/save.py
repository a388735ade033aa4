"""One point of a penalised path as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.fit.leastsquares.save import solved_from_json, solved_to_json
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.penalized.options import PathOptions, path_options
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays

CONTENT = ("fit", "l1_ratio", "penalties", "standardize", "drop_first")
NOT_SAVED = ("inverse", "solution/inverse")  # such a fit has no covariance, so nothing is written of one


def penalized_to_json(fit: Solved, options: PathOptions) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays; of the options those that tell how the fit was penalised, not the alphas around it."""
    fit_json, arrays = solved_to_json(fit)
    values = (fit_json, options.l1_ratio, dict(options.penalties), options.standardize, options.drop_first)
    return dict(zip(CONTENT, values, strict=True)), {k: a for k, a in arrays.items() if k not in NOT_SAVED}


def penalized_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> tuple[Solved, PathOptions]:
    """What `from_penalized` wrote; ValueError or GramianError for anything else."""
    fit, l1_ratio, penalties, standardize, drop_first = plain.fields(manifest, CONTENT)
    options = path_options(
        plain.number_from_json(l1_ratio),
        None,
        plain.mapping(penalties, plain.number_from_json),
        plain.flag(standardize),
        plain.flag(drop_first),
    )
    if arrays.keys() & set(NOT_SAVED):
        plain.wrong("no covariance", list(arrays))
    width = arrays["coefficients"].size
    unknown = np.broadcast_to(np.float64(np.nan), (width, width))  # takes no memory
    solved_fit = solved_from_json(fit, {**arrays, **dict.fromkeys(NOT_SAVED, unknown)})
    if solved_fit.alpha is None:
        plain.wrong("a penalty", None)
    return solved_fit, options
