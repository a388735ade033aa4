"""Leverages of rows by their levels of several absorbed factors, from sums of weights over cells.

With the indicators D of the levels, the leverage of a row per weight is d'(D'WD)^- d. The largest factor has a
diagonal block A, so that with C the sums of weights by its levels and those of the others, and G a generalized inverse
of the Schur complement of the others, it is 1 / A_a + t'G t for t = (the row's other levels) - C_a / A_a. G is one
dense matrix of the levels of all factors but the largest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from gramian.linalg.absorb.level_sums import indicators, level_sums, products_of_levels
from gramian.linalg.absorb.pivots import pivoted
from gramian.linalg.factors.cell_keys import keys_of
from gramian.linalg.moments import Moments
from gramian.linalg.solve import SAFETY
from gramian.typing import Codes, Matrix, Vector

BLOCK = 1 << 22  # numbers in a block of C G


@dataclass(frozen=True, slots=True)
class CellValues:
    """A number for each combination of a level of the largest factor and one of another that occurs.

    Attributes
    ----------
    keys : Codes
        (c,) level of the largest factor times the levels of the other, plus its level; ascending.
    values : Vector
        (c,) the numbers.
    levels : int
        Number of levels of the other factor.
    """

    keys: Codes
    values: Vector
    levels: int

    def of(self, first: Codes, other: Codes) -> Vector:
        """The numbers of rows, (n,)."""
        return self.values[np.searchsorted(self.keys, first * self.levels + other)]


@dataclass(frozen=True, slots=True)
class LevelLeverage:
    """Leverages by the levels of several factors.

    Attributes
    ----------
    factors : tuple of str
        The factors, that of most levels first.
    own : Vector
        (L,) 1 / A_a + C_a G C_a' / A_a^2 of the levels of the first.
    cross : tuple of CellValues
        Of each other factor, (C G)_ab / A_a.
    starts : tuple of int
        Position of the first level of each other factor in G.
    inverse : Matrix
        (m, m) G.
    """

    factors: tuple[str, ...]
    own: Vector
    cross: tuple[CellValues, ...]
    starts: tuple[int, ...]
    inverse: Matrix

    def of(self, codes: Mapping[str, Codes]) -> Vector:
        """Leverages per weight of rows, (n,). codes : factor -> levels of the rows."""
        first, others = codes[self.factors[0]], [codes[f] for f in self.factors[1:]]
        at = [start + level for start, level in zip(self.starts, others, strict=True)]
        out = self.own[first]
        for i, (cells, level) in enumerate(zip(self.cross, others, strict=True)):
            out = out - 2.0 * cells.of(first, level)
            for j in range(len(at)):
                out = out + self.inverse[at[i], at[j]]
        return np.asarray(out)


def level_leverage(moments: Moments, factors: Sequence[str], rounding_error: float) -> LevelLeverage:
    """The leverages of the levels of factors, that of most levels first, from moments with their tables.

    rounding_error : relative, of a sum of weights.
    """
    others = dict.fromkeys(factors[1:])
    sums = level_sums(moments, factors[0], indicators(moments, others, 0))
    inverse_weight = 1.0 / sums.weight
    C = sums.sparse  # every level has rows, so that its columns are all levels of the others
    S = products_of_levels(moments, others).toarray()
    size = np.sqrt(S.diagonal())
    S -= (C.T @ C.multiply(inverse_weight[:, None]).tocsr()).toarray()
    G = _generalized_inverse(S, size, SAFETY * rounding_error)
    sizes = [len(moments.levels[f]) for f in factors[1:]]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    own, cross = _crossed(csr_array(C.multiply(inverse_weight[:, None])), G, moments, factors, starts)
    return LevelLeverage(tuple(factors), inverse_weight + own, cross, tuple(starts.tolist()), G)


def _generalized_inverse(S: Matrix, size: Vector, tolerance: float) -> Matrix:
    """The inverse of S (m, m) among independent levels, zero in the others.

    size : (m,) roots of the diagonal before the largest factor was eliminated, to which rounding errors are relative.
    """
    G = np.zeros_like(S)
    L, independent = pivoted(S, size, tolerance)
    if not len(independent):
        return G
    inverse, _ = lapack.dpotri(L, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    G[np.ix_(independent, independent)] = inverse / size[independent, None] / size[independent]
    return G


def _crossed(
    R: csr_array, G: Matrix, moments: Moments, factors: Sequence[str], starts: Codes
) -> tuple[Vector, tuple[CellValues, ...]]:
    """R_a G R_a' of the levels (L,) of the first factor, and (R G)_ab of its cells with others. R : (L, m) shares."""
    cells = [_cells(moments, factors[0], other) for other in factors[1:]]
    sizes = [len(moments.levels[f]) for f in factors[1:]]
    own, values = np.zeros(R.shape[0]), [np.zeros(len(keys)) for keys in cells]
    height = max(BLOCK // max(len(G), 1), 1)
    for low in range(0, R.shape[0], height):
        rows = R[low : low + height]
        product = rows @ G
        own[low : low + height] = rows.multiply(product).sum(axis=1)
        for keys, out, levels, start in zip(cells, values, sizes, starts, strict=True):
            part = slice(*np.searchsorted(keys, [low * levels, (low + height) * levels]))
            first, other = np.divmod(keys[part], levels)
            out[part] = product[first - low, start + other]
    return own, tuple(CellValues(*cell) for cell in zip(cells, values, sizes, strict=True))


def _cells(moments: Moments, first: str, other: str) -> Codes:
    """Keys of the combinations of levels of two factors that occur, ascending."""
    union = tuple(sorted((first, other)))
    cells = moments.tables[union].cells
    pair = cells.T[[union.index(first), union.index(other)]]
    return np.sort(keys_of(pair, [len(moments.levels[f]) for f in (first, other)]))
