"""Codec of fits with instruments."""

from __future__ import annotations

from gramian.fit.iv.solution import IvSolved, RobustMoments
from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.serialize.codec import Codec, require, sequence
from gramian.serialize.record import at, record


def _check(fit: IvSolved) -> None:
    width = len(fit.endogenous) + 1
    require(set(fit.endogenous) <= set(fit.structural.names), "endogenous columns of the model", fit.endogenous)
    require(fit.within.shape == (width, width), f"products of {width} columns", fit.within.shape)
    if fit.robust is not None:
        sizes = (len(fit.robust.reduced), len(fit.robust.endogeneity))
        require(sizes == (width * len(fit.excluded), width - 1), "covariances of these columns", sizes)
    require(fit.reduced.shape == (len(fit.excluded), width), "a row for each instrument", fit.reduced.shape)


ROBUST = record(RobustMoments, "reduced[r,r] endogeneity[e,e] df df_endogeneity")
IV_SOLVED: Codec[IvSolved] = record(
    IvSolved,
    "structural/ estimator kappa endogenous excluded unused within[k,k] reduced[*,k] exogenous",
    at("first", lambda read: sequence(lambda i: SOLVED.under(f"first/{i}/"))),
    at("robust/ hansen", absent=None),
    at("fuller", absent=1.0),
    check=_check,
    types={Solved: SOLVED, RobustMoments: ROBUST},
)
