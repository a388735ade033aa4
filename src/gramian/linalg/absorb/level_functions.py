"""Functions of the rows of each level of an absorbed factor: 1, and variables whose slope differs by level.

The functions of a level are made orthogonal to each other by the sums over the level: the products of the functions of
all levels are then a diagonal matrix, as those of indicators of levels are, and are eliminated in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.certificate import EPS
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial, times
from gramian.linalg.solve import SAFETY
from gramian.typing import Mask, Matrix, Vector

HIDDEN = 1e-4  # of the mean square of a function: what a level may have without being seen to have it
ROUNDINGS = 8  # of one product of a row: two coordinates, two weighted columns, the product, and their use


@dataclass(frozen=True, slots=True)
class LevelFunctions:
    """K orthogonal functions of each of L levels, as combinations of J stored monomials.

    Function k is 1 or the k-th variable, less its projection on those before it.

    Attributes
    ----------
    monomials : tuple of J monomials
        The constant and the variables.
    combinations : (L, J, K)
        The functions of each level.
    identified : (L, K) bool
        Whether a function differs from zero in the rows of the level: not the slope of a variable that is constant in
        it, nor any slope of a level with one row.
    squares : (L, K)
        Weighted sums of squares of the functions; 1 where they are not identified.
    amplification : (L, K)
        By what factor the squares of the monomials exceed those of the function, and its rounding errors with them; 0
        where it is not identified.
    hidden : (L, K) bool
        Whether a function that is not identified may vary all the same, as in other levels: by less than rounding
        errors of its sums, since the variable is far from its shift there.
    """

    monomials: tuple[Monomial, ...]
    combinations: Matrix
    identified: Mask
    squares: Matrix
    amplification: Matrix
    hidden: Mask

    @property
    def used(self) -> Matrix:
        """The combinations of the functions that are identified, (L, J, K); zeros for the others."""
        return np.where(self.identified[:, None, :], self.combinations, 0.0)

    @property
    def has_intercept(self) -> bool:
        """Whether the first function is the constant."""
        return bool(self.combinations.shape[1] == self.combinations.shape[2])

    @property
    def zero(self) -> Matrix:
        """Combinations (K, L, J) that are zero in the rows of a level: the functions that are not identified."""
        return np.where(self.identified[:, None, :], np.nan, self.combinations).transpose(2, 0, 1)

    @property
    def rank(self) -> int:
        """Number of functions that are identified."""
        return int(np.count_nonzero(self.identified))

    def of_monomials(self, effects: Matrix) -> Matrix:
        """Coefficients (J, L, q) of the monomials from those (K L, q) of the functions, function varying slowest."""
        levels, _, functions = self.combinations.shape
        return np.asarray(np.einsum("ljk,klq->jlq", self.used, effects.reshape(functions, levels, -1)))


def level_functions(moments: Moments, factor: str, slopes: Slopes, rounding_error: float) -> LevelFunctions:
    """The orthogonal functions of the levels of a factor, from sums over the levels.

    rounding_error : relative rounding error of a sum.
    """
    G, entered = _level_products(moments, factor, slopes)
    L, J = len(G), len(slopes.monomials)
    start = _start(slopes, moments.coordinates)
    K = start.shape[1]
    T, squares, amplification = np.zeros((L, J, K)), np.ones((L, K)), np.zeros((L, K))
    identified, hidden = np.zeros((L, K), np.bool_), np.zeros((L, K), np.bool_)
    error, rows = np.full(L, rounding_error), moments.tables[(factor,)].rows
    if moments.removed is None:  # a sum of few terms has a smaller error, whatever their order (Higham 2002, 4.2)
        error = np.minimum(error, (rows + ROUNDINGS) * EPS)
    for k in range(K):
        t = np.repeat(start[None, :, k], L, axis=0)
        for _ in range(2):  # once more, for orthogonality to rounding (Giraud, Langou and Rozloznik, 2005)
            for earlier in range(k):
                share = np.einsum("lj,lji,li->l", T[:, :, earlier], G, t) / squares[:, earlier]
                t -= np.where(identified[:, earlier], share, 0.0)[:, None] * T[:, :, earlier]
        square = np.einsum("lj,lji,li->l", t, G, t)
        summed = np.einsum("lj,lj->l", np.abs(t), np.sqrt(entered)) ** 2
        noise = SAFETY * error * summed
        T[:, :, k], identified[:, k] = t, square > noise
        squares[:, k] = np.where(identified[:, k], square, 1.0)
        amplification[:, k] = np.where(identified[:, k], summed / squares[:, k], 0.0)
        usual = G[:, 0, 0] * _mean_square(square, G[:, 0, 0], identified[:, k])
        hidden[:, k] = ~identified[:, k] & (rows > k) & (noise > HIDDEN * usual)
    return LevelFunctions(slopes.monomials, T, identified, squares, amplification, hidden)


def _mean_square(squares: Vector, weights: Vector, identified: Mask) -> float:
    """Mean square of a function in the rows of the levels that identify it; 0 where none does."""
    weight = float(weights[identified].sum())
    return float(squares[identified].sum()) / weight if weight else 0.0


def _level_products(moments: Moments, factor: str, slopes: Slopes) -> tuple[Matrix, Matrix]:
    """Products (L, J, J) of the monomials over the levels, and the squares (L, J) that ever entered them."""
    G = _products_in(moments, factor, slopes)
    entered = np.einsum("ljj->lj", G).copy()
    if moments.removed is not None:
        entered += 2.0 * np.einsum("ljj->lj", _products_in(moments.removed.with_levels(moments.levels), factor, slopes))
    return G, entered


def _products_in(moments: Moments, factor: str, slopes: Slopes) -> Matrix:
    """Products (L, J, J) of the monomials over the levels, from their table."""
    table, place = moments.tables[(factor,)], {m: i for i, m in enumerate(dict(moments.layout.tables)[(factor,)])}
    out = np.zeros((len(moments.levels[factor]), len(slopes.monomials), len(slopes.monomials)))
    for i, m in enumerate(slopes.monomials):
        for j, n in enumerate(slopes.monomials):
            out[table.cells[:, 0], i, j] = table.sums[:, place[times(m, n)]]
    return out


def _start(slopes: Slopes, coordinates: Mapping[str, Coordinate]) -> Matrix:
    """The functions before they are orthogonal, (J, K), in stored monomials.

    Beside an intercept any shift of a variable will do; alone it is the variable itself, up to its scale.
    """
    J = len(slopes.monomials)
    if slopes.intercept:
        return np.eye(J)
    out = np.eye(J)[:, 1:]
    for k, variable in enumerate(slopes.variables):
        coordinate = coordinates[variable]
        out[0, k] = np.ldexp(coordinate.shift, -coordinate.exponent)
    return out
