"""Codec of fits with instruments."""

from __future__ import annotations

from gramian.fit.iv.solution import IvSolved
from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.serialize.codec import Codec, require, sequence
from gramian.serialize.record import at, record


def _check(fit: IvSolved) -> None:
    width = len(fit.endogenous) + 1
    require(set(fit.endogenous) <= set(fit.structural.names), "endogenous columns of the model", fit.endogenous)
    require(fit.within.shape == (width, width), f"products of {width} columns", fit.within.shape)
    require(fit.reduced.shape == (len(fit.excluded), width), "a row for each instrument", fit.reduced.shape)


IV_SOLVED: Codec[IvSolved] = record(
    IvSolved,
    "structural/ estimator kappa endogenous excluded unused within[k,k] reduced[*,k] exogenous",
    at("first", lambda read: sequence(lambda i: SOLVED.under(f"first/{i}/"))),
    check=_check,
    types={Solved: SOLVED},
)
