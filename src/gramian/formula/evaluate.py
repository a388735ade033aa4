"""Values of expressions on a batch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.column import Numbers
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

    A row is present when all columns of the expression are. What is not a number (log of -1, 0/0) becomes NaN or
    infinite without a warning: the caller decides what to do with such rows.
    """
    with np.errstate(all="ignore"):
        return {name: _numbers(node, batch) for name, node in nodes.items()}


def _numbers(node: Node, batch: Batch) -> Numbers:
    """One expression."""
    columns: dict[str, Numbers] = {}
    values = _value(node, batch, columns)
    if np.ndim(values) == 0:
        # an expression without columns, such as offset(1), is a scalar
        values = np.full(batch.rows, values, dtype=np.float64)
    masks = [column.present for column in columns.values() if column.present is not None]
    return Numbers(values, np.logical_and.reduce(masks) if masks else None)


def _value(node: Node, batch: Batch, columns: dict[str, Numbers]) -> Any:
    """Value of an expression: a vector (rows,), or a scalar without columns. Columns that were read are added."""
    match node:
        case Name():
            if node.name not in columns:
                columns[node.name] = batch.numbers(node.name)
            return columns[node.name].values
        case Number():
            return np.float64(node.value)
        case Negative():
            return -_value(node.operand, batch, columns)
        case Binary():
            return OPERATORS[node.op](_value(node.left, batch, columns), _value(node.right, batch, columns))
        case Call() if node.function in FUNCTIONS:
            return FUNCTIONS[node.function](_value(node.arguments[0], batch, columns))
    raise TypeError(f"no value of its own: {node}")
