"""One group of columns more, or less, at each step: the one that a criterion likes best."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve

from gramian.linalg.choices import Choices, Subset
from gramian.linalg.pivots import drop, eliminate, inverses
from gramian.linalg.solve import factorize
from gramian.typing import Codes, Matrix, Vector

Criterion = Callable[[Vector, Codes], Vector]  # RSS and rank of candidates -> values, the least is best


def least_rss(rss: Vector, rank: Codes) -> Vector:
    """The residual sum of squares alone."""
    return rss


def forward(problem: Choices, criterion: Criterion = least_rss) -> list[Subset]:
    """From no group to all that add something, one more at each step."""
    inside: tuple[int, ...] = ()
    path = [Subset(0, float(problem.products[-1, -1]), ())]
    A, columns = problem.products[:, :, None], np.arange(len(problem.products) - 1)
    while True:
        found = [(g, *_entering(problem, A, columns, g)) for g in _ready(problem, inside)]
        found = [f for f in found if f[2] > 0] or [f for f in found if _opens(problem, inside, f[0])]
        if not found:
            return path
        rss, gain = np.array([f[1] for f in found]), np.array([f[2] for f in found])
        best = _best(criterion(rss, path[-1].rank + gain), rss)
        g = found[best][0]
        A, columns = _swept(problem, A, columns, g)
        inside = (*inside, g)
        path.append(Subset(path[-1].rank + int(gain[best]), max(float(A[-1, -1, 0]), 0.0), tuple(sorted(inside))))


def _best(values: Vector, rss: Vector) -> int:
    """Of the least value, and of those the least RSS; NaN comes last."""
    return int(np.lexsort((rss, values))[0])


def _ready(problem: Choices, inside: tuple[int, ...]) -> list[int]:
    have = set(inside)
    return [g for g, needs in enumerate(problem.needs) if g not in have and needs <= have]


def _opens(problem: Choices, inside: tuple[int, ...], g: int) -> bool:
    """Whether a group still outside needs it."""
    return any(g in needs for other, needs in enumerate(problem.needs) if other not in inside)


def _entering(problem: Choices, A: Matrix, columns: Codes, g: int) -> tuple[float, int]:
    """RSS and rank gained when a group enters."""
    group = problem.groups[g]
    at = np.append(np.searchsorted(columns, group), len(columns))
    rest, gain = eliminate(A[np.ix_(at, at)], len(group), problem.limits[group])
    return float(rest[0, 0, 0]), int(gain[0])


def _swept(problem: Choices, A: Matrix, columns: Codes, g: int) -> tuple[Matrix, Codes]:
    first, at = _in_front(problem, columns, g)
    return eliminate(A[np.ix_(at, at)], len(first), problem.limits[problem.groups[g]])[0], np.delete(columns, first)


def _in_front(problem: Choices, columns: Codes, g: int) -> tuple[Codes, Codes]:
    """Where the columns of a group stand, and an order of all of them, and the response, that begins with them."""
    first = np.searchsorted(columns, problem.groups[g])
    return first, np.concatenate([first, np.delete(np.arange(len(columns) + 1), first)])


def backward(problem: Choices, criterion: Criterion = least_rss) -> list[Subset]:
    """From all groups to none, one less at each step; one that adds no rank leaves before others."""
    inside = tuple(range(len(problem.groups)))
    columns = problem.columns(inside)
    rss, rank, _ = residual(problem, columns)
    path, V = [Subset(rank, rss, inside)], None
    while inside:
        if V is None and rank == len(columns):
            V = inverses(problem.part(columns)[0][:, :, None])
        free = _free(problem, inside)
        found = [_leaving(problem, columns, V, g) for g in free]
        kept = [i for i, (_, r) in enumerate(found) if r == rank]
        costs = np.array([f[0] for f in found])
        best = kept[-1] if kept else _best(criterion(costs, np.array([f[1] for f in found])), costs)
        g = free[best]
        gone, at = _in_front(problem, columns, g)
        V = None if V is None else drop(V[np.ix_(at, at)], len(gone))
        columns, (rss, rank) = np.delete(columns, gone), found[best]
        inside = tuple(i for i in inside if i != g)
        path.append(Subset(rank, rss, inside))
    return path


def _free(problem: Choices, inside: tuple[int, ...]) -> list[int]:
    """Groups that none of the others inside needs."""
    needed = frozenset[int]().union(*(problem.needs[g] for g in inside))
    return [g for g in inside if g not in needed]


def _leaving(problem: Choices, columns: Codes, V: Matrix | None, g: int) -> tuple[float, int]:
    """RSS and rank without a group."""
    gone = np.searchsorted(columns, problem.groups[g])
    if V is None:
        return residual(problem, np.delete(columns, gone))[:2]
    at = np.append(gone, len(columns))
    return max(-float(drop(V[np.ix_(at, at)], len(gone))[0, 0, 0]), 0.0), len(columns) - len(gone)


class Residual(NamedTuple):
    """RSS and rank of some columns, and the rounding error of the RSS."""

    rss: float
    rank: int
    noise: float


def residual(problem: Choices, columns: Codes) -> Residual:
    """By the quadratic form v'Sv with v = (-b, 1), which does not cancel; its error is g (sum of r_k |v_k|)^2."""
    A, limits = problem.part(columns)
    kept, L, _ = factorize(A[:-1, :-1], limits)
    v = np.zeros(len(A))
    v[-1] = 1.0
    if len(L):
        v[:-1][kept] = -cho_solve((L, True), A[:-1, -1][kept])
    noise = float(np.sqrt(problem.noise[np.append(columns, -1)]) @ np.abs(v)) ** 2
    return Residual(max(float(v @ A @ v), 0.0), int(kept.sum()), noise)
