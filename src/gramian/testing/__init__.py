"""Checks of the algebraic laws that passes, partial results and engines have to keep.

    check_pass(Accumulate(design), batches)
    check_monoid(parts, empty)
    check_engine(gm.Dask(client))

Each raises AssertionError with the name of the first law that does not hold. No test runner is needed. A new pass,
partial result or engine is done when its check passes.

Notes
-----
An engine is one method, `fold`. Wherever a unit is read, its partial result comes from `accumulate_unit`, and a `Tree`
adds the partial results in the order of the units, so that the bits are the same on every engine. An engine whose
`fold` accepts a `tree` that is not empty can resume from a checkpoint. Before a unit is sent to another process,
`unit.portable(task.columns)`, where the unit has that method, gives a small copy that can be pickled.

Examples
--------
>>> from gramian.testing import Silent, Tree, accumulate_unit, check_engine, remaining
>>> class Plain:
...     def fold(self, source, task, /, progress=None, tree=None):
...         sums, watch = Tree() if tree is None else tree, progress or Silent()
...         for unit in remaining(source.units, sums.count, watch):
...             sums.push(accumulate_unit(task, unit, watch))
...         return sums.total(task.empty)
>>> check_engine(Plain())
"""

from __future__ import annotations

from gramian.engines.fold import Tree, accumulate_unit, remaining
from gramian.engines.progress import Silent
from gramian.testing.engines import check_engine
from gramian.testing.passes import check_monoid, check_pass
from gramian.testing.values import same_bits

__all__ = ["Silent", "Tree", "accumulate_unit", "check_engine", "check_monoid", "check_pass", "remaining", "same_bits"]
