"""Codec of fits with instruments."""

from __future__ import annotations

from gramian.fit.iv.solution import IvSolved, RobustMoments
from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.serialize.codec import Codec, require, sequence
from gramian.serialize.record import at, record


def _check(fit: IvSolved) -> None:
    k, L = len(fit.endogenous), len(fit.excluded)
    shapes = fit.within.shape, fit.reduced.shape
    require(shapes == ((k + 1, k + 1), (L, k + 1)), "products of endogenous columns and instruments", shapes)
    require(set(fit.endogenous) <= set(fit.structural.names), "endogenous columns of the model", fit.endogenous)
    sizes = fit.robust and (len(fit.robust.reduced), len(fit.robust.endogeneity))
    require(sizes in (None, (L * (k + 1), k)), "covariances of these columns", sizes)


ROBUST = record(RobustMoments, "reduced[r,r] endogeneity[e,e] df df_endogeneity")
IV_SOLVED: Codec[IvSolved] = record(
    IvSolved,
    "structural/ estimator kappa endogenous excluded unused within[k,k] reduced[*,k] exogenous",
    at("first", sequence(lambda i: SOLVED.under(f"first/{i}/"))),
    at("robust/ hansen", absent=None),
    at("fuller", absent=1.0),
    check=_check,
    types={Solved: SOLVED, RobustMoments: ROBUST},
)
