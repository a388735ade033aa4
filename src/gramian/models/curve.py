"""The nonlinear curve: observations and parameters to the columns whose products a pass keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gramian.models.forward import Program, Value, dependencies, run
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Shape:
    """How a curve is made: f = g_0(x, t) + sum_k a_k g_k(x, t), where the a are its linear parameters.

    program : outputs g_0 (when `free`), then one g_k for each linear parameter; its parameters are the t.
    linear, nonlinear : places of the a and the t among all parameters.
    pairs : (k, j) where g_k moves with t_j; g_0 is k = 0.
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
        """All of them."""
        return len(self.linear) + len(self.nonlinear)

    @property
    def width(self) -> int:
        """Columns whose products are summed: the g_k, their derivatives, y - g_0, y, one."""
        return len(self.linear) + len(self.pairs) + 3


def columns(shape: Shape, inputs: Sequence[Vector], beta: Vector, rows: int) -> tuple[Matrix, Vector]:
    """The g_k and their derivatives (columns, rows) of a block of rows, and g_0 (rows,)."""
    out = run(shape.program, inputs, beta[list(shape.nonlinear)])
    parts = out if shape.has_fixed_part else [Value(np.float64(0.0), {}), *out]
    C = np.empty((shape.width - 3, rows))
    for k, part in enumerate(parts[1:]):
        C[k] = part.value
    for at, (k, j) in enumerate(shape.pairs, start=len(shape.linear)):
        C[at] = parts[k].partials[j]
    return C, np.broadcast_to(parts[0].value, rows)


def mixing(shape: Shape, beta: Vector) -> Matrix:
    """T (columns, p) so that the derivatives of the curve by its parameters are C'T at these linear parameters."""
    T = np.zeros((shape.width - 3, shape.parameters))
    for at, p in enumerate(shape.linear):
        T[at, p] = 1.0
    factors = np.concatenate([[1.0], beta[list(shape.linear)]])
    for at, (k, j) in enumerate(shape.pairs, start=len(shape.linear)):
        T[at, shape.nonlinear[j]] = factors[k]
    return T


def jacobian(shape: Shape, inputs: Sequence[Vector], beta: Vector, rows: int) -> tuple[Vector, Matrix]:
    """The curve (rows,) and its derivatives by all parameters (rows, p)."""
    with np.errstate(all="ignore"):
        C, base = columns(shape, inputs, beta, rows)
        return base + beta[list(shape.linear)] @ C[: len(shape.linear)], C.T @ mixing(shape, beta)


def triangular_factor(
    shape: Shape, inputs: Sequence[Vector], y: Vector, weight: Vector | None, beta: Vector
) -> tuple[Matrix, Mask | None]:
    """R (width, width), upper triangular, with R'R the weighted products of a block's columns.

    R holds what the products hold without squaring the condition. Second, the rows where the curve or a derivative is
    not finite, None where there are none.
    """
    with np.errstate(all="ignore"):
        C, base = columns(shape, inputs, beta, len(y))
        stack = np.concatenate([C, [y - base, y, np.ones(len(y))]])
        finite = np.isfinite(stack)
        if not finite.all():
            return np.zeros((shape.width, shape.width)), ~finite.all(axis=0)
        return compressed(stack.T if weight is None else (stack * np.sqrt(weight)).T), None


def compressed(rows: Matrix) -> Matrix:
    """The triangular factor of rows (n, width), square whatever n; stacked factors compress to that of all rows.

    Source: Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34 (2012) A206-A239 (tall and skinny QR).
    """
    R: Matrix = np.asarray(np.linalg.qr(rows, mode="r"))
    short = rows.shape[1] - len(R)
    return np.concatenate([R, np.zeros((short, rows.shape[1]))]) if short else R
