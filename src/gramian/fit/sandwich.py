"""Robust covariances from their parts: bread, meat, factor; told in the model's columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.cluster_names import Clusters
from gramian.fit.solved import Robust, Solved
from gramian.inference.recipes import Recipe, Setup, factor, freedom
from gramian.linalg import maps
from gramian.linalg.aliasing import basic_covariance
from gramian.linalg.grouped import grouped_sums
from gramian.typing import Mask, Matrix

NEGATIVE = 1e-12  # of the largest eigenvalue: what is less below zero is rounding
ALONE = 1e-9  # smallest eigenvalue of what a cluster leaves, relative to the whole: below it the rest says nothing


@dataclass(frozen=True, slots=True)
class Part:
    """A combination of cluster columns: plus or minus, how many clusters, their sums of scores (G, p)."""

    sign: float
    groups: int
    sums: Matrix


def from_meat(solved: Solved, meat: Matrix, recipe: Recipe, setup: Setup) -> Robust:
    """HC0 to HC3. meat : (p, p) in the columns that were solved for."""
    share = factor(recipe, setup)
    V = solved.solution.inverse
    return told(solved, share * (V @ meat @ V), Robust(recipe, V, V, share, freedom(recipe, setup)))


def from_scores(solved: Solved, clusters: Clusters, scores: Matrix, recipe: Recipe, setup: Setup) -> Robust:
    """CR0 and CR1 of one or more columns. scores : (c, p) by cluster, in the columns that were solved for."""
    parts = parts_of(clusters, scores)
    least = check_groups(clusters, recipe)
    V = solved.solution.inverse
    inner = np.zeros_like(V)
    for part in parts:
        half = part.sums @ V
        inner += part.sign * factor(recipe, setup, part.groups, least) * (half.T @ half)
    share = factor(recipe, setup, parts[0].groups, least)
    groups = tuple(part.groups for part in parts[: len(recipe.clusters)])
    out = told(solved, inner, Robust(recipe, V, V, share, freedom(recipe, setup, least), groups))
    return repaired(solved, out) if len(parts) > 1 and recipe.convention.repaired else out


def from_jackknife(solved: Solved, moves: Matrix, recipe: Recipe, setup: Setup) -> Robust:
    """CR3. moves : (G, p), the coefficients without each cluster minus those with all."""
    G = len(moves)
    share, V = factor(recipe, setup, G, G), solved.solution.inverse
    return told(solved, share * (moves.T @ moves), Robust(recipe, V, V, share, freedom(recipe, setup, G), (G,)))


def parts_of(clusters: Clusters, scores: Matrix) -> list[Part]:
    """Single columns first, then pairs with a minus sign, then triples, ..."""
    width, out = clusters.cells.shape[1], []
    for size in range(1, width + 1):
        for columns in combinations(range(width), size):
            group = clusters.by(columns)
            groups = int(group.max(initial=-1)) + 1
            whole = groups == len(scores)
            sums = scores if whole else grouped_sums(scores, np.ones(len(scores)), group, groups)
            out.append(Part(-1.0 if size % 2 == 0 else 1.0, groups, sums))
    return out


def check_groups(clusters: Clusters, recipe: Recipe) -> int:
    """The number of clusters of the column that has the fewest. Raises NumericalError where that is one."""
    counts = [int(clusters.by([i]).max(initial=-1)) + 1 for i in range(len(recipe.clusters))]
    least = min(counts)
    if least < 2:
        column = recipe.clusters[counts.index(least)]
        raise NumericalError(f"all rows are in one cluster by '{column}': standard errors by cluster need two or more")
    return least


def told(solved: Solved, inner: Matrix, robust: Robust) -> Robust:
    """The covariance (p, p) of the columns that were solved for, and the same in the model's columns."""
    V, null = inner, solved.solution.null
    if solved.frame.told is not None:
        T = maps.map_of(solved.frame.told)
        V, null = maps.congruence(T, V), maps.multiply(T, null)
    if null.shape[1]:
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        V = basic_covariance(V, at, null @ np.linalg.inv(null[at]))
    return replace(robust, inner=_symmetric(inner), told=_known(solved, _symmetric(V)))


def repaired(solved: Solved, robust: Robust) -> Robust:
    """Negative eigenvalues, which inclusion and exclusion may leave, set to zero and counted."""
    known = solved.identified
    values, vectors = np.linalg.eigh(robust.told[np.ix_(known, known)])
    negative = int((values < -NEGATIVE * np.abs(values).max(initial=0.0)).sum())
    if not negative:
        return robust
    V = np.zeros_like(robust.told)
    V[np.ix_(known, known)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    inner = V if solved.frame.made is None else maps.congruence(maps.map_of(solved.frame.made), V)
    return replace(robust, inner=inner, told=_known(solved, V), negative=negative)


def _known(solved: Solved, V: Matrix) -> Matrix:
    out = V.copy()
    out[~solved.identified], out[:, ~solved.identified] = np.nan, np.nan
    return out


def _symmetric(V: Matrix) -> Matrix:
    return np.asarray((V + V.T) / 2)


def without_each(products: Matrix, scores: Matrix, kept: Mask) -> Matrix:
    """Move of the coefficients when each cluster is left out, (G, p): -(X'WX - X_g'WX_g)^-1 s_g.

    products : (G, p, p) by cluster, scores : (G, p), kept : (p,) columns that are used; the others do not move.
    Raises NumericalError where a coefficient rests on one cluster alone.
    """
    P, s = products[:, kept][:, :, kept], scores[:, kept]
    S = P.sum(axis=0)
    scale = 1.0 / np.sqrt(S.diagonal())
    L = np.linalg.cholesky(S * scale[:, None] * scale)
    half = np.linalg.solve(L, np.diag(scale))  # whitens: half S half' = 1
    rest = np.eye(len(S)) - half @ P @ half.T
    lowest = np.linalg.eigvalsh(rest).min(initial=1.0, axis=1)
    if (lowest < ALONE).any():
        raise NumericalError(
            f"{int((lowest < ALONE).sum()):,} of {len(s):,} clusters cannot be left out: a coefficient rests on one "
            "of them alone, so CR3 is not defined; use CR1, or leave that column or cluster out"
        )
    out = np.zeros(scores.shape)
    out[:, kept] = -(np.linalg.solve(rest, (s @ half.T)[:, :, None])[:, :, 0] @ half)
    return out
