"""Quadratics for iterative methods: spectrum, an accurate minimum, and the error of each iterate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.doubledouble import Pair, pair, total, two_product
from gramian.typing import Matrix, Vector

DIVERGED = 1e8  # relative error from which on a method counts as divergent; it starts at one
MAX_CORRECTION = 0.05  # relative size up to which the first step of refinement is accepted


@dataclass(frozen=True, slots=True)
class Quadratic:
    """f(b) = b'Ab/2 - c'b with its spectrum.

    Attributes
    ----------
    A : (q, q)
        Symmetric, positive semidefinite.
    c : (q,)
        In the range of A.
    minimum : (q,)
        The minimum, of least norm where there are several.
    values : (r,)
        The nonzero eigenvalues of A, rising.
    vectors : (q, r)
        Their eigenvectors.
    """

    A: Matrix
    c: Vector
    minimum: Vector
    values: Vector
    vectors: Matrix

    @property
    def condition(self) -> float:
        """Largest over smallest nonzero eigenvalue."""
        return float(self.values[-1] / self.values[0]) if len(self.values) else 1.0

    @property
    def attainable(self) -> float:
        """Approximate relative error at which gradient descent stagnates: steps below the last bit of b are lost."""
        return EPS * self.condition

    def error(self, b: Vector) -> float:
        """||b - minimum|| / ||minimum||, or the absolute error where the minimum is zero."""
        difference, size = b - self.minimum, self.minimum @ self.minimum
        return float(np.sqrt(difference @ difference / size)) if size else float(np.sqrt(difference @ difference))


def quadratic(A: Matrix, c: Vector, approximation: Vector, rank: int, inverse: Matrix | None = None) -> Quadratic:
    """The quadratic with its spectrum and its minimum.

    Parameters
    ----------
    A : (q, q)
        Symmetric, positive semidefinite.
    c : (q,)
        In the range of A.
    approximation : (q,)
        An approximate minimum.
    rank : int
        Rank of A.
    inverse : (q, q) or None
        Inverse of A where it has one, if it is more accurate than what A in float64 determines.
    """
    values, vectors = spectrum(A, rank, inverse)
    start = approximation if rank == len(A) else vectors @ (vectors.T @ approximation)
    return Quadratic(A, c, refined(A, c, start, values, vectors), values, vectors)


def spectrum(A: Matrix, rank: int, inverse: Matrix | None = None) -> tuple[Vector, Matrix]:
    """The `rank` largest eigenvalues, rising, with eigenvectors.

    Eigenvalues of A have an absolute error of about u l_max, so small ones are taken from the inverse, where they are
    the large ones.
    """
    values, vectors = np.linalg.eigh(A)
    values, vectors = values[len(A) - rank :], vectors[:, len(A) - rank :]
    if not rank:
        return values, vectors
    if inverse is not None:
        small = values < np.sqrt(EPS) * values[-1]
        if small.any():
            inverse_values, inverse_vectors = np.linalg.eigh(inverse)
            values[small], vectors[:, small] = 1.0 / inverse_values[::-1][small], inverse_vectors[:, ::-1][:, small]
    return np.maximum(values, EPS * values[-1] if inverse is None else 0.0), vectors


def refined(A: Matrix, c: Vector, b: Vector, values: Vector, vectors: Matrix, steps: int = 20) -> Vector:
    """b improved by iterative refinement with residuals in double-double (Higham 2002, section 12.1).

    Where A is too near to singular for float64 the corrections do not halve, and b is left as it is.
    """
    before = MAX_CORRECTION * float(np.linalg.norm(b)) if b.any() else np.inf
    for _ in range(steps):
        step = vectors @ ((vectors.T @ residual(A, c, b)) / values)
        size = float(np.linalg.norm(step))
        # Each correction has to be half of the one before; otherwise rounding errors dominate.
        if not 0.0 < size < before:
            break
        b, before = b + step, size / 2
    return b


def residual(A: Matrix, c: Vector, b: Vector) -> Vector:
    """c - A b in double-double, rounded once; A symmetric."""
    return (pair(c) - total(Pair(*two_product(A, b[:, None])))).value


@dataclass(frozen=True, slots=True)
class Descent:
    """Gradient descent with a fixed rate in closed form: the error along eigenvector i shrinks by 1 - rate l_i.

    Attributes
    ----------
    share : (r,)
        Relative error at the start along each eigenvector.
    logs : (r,)
        log |1 - rate l_i|.
    """

    share: Vector
    logs: Vector

    @property
    def converges(self) -> bool:
        """Whether every component of the error shrinks."""
        return bool((self.logs < 0.0).all())

    def error(self, steps: float) -> float:
        """Relative error after so many steps, in exact arithmetic."""
        if not steps:
            return float(np.linalg.norm(self.share))
        return float(np.linalg.norm(self.share * np.exp(steps * self.logs)))

    def steps(self, error: float) -> int | None:
        """The least number of steps to this relative error, by bisection; None where it is never reached."""
        if self.error(0) <= error:
            return 0
        if not self.converges:
            return None
        low, high = 0, 1
        while self.error(high) > error:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.error(middle) <= error else (middle, high)
        return high


def descent(problem: Quadratic, rate: float) -> Descent:
    """The closed form of gradient descent from zero."""
    size = float(np.linalg.norm(problem.minimum)) or 1.0
    part = rate * problem.values
    with np.errstate(divide="ignore"):
        # log1p keeps the digits of small rates, for which 1 - part would round to 1.
        logs = np.where(part < 1.0, np.log1p(-np.minimum(part, 1.0)), np.log(np.abs(1.0 - part)))
    return Descent(problem.vectors.T @ problem.minimum / size, logs)


@dataclass(frozen=True, slots=True)
class Trace:
    """The course of a method that was run from zero.

    Attributes
    ----------
    errors : (k + 1,)
        Relative error before the first step and after each.
    end : str
        "reached", "stalled", "diverged" or "stopped" (at the limit of steps).
    path : (k + 1, 2) or None
        The iterates where there are two coefficients.
    """

    errors: Vector
    end: str
    path: Matrix | None = None

    @property
    def best(self) -> float:
        """The least relative error."""
        return float(np.nanmin(self.errors))

    def steps(self, error: float) -> int | None:
        """The least number of steps to this relative error; None where it was not reached."""
        hit = np.flatnonzero(self.errors <= error)
        return int(hit[0]) if len(hit) else None


def follow(iterates: Iterator[Vector], problem: Quadratic, error: float, limit: int, patience: float) -> Trace:
    """Run a method until an error is reached, `limit` steps are done, or nothing improved for `patience` steps.

    Parameters
    ----------
    iterates : iterator of (q,)
        The method.
    problem : Quadratic
        Its problem.
    error : float
        Relative error at which to stop.
    limit : int
        Number of steps at most.
    patience : float
        Steps without a new least error after which the method counts as stalled.
    """
    b = np.zeros_like(problem.c)
    errors, best, at = [problem.error(b)], problem.error(b), 0
    path = [b] if len(b) == 2 else None
    end = "reached" if best <= error else "stopped"
    with np.errstate(all="ignore"):
        while end == "stopped" and len(errors) <= limit:
            # A method that has ended stays where it is, and stalls.
            b = next(iterates, b)
            errors.append(problem.error(b))
            if path is not None:
                path.append(b)
            if errors[-1] < best:
                best, at = errors[-1], len(errors) - 1
            end = _end(errors[-1], error, len(errors) - 1 - at, patience)
    return Trace(np.array(errors), end, None if path is None else np.array(path))


def _end(now: float, target: float, idle: int, patience: float) -> str:
    """How a run ends with this step, "stopped" while it goes on. idle : steps since the least error."""
    if now <= target:
        return "reached"
    if not now < DIVERGED:
        return "diverged"
    return "stalled" if idle > patience else "stopped"
