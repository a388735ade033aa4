"""Exact derivatives of the variables of a formula by a column of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.formula.choices import truth
from gramian.formula.evaluate import Evaluation
from gramian.formula.functions import DATE_PARTS, IDENTITY_FUNCTIONS
from gramian.formula.splines import Spline
from gramian.formula.syntax import Binary, Call, Flag, Name, Negative, Node, Not, Number
from gramian.linalg.splines import b_basis_slopes, natural_basis_slopes
from gramian.models.forward import OPERATIONS, Value
from gramian.typing import Matrix, Vector


def derivative(node: Node, column: str, batch: Batch) -> Vector:
    """Derivative (rows,) of an expression by a column of numbers, at the rows of a batch."""
    with np.errstate(all="ignore"):
        slope = _value(node, column, batch).partials.get(0, 0.0)
    return np.broadcast_to(np.asarray(slope, np.float64), batch.rows)


def spline_derivatives(spline: Spline, column: str, batch: Batch) -> Matrix:
    """Derivatives (width, rows) of the columns of a spline by a column of numbers."""
    assert spline.knots is not None
    assert spline.boundary is not None
    with np.errstate(all="ignore"):
        inner = _value(spline.node, column, batch)
        x = np.broadcast_to(np.asarray(inner.value, np.float64), batch.rows)
        slopes = (
            natural_basis_slopes(x, spline.knots, spline.boundary)
            if spline.natural
            else b_basis_slopes(x, spline.knots, spline.boundary, spline.degree)
        )
        return np.asarray(slopes * inner.partials.get(0, 0.0))


def _value(node: Node, column: str, batch: Batch) -> Value:
    """An expression with its derivative by the column, as the partial derivative number 0."""
    match node:
        case Name():
            values: Any = batch.numbers(node.name).values
            return Value(values, {0: np.float64(1.0)} if node.name == column else {})
        case Number():
            return Value(np.float64(node.value), {})
        case Negative():
            return OPERATIONS["negative"](_value(node.operand, column, batch))
        case Call(function="ifelse", arguments=(test, yes, no)):
            return _chosen(truth(test, Evaluation(batch)).values, *(_value(n, column, batch) for n in (yes, no)))
        case Call(function="pmin" | "pmax" as function, arguments=arguments):
            first, *others = (_value(n, column, batch) for n in arguments)
            for other in others:
                is_first = first.value <= other.value if function == "pmin" else first.value >= other.value
                first = _chosen(is_first, first, other)
            return first
        case Not() | Flag() | Binary(op="&" | "|" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "%in%"):
            return Value(Evaluation(batch).value(node).values, {})  # a step: constant on both sides
        case Call(function=function) if function in DATE_PARTS:
            return Value(Evaluation(batch).value(node).values, {})
        case Binary():
            return OPERATIONS[node.op](_value(node.left, column, batch), _value(node.right, column, batch))
        case Call() if node.function in IDENTITY_FUNCTIONS:
            return _value(node.arguments[0], column, batch)
        case Call() if node.function in OPERATIONS:
            return OPERATIONS[node.function](_value(node.arguments[0], column, batch))
    raise TypeError(f"no derivative: {node}")


def _chosen(first: Any, yes: Value, no: Value) -> Value:
    """One of two values, with its derivative."""
    partials = {
        k: np.where(first, yes.partials.get(k, 0.0), no.partials.get(k, 0.0)) for k in yes.partials | no.partials
    }
    return Value(np.where(first, yes.value, no.value), partials)
