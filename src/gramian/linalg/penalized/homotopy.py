"""The exact lasso path by homotopy: between knots the coefficients are linear in the penalty.

Osborne, Presnell and Turlach (2000); Efron, Hastie, Johnstone and Tibshirani (2004), the lasso modification of LARS.
With the active columns A and their signs s the optimality conditions say, at every penalty t of a segment,

    b_A = u - t v,  S_AA u = c_A,  S_AA v = s,  and for the others  c_j - S_jA b_A = p_j + t q_j,  of size at most t.

Each segment is computed from the Cholesky factor of S_AA, not from the previous segment, so errors do not accumulate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas

from gramian.linalg.certificate import EPS
from gramian.linalg.penalized.triangle import Triangle
from gramian.typing import Codes, Matrix, Vector

TIE = 1e-13  # relative difference up to which two penalties are one knot
MAX_CHANGES_PER_COLUMN = 16  # changes of the active set per column, after which the path is left incomplete


@dataclass(frozen=True, slots=True)
class Knots:
    """A piecewise linear path of coefficients.

    Attributes
    ----------
    at : (k,)
        Penalties, falling.
    b : (k, q)
        Coefficients at the knots, linear between them.
    passed : int array
        Columns that never entered, being linear combinations of active ones.
    complete : bool
        Whether the path reaches penalty 0.
    """

    at: Vector
    b: Matrix
    passed: Codes
    complete: bool


def homotopy(S: Matrix, c: Vector, noise: Vector, rounding: Vector, max_changes: int | None = None) -> Knots:
    """All knots of the minima of b'Sb / 2 - c'b + t ||b||_1, from the smallest t where b = 0 down to t = 0.

    Parameters
    ----------
    S : (q, q)
        Products of the columns.
    c : (q,)
        Products with the outcome.
    noise : (q,)
        Rounding errors of the diagonal of S; a pivot below is a dependent column.
    rounding : (q,)
        Rounding errors of c.
    max_changes : int or None
        Changes of the active set after which the path is left incomplete.

    Notes
    -----
    Of tied columns the first one changes first (the least-index rule, which prevents cycling).
    """
    active_set = _ActiveSet(S, c, noise, rounding)
    top = float(np.abs(c).max(initial=0.0))
    least, now = 4 * (len(c) + 1) * EPS * top, np.inf
    for _ in range(MAX_CHANGES_PER_COLUMN * (len(c) + 4) if max_changes is None else max_changes):
        events = active_set.events()
        best = float(events.max(initial=0.0))
        if not best > least:
            return active_set.finish(complete=bool(np.isfinite(events).all()))
        # Rounding may put the next event slightly above the present penalty; the path never goes back.
        at = min(best, now)
        first = int(np.argmax(events >= at * (1.0 - TIE)))
        if at < now * (1.0 - TIE):
            active_set.record(at)
            now = at
        active_set.change(first)
    return active_set.finish(complete=False)


def between(knots: Knots, at: Vector) -> Matrix:
    """Coefficients (n, q) at penalties (n,) by linear interpolation between the knots; zero above the first."""
    if len(knots.at) == 1:
        return np.repeat(knots.b, len(at), axis=0)
    i = np.clip(np.searchsorted(-knots.at, -at, side="right") - 1, 0, len(knots.at) - 2)
    share = np.clip((knots.at[i] - at) / (knots.at[i] - knots.at[i + 1]), 0.0, 1.0)[:, None]
    return np.asarray((1.0 - share) * knots.b[i] + share * knots.b[i + 1])


class _ActiveSet:
    """The active set of a segment of the path, and the knots so far.

    Attributes
    ----------
    k : int
        Active columns.
    index : (q,) int
        Their numbers, in the order of the Cholesky factor; the first k are used.
    sign : (q,)
        Their signs.
    columns : (q, q)
        Columns S_jA side by side, so that products with them need no copy.
    passed : (q,) bool
        Columns rejected as dependent on active ones.
    inside : (q,) bool
        Active columns.
    out : (q,) bool
        Columns that may not join: active or rejected.
    u, v : (k,)
        Coefficients b_A = u - t v of the segment.
    p : (q,)
        c - S_A u, whose signs joining columns take.
    """

    def __init__(self, S: Matrix, c: Vector, noise: Vector, rounding: Vector) -> None:
        q = len(c)
        self.S, self.c, self.noise, self.rounding = S, c, noise, rounding
        self.square = S.diagonal()
        self.triangle = Triangle(q)
        self.k = 0
        self.index = np.empty(q, np.int64)
        self.sign = np.empty(q)
        self.columns = np.empty((q, q), order="F")
        self.passed = np.zeros(q, bool)
        self.inside = np.zeros(q, bool)
        self.out = np.zeros(q, bool)
        self.u = self.v = np.zeros(0)
        self.p = c
        self.at: list[float] = []
        self.b: list[Vector] = []

    def events(self) -> Vector:
        """For each column the penalty at which it joins or leaves the active set, 0 where it does neither, (q,)."""
        k, triangle = self.k, self.triangle
        at = self.index[:k]
        self.u = triangle.solve(triangle.solve_transposed(self.c[at]))
        self.v = triangle.solve(triangle.solve_transposed(self.sign[:k]))
        if k:
            both = blas.dgemm(1.0, self.columns[:, :k], np.array((self.u, self.v)), trans_b=True)
            p, q = self.c - both[:, 0], both[:, 1]
        else:
            p, q = self.c, np.zeros(len(self.c))
        self.p, size = p, np.abs(p)
        # |p + t q| = t is solved by t = |p| / (1 - sign(p) q) where |p| is the size at t = 0; a column whose
        # correlation grows as fast as t never joins.
        slope = 1.0 - np.copysign(q, p * q)
        joins = (size > self.rounding) & (slope > 0) & ~self.out
        events: Vector = np.divide(size, slope, out=np.zeros(len(size)), where=joins)
        # At penalty 0 the coefficient has the other sign; one that does not change has it by rounding only.
        crosses_zero = (self.sign[:k] * self.u < 0) & (self.v != 0)
        if crosses_zero.any():
            events[at[crosses_zero]] = self.u[crosses_zero] / self.v[crosses_zero]
        return events

    def record(self, at: float) -> None:
        """Record a knot: the coefficients of this segment at its lower end."""
        b = np.zeros(len(self.c))
        active = self.u - at * self.v
        b[self.index[: self.k]] = np.where(self.sign[: self.k] * active > 0, active, 0.0)  # other signs are rounding
        self.at.append(at)
        self.b.append(b)

    def change(self, column: int) -> None:
        """Let a column join, or leave at zero; one that depends on the active columns is passed over."""
        if self.inside[column]:
            self._leave(column)
            return
        k = self.k
        if not self.triangle.add(*self._triangle_arguments(column)):
            self.passed[column] = self.out[column] = True
            return
        self.index[k] = column
        self.sign[k] = np.copysign(1.0, self.p[column])
        self.columns[:, k] = self.S[column]
        self.k = k + 1
        self.inside[column] = self.out[column] = True

    def _triangle_arguments(self, column: int) -> tuple[Vector, float, Vector, float]:
        """The arguments of `Triangle.add` and `Triangle.fits` for a column."""
        at = self.index[: self.k]
        return self.S[column, at], float(self.square[column]), self.noise[at], float(self.noise[column])

    def _leave(self, column: int) -> None:
        """Remove a column from the active set."""
        k = self.k
        place = int(np.flatnonzero(self.index[:k] == column)[0])
        self.triangle.remove(place)
        self.b[-1][column] = 0.0
        self.index[place : k - 1] = self.index[place + 1 : k]
        self.sign[place : k - 1] = self.sign[place + 1 : k]
        self.columns[:, place : k - 1] = self.columns[:, place + 1 : k]
        self.k = k - 1
        self.inside[column] = False
        self.out = self.inside.copy()  # columns that depended on this one may join now

    def finish(self, *, complete: bool) -> Knots:
        """The path, with the end at penalty 0 if it is complete."""
        if complete:
            self.record(0.0)
            # Columns that never had an event are reported too if they depend on the active ones at the end.
            for j in np.flatnonzero(~self.inside & ~self.passed).tolist():
                self.passed[j] = not self.triangle.fits(*self._triangle_arguments(j))
        b = np.array(self.b).reshape(len(self.at), len(self.c))
        return Knots(np.array(self.at), b, np.flatnonzero(self.passed & ~self.inside), complete)
