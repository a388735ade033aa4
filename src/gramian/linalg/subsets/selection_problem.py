"""The data of a selection: centred products, groups of columns that enter and leave together, and prerequisites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.solve import SAFETY, Centred, factorize
from gramian.typing import Codes, Mask, Matrix, Vector

NEGLIGIBLE_SHARE = 1e-7  # relative size below which a column has no part in the combination that equals another one


@dataclass(frozen=True, slots=True)
class SelectionProblem:
    """Groups of columns to select from.

    Attributes
    ----------
    products : (m + 1, m + 1)
        Centred, diagonal near one, the response last.
    noise : (m + 1,)
        Rounding error of each square on the diagonal.
    groups : tuple of (k,) int
        Columns of each group.
    prerequisites : tuple of frozenset
        For each group the groups without which it may not be selected, transitively closed.
    """

    products: Matrix
    noise: Vector
    groups: tuple[Codes, ...]
    prerequisites: tuple[frozenset[int], ...]

    @property
    def limits(self) -> Vector:
        """Limits (m,) of the pivots: a pivot that is not above its limit counts as rounding error."""
        return np.minimum(SAFETY * self.noise[:-1], 0.5 * np.maximum(self.products.diagonal()[:-1], 0.0))

    def columns(self, groups: Sequence[int]) -> Codes:
        """The columns of these groups, in order."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(self.groups[g] for g in groups)]))

    def submatrix(self, columns: Codes) -> tuple[Matrix, Vector]:
        """Products of these columns and the response, and the limits of the columns."""
        at = np.append(columns, len(self.products) - 1)
        return self.products[np.ix_(at, at)], self.limits[columns]

    def is_prerequisite(self, group: int) -> bool:
        """Whether another group needs this one."""
        return any(group in prerequisites for prerequisites in self.prerequisites)

    def is_closed(self, groups: frozenset[int]) -> bool:
        """Whether the prerequisites of all these groups are among them."""
        return all(self.prerequisites[g] <= groups for g in groups)


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """A subset of the groups.

    Attributes
    ----------
    rank : int
        Independent columns.
    rss : float
        Residual sum of squares, in the scale of the products.
    groups : tuple of int
        The selected groups.
    """

    rank: int
    rss: float
    groups: tuple[int, ...]


def selection_problem(
    centred: Centred,
    rounding_error: float,
    groups: Sequence[Codes],
    prerequisites: Sequence[frozenset[int]] | None = None,
) -> SelectionProblem:
    """A selection among groups of the columns of `centred`.

    Parameters
    ----------
    centred : Centred
        Products about the mean.
    rounding_error : float
        Relative rounding error of a product.
    groups : sequence of (k,) int
        Columns of each group, numbered as in `centred`. A column that depends on others of its own group is removed
        from it.
    prerequisites : sequence of frozenset or None
        Prerequisites of each group.
    """
    S = (centred.S + centred.S.T) / 2  # exactly symmetric, so that the RSS of a subset is the same in any order
    products = np.block([[S, centred.c[:, None]], [centred.c[None, :], np.array([[centred.yy]])]])
    noise = rounding_error * np.append(centred.summed_squares, centred.y_summed_square)
    ungrouped = SelectionProblem(products, noise, (), ())
    independent = tuple(_independent_columns(S, ungrouped.limits, np.asarray(g, np.int64)) for g in groups)
    return SelectionProblem(products, noise, independent, tuple(prerequisites or [frozenset[int]()] * len(groups)))


def _independent_columns(S: Matrix, limits: Vector, group: Codes) -> Codes:
    """The columns of a group that do not depend on earlier ones of the group."""
    independent, _, _ = factorize(S[np.ix_(group, group)], limits[group])
    return group[independent]


def dependent_groups(problem: SelectionProblem) -> Mask:
    """Mask of the groups that take part in a linear dependence of columns."""
    columns = problem.columns(range(len(problem.groups)))
    S, limits = problem.submatrix(columns)
    independent, _, combos = factorize(S[:-1, :-1], limits)
    size = np.sqrt(np.maximum(S.diagonal()[:-1], 0.0))
    involved = ~independent
    contributions = np.abs(combos) * size[independent][:, None]
    involved[independent] = (contributions > NEGLIGIBLE_SHARE * contributions.max(axis=0, initial=0.0)).any(axis=1)
    at = set(columns[involved].tolist())
    return np.array([bool(at.intersection(g.tolist())) for g in problem.groups], bool)
