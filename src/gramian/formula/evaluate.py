"""Values of expressions on a batch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.column import Numbers, both_present
from gramian.formula.functions import FUNCTIONS
from gramian.formula.syntax import Binary, Call, Name, Negative, Node, Number

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}


def evaluate(nodes: Mapping[str, Node], batch: Batch) -> dict[str, Numbers]:
    """Values (rows,) float64 of elementwise expressions on a batch, by name.

    A row is present when all columns of the expression are; where it chooses, when those are that decide and are
    chosen. What is not a number (log of -1, 0/0) becomes NaN or infinite without a warning: the caller decides what to
    do with such rows.
    """
    with np.errstate(all="ignore"):
        return {name: _numbers(node, batch) for name, node in nodes.items()}


def _numbers(node: Node, batch: Batch) -> Numbers:
    """One expression."""
    values, present = Evaluation(batch).value(node)
    if np.ndim(values) == 0:
        # an expression without columns, such as offset(1), is a scalar
        values = np.full(batch.rows, values, dtype=np.float64)
    return Numbers(values, present)


class Evaluation:
    """The values of expressions on one batch. columns : those that were read."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.columns: dict[str, Numbers] = {}

    def value(self, node: Node) -> Numbers:
        """Value of an expression: a vector (rows,), or a scalar without columns."""
        match node:
            case Name():
                if node.name not in self.columns:
                    self.columns[node.name] = self.batch.numbers(node.name)
                return self.columns[node.name]
            case Number():
                return Numbers(np.float64(node.value), None)  # type: ignore[arg-type]  # a scalar as a vector
            case Negative():
                values, present = self.value(node.operand)
                return Numbers(-values, present)
            case Binary() if node.op in OPERATORS:
                left, right = self.value(node.left), self.value(node.right)
                return Numbers(OPERATORS[node.op](left.values, right.values), both_present(left.present, right.present))
            case Call() if node.function in FUNCTIONS:
                values, present = self.value(node.arguments[0])
                return Numbers(FUNCTIONS[node.function](values), present)
        from gramian.formula.choices import number  # only some formulas compare or choose

        return number(node, self)
