"""Hypotheses that are not linear in the coefficients, linearized at the estimates (the delta method).

product := power (("*" | "/") power)*
power   := factor ("^" power)?
factor  := as of a linear hypothesis | ("exp" | "log" | "sqrt") "(" sum ")"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gramian.errors import OptionError
from gramian.inference.hypothesis import FUNCTION, WINDOW, LinearExpression, Parser, texts_of
from gramian.models.forward import OPERATIONS, Value
from gramian.typing import Matrix, Vector

ONE = np.float64(1.0)


@dataclass(frozen=True, slots=True)
class SmoothExpression(LinearExpression):
    """An expression in the coefficients at their estimates: its value is `constant`, its derivatives are `factors`.

    Attributes
    ----------
    factors : Mapping[int, float]
        Position of a coefficient -> derivative by it.
    constant : float
        The value.
    """

    factors: Mapping[int, float] = field(default_factory=dict)
    constant: float = 0.0

    def plus(self, other: LinearExpression, sign: float) -> SmoothExpression:
        """As of `LinearExpression`."""
        return applied("+" if sign > 0 else "-", self, other)

    def times(self, c: float) -> SmoothExpression:
        """As of `LinearExpression`."""
        return SmoothExpression({i: c * d for i, d in self.factors.items()}, c * self.constant)


def applied(operation: str, *operands: LinearExpression) -> SmoothExpression:
    """An operation on expressions, with the chain rule."""
    values = [Value(np.float64(o.constant), {i: np.float64(d) for i, d in o.factors.items()}) for o in operands]
    with np.errstate(all="ignore"):
        out = OPERATIONS[operation](*values)
    return SmoothExpression({i: float(d) for i, d in out.partials.items()}, float(out.value))


class NonlinearParser(Parser):
    """Reads hypotheses with products, quotients, powers and functions of coefficients.

    Parameters
    ----------
    text : str
        The hypotheses.
    names : sequence of str
        (p,) names of the coefficients.
    aliased : mapping
        Coefficients that cannot be tested.
    b : Vector
        (p,) estimates.
    """

    def __init__(self, text: str, names: Sequence[str], aliased: Mapping[str, str], b: Vector) -> None:
        super().__init__(text, names, aliased)
        self.b = b

    def coefficient(self, position: int) -> SmoothExpression:
        """A coefficient at its estimate."""
        return SmoothExpression({position: 1.0}, float(self.b[position]))

    def constant(self, value: float) -> SmoothExpression:
        """A number."""
        return SmoothExpression({}, value)

    def tested(self, expression: LinearExpression, start: int) -> LinearExpression:
        """The expression. Raises OptionError for one without coefficients, or whose value is not finite."""
        equation = self.text[start : self.at].strip()[:WINDOW]
        if not expression.factors:
            raise OptionError(f"'{equation}' contains no coefficient to test")
        if not np.isfinite([expression.constant, *expression.factors.values()]).all():
            raise OptionError(f"'{equation}' has no finite value and derivatives at the estimates")
        return expression

    def product(self) -> LinearExpression:
        """Powers joined by `*` and `/`."""
        total = self.power()
        while (operator := self.next_character()) in ("*", "/") and operator:
            self.at += 1
            total = applied(operator, total, self.power())
        return total

    def power(self) -> LinearExpression:
        """A factor, or a power of one: a^b^c is a^(b^c), and -a^2 is -(a^2)."""
        if (character := self.next_character()) and character in "+-":
            self.at += 1
            return self.deeper(self.power).times(-1.0 if character == "-" else 1.0)
        base = self.factor()
        return applied("^", base, self.deeper(self.power)) if self.accept("^") else base

    def factor(self) -> LinearExpression:
        """As of a linear hypothesis, or a function."""
        if self.name_at() is None and (match := FUNCTION.match(self.text, self.at)):
            self.at = match.end()
            inner = self.deeper(self.sum)
            if not self.accept(")"):
                self.fail("expected ')'")
            return applied(match.group().rstrip("("), inner)
        return super().factor()

    def name_at(self) -> str | None:
        """The name of a coefficient that begins here, without moving past it."""
        self.next_character()  # past spaces
        before = self.at
        found = self.name()
        self.at = before
        return found


def linearized(
    text: str | Sequence[str], names: Sequence[str], b: Vector, aliased: Mapping[str, str]
) -> tuple[Matrix, Vector]:
    """The k hypotheses h(b) = 0 in a text as R b = q: R (k, p) are derivatives at the estimates, and R b - q is h(b).

    Parameters
    ----------
    text : str or Sequence[str]
        Equations separated by commas, or several such texts.
    names : Sequence[str]
        (p,) names of the coefficients.
    b : Vector
        (p,) estimates.
    aliased : Mapping[str, str]
        Coefficients that the data do not determine.

    Raises
    ------
    OptionError
        The text does not parse, a name is not a coefficient, or a value is not finite.
    """
    equations = [equation for t in texts_of(text) for equation in NonlinearParser(t, names, aliased, b).read()]
    R, h = np.zeros((len(equations), len(names))), np.zeros(len(equations))
    for row, equation in enumerate(equations):
        R[row, list(equation.factors)] = list(equation.factors.values())
        h[row] = equation.constant
    return R, R @ np.nan_to_num(b) - h
