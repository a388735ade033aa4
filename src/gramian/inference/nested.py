"""Tests of nested models: F tests of sums of squares or deviances, and likelihood-ratio tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.special import gammaincc

from gramian.inference.tests import f_probability

F, LIKELIHOOD_RATIO = "F", "LR"


@dataclass(frozen=True, slots=True)
class NestedModel:
    """A model of a sequence in which each contains the one before.

    Attributes
    ----------
    df_residual : float
        Residual degrees of freedom.
    deviance : float
        Residual sum of squares, or deviance.
    loglik : float or None
        Log-likelihood; None for a quasi family.
    """

    df_residual: float
    deviance: float
    loglik: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """What a model adds to the one before; NaN for the first.

    Attributes
    ----------
    df : float
        Number of columns that it adds.
    explained : float
        Deviance that they explain.
    statistic : float
        F, or twice the difference of log-likelihoods.
    p_value : float
        Its probability under the smaller model.
    """

    df: float = math.nan
    explained: float = math.nan
    statistic: float = math.nan
    p_value: float = math.nan


def steps(models: Sequence[NestedModel], test: str, dispersion: float) -> list[Step]:
    """The steps of a sequence of models, from the smallest to the largest.

    Parameters
    ----------
    models : sequence of NestedModel
        In the order of their degrees of freedom.
    test : str
        "F": the deviance explained over df and the dispersion. "LR": twice the difference of log-likelihoods.
    dispersion : float
        That of the largest model.
    """
    largest, out = models[-1], [Step()]
    for small, large in pairwise(models):
        df, explained = small.df_residual - large.df_residual, small.deviance - large.deviance
        if test == F:
            statistic = explained / df / dispersion if df > 0 and dispersion > 0 else math.nan
            p = f_probability(statistic, (df, largest.df_residual))
        else:
            statistic = 2.0 * ((large.loglik or math.nan) - (small.loglik or math.nan))
            p = float(gammaincc(df / 2.0, max(statistic, 0.0) / 2.0)) if df > 0 else math.nan
        out.append(Step(df, explained, statistic, p))
    return out
