"""Codec of one point of a penalized path; the penalties of the other points are not saved."""

from __future__ import annotations

from typing import NamedTuple

from gramian.fit.leastsquares.save import solved
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.penalized.options import PathOptions
from gramian.serialize.codec import Codec, require
from gramian.serialize.record import at, record


class Penalized(NamedTuple):
    """A fit, and how it was penalized."""

    solved: Solved
    options: PathOptions


PENALIZED: Codec[Penalized] = record(
    Penalized,
    at("fit=solved", solved(covariance=False)),
    "l1_ratio=options.l1_ratio penalties=options.penalties",
    "standardize=options.standardize drop_first=options.drop_first",
    check=lambda fit: require(fit.solved.alpha is not None, "a penalty", None),
)
