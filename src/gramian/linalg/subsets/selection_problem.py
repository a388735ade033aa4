"""What a selection of columns chooses from: centred products, groups that enter and leave whole, what needs what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.solve import SAFETY, Centred, factorize
from gramian.typing import Codes, Mask, Matrix, Vector

NEGLIGIBLE_SHARE = 1e-7  # relative size below which a column has no part in the combination that equals another one


@dataclass(frozen=True, slots=True)
class SelectionProblem:
    """Groups of columns to choose from.

    products : (m + 1, m + 1), centred, diagonal near one, the response last. noise : (m + 1,) rounding error of the
    squares. groups : columns of each group. needs : the groups without which a group may not be chosen; what they need
    in turn is among them.
    """

    products: Matrix
    noise: Vector
    groups: tuple[Codes, ...]
    prerequisites: tuple[frozenset[int], ...]

    @property
    def limits(self) -> Vector:
        """A pivot that is not above its limit is rounding, (m,)."""
        return np.minimum(SAFETY * self.noise[:-1], 0.5 * np.maximum(self.products.diagonal()[:-1], 0.0))

    def columns(self, groups: Sequence[int]) -> Codes:
        """The columns of these groups, in order."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(self.groups[g] for g in groups)]))

    def submatrix(self, columns: Codes) -> tuple[Matrix, Vector]:
        """Products of these columns and the response, and the limits of the columns."""
        at = np.append(columns, len(self.products) - 1)
        return self.products[np.ix_(at, at)], self.limits[columns]

    def is_prerequisite(self, group: int) -> bool:
        """Whether another group needs it."""
        return any(group in prerequisites for prerequisites in self.prerequisites)

    def is_closed(self, groups: frozenset[int]) -> bool:
        """Whether all that these groups need is among them."""
        return all(self.prerequisites[g] <= groups for g in groups)


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """Some of the groups. rank : independent columns. rss : residual sum of squares, in the scale of the products."""

    rank: int
    rss: float
    groups: tuple[int, ...]


def selection_problem(
    centred: Centred,
    rounding_error: float,
    groups: Sequence[Codes],
    prerequisites: Sequence[frozenset[int]] | None = None,
) -> SelectionProblem:
    """Choices among groups of the columns of `centred`, numbered as there. unit : rounding error of a product.

    A column that is a combination of others of its own group is left out of the group.
    """
    S = (centred.S + centred.S.T) / 2  # rounding differs on both sides, and every path must see the same
    products = np.block([[S, centred.c[:, None]], [centred.c[None, :], np.array([[centred.yy]])]])
    noise = rounding_error * np.append(centred.summed_squares, centred.y_summed_square)
    ungrouped = SelectionProblem(products, noise, (), ())
    independent = tuple(_independent_columns(S, ungrouped.limits, np.asarray(g, np.int64)) for g in groups)
    return SelectionProblem(products, noise, independent, tuple(prerequisites or [frozenset[int]()] * len(groups)))


def _independent_columns(S: Matrix, limits: Vector, group: Codes) -> Codes:
    independent, _, _ = factorize(S[np.ix_(group, group)], limits[group])
    return group[independent]


def dependent_groups(problem: SelectionProblem) -> Mask:
    """Groups that have a part in a combination of columns which is zero, one flag for each group."""
    columns = problem.columns(range(len(problem.groups)))
    S, limits = problem.submatrix(columns)
    independent, _, combos = factorize(S[:-1, :-1], limits)
    size = np.sqrt(np.maximum(S.diagonal()[:-1], 0.0))
    involved = ~independent
    contributions = np.abs(combos) * size[independent][:, None]
    involved[independent] = (contributions > NEGLIGIBLE_SHARE * contributions.max(axis=0, initial=0.0)).any(axis=1)
    at = set(columns[involved].tolist())
    return np.array([bool(at.intersection(g.tolist())) for g in problem.groups], bool)
