"""Codec of one point of a penalized path; the penalties of the other points are not saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.penalized.options import PathOptions, path_options
from gramian.serialize.codec import Codec, Members, wrong
from gramian.serialize.record import at, record


class Penalized(NamedTuple):
    """A fit, and how it was penalized."""

    solved: Solved
    options: PathOptions


NOT_SAVED = {"inverse", "solution/inverse"}  # such a fit has no covariance, so nothing is written of one


def _write(fit: Solved, members: Members) -> Any:
    out = SOLVED.write(fit, members)
    for name in NOT_SAVED:
        del members.arrays[name]
    return out


def _read(obj: object, members: Members) -> Solved:
    width = members.arrays["coefficients"].size
    unknown = np.broadcast_to(np.float64(np.nan), (width, width))  # takes no memory
    if NOT_SAVED & members.arrays.keys():
        wrong("no covariance", list(members.arrays))
    fit = SOLVED.read(obj, replace(members, arrays={**members.arrays, **dict.fromkeys(NOT_SAVED, unknown)}))
    members.used.difference_update(NOT_SAVED)
    return fit


def _check(fit: Penalized) -> None:
    path_options(fit.options.l1_ratio, None, fit.options.penalties)  # refuses numbers out of range
    if fit.solved.alpha is None:
        wrong("a penalty", None)


PENALIZED: Codec[Penalized] = record(
    Penalized,
    at("fit=solved", Codec(_write, _read)),
    "l1_ratio=options.l1_ratio penalties=options.penalties",
    "standardize=options.standardize drop_first=options.drop_first",
    check=_check,
)
