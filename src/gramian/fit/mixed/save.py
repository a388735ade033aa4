"""Codec of mixed models."""

from __future__ import annotations

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.mixed.solution import MixedSolved, RandomTerm
from gramian.serialize.codec import Codec, numbered, require, sequence
from gramian.serialize.record import at, record
from gramian.serialize.values import ARROW_COLUMN

TERM = record(RandomTerm, "columns[q=names] covariance[q,q] log_errors[q]? atanh_errors[q,q]?", types=[SOLVED])


def _check(fit: MixedSolved) -> None:
    q = sum(len(t.names) for t in fit.random)
    require(fit.effects.shape[1] == q > 0, f"{q} random effects of each group", fit.effects.shape)
    require(fit.by, "columns that make the groups", fit.by)
    groups = zip(*(column.to_pylist() for column in fit.groups), strict=True)
    require(len(set(groups)) == len(fit.counts), "groups that differ", fit.by)


MIXED_SOLVED: Codec[MixedSolved] = record(
    MixedSolved,
    "structural/[fixed=names] by[by]",
    at("random", numbered("random/", TERM)),
    "reml deviance sigma log_sigma_error parameters[k,k] derivatives[k,fixed,fixed]?",
    at("groups[by]", sequence(ARROW_COLUMN.along("c"))),
    "counts[c] effects[c,q] effect_errors[c,q] steps singular",
    check=_check,
    types=[SOLVED],
)
