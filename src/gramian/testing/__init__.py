"""The laws that hold `gramian` together, as checks: a new pass, partial or engine is done when one line passes.

    check_pass(Accumulate(design), batches)
    check_monoid(parts, empty)
    check_engine(gm.Dask(client))

Each raises AssertionError, naming the law that does not hold. No test runner is needed.

An engine is one method. Its partials are those of `lift_unit`, on whatever machine, and a `Tree` adds them, so that the
bits are the same everywhere; who takes a tree that has begun can be given a checkpoint. A unit that is to travel is
told what is read of it: `unit.portable(task.columns)`, where it has that, is small and can be pickled.

>>> from gramian.testing import Silent, Tree, check_engine, lift_unit, remaining
>>> class Plain:
...     def fold(self, source, task, /, progress=None, tree=None):
...         sums, watch = Tree() if tree is None else tree, progress or Silent()
...         for unit in remaining(source.units, sums.count, watch):
...             sums.push(lift_unit(task, unit, watch))
...         return sums.total(task.empty)
>>> check_engine(Plain())
"""

from __future__ import annotations

from gramian.engines.progress import Silent
from gramian.engines.runs import accumulate_unit, remaining
from gramian.engines.tree import Tree
from gramian.testing.engines import check_engine
from gramian.testing.passes import check_monoid, check_pass
from gramian.testing.values import same_bits

__all__ = ["Silent", "Tree", "accumulate_unit", "check_engine", "check_monoid", "check_pass", "remaining", "same_bits"]
