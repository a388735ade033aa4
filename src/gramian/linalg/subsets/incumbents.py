"""The best subsets found so far in a search, and the bounds that new ones have to beat."""

from __future__ import annotations

import numpy as np

from gramian.linalg.subsets.selection_problem import SelectionProblem, Subset
from gramian.typing import Codes, Mask, Vector

TIE = 1e-12  # relative difference up to which two RSS count as equal


class Incumbents:
    """The subsets that fewer than `count` others beat, while a search runs.

    Attributes
    ----------
    count : int
        Subsets of each size that are wanted.
    problem : SelectionProblem
        The groups of columns.
    rss_of : list of dict
        By rank: chosen groups (as bits) -> RSS.
    bounds : (m + 1,)
        By rank: the RSS that a new subset has to be below, the count-th smallest of all recorded subsets of at most
        that rank, less a tolerance for rounding.
    """

    def __init__(self, count: int, problem: SelectionProblem) -> None:
        self.count, self.problem = count, problem
        self.rss_of: list[dict[int, float]] = [{} for _ in range(len(problem.products))]
        self.bounds = np.full(len(self.rss_of), np.inf)

    def add(self, rank: int, rss: float, chosen: int) -> None:
        """Record a subset if it is better than the bound of its rank. chosen : its groups as bits."""
        if rss < self.bounds[rank] and chosen not in self.rss_of[rank]:
            self.rss_of[rank][chosen] = max(rss, 0.0)
            self._refresh(rank)

    def add_many(self, rank: Codes, rss: Vector, chosen: Codes) -> None:
        """Record several subsets, best first, so that bounds fall early; rank, rss, chosen : (n,)."""
        front = np.flatnonzero(self.may_win(rank, rss))
        for i in front[np.argsort(rss[front], kind="stable")].tolist():
            self.add(int(rank[i]), float(rss[i]), int(chosen[i]))

    def may_win(self, rank: Codes, rss: Vector) -> Mask:
        """Which of these would be recorded."""
        return np.asarray(rss < self.bounds[rank])

    def subsets(self) -> list[Subset]:
        """The recorded subsets by rank, then RSS."""
        subsets = [
            Subset(rank, rss, tuple(g for g in range(len(self.problem.groups)) if chosen >> g & 1))
            for rank, entries in enumerate(self.rss_of)
            for chosen, rss in entries.items()
        ]
        return sorted(subsets)

    def _refresh(self, rank: int) -> None:
        """Recompute the bounds from this rank on, and remove subsets above them."""
        front = sorted(v for entries in self.rss_of[:rank] for v in entries.values())[: self.count]
        for r in range(rank, len(self.rss_of)):
            merged = sorted([*front, *self.rss_of[r].values()])[: self.count]
            if len(merged) == self.count:
                # A subset of higher rank that does not lower the RSS by more than rounding is no improvement.
                self.bounds[r] = merged[-1] * (1.0 - TIE)
                self.rss_of[r] = {c: v for c, v in self.rss_of[r].items() if v <= merged[-1]}
            front = merged
