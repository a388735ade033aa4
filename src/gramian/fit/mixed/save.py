"""Codec of mixed models."""

from __future__ import annotations

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.mixed.solution import MixedSolved, RandomTerm
from gramian.serialize.codec import Codec, numbered, rule, sequence
from gramian.serialize.record import at, record
from gramian.serialize.values import ARROW_COLUMN

TERM = record(RandomTerm, "columns[q=names] covariance[q,q] log_errors[q]? atanh_errors[q,q]?", types=[SOLVED])


MIXED_SOLVED: Codec[MixedSolved] = record(
    MixedSolved,
    "structural/[fixed=names] by[by]",
    at("random", numbered("random/", TERM)),
    "reml deviance sigma log_sigma_error parameters[k,k] derivatives[k,fixed,fixed]?",
    at("groups[by]", sequence(ARROW_COLUMN.along("c"))),
    "counts[c] effects[c,q] effect_errors[c,q] steps singular",
    rule(
        lambda fit: fit.effects.shape[1] == sum(len(term.names) for term in fit.random) > 0,
        "a value of each random effect in every group",
        "effects.shape",
    ),
    rule(lambda fit: fit.by and len({*zip(*fit.groups, strict=True)}) == len(fit.counts), "groups that differ", "by"),
    types=[SOLVED],
)
