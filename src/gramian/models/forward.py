"""Straight-line programs of array operations, with exact derivatives by forward-mode differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gramian.typing import Vector

HUGE = 1e270  # beyond it the derivative of a number may overflow before the number does
Partials = dict[int, Any]  # parameter -> derivative; absent where it is zero by structure


class Step(NamedTuple):
    """An operation on one or two earlier slots.

    operation : a key of `OPERATIONS`. slots : its operands.
    """

    operation: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A sequence of operations on numbered slots: inputs, then parameters, then constants, then one slot for each step.

    Attributes
    ----------
    inputs, parameters : int
        Numbers of inputs and parameters.
    constants : tuple of float
        The constants.
    steps : tuple of Step
        The operations, in order.
    outputs : tuple of int
        Slots whose values are returned.
    """

    inputs: int
    parameters: int
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def dependencies(program: Program) -> list[frozenset[int]]:
    """For every output the parameters that it depends on."""
    parameters = [frozenset[int]()] * program.inputs
    parameters += [frozenset({k}) for k in range(program.parameters)]
    parameters += [frozenset[int]()] * len(program.constants)
    for step in program.steps:
        parameters.append(frozenset().union(*(parameters[s] for s in step.slots)))
    return [parameters[s] for s in program.outputs]


class Value(NamedTuple):
    """A number or vector (n,) and its derivatives by the parameters that it depends on."""

    value: Any
    partials: Partials


def run(program: Program, inputs: Sequence[Vector], parameters: Vector) -> list[Value]:
    """Values of the outputs and all their partial derivatives, in one pass over the steps.

    Parameters
    ----------
    program : Program
        The operations.
    inputs : Sequence of Vector
        (n,) each.
    parameters : Vector
        Values of the parameters.

    Notes
    -----
    What is not a number becomes NaN or infinite without a warning.

    References
    ----------
    A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3.
    """
    one = np.float64(1.0)
    slots = [Value(x, {}) for x in inputs]
    slots += [Value(b, {k: one}) for k, b in enumerate(np.asarray(parameters, np.float64))]
    slots += [Value(np.float64(c), {}) for c in program.constants]
    with np.errstate(all="ignore"):
        for step in program.steps:
            slots.append(OPERATIONS[step.operation](*(slots[s] for s in step.slots)))
    return [slots[s] for s in program.outputs]


def _add(u: Value, v: Value) -> Value:
    """u + v."""
    return Value(u.value + v.value, _sum_partials(u.partials, v.partials))


def _subtract(u: Value, v: Value) -> Value:
    """u - v."""
    return Value(u.value - v.value, _sum_partials(u.partials, {k: -d for k, d in v.partials.items()}))


def _multiply(u: Value, v: Value) -> Value:
    """u v."""
    left = {k: d * v.value for k, d in u.partials.items()}
    return Value(u.value * v.value, _sum_partials(left, {k: u.value * d for k, d in v.partials.items()}))


def _divide(u: Value, v: Value) -> Value:
    """u / v: d(u/v) = du/v - (u/v) dv/v.

    Where the denominator or its derivative overflows, the quotient is constant to rounding, and its derivative is 0.
    """
    q = u.value / v.value
    overflowed = (np.abs(v.value) > HUGE) & np.isfinite(u.value)
    left = {k: d / v.value for k, d in u.partials.items()}
    partials = _sum_partials(left, {k: -q * (d / v.value) for k, d in v.partials.items()})
    if np.any(overflowed):
        partials = {k: np.where(overflowed & ~np.isfinite(d), 0.0, d) for k, d in partials.items()}
    return Value(q, partials)


def _power(u: Value, v: Value) -> Value:
    """u^v: d(u^v) = v u^(v-1) du + u^v log(u) dv. Where a base of 0 is constant, a positive power of it is, too."""
    p = np.power(u.value, v.value)
    out: Partials = {}
    if u.partials:
        slope = v.value * np.power(u.value, v.value - 1.0)
        out = {k: _zero_where((u.value == 0) & (d == 0) & (v.value > 0), slope * d) for k, d in u.partials.items()}
    if v.partials:
        log = p * np.log(u.value)
        log = _zero_where((u.value == 0) & (v.value > 0), log)
        out = _sum_partials(out, {k: log * d for k, d in v.partials.items()})
    return Value(p, out)


def _zero_where(zero: Any, values: Any) -> Any:
    """Values, set to 0 where the mask is true."""
    return np.where(zero, 0.0, values) if np.any(zero) else values


def _sum_partials(a: Partials, b: Partials) -> Partials:
    """Sum of derivatives."""
    return {**a, **{k: a[k] + d if k in a else d for k, d in b.items()}}


def _negative(u: Value) -> Value:
    """-u."""
    return Value(-u.value, {k: -d for k, d in u.partials.items()})


def _function(value: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Callable[[Value], Value]:
    """An elementwise function with its chain rule.

    slope : derivative, of argument and value. Where it is 0 the result is 0 even if the inner derivative is infinite.
    """

    def apply(u: Value) -> Value:
        f = value(u.value)
        if not u.partials:
            return Value(f, {})
        s = slope(u.value, f)
        return Value(f, {k: _zero_where((s == 0) & ~np.isfinite(d), s * d) for k, d in u.partials.items()})

    return apply


LN2, LN10 = np.log(2.0), np.log(10.0)
_ARCTAN = _function(np.arctan, lambda u, f: 1.0 / (1.0 + u * u))
OPERATIONS: Mapping[str, Callable[..., Value]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "^": _power,
    "negative": _negative,
    "log": _function(np.log, lambda u, f: 1.0 / u),
    "log1p": _function(np.log1p, lambda u, f: 1.0 / (1.0 + u)),
    "log2": _function(np.log2, lambda u, f: 1.0 / (u * LN2)),
    "log10": _function(np.log10, lambda u, f: 1.0 / (u * LN10)),
    "exp": _function(np.exp, lambda u, f: f),
    "expm1": _function(np.expm1, lambda u, f: np.exp(u)),  # f + 1 would cancel for u << 0
    "sqrt": _function(np.sqrt, lambda u, f: 0.5 / f),
    "abs": _function(np.abs, lambda u, f: np.sign(u)),
    "sin": _function(np.sin, lambda u, f: np.cos(u)),
    "cos": _function(np.cos, lambda u, f: -np.sin(u)),
    "tan": _function(np.tan, lambda u, f: 1.0 + f * f),
    "tanh": _function(np.tanh, lambda u, f: np.cosh(u) ** -2.0),  # 1 - f^2 would cancel for large |u|
    "atan": _ARCTAN,
    "arctan": _ARCTAN,
}
UNARY = frozenset(OPERATIONS) - set("+-*/^") - {"negative"}
