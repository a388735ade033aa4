"""Engines for the tests: one that sends everything through pickle, and a way to damage what it reads."""

from __future__ import annotations

import pickle

from gramian.engines.fold import Tree, accumulate_unit, remaining
from gramian.engines.progress import Silent


class Pickling:
    """Sends task, units (or their batches) and partials through pickle, in reverse: stands for other machines."""

    def __repr__(self) -> str:
        return "Pickling()"

    def fold(self, source, task, /, progress=None, tree=None):  # type: ignore[no-untyped-def]
        watch, sums = progress or Silent(), Tree() if tree is None else tree
        task, sent = pickled(task), []
        for unit in remaining(source.units, sums.count, watch):
            portable = getattr(unit, "portable", None)
            there = Held(unit, task.columns) if portable is None else portable(task.columns)
            sent.append((unit, pickled(there)))
        partials = {}
        for number in reversed(range(len(sent))):
            unit, there = sent[number]
            partials[number] = pickled(accumulate_unit(task, there, Silent()))
            watch.advance(unit.rows or 0, unit.size)
        for number in range(len(sent)):
            sums.push(partials[number])
        return sums.total(task.empty)


class Held:
    """The batches of a unit that is in memory."""

    def __init__(self, unit, columns):  # type: ignore[no-untyped-def]
        self.name, self.rows, self.size = unit.name, unit.rows, unit.size
        self.held = list(unit.batches(columns))

    def batches(self, columns, *, parallel=False):  # type: ignore[no-untyped-def]
        return iter(self.held)


def pickled(value):  # type: ignore[no-untyped-def]
    return pickle.loads(pickle.dumps(value))
