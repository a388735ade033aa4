"""Nonlinear regression with separable parameters: from observations and parameters to the columns that a pass sums.

The curve is linear in some parameters: their columns g_k, and the derivatives of these by the nonlinear parameters, are
what Gauss-Newton steps and variable projection need (G. H. Golub and V. Pereyra, SIAM Journal on Numerical Analysis 10
(1973), 413-432).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gramian.models.forward import Program, Value, dependencies, run
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Shape:
    """Structure of a curve f = g_0(x, t) + sum_k a_k g_k(x, t), with linear parameters a and nonlinear parameters t.

    Attributes
    ----------
    program : Program
        Its outputs are g_0 (if `has_fixed_part`), then one g_k for each linear parameter; its parameters are t.
    linear, nonlinear : tuple of int
        Positions of a and of t among all parameters.
    has_fixed_part : bool
        Whether there is a g_0.
    pairs : tuple of (int, int)
        (k, j) where g_k depends on t_j; g_0 is k = 0.
    """

    program: Program
    linear: tuple[int, ...]
    nonlinear: tuple[int, ...]
    has_fixed_part: bool
    pairs: tuple[tuple[int, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        numbered = enumerate(dependencies(self.program), start=0 if self.has_fixed_part else 1)
        object.__setattr__(self, "pairs", tuple((k, j) for k, parameters in numbered for j in sorted(parameters)))

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return len(self.linear) + len(self.nonlinear)

    @property
    def width(self) -> int:
        """Number of columns whose products are summed: the g_k, their derivatives, y - g_0, y, 1."""
        return len(self.linear) + len(self.pairs) + 3


def columns(shape: Shape, inputs: Sequence[Vector], beta: Vector, rows: int) -> tuple[Matrix, Vector]:
    """The g_k and their derivatives for a block of rows, (width - 3, rows), and g_0, (rows,).

    inputs : vectors (rows,) of the program. beta : (p,) all parameters.
    """
    out = run(shape.program, inputs, beta[list(shape.nonlinear)])
    parts = out if shape.has_fixed_part else [Value(np.float64(0.0), {}), *out]
    C = np.empty((shape.width - 3, rows))
    for k, part in enumerate(parts[1:]):
        C[k] = part.value
    for at, (k, j) in enumerate(shape.pairs, start=len(shape.linear)):
        C[at] = parts[k].partials[j]
    return C, np.broadcast_to(parts[0].value, rows)


def mixing(shape: Shape, beta: Vector) -> Matrix:
    """T (width - 3, p) such that C'T are the derivatives of the curve by all parameters, with C from `columns`."""
    T = np.zeros((shape.width - 3, shape.parameters))
    for at, p in enumerate(shape.linear):
        T[at, p] = 1.0
    factors = np.concatenate([[1.0], beta[list(shape.linear)]])
    for at, (k, j) in enumerate(shape.pairs, start=len(shape.linear)):
        T[at, shape.nonlinear[j]] = factors[k]
    return T


def jacobian(shape: Shape, inputs: Sequence[Vector], beta: Vector, rows: int) -> tuple[Vector, Matrix]:
    """Values of the curve (rows,) and its derivatives by all parameters (rows, p)."""
    with np.errstate(all="ignore"):
        C, base = columns(shape, inputs, beta, rows)
        return base + beta[list(shape.linear)] @ C[: len(shape.linear)], C.T @ mixing(shape, beta)


def triangular_factor(
    shape: Shape, inputs: Sequence[Vector], y: Vector, weight: Vector | None, beta: Vector
) -> tuple[Matrix, Mask | None]:
    """Upper triangular R (width, width) with R'R the weighted products of the columns of a block.

    A QR factor holds the same information as the products without squaring the condition number.

    Parameters
    ----------
    shape : Shape
        Structure of the curve.
    inputs : Sequence of Vector
        Inputs of the program, (rows,) each.
    y : Vector
        (rows,) outcome.
    weight : Vector or None
        (rows,) weights.
    beta : Vector
        (p,) all parameters.

    Returns
    -------
    R : Matrix
        (width, width); zero where some row is not finite.
    bad : Mask or None
        (rows,) rows where the curve or a derivative is not finite; None where there are none.
    """
    with np.errstate(all="ignore"):
        C, base = columns(shape, inputs, beta, len(y))
        stack = np.concatenate([C, [y - base, y, np.ones(len(y))]])
        finite = np.isfinite(stack)
        if not finite.all():
            return np.zeros((shape.width, shape.width)), ~finite.all(axis=0)
        return compressed(stack.T if weight is None else (stack * np.sqrt(weight)).T), None


def compressed(rows: Matrix) -> Matrix:
    """Triangular factor (width, width) of rows (n, width), for any n.

    Stacked factors compress to the factor of all rows: J. Demmel, L. Grigori, M. Hoemmen and J. Langou,
    Communication-optimal parallel and sequential QR and LU factorizations, SIAM Journal on Scientific Computing 34
    (2012), A206-A239 (tall and skinny QR).
    """
    R: Matrix = np.asarray(np.linalg.qr(rows, mode="r"))
    short = rows.shape[1] - len(R)
    return np.concatenate([R, np.zeros((short, rows.shape[1]))]) if short else R
