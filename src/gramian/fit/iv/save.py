"""Codec of fits with instruments."""

from __future__ import annotations

from gramian.fit.iv.solution import IvSolved, RobustMoments
from gramian.fit.leastsquares.save import SOLVED
from gramian.serialize.codec import Codec, numbered, rule
from gramian.serialize.record import at, record

IV_SOLVED: Codec[IvSolved] = record(
    IvSolved,
    "structural/ estimator kappa endogenous[k] excluded[L] unused within[k+1,k+1] reduced[L,k+1] exogenous",
    at("first", numbered("first/", SOLVED)),
    "~robust/ ~hansen ~fuller",
    rule(lambda fit: {*fit.endogenous} <= {*fit.structural.names}, "endogenous columns of the model", "endogenous"),
    rule(
        lambda fit: fit.robust is None or len(fit.robust.reduced) == fit.reduced.size,
        "a covariance of the coefficients of instruments",
        "robust.reduced.shape",
    ),
    types=[SOLVED, record(RobustMoments, "reduced[r,r] endogeneity[k,k] df df_endogeneity")],
)
