"""Stepwise selection: one group of columns enters, or leaves, at each step, the best one by a criterion."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve

from gramian.linalg.solve import factorize
from gramian.linalg.subsets.batched_elimination import drop_first, eliminate, inverse_stack
from gramian.linalg.subsets.selection_problem import SelectionProblem, Subset
from gramian.typing import Codes, Matrix, Vector

Criterion = Callable[[Vector, Codes], Vector]  # RSS and rank of candidates -> values, the least is best


def least_rss(rss: Vector, rank: Codes) -> Vector:
    """The residual sum of squares as a criterion."""
    return rss


def forward(problem: SelectionProblem, criterion: Criterion = least_rss) -> list[Subset]:
    """Forward selection from no group to all that add rank: the path of subsets.

    criterion : RSS and rank of candidates -> values, of which the least is best.
    """
    selected: tuple[int, ...] = ()
    path = [Subset(0, float(problem.products[-1, -1]), ())]
    A, columns = problem.products[:, :, None], np.arange(len(problem.products) - 1)
    while True:
        candidates = [(g, *_entering(problem, A, columns, g)) for g in _eligible(problem, selected)]
        # A group without gain enters only as the last resort, when a group that needs it is still outside.
        candidates = [f for f in candidates if f[2] > 0] or [
            f for f in candidates if _is_still_required(problem, selected, f[0])
        ]
        if not candidates:
            return path
        rss, gain = np.array([f[1] for f in candidates]), np.array([f[2] for f in candidates])
        best = _best(criterion(rss, path[-1].rank + gain), rss)
        g = candidates[best][0]
        A, columns = _enter(problem, A, columns, g)
        selected = (*selected, g)
        path.append(Subset(path[-1].rank + int(gain[best]), max(float(A[-1, -1, 0]), 0.0), tuple(sorted(selected))))


def _best(values: Vector, rss: Vector) -> int:
    """Index of the least value, among equal ones of the least RSS; NaN comes last."""
    return int(np.lexsort((rss, values))[0])


def _eligible(problem: SelectionProblem, selected: tuple[int, ...]) -> list[int]:
    """Groups outside the subset whose prerequisites are inside."""
    present = set(selected)
    return [g for g, prerequisites in enumerate(problem.prerequisites) if g not in present and prerequisites <= present]


def _is_still_required(problem: SelectionProblem, selected: tuple[int, ...], g: int) -> bool:
    """Whether a group still outside needs it."""
    return any(g in prerequisites for other, prerequisites in enumerate(problem.prerequisites) if other not in selected)


def _entering(problem: SelectionProblem, A: Matrix, columns: Codes, g: int) -> tuple[float, int]:
    """RSS and rank gained when a group enters."""
    group = problem.groups[g]
    at = np.append(np.searchsorted(columns, group), len(columns))
    rest, gain = eliminate(A[np.ix_(at, at)], len(group), problem.limits[group])
    return float(rest[0, 0, 0]), int(gain[0])


def _enter(problem: SelectionProblem, A: Matrix, columns: Codes, g: int) -> tuple[Matrix, Codes]:
    """Products and column numbers after a group has entered."""
    first, at = _with_group_first(problem, columns, g)
    return eliminate(A[np.ix_(at, at)], len(first), problem.limits[problem.groups[g]])[0], np.delete(columns, first)


def _with_group_first(problem: SelectionProblem, columns: Codes, g: int) -> tuple[Codes, Codes]:
    """Places of a group's columns, and an order of all columns and the response that begins with them."""
    first = np.searchsorted(columns, problem.groups[g])
    return first, np.concatenate([first, np.delete(np.arange(len(columns) + 1), first)])


def backward(problem: SelectionProblem, criterion: Criterion = least_rss) -> list[Subset]:
    """Backward elimination from all groups to none: the path of subsets. A group that adds no rank leaves first."""
    selected = tuple(range(len(problem.groups)))
    columns = problem.columns(selected)
    rss, rank, _ = residual(problem, columns)
    path, V = [Subset(rank, rss, selected)], None
    while selected:
        if V is None and rank == len(columns):
            V = inverse_stack(problem.submatrix(columns)[0][:, :, None])
        removable = _removable(problem, selected)
        candidates = [_leaving(problem, columns, V, g) for g in removable]
        # Without loss of rank the RSS stays the same, so the criterion cannot get worse; the last such group leaves.
        same_rank = [i for i, (_, r) in enumerate(candidates) if r == rank]
        costs = np.array([f[0] for f in candidates])
        best = same_rank[-1] if same_rank else _best(criterion(costs, np.array([f[1] for f in candidates])), costs)
        g = removable[best]
        leaving, at = _with_group_first(problem, columns, g)
        V = None if V is None else drop_first(V[np.ix_(at, at)], len(leaving))
        columns, (rss, rank) = np.delete(columns, leaving), candidates[best]
        selected = tuple(i for i in selected if i != g)
        path.append(Subset(rank, rss, selected))
    return path


def _removable(problem: SelectionProblem, selected: tuple[int, ...]) -> list[int]:
    """Groups that no other group inside needs."""
    needed = frozenset[int]().union(*(problem.prerequisites[g] for g in selected))
    return [g for g in selected if g not in needed]


def _leaving(problem: SelectionProblem, columns: Codes, V: Matrix | None, g: int) -> tuple[float, int]:
    """RSS and rank without a group. V : as `inverse_stack` returns it, None for dependent columns."""
    leaving = np.searchsorted(columns, problem.groups[g])
    if V is None:
        return residual(problem, np.delete(columns, leaving))[:2]
    at = np.append(leaving, len(columns))
    return max(-float(drop_first(V[np.ix_(at, at)], len(leaving))[0, 0, 0]), 0.0), len(columns) - len(leaving)


class Residual(NamedTuple):
    """Fit of some columns.

    Attributes
    ----------
    rss : float
        Residual sum of squares.
    rank : int
        Independent columns.
    noise : float
        Rounding error of the RSS.
    """

    rss: float
    rank: int
    noise: float


def residual(problem: SelectionProblem, columns: Codes) -> Residual:
    """RSS of the response on some columns by the quadratic form v'Sv with v = (-b, 1), which does not cancel.

    Its rounding error is g (sum_k r_k |v_k|)^2, with the square roots r_k of the squares ever summed.
    """
    A, limits = problem.submatrix(columns)
    independent, L, _ = factorize(A[:-1, :-1], limits)
    v = np.zeros(len(A))
    v[-1] = 1.0
    if len(L):
        v[:-1][independent] = -cho_solve((L, True), A[:-1, -1][independent])
    noise = float(np.sqrt(problem.noise[np.append(columns, -1)]) @ np.abs(v)) ** 2
    return Residual(max(float(v @ A @ v), 0.0), int(independent.sum()), noise)
