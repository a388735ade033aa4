"""Sums of windows from sums of periods: by a balanced tree, or with weights that decay. Nothing is ever subtracted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from math import log
from operator import add

from gramian.engines.fold import Tree
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.rolling.options import Windows
from gramian.linalg.certificate import EPS
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.moments import Moments


def window_sums(
    periods: Sequence[int], parts: Sequence[Accumulated], windows: Windows
) -> Iterator[tuple[int, Accumulated]]:
    """The last period of each window, and its sums. periods : (m,) rising numbers of the periods with rows."""
    if windows.half_life is not None:
        return _decaying(periods, parts, windows.half_life)
    return _growing(periods, parts) if windows.span is None else _moving(periods, parts, windows.span)


def _moving(periods: Sequence[int], parts: Sequence[Accumulated], span: int) -> Iterator[tuple[int, Accumulated]]:
    """Windows of `span` periods, complete ones only: the first begins with the first period that has rows."""
    tree = RangeSums(parts)
    for i, period in enumerate(periods):
        if period - periods[0] + 1 >= span:
            yield period, tree.sum(bisect_left(periods, period - span + 1), i + 1)


def _growing(periods: Sequence[int], parts: Sequence[Accumulated]) -> Iterator[tuple[int, Accumulated]]:
    """Windows from the first period on."""
    tree: Tree[Accumulated] = Tree()
    for period, part in zip(periods, parts, strict=True):
        tree.push(part)
        yield period, tree.sum()


def _decaying(
    periods: Sequence[int], parts: Sequence[Accumulated], half_life: float
) -> Iterator[tuple[int, Accumulated]]:
    """Windows from the first period on, in which a row that is k periods old has the weight 2^(-k / half_life)."""
    total, last = None, 0
    # each step rounds the sums that it scales, and what is k steps old counts with a weight of share^k only
    share = 0.5 ** (1.0 / half_life)
    error = 3.0 * EPS / (1.0 - share)
    for period, part in zip(periods, parts, strict=True):
        if total is None:
            total = part
        else:
            total = replace(total, moments=scaled(total.moments, share ** (period - last))) + part
        last = period
        yield period, replace(total, moments=replace(total.moments, stated_error=error))


def scaled(moments: Moments, factor: float) -> Moments:
    """The moments of the same rows with weights that are multiplied by a factor above 0."""
    tables = {f: CellSums(t.cells, t.rows, t.sums * factor) for f, t in moments.tables.items()}
    log_weight = moments.log_weight + moments.rows * log(factor)
    return replace(moments, log_weight=log_weight, dense=moments.dense * factor, tables=tables)


class RangeSums:
    """Sums over any range of parts, as sums of at most 2 log2(m) nodes of a balanced tree over all m parts.

    parts : at least one; additions go pairwise, so that errors grow with the logarithm of their number.
    """

    def __init__(self, parts: Sequence[Accumulated]) -> None:
        self.levels = [list(parts)]
        while len(below := self.levels[-1]) > 1:
            self.levels.append([below[i] + below[i + 1] for i in range(0, len(below) - 1, 2)])

    def sum(self, start: int, stop: int) -> Accumulated:
        """The sum of the parts start, ..., stop - 1; at least one."""
        left, right, level = [], [], 0
        while start < stop:
            if start % 2:
                left.append(self.levels[level][start])
                start += 1
            if stop % 2:
                stop -= 1
                right.append(self.levels[level][stop])
            start, stop, level = start // 2, stop // 2, level + 1
        return reduce(add, [*left, *reversed(right)])
