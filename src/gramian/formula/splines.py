"""Spline terms of a formula: `bs(x, 5)`, `bs(x, knots=c(1, 2))`, `ns(x, 4)`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gramian.errors import DataError, FormulaError
from gramian.formula.functions import Degree
from gramian.formula.syntax import Call, Negative, Node, Number, label
from gramian.linalg.sketch import Sketch
from gramian.linalg.splines import Knots, b_basis, natural_basis
from gramian.typing import Matrix, Vector

CUBIC = 3


@dataclass(frozen=True, slots=True)
class Spline:
    """A spline of one expression, as R's `bs` and `ns` without an intercept.

    Attributes
    ----------
    label : str
        As in the formula.
    node : Node
        The expression x.
    natural : bool
        Whether it is linear beyond the boundary (ns); else the polynomials of the outermost pieces continue there (bs).
    degree : int
        Degree of the pieces.
    inner : int
        Number of inner knots.
    knots : Knots or None
        Inner knots, ascending; None until they are set to quantiles of the data.
    boundary : tuple of two float or None
        Boundary knots; None until they are set to the range of the data.
    from_data : bool
        Whether the data have set the knots or the boundary.

    References
    ----------
    C. de Boor, A Practical Guide to Splines, Springer 1978.

    T. J. Hastie, Generalized additive models, chapter 7 of J. M. Chambers and T. J. Hastie (eds.), Statistical Models
    in S, Wadsworth & Brooks/Cole 1992.
    """

    label: str
    node: Node
    natural: bool
    degree: Degree
    inner: int
    knots: Knots | None
    boundary: tuple[float, float] | None
    from_data: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        width = self.inner + (1 if self.natural else self.degree)
        return tuple(f"{self.label}[{k}]" for k in range(1, width + 1))

    @property
    def has_knots(self) -> bool:
        """Whether knots and boundary are set."""
        return self.knots is not None and self.boundary is not None

    def with_knots(self, sketch: Sketch) -> Spline:
        """The spline with knots at equally spaced quantiles and the boundary at the range of the data, unless declared.

        Raises DataError where the knots are not strictly ascending, because the data have too few distinct values.
        """
        low, high = self.boundary or (sketch.low, sketch.high)
        knots = self.knots
        if knots is None:
            # quantiles of a sketch: approximate for many rows, but the same for any order of the units
            knots = tuple(sketch.quantile(k / (self.inner + 1)) for k in range(1, self.inner + 1))
        if not all(a < b for a, b in pairwise((low, *knots, high))):
            raise DataError(
                f"the knots of {self.label} do not rise from {low:g} to {high:g}: "
                f"{', '.join(f'{k:g}' for k in knots) or 'there are none'}; use fewer (df), or declare knots=c(...)"
            )
        return replace(self, knots=knots, boundary=(low, high), from_data=True)

    def basis(self, x: Vector) -> Matrix:
        """The columns at x (n,), as rows: (width, n)."""
        assert self.knots is not None
        assert self.boundary is not None
        # x may be arbitrary in null rows, which are dropped afterwards
        with np.errstate(all="ignore"):
            if self.natural:
                return natural_basis(x, self.knots, self.boundary)
            return b_basis(x, self.knots, self.boundary, self.degree)


def spline_of(call: Call) -> Spline:
    """The spline of a call of bs() or ns(). Raises FormulaError where its options contradict each other."""
    options, natural, text = dict(call.keywords), call.function == "ns", label(call)
    if len(call.arguments) > 1:
        options["df"] = call.arguments[1]
    degree = CUBIC if natural else int(_number(options["degree"])) if "degree" in options else CUBIC
    min_df = 1 if natural else degree
    if ("df" in options) == ("knots" in options):
        raise FormulaError(f"{call.function}() takes df or knots, as in {call.function}(x, 5)", text, 0)
    knots = numbers(options["knots"]) if "knots" in options else None
    # df = inner knots + degree for bs, inner knots + 1 for ns (each without the intercept)
    inner = len(knots) if knots is not None else int(_number(options["df"])) - min_df
    if inner < 0:
        raise FormulaError(f"df must be at least {min_df} here, the degree of the pieces", text, 0)
    ends = numbers(options["boundary"]) if "boundary" in options else None
    if ends is not None and len(ends) != 2:
        raise FormulaError("boundary takes two numbers, as in boundary=c(0, 10)", text, 0)
    boundary = None if ends is None else (ends[0], ends[1])
    if not all(a < b for a, b in pairwise([*(ends or ())[:1], *(knots or ()), *(ends or ())[1:]])):
        raise FormulaError("knots rise, and lie inside the boundary", text, 0)
    return Spline(text, call.arguments[0], natural, degree, inner, () if not inner else knots, boundary)


def numbers(node: Node) -> Knots:
    """The numbers of c(...), or of a single number."""
    parts = node.arguments if isinstance(node, Call) else (node,)
    return tuple(map(_number, parts))


def _number(node: Node) -> float:
    """Value of a number with or without a minus."""
    if isinstance(node, Negative):
        return -_number(node.operand)
    assert isinstance(node, Number)
    return node.value
