"""Dimension of the span of the levels of absorbed factors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from gramian.kernels.graphs import components as count_components
from gramian.kernels.library import library
from gramian.linalg.absorb.level_sums import AbsorbedFactors
from gramian.linalg.moments import Moments


def rank_of(moments: Moments, factors: Sequence[str]) -> tuple[int, bool]:
    """Dimension of the span of the levels of factors, and whether that is exact or an upper bound.

    Each factor after the first repeats one dimension for each connected component of the levels it shares rows with;
    exact for two factors (Abowd, Creecy and Kramarz, 2002). For more factors the largest number of components with any
    earlier factor is counted, which is a lower bound of the repeated dimensions.
    """
    sizes = [len(moments.levels[f]) for f in factors]
    repeated = 0
    for k in range(1, len(factors)):
        # Two factors that are not connected repeat more than the constant: one dimension for each component.
        repeated += max(components(moments, factors[j], factors[k]) for j in range(k))
    return sum(sizes) - repeated, len(factors) <= 2


def rank_of_functions(moments: Moments, factors: AbsorbedFactors) -> int:
    """An upper bound of the dimension of the span of the functions of all levels, as `rank_of` of their intercepts.

    That slopes repeat dimensions, as a trend of each firm beside years does, is not counted.
    """
    intercepts = [f for f, functions in factors.items() if functions is None or functions.has_intercept]
    slopes = sum(
        functions.rank - functions.has_intercept * len(functions.squares) for functions in factors.values() if functions
    )
    return slopes + rank_of(moments, intercepts)[0]


def components(moments: Moments, one: str, other: str) -> int:
    """Number of connected components of the graph of the levels of two factors, joined where they share a row."""
    union = tuple(sorted((one, other)))
    first, second = moments.tables[union].cells.T
    sizes = [len(moments.levels[f]) for f in union]
    kernel = library()
    if kernel is not None:
        return count_components(kernel, first, second, (sizes[0], sizes[1]))
    from scipy.sparse.csgraph import connected_components  # takes longer to import than most fits last

    graph = csr_array((np.ones(len(first)), (first, sizes[0] + second)), shape=(sum(sizes),) * 2)
    return int(connected_components(graph, directed=False)[0])


def nested(moments: Moments, inner: str, outer: str) -> bool:
    """Whether every level of `inner` shares rows with one level of `outer` only, as a firm does with its country.

    Under clustering by `outer` the levels of such an absorbed factor are not counted as parameters (as in fixest).
    """
    if inner == outer:
        return True
    table = moments.tables[tuple(sorted((inner, outer)))]
    return len(table.cells) == len(moments.levels[inner])
