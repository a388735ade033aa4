"""Robust covariances from their parts: bread, meat, factor; told in the model's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.vcov.clusters import Clusters
from gramian.inference.recipes import ModelFacts, VcovSpec, degrees_of_freedom, small_sample_factor
from gramian.linalg import maps
from gramian.linalg.absorb.partial_out import rank_of
from gramian.linalg.aliasing import basic_covariance
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.linalg.moments import Moments
from gramian.typing import Mask, Matrix

EIGENVALUE_ROUNDING = 1e-12  # of the largest eigenvalue: what is less below zero is rounding
MIN_REMAINDER = (
    1e-9  # smallest eigenvalue of what a cluster leaves, relative to the whole: below it the rest says nothing
)


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """A combination of cluster columns: plus or minus, how many clusters, their sums of scores (G, p)."""

    sign: float
    groups: int
    sums: Matrix


def from_meat(solved: Solved, meat: Matrix, vcov: VcovSpec, facts: ModelFacts) -> RobustCovariance:
    """HC0 to HC3. meat : (p, p) in the columns that were solved for."""
    share = small_sample_factor(vcov, facts)
    V = solved.solution.inverse
    return with_model_covariance(
        solved, share * (V @ meat @ V), RobustCovariance(vcov, V, V, share, degrees_of_freedom(vcov, facts))
    )


def from_scores(
    solved: Solved, clusters: Clusters, scores: Matrix, vcov: VcovSpec, facts: ModelFacts
) -> RobustCovariance:
    """CR0 and CR1 of one or more columns. scores : (c, p) by cluster, in the columns that were solved for."""
    parts = parts_of(clusters, scores)
    fewest = check_groups(clusters, vcov)
    V = solved.solution.inverse
    covariance = np.zeros_like(V)
    for part in parts:
        half = part.sums @ V
        covariance += part.sign * small_sample_factor(vcov, facts, part.groups, fewest) * (half.T @ half)
    share = small_sample_factor(vcov, facts, parts[0].groups, fewest)
    groups = tuple(part.groups for part in parts[: len(vcov.clusters)])
    robust = with_model_covariance(
        solved, covariance, RobustCovariance(vcov, V, V, share, degrees_of_freedom(vcov, facts, fewest), groups)
    )
    return (
        without_negative_eigenvalues(solved, robust)
        if len(parts) > 1 and vcov.small_sample.clip_eigenvalues
        else robust
    )


def from_jackknife(solved: Solved, changes: Matrix, vcov: VcovSpec, facts: ModelFacts) -> RobustCovariance:
    """CR3. moves : (G, p), the coefficients without each cluster minus those with all."""
    G = len(changes)
    share, V = small_sample_factor(vcov, facts, G, G), solved.solution.inverse
    return with_model_covariance(
        solved,
        share * (changes.T @ changes),
        RobustCovariance(vcov, V, V, share, degrees_of_freedom(vcov, facts, G), (G,)),
    )


def parts_of(clusters: Clusters, scores: Matrix) -> list[ClusterPart]:
    """Single columns first, then pairs with a minus sign, then triples, ..."""
    width, out = clusters.cells.shape[1], []
    for size in range(1, width + 1):
        for columns in combinations(range(width), size):
            group = clusters.by(columns)
            groups = int(group.max(initial=-1)) + 1
            all_distinct = groups == len(scores)
            sums = scores if all_distinct else grouped_sums(scores, np.ones(len(scores)), group, groups)
            out.append(ClusterPart(-1.0 if size % 2 == 0 else 1.0, groups, sums))
    return out


def check_groups(clusters: Clusters, vcov: VcovSpec) -> int:
    """The number of clusters of the column that has the fewest. Raises NumericalError where that is one."""
    counts = [int(clusters.by([i]).max(initial=-1)) + 1 for i in range(len(vcov.clusters))]
    fewest = min(counts)
    if fewest < 2:
        column = vcov.clusters[counts.index(fewest)]
        raise NumericalError(f"all rows are in one cluster by '{column}': standard errors by cluster need two or more")
    return fewest


def with_model_covariance(solved: Solved, solved_covariance: Matrix, robust: RobustCovariance) -> RobustCovariance:
    """The covariance (p, p) of the columns that were solved for, and the same in the model's columns."""
    V, null = solved_covariance, solved.solution.null
    if solved.parametrization.to_model is not None:
        T = maps.map_of(solved.parametrization.to_model)
        V, null = maps.congruence(T, V), maps.multiply(T, null)
    if null.shape[1]:
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        V = basic_covariance(V, at, null @ np.linalg.inv(null[at]))
    return replace(
        robust,
        solved_covariance=_symmetric(solved_covariance),
        covariance=_nan_where_unidentified(solved, _symmetric(V)),
    )


def without_negative_eigenvalues(solved: Solved, robust: RobustCovariance) -> RobustCovariance:
    """Negative eigenvalues, which inclusion and exclusion may leave, set to zero and counted."""
    identified = solved.identified
    values, vectors = np.linalg.eigh(robust.covariance[np.ix_(identified, identified)])
    negative = int((values < -EIGENVALUE_ROUNDING * np.abs(values).max(initial=0.0)).sum())
    if not negative:
        return robust
    V = np.zeros_like(robust.covariance)
    V[np.ix_(identified, identified)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    solved_covariance = (
        V
        if solved.parametrization.to_solved is None
        else maps.congruence(maps.map_of(solved.parametrization.to_solved), V)
    )
    return replace(
        robust, solved_covariance=solved_covariance, covariance=_nan_where_unidentified(solved, V), negative=negative
    )


def _nan_where_unidentified(solved: Solved, V: Matrix) -> Matrix:
    out = V.copy()
    out[~solved.identified], out[:, ~solved.identified] = np.nan, np.nan
    return out


def _symmetric(V: Matrix) -> Matrix:
    return np.asarray((V + V.T) / 2)


def jackknife_changes(products: Matrix, scores: Matrix, independent: Mask) -> Matrix:
    """Move of the coefficients when each cluster is left out, (G, p): -(X'WX - X_g'WX_g)^-1 s_g.

    products : (G, p, p) by cluster, scores : (G, p), kept : (p,) columns that are used; the others do not move.
    Raises NumericalError where a coefficient rests on one cluster alone.
    """
    P, s = products[:, independent][:, :, independent], scores[:, independent]
    S = P.sum(axis=0)
    scale = 1.0 / np.sqrt(S.diagonal())
    L = np.linalg.cholesky(S * scale[:, None] * scale)
    half = np.linalg.solve(L, np.diag(scale))  # whitens: half S half' = 1
    remainder = np.eye(len(S)) - half @ P @ half.T
    lowest = np.linalg.eigvalsh(remainder).min(initial=1.0, axis=1)
    if (lowest < MIN_REMAINDER).any():
        raise NumericalError(
            f"{int((lowest < MIN_REMAINDER).sum()):,} of {len(s):,} clusters cannot be left out: a coefficient rests "
            "on one of them alone, so CR3 is not defined; use CR1, or leave that column or cluster out"
        )
    out = np.zeros(scores.shape)
    out[:, independent] = -(np.linalg.solve(remainder, (s @ half.T)[:, :, None])[:, :, 0] @ half)
    return out


def parameter_count(solved: Solved, moments: Moments, vcov: VcovSpec, nested: tuple[str, ...]) -> float:
    """Coefficients, and the dimension that absorbed levels add to those of the factors nested in clusters.

    These are not counted, but for one, the constant that is in them. moments : with the sums over levels.
    """
    absorbed, small_sample = solved.absorbed, vcov.small_sample
    if absorbed is None:
        return solved.leverage
    absorbed_rank = absorbed.rank if small_sample.exact_rank else _levels_rank(absorbed.levels, tuple(absorbed.levels))
    if not nested or not small_sample.drop_nested:
        return float(solved.rank + absorbed_rank)
    nested_rank = rank_of(moments, nested)[0] if small_sample.exact_rank else _levels_rank(absorbed.levels, nested)
    return float(solved.rank + max(absorbed_rank - nested_rank, 0) + 1)


def _levels_rank(levels: Mapping[str, int], factors: tuple[str, ...]) -> int:
    """As if the levels of each factor after the first repeated one dimension only."""
    return sum(levels[f] for f in factors) - (len(factors) - 1)
