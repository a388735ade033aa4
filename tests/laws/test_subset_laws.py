"""Searches of subsets against looking at all of them: groups, dependent columns, what needs what."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.doubledouble import pair
from gramian.linalg.solve import centre
from gramian.linalg.subsets.best_subsets import best_subsets
from gramian.linalg.subsets.selection_problem import SelectionProblem, Subset, selection_problem
from gramian.linalg.subsets.stepwise import backward, forward, residual

CLOSE = 1e-9  # of RSS over the total sum of squares, near one; sums are right to 1e-15 times the condition
Known = list[tuple[int, float, frozenset[int]]]


@st.composite
def problems(draw: st.DrawFn, *, dependent: bool = True, most: int = 7) -> SelectionProblem:
    """Groups of one to three correlated columns, some columns combinations of others, some groups need others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=most))
    rows, p = draw(st.integers(25, 60)), sum(sizes)
    X = rng.normal(size=(rows, p)) + rng.normal(size=(rows, 1)) + draw(st.sampled_from([0.0, 3.0]))
    for _ in range(draw(st.integers(0, 3)) if dependent else 0):
        i, j, k = rng.integers(0, p, 3)
        X[:, i] = X[:, j] - (X[:, k] if rng.random() < 0.5 else 0.0)
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.4)) + rng.normal(size=rows)
    ends = np.cumsum(sizes)
    order = rng.permutation(len(sizes))  # so that groups and columns stand in another order
    needs = [frozenset[int]() for _ in sizes]
    for g in range(1, len(sizes)):
        if rng.random() < 0.4:
            other = int(rng.integers(0, g))
            needs[g] = frozenset({other}) | needs[other]
    place = {int(g): i for i, g in enumerate(order)}
    groups = [np.arange(ends[g] - sizes[g], ends[g]) for g in order]
    return made(X, y, groups, [frozenset(place[n] for n in needs[g]) for g in order])


def made(
    X: np.ndarray, y: np.ndarray, groups: list[np.ndarray], needs: list[frozenset[int]] | None = None
) -> SelectionProblem:
    Z = np.column_stack([np.ones(len(X)), X, y])
    S = Z.T @ Z
    return selection_problem(
        centre(pair(S), 0, S.diagonal()), sum_rounding_error(len(X), len(S), len(X)), groups, needs
    )


def singles(X: np.ndarray, y: np.ndarray) -> SelectionProblem:
    return made(X, y, [np.array([i]) for i in range(X.shape[1])])


def everything(problem: SelectionProblem) -> Known:
    """Rank and RSS of every subset that has what it needs."""
    count = len(problem.groups)
    subsets = (frozenset(g for g in range(count) if mask >> g & 1) for mask in range(2**count))
    closed = [s for s in subsets if problem.is_closed(s)]
    told = [residual(problem, problem.columns(sorted(s))) for s in closed]
    return [(t.rank, t.rss, s) for t, s in zip(told, closed, strict=True)]


def is_true(subset: Subset, problem: SelectionProblem) -> None:
    rss, rank, _ = residual(problem, problem.columns(subset.groups))
    assert problem.is_closed(frozenset(subset.groups))
    assert rank == subset.rank
    assert abs(rss - subset.rss) < CLOSE


@settings(max_examples=60)
@given(problem=problems())
def test_the_best_of_every_size_are_those_of_all_subsets(problem: SelectionProblem) -> None:
    known, found = everything(problem), best_subsets(problem)
    for subset in found:
        is_true(subset, problem)
    for rank in range(max(k[0] for k in known) + 1):
        least = min(rss for r, rss, _ in known if r <= rank)
        assert abs(min(s.rss for s in found if s.rank <= rank) - least) < CLOSE


@settings(max_examples=40)
@given(problem=problems(dependent=False), count=st.integers(2, 4))
def test_the_several_best_are_those_that_fewer_others_beat(problem: SelectionProblem, count: int) -> None:
    known, found = everything(problem), best_subsets(problem, count)
    front = [k for k in known if sum(r <= k[0] and rss < k[1] - CLOSE for r, rss, _ in known) < count]
    assert {s.groups for s in found} <= {tuple(sorted(k[2])) for k in front}
    assert len(found) == len(front)


@settings(max_examples=60)
@given(problem=problems())
def test_steps_lead_through_true_subsets_that_grow_or_shrink_by_one(problem: SelectionProblem) -> None:
    up, down = forward(problem), backward(problem)
    for path in (up, down):
        for subset in path:
            is_true(subset, problem)
        sizes = [len(s.groups) for s in path]
        assert sizes == list(range(sizes[0], sizes[-1] + (1 if path is up else -1), 1 if path is up else -1))
    assert up[0].groups == down[-1].groups == ()
    assert up[-1].rank == down[0].rank


@settings(max_examples=60)
@given(problem=problems())
def test_a_step_forward_is_the_best_of_all_steps(problem: SelectionProblem) -> None:
    path = forward(problem)
    for before, after in pairwise(path):
        inside = frozenset(before.groups)
        others = [inside | {g} for g in range(len(problem.groups)) if g not in inside]
        told = [residual(problem, problem.columns(sorted(s))) for s in others if problem.is_closed(s)]
        assert after.rss - min(t.rss for t in told) < CLOSE


@settings(max_examples=40)
@given(problem=problems(dependent=False))
def test_a_step_backward_is_the_best_of_all_steps(problem: SelectionProblem) -> None:
    path = backward(problem)
    for before, after in pairwise(path):
        inside = frozenset(before.groups)
        told = [
            residual(problem, problem.columns(sorted(inside - {g}))) for g in inside if problem.is_closed(inside - {g})
        ]
        assert abs(after.rss - min(t.rss for t in told)) < CLOSE


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), rho=st.sampled_from([0.0, 0.9]))
def test_eleven_columns_as_by_lstsq(seed: int, rho: float) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 11)) @ np.linalg.cholesky(rho ** np.abs(np.subtract.outer(np.arange(11), np.arange(11)))).T
    y = X[:, ::4].sum(axis=1) + 3 * rng.normal(size=80)
    problem = singles(X, y)
    C = np.column_stack([X, y]) - np.append(X.mean(axis=0), y.mean())
    S = C.T @ C
    least = np.full(12, np.inf)
    for mask in range(2**11):
        at = [i for i in range(11) if mask >> i & 1]
        b = np.linalg.lstsq(S[np.ix_(at, at)], S[at, -1], rcond=None)[0] if at else np.zeros(0)
        least[len(at)] = min(least[len(at)], S[-1, -1] - b @ S[at, -1])
    found = np.array([s.rss for s in best_subsets(problem)])
    np.testing.assert_allclose(found / found[0], least / least[0], rtol=0, atol=CLOSE)


def test_thirty_columns_at_once_hold_what_is_planted() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 30))
    found = {s.rank: s for s in best_subsets(singles(X, X[:, [3, 17, 28]] @ [5.0, 5.0, 5.0] + rng.normal(size=400)))}
    assert len(found) == 31
    assert found[3].groups == (3, 17, 28)
    rss = [found[k].rss for k in range(31)]
    assert rss == sorted(rss, reverse=True)


@pytest.mark.parametrize("constant", [True, False])
def test_columns_that_say_nothing_never_enter(constant: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    X[:, 1] = 7.0 if constant else X[:, 0]
    problem = singles(X, X[:, 0] + rng.normal(size=50))
    for found in (best_subsets(problem), forward(problem)):
        assert max(s.rank for s in found) == 2
        assert all({0, 1} - set(s.groups) for s in found)
    if constant:
        assert all(1 not in s.groups for s in best_subsets(problem))


def test_no_groups_leave_the_empty_subset() -> None:
    problem = made(np.zeros((5, 0)), np.arange(5.0), [])
    for found in (best_subsets(problem), forward(problem), backward(problem)):
        assert [s.groups for s in found] == [()]


def test_all_columns_are_compared_even_where_the_last_gains_nothing() -> None:
    rng = np.random.default_rng(1)
    X, noise = rng.normal(size=(60, 3)), rng.normal(size=60)
    others = np.linalg.qr(np.column_stack([np.ones(60), X[:, :2], noise]))[0]
    for _ in range(2):
        X[:, 2] -= others @ (others.T @ X[:, 2])
    found = best_subsets(singles(X, X[:, 0] + noise))
    assert [s.groups for s in found] == [(), (0,), (0, 1), (0, 1, 2)]
