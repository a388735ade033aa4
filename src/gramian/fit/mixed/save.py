"""Codec of mixed models."""

from __future__ import annotations

import numpy as np

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.mixed.solution import MixedSolved, RandomTerm
from gramian.serialize.codec import Codec, require, sequence
from gramian.serialize.record import at, record
from gramian.serialize.values import ARROW_VALUES


def _check_term(term: RandomTerm) -> None:
    q = len(term.columns.names)
    require(len(term.covariance) == q, f"covariances of {q} random effects", term.covariance.shape)


def _check(fit: MixedSolved) -> None:
    p, m, q = len(fit.structural.names), len(fit.parameters), sum(len(t.names) for t in fit.random)
    require(fit.derivatives.shape == (m, p, p), "derivatives by each parameter", fit.derivatives.shape)
    require(fit.effects.shape[1] == q and fit.random, f"{q} random effects of each group", fit.effects.shape)
    lengths = {len(values) for values in fit.groups} | {len(fit.counts)}
    require(len(fit.groups) == len(fit.by) > 0 and len(lengths) == 1, "a value of each group", lengths)
    require(np.isfinite(fit.effects).all() and (fit.counts > 0).all(), "effects of groups with rows", fit.counts)


def _term(i: int) -> Codec[RandomTerm]:
    """A term of random effects, its arrays under a name of its own."""
    return record(
        RandomTerm,
        "columns covariance[q,q] log_errors[q]? atanh_errors[q,q]?",
        check=_check_term,
        types={Solved: SOLVED},
    ).under(f"random/{i}/")


MIXED_SOLVED: Codec[MixedSolved] = record(
    MixedSolved,
    "structural/ by[by]",
    at("random", sequence(_term)),
    "reml deviance sigma log_sigma_error parameters[k,k] derivatives[k,p,p]?",
    at("groups[by]", sequence(ARROW_VALUES)),
    "counts[c] effects[c,q] effect_errors[c,q] steps singular",
    check=_check,
    types={Solved: SOLVED},
)
