"""Exact best subsets of groups of columns, by branch and bound on their products.

A binary tree decides the groups one after the other: in or out. A node has two matrices of the undecided columns: their
products with the chosen ones partialled out, whose corner is the RSS of the chosen columns, and the inverse without the
columns left out, whose corner is -RSS of all columns not left out. The first is eliminated when a group enters, the
second when it leaves; the other one only loses rows. The RSS of all columns not left out bounds that of every subset
below. Many nodes are processed together, as one stack of matrices.

G. M. Furnival and R. W. Wilson, "Regressions by leaps and bounds", Technometrics 16 (1974): the pair of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gramian.linalg.subsets.batched_elimination import Stack, drop_first, eliminate, inverse_stack
from gramian.linalg.subsets.incumbents import Incumbents
from gramian.linalg.subsets.selection_problem import SelectionProblem, Subset, dependent_groups
from gramian.linalg.subsets.stepwise import backward, forward
from gramian.typing import Codes, Mask, Vector

MAX_STACK_SIZE = 2**17  # numbers in a stack: two stacks fit into the cache of a core
WIDE_GROUP = 8  # groups of more columns are decided first, so that matrices are large near the root only


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes of the search tree at one depth.

    Attributes
    ----------
    depth : int
        Groups that are decided.
    A : (m + 1, m + 1, count)
        Products of the m undecided columns and the response, the chosen ones partialled out.
    V : (m + 1, m + 1, count) or None
        As `inverse_stack` returns it; None while undecided columns may be linearly dependent.
    rank : (count,) int
        Independent chosen columns.
    chosen : (count,) int
        Chosen groups as bits of an int64, which limits a problem to 63 groups.
    """

    depth: int
    A: Stack
    V: Stack | None
    rank: Codes
    chosen: Codes

    def __len__(self) -> int:
        return len(self.rank)

    def take(self, which: Mask | slice) -> Nodes:
        """Some of the nodes."""
        V = None if self.V is None else self.V[:, :, which]
        return Nodes(self.depth, self.A[:, :, which], V, self.rank[which], self.chosen[which])


def best_subsets(problem: SelectionProblem, count: int = 1) -> list[Subset]:
    """Every subset that fewer than `count` other subsets beat, by rank, then RSS.

    Parameters
    ----------
    problem : SelectionProblem
        The groups of columns.
    count : int
        How many subsets of each size to find.

    Notes
    -----
    A subset beats another if it has no more columns and a smaller RSS. With count=1 these are the best subsets of every
    size. Any criterion that increases with the RSS and with the number of columns has its `count` best subsets among
    them. Differences of the RSS within its rounding error are not decided. The subset of all groups, if its columns
    are independent, is always there, also where its last group gains nothing: others are compared with it.
    """
    incumbents = Incumbents(count, problem)
    incumbents.add(0, float(problem.products[-1, -1]), 0)
    if not problem.groups:
        return incumbents.subsets()
    # Good subsets found at once let the bounds prune from the root on.
    seeds = backward(problem)
    for subset in (*forward(problem), *seeds):
        incumbents.add(subset.rank, subset.rss, sum(1 << g for g in subset.groups))
    tree = _search_tree(problem, seeds)
    # Depth first: the stack stays short, and subsets of all sizes are found early.
    stack = [tree.root()]
    while stack:
        for nodes in tree.children(stack.pop(), incumbents):
            stack.extend(_pieces(nodes))
    full = [seeds[0]] if seeds[0].rank == len(problem.products) - 1 else []
    return sorted({subset.groups: subset for subset in (*full, *incumbents.subsets())}.values())


def _search_tree(problem: SelectionProblem, seeds: list[Subset]) -> SearchTree:
    """The order of the decisions: dependent groups first, then wide ones, then those whose removal costs most.

    A group comes after its prerequisites.
    """
    dependent = dependent_groups(problem)
    for g in np.flatnonzero(dependent):
        dependent[list(problem.prerequisites[g])] = True
    importance = _by_importance(seeds)
    wide = [len(g) > WIDE_GROUP for g in problem.groups]
    order: list[int] = []
    while len(order) < len(importance):
        ready = [g for g in importance if g not in order and problem.prerequisites[g] <= set(order)]
        order.append(min(ready, key=lambda g: (not dependent[g], not wide[g])))
    return SearchTree(problem, tuple(order), bool(dependent.any()))


def _by_importance(seeds: list[Subset]) -> list[int]:
    """The groups by backward elimination, from the one that left last to the one that left first."""
    sets = [frozenset(s.groups) for s in seeds]
    return [g for larger, smaller in zip(sets[-2::-1], sets[:0:-1], strict=True) for g in larger - smaller]


@dataclass(frozen=True, slots=True)
class SearchTree:
    """The order in which groups are decided.

    Attributes
    ----------
    problem : SelectionProblem
        The groups of columns.
    order : tuple of int
        Group decided at each depth.
    has_dependent : bool
        Whether some columns are linearly dependent.
    """

    problem: SelectionProblem
    order: tuple[int, ...]
    has_dependent: bool

    def root(self) -> Nodes:
        """The node in which nothing is decided."""
        at = np.concatenate([self.problem.groups[g] for g in self.order])
        A = self.problem.submatrix(at)[0][:, :, None]
        zero = np.zeros(1, np.int64)
        return Nodes(0, A, None if self.has_dependent else inverse_stack(A), zero, zero)

    def width(self, depth: int) -> int:
        """Columns of the group decided at that depth."""
        return len(self.problem.groups[self.order[depth]])

    def children(self, nodes: Nodes, incumbents: Incumbents) -> list[Nodes]:
        """Decide the next group, record the new subsets, and return nodes that may lead to better ones."""
        entered = self._enter(nodes)
        incumbents.add_many(entered.rank, entered.A[-1, -1], entered.chosen)
        out = _concatenated(entered, self._leave(nodes))
        if len(out.A) == 1:  # no column is left to decide
            return []
        return (
            self._split_dependent(out, incumbents)
            if out.V is None
            else [out.take(promising(out.V, out.rank, incumbents.bounds))]
        )

    def _split_dependent(self, nodes: Nodes, incumbents: Incumbents) -> list[Nodes]:
        """Nodes whose undecided columns are still dependent, and those where they no longer are, with inverses."""
        limits = np.concatenate([self.problem.limits[self.problem.groups[g]] for g in self.order[nodes.depth :]])
        rest, gain = eliminate(nodes.A, len(limits), limits)
        possible, independent = incumbents.may_win(nodes.rank + 1, rest[0, 0]), gain == len(limits)
        dependent, resolved = nodes.take(possible & ~independent), nodes.take(possible & independent)
        return [dependent, replace(resolved, V=inverse_stack(resolved.A))] if len(resolved) else [dependent]

    def _enter(self, nodes: Nodes) -> Nodes:
        """The nodes with the next group chosen, where its prerequisites are and it adds rank (or others need it)."""
        g, c = self.order[nodes.depth], self.width(nodes.depth)
        needed = sum(1 << n for n in self.problem.prerequisites[g])
        nodes = nodes if not needed else nodes.take((nodes.chosen & needed) == needed)
        A, gain = eliminate(nodes.A, c, self.problem.limits[self.problem.groups[g]])
        # A group that enters changes nothing in the fit of all columns not left out: its rows are dropped from V.
        V = None if nodes.V is None else nodes.V[c:, c:]
        new = (gain > 0) | self.problem.is_prerequisite(g)  # without gain the same fit is found without the group
        entered = Nodes(nodes.depth + 1, A, V, nodes.rank + gain, nodes.chosen | (1 << g))
        return entered if new.all() else entered.take(new)

    def _leave(self, nodes: Nodes) -> Nodes:
        """The nodes with the next group left out."""
        c = self.width(nodes.depth)
        V = None if nodes.V is None else drop_first(nodes.V, c)
        return Nodes(nodes.depth + 1, nodes.A[c:, c:], V, nodes.rank, nodes.chosen)


def promising(V: Stack, rank: Codes, bounds: Vector) -> Mask:
    """Mask of the nodes below which a subset may beat the bound of its rank.

    Parameters
    ----------
    V : (m + 1, m + 1, count)
        As `inverse_stack` returns it.
    rank : (count,) int
        Independent chosen columns.
    bounds : (largest rank + 1,)
        RSS that a subset of each rank has to be below.

    Notes
    -----
    Leaving out a set D of q undecided columns raises the RSS by b_D' (V_DD)^-1 b_D. That is at least what the costliest
    column of D alone costs, b_j^2 / V_jj, so at least the q-th smallest cost; and at least the sum of the costs over D
    divided by the largest eigenvalue of V scaled to unit diagonal, which is at most its largest absolute row sum
    (Gershgorin).
    """
    w = V.diagonal(axis1=0, axis2=1)[:, :-1].T
    b = V[-1, :-1]
    costs = np.sort(b * b / w, axis=0)
    rss = -V[-1, -1]
    leaving = np.arange(len(w) + 1)[:, None]  # number of undecided columns that leave
    bound = bounds[rank + len(w) - leaving] - rss
    # A node's own subset was recorded when its last group entered, so at least one more column enters.
    good = np.asarray((bound[0] > 0) | (costs[:-1] < bound[1:-1]).any(axis=0))
    # The first bound is cheap and prunes most nodes; the second one, with row sums, runs on the others only.
    if not good.any():
        return good
    inverse_norms = np.sqrt(1.0 / w[:, good])
    inner = np.abs(V[:-1, :-1, good])
    largest_row_sum = (inverse_norms * np.einsum("ijb,jb->ib", inner, inverse_norms)).max(axis=0)
    sums = np.cumsum(costs[:-1, good], axis=0) / largest_row_sum
    bound = bound[:, good]
    lower = np.maximum(sums, costs[:-1, good])
    good[good] = (bound[0] > 0) | (lower < bound[1:-1]).any(axis=0)
    return good


def _concatenated(a: Nodes, b: Nodes) -> Nodes:
    """Nodes of the same depth together."""
    V = None if a.V is None or b.V is None else np.concatenate([a.V, b.V], axis=2)
    ranks, chosen = np.concatenate([a.rank, b.rank]), np.concatenate([a.chosen, b.chosen])
    return Nodes(a.depth, np.concatenate([a.A, b.A], axis=2), V, ranks, chosen)


def _pieces(nodes: Nodes) -> Iterable[Nodes]:
    """The nodes in stacks that fit into the cache."""
    max_nodes = max(MAX_STACK_SIZE // nodes.A.shape[0] ** 2, 1)
    for start in range(0, len(nodes), max_nodes):
        yield nodes.take(slice(start, start + max_nodes))
