"""The subsets that are in front while a search is under way."""

from __future__ import annotations

import numpy as np

from gramian.linalg.subsets.selection_problem import SelectionProblem, Subset
from gramian.typing import Codes, Mask, Vector

TIE = 1e-12  # relative difference of RSS that is rounding, beside what the products say


class Incumbents:
    """Subsets that fewer than `count` others beat; nothing outside a search holds one.

    bars : (m + 1,), by rank: the RSS that a subset of that rank has to be below, the count-th smallest of all known
    subsets of no higher rank, less what is rounding.
    """

    def __init__(self, count: int, problem: SelectionProblem) -> None:
        self.count, self.problem = count, problem
        self.rss_of: list[dict[int, float]] = [{} for _ in range(len(problem.products))]
        self.bounds = np.full(len(self.rss_of), np.inf)

    def add(self, rank: int, rss: float, chosen: int) -> None:
        """A subset; forgotten if it is not in front."""
        if rss < self.bounds[rank] and chosen not in self.rss_of[rank]:
            self.rss_of[rank][chosen] = max(rss, 0.0)
            self._refresh(rank)

    def add_many(self, rank: Codes, rss: Vector, chosen: Codes) -> None:
        """Subsets, all (count,)."""
        front = np.flatnonzero(self.may_win(rank, rss))
        for i in front[np.argsort(rss[front], kind="stable")].tolist():
            self.add(int(rank[i]), float(rss[i]), int(chosen[i]))

    def may_win(self, rank: Codes, rss: Vector) -> Mask:
        """Which of these would be in front."""
        return np.asarray(rss < self.bounds[rank])

    def subsets(self) -> list[Subset]:
        """Those in front, by rank, then RSS."""
        subsets = [
            Subset(rank, rss, tuple(g for g in range(len(self.problem.groups)) if chosen >> g & 1))
            for rank, entries in enumerate(self.rss_of)
            for chosen, rss in entries.items()
        ]
        return sorted(subsets)

    def _refresh(self, rank: int) -> None:
        """Bars from this rank on, and what is behind them forgotten."""
        front = sorted(v for entries in self.rss_of[:rank] for v in entries.values())[: self.count]
        for r in range(rank, len(self.rss_of)):
            merged = sorted([*front, *self.rss_of[r].values()])[: self.count]
            if len(merged) == self.count:
                self.bounds[r] = merged[-1] * (1.0 - TIE)
                self.rss_of[r] = {c: v for c, v in self.rss_of[r].items() if v <= merged[-1]}
            front = merged
