"""Codec of fits with instruments."""

from __future__ import annotations

from gramian.fit.iv.solution import IvSolved, RobustMoments
from gramian.fit.leastsquares.save import SOLVED
from gramian.serialize.codec import Codec, numbered, require
from gramian.serialize.record import at, record


def _check(fit: IvSolved) -> None:
    require(set(fit.endogenous) <= set(fit.structural.names), "endogenous columns of the model", fit.endogenous)
    size = fit.robust and len(fit.robust.reduced)
    require(size in (None, fit.reduced.size), "a covariance of the coefficients of instruments", size)


IV_SOLVED: Codec[IvSolved] = record(
    IvSolved,
    "structural/ estimator kappa endogenous[k] excluded[L] unused within[k+1,k+1] reduced[L,k+1] exogenous",
    at("first", numbered("first/", SOLVED)),
    at("robust/ hansen", absent=None),
    at("fuller", absent=1.0),
    check=_check,
    types=[SOLVED, record(RobustMoments, "reduced[r,r] endogeneity[k,k] df df_endogeneity")],
)
