"""Products of the columns of a mixed model, split into those within and those between groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gramian.linalg.mixed.stacked import Stacked, cholesky, forward, summed
from gramian.typing import Matrix

PIVOT = 1e-13  # share of a square that rounding errors of its sum may leave where a column depends on others
CHUNK = 1 << 19  # numbers of a stacked array that are computed together, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class GroupedProducts:
    """Products of s columns, fixed effects and the outcome last, and of q columns of random effects, in g groups.

    With Z_g = Q_g L_g' the columns of random effects in a group, the products of a model with relative covariance D of
    its random effects are `within` + sum_g B_g' (1 + L_g' D L_g)^-1 B_g: no term of it cancels with another.

    Attributes
    ----------
    within : (s, s)
        What the random effects' columns do not explain within the groups.
    root : (q, q, g)
        L_g, lower triangular, with columns of zero for columns that depend on others in a group.
    between : (q, s, g)
        B_g = Q_g'W[X y].
    """

    within: Matrix
    root: Stacked
    between: Stacked

    def chunks(self) -> Iterator[tuple[Stacked, Stacked]]:
        """`root` and `between` of some groups after others."""
        q, s, groups = self.between.shape
        step = max(1, CHUNK // (q * max(q, s)))
        for at in range(0, groups, step):
            yield self.root[:, :, at : at + step], self.between[:, :, at : at + step]


def grouped_products(total: Matrix, ZZ: Stacked, ZX: Stacked) -> GroupedProducts:
    """The split of the products of all rows.

    total : (s, s) products of fixed effects' columns and outcome. ZZ : (q, q, g) and ZX : (q, s, g), products within
    each group with the random effects' columns.
    """
    L = cholesky(ZZ, PIVOT)
    B = forward(L, ZX)
    products = GroupedProducts(total, L, B)
    between = sum(summed(part, part) for _, part in products.chunks())
    within = total - between
    np.fill_diagonal(within, np.maximum(within.diagonal(), 0.0))
    return GroupedProducts(within, L, B)
