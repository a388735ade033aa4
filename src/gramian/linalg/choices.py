"""What a selection of columns chooses from: centred products, groups that enter and leave whole, what needs what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.solve import SAFETY, Centred, factorize
from gramian.typing import Codes, Mask, Matrix, Vector

SHARE = 1e-7  # relative size below which a column has no part in the combination that equals another one


@dataclass(frozen=True, slots=True)
class Choices:
    """Groups of columns to choose from.

    products : (m + 1, m + 1), centred, diagonal near one, the response last. noise : (m + 1,) rounding error of the
    squares. groups : columns of each group. needs : the groups without which a group may not be chosen; what they need
    in turn is among them.
    """

    products: Matrix
    noise: Vector
    groups: tuple[Codes, ...]
    needs: tuple[frozenset[int], ...]

    @property
    def limits(self) -> Vector:
        """A pivot that is not above its limit is rounding, (m,)."""
        return np.minimum(SAFETY * self.noise[:-1], 0.5 * np.maximum(self.products.diagonal()[:-1], 0.0))

    def columns(self, groups: Sequence[int]) -> Codes:
        """The columns of these groups, in order."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(self.groups[g] for g in groups)]))

    def part(self, columns: Codes) -> tuple[Matrix, Vector]:
        """Products of these columns and the response, and the limits of the columns."""
        at = np.append(columns, len(self.products) - 1)
        return self.products[np.ix_(at, at)], self.limits[columns]

    def wanted(self, group: int) -> bool:
        """Whether another group needs it."""
        return any(group in needs for needs in self.needs)

    def closed(self, groups: frozenset[int]) -> bool:
        """Whether all that these groups need is among them."""
        return all(self.needs[g] <= groups for g in groups)


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """Some of the groups. rank : independent columns. rss : residual sum of squares, in the scale of the products."""

    rank: int
    rss: float
    groups: tuple[int, ...]


def choices(
    centred: Centred, unit: float, groups: Sequence[Codes], needs: Sequence[frozenset[int]] | None = None
) -> Choices:
    """Choices among groups of the columns of `centred`, numbered as there. unit : rounding error of a product.

    A column that is a combination of others of its own group is left out of the group.
    """
    S = (centred.S + centred.S.T) / 2  # rounding differs on both sides, and every path must see the same
    products = np.block([[S, centred.c[:, None]], [centred.c[None, :], np.array([[centred.yy]])]])
    noise = unit * np.append(centred.raw, centred.y_raw)
    whole = Choices(products, noise, (), ())
    independent = tuple(_independent(S, whole.limits, np.asarray(g, np.int64)) for g in groups)
    return Choices(products, noise, independent, tuple(needs or [frozenset[int]()] * len(groups)))


def _independent(S: Matrix, limits: Vector, group: Codes) -> Codes:
    kept, _, _ = factorize(S[np.ix_(group, group)], limits[group])
    return group[kept]


def entangled(problem: Choices) -> Mask:
    """Groups that have a part in a combination of columns which is zero, one flag for each group."""
    columns = problem.columns(range(len(problem.groups)))
    S, limits = problem.part(columns)
    kept, _, combos = factorize(S[:-1, :-1], limits)
    size = np.sqrt(np.maximum(S.diagonal()[:-1], 0.0))
    involved = ~kept
    parts = np.abs(combos) * size[kept][:, None]
    involved[kept] = (parts > SHARE * parts.max(axis=0, initial=0.0)).any(axis=1)
    at = set(columns[involved].tolist())
    return np.array([bool(at.intersection(g.tolist())) for g in problem.groups], bool)
