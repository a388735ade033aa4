"""Straight-line programs of array operations, with exact derivatives by forward mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gramian.typing import Vector

HUGE = 1e270  # a derivative of a number so large may overflow before it does
Partials = dict[int, Any]  # parameter -> derivative; a parameter that does not occur is left out


class Step(NamedTuple):
    """An operation on one or two earlier slots."""

    operation: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A straight line of operations. Slots: inputs, then parameters, then constants, then one a step.

    outputs : the slots that are told.
    """

    inputs: int
    parameters: int
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def dependencies(program: Program) -> list[frozenset[int]]:
    """For every output, the parameters that it depends on."""
    parameters = [frozenset[int]()] * program.inputs
    parameters += [frozenset({k}) for k in range(program.parameters)]
    parameters += [frozenset[int]()] * len(program.constants)
    for step in program.steps:
        parameters.append(frozenset().union(*(parameters[s] for s in step.slots)))
    return [parameters[s] for s in program.outputs]


class Value(NamedTuple):
    """A number or a vector, and its derivative by every parameter that it depends on."""

    value: Any
    partials: Partials


def run(program: Program, inputs: Sequence[Vector], parameters: Vector) -> list[Value]:
    """Values of the outputs and all their partial derivatives in one sweep (forward mode).

    inputs : vectors (n,). What is not a number becomes NaN or infinite, in silence.
    Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
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
    return Value(u.value + v.value, _sum_partials(u.partials, v.partials))


def _subtract(u: Value, v: Value) -> Value:
    return Value(u.value - v.value, _sum_partials(u.partials, {k: -d for k, d in v.partials.items()}))


def _multiply(u: Value, v: Value) -> Value:
    left = {k: d * v.value for k, d in u.partials.items()}
    return Value(u.value * v.value, _sum_partials(left, {k: u.value * d for k, d in v.partials.items()}))


def _divide(u: Value, v: Value) -> Value:
    """Where the denominator overflows, or its derivative next to that, the quotient does not move."""
    q = u.value / v.value
    overflowed = (np.abs(v.value) > HUGE) & np.isfinite(u.value)
    left = {k: d / v.value for k, d in u.partials.items()}
    partials = _sum_partials(left, {k: -q * (d / v.value) for k, d in v.partials.items()})
    if np.any(overflowed):
        partials = {k: np.where(overflowed & ~np.isfinite(d), 0.0, d) for k, d in partials.items()}
    return Value(q, partials)


def _power(u: Value, v: Value) -> Value:
    """u^v: v u^(v-1) du + u^v log(u) dv. A base of zero that does not move leaves a positive power at zero."""
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
    return np.where(zero, 0.0, values) if np.any(zero) else values


def _sum_partials(a: Partials, b: Partials) -> Partials:
    return {**a, **{k: a[k] + d if k in a else d for k, d in b.items()}}


def _negative(u: Value) -> Value:
    return Value(-u.value, {k: -d for k, d in u.partials.items()})


def _function(value: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Callable[[Value], Value]:
    """The chain rule. `slope` is told argument and value; where it is zero the function is flat, whatever moves."""

    def apply(u: Value) -> Value:
        f = value(u.value)
        if not u.partials:
            return Value(f, {})
        s = slope(u.value, f)
        return Value(f, {k: _zero_where((s == 0) & ~np.isfinite(d), s * d) for k, d in u.partials.items()})

    return apply


LN2, LN10 = np.log(2.0), np.log(10.0)
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
    "expm1": _function(np.expm1, lambda u, f: np.exp(u)),
    "sqrt": _function(np.sqrt, lambda u, f: 0.5 / f),
    "abs": _function(np.abs, lambda u, f: np.sign(u)),
    "sin": _function(np.sin, lambda u, f: np.cos(u)),
    "cos": _function(np.cos, lambda u, f: -np.sin(u)),
    "tan": _function(np.tan, lambda u, f: 1.0 + f * f),
    "tanh": _function(np.tanh, lambda u, f: np.cosh(u) ** -2.0),
    "atan": _function(np.arctan, lambda u, f: 1.0 / (1.0 + u * u)),
}
UNARY = frozenset(OPERATIONS) - set("+-*/^") - {"negative"}
