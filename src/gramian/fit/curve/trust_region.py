"""A trust region for nonlinear least squares, with bounds.

The model of the loss at a step d is |r - J d|^2, with J and r compressed to a few rows (J. J. More, The
Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics 630, Springer 1978; for bounds C.
Kanzow, N. Yamashita and M. Fukushima, Levenberg-Marquardt methods with strong local convergence properties for solving
nonlinear equations with convex constraints, Journal of Computational and Applied Mathematics 172 (2004), 375-397).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Matrix, Vector

RANK = 2.0**-46  # singular values below this, columns of length one, are rounding
TINY = float(np.finfo(float).tiny)
ACCEPTED, POOR, GOOD = 1e-4, 0.25, 0.75  # shares of the predicted gain that a step has to bring
SHRINK, GROW = 0.1, 2.0
BISECTIONS = 60
NEAR = 1e-3  # how closely a damped step has to reach the radius


@dataclass(frozen=True, slots=True)
class Region:
    """The steps d with |d / size| <= radius and low <= d <= high.

    Attributes
    ----------
    size : ndarray
        (t,) unit of each parameter.
    low, high : ndarray
        (t,) bounds of the step.
    radius : float
        Largest length of a step, in these units.
    """

    size: Vector
    low: Vector
    high: Vector
    radius: float


def damped(J: Matrix, r: Vector, region: Region) -> Vector:
    """The step (t,) that minimises |J d - r|^2 + damping |d / size|^2 in the region, with the least damping possible.

    J : (m, t). r : (m,). The damping is found by bisection of its logarithm, until the length is within 0.1 % of the
    radius.
    """
    scale = np.exp2(np.round(np.log2(region.size)))  # powers of two: scaling is exact
    A, low, high, weight = J * scale, region.low / scale, region.high / scale, scale / region.size
    step = _boxed(A, r, low, high, weight, 0.0)
    if _length(step, weight) <= region.radius:
        return step * scale
    # bracket of the root of the damping: below it does not change the solution, above the step is shorter than the
    # radius
    log_low = np.log(np.finfo(float).eps * (_largest(A) + TINY))
    log_high = np.log(_largest(A) + np.sqrt(_largest(A.T @ r[:, None]) / region.radius) + TINY) + 3.0
    for _ in range(BISECTIONS):
        middle = (log_low + log_high) / 2
        step = _boxed(A, r, low, high, weight, float(np.exp(middle)))
        length = _length(step, weight)
        if (1 - NEAR) * region.radius <= length <= region.radius:
            return step * scale
        log_low, log_high = (middle, log_high) if length > region.radius else (log_low, middle)
    return _boxed(A, r, low, high, weight, float(np.exp(log_high))) * scale


def _largest(A: Matrix) -> float:
    """Frobenius norm, an upper bound of the largest singular value."""
    return float(np.linalg.norm(A))


def _length(step: Vector, weight: Vector) -> float:
    """Length of a step in units of the region."""
    return float(np.linalg.norm(step * weight))


def _boxed(A: Matrix, r: Vector, low: Vector, high: Vector, weight: Vector, root_damping: float) -> Vector:
    """Minimum of |A d - r|^2 + root_damping^2 |weight d|^2 with low <= d <= high, by an active-set method.

    A : (m, t). r : (m,). low, high, weight : (t,). Returns (t,).
    """
    B = np.concatenate([A, np.diag(root_damping * weight)]) if root_damping else A
    right = np.concatenate([r, np.zeros(len(weight))]) if root_damping else r
    fixed, d = np.zeros(len(weight), bool), np.zeros(len(weight))
    # each round fixes or frees parameters; the limit guards against cycles, after which the clipped step is still
    # feasible
    for _ in range(3 * len(weight) + 1):
        d[~fixed] = _least_squares(B[:, ~fixed], right - B[:, fixed] @ d[fixed])
        outside = ~fixed & ((d < low) | (d > high))
        if outside.any():
            d = np.clip(d, low, high)
            fixed |= outside
            continue
        descent = B.T @ (right - B @ d)
        at_bound = fixed & (((d <= low) & (descent < 0)) | ((d >= high) & (descent > 0)))
        if (at_bound == fixed).all():
            return d
        fixed = at_bound
    return np.clip(d, low, high)


def _least_squares(A: Matrix, r: Vector) -> Vector:
    """The solution of least norm, (t,), with columns scaled to about length one by powers of two.

    Raises LinAlgError where a number is not finite, of which LAPACK prints something by itself.
    """
    if not (np.isfinite(A).all() and np.isfinite(r).all()):
        raise np.linalg.LinAlgError("derivatives or residuals are not finite")
    lengths = np.linalg.norm(A, axis=0)
    scale = np.exp2(-np.round(np.log2(np.where(lengths > 0, lengths, 1.0))))
    return np.asarray(np.linalg.lstsq(A * scale, r, rcond=RANK)[0] * scale)


def gain(J: Matrix, r: Vector, step: Vector) -> float:
    """Decrease of |r|^2 by the step, under the model: |r|^2 - |r - J d|^2."""
    change = J @ step
    return float(change @ (2 * r - change))


def next_radius(radius: float, length: float, predicted: float, actual: float) -> float:
    """The radius after a step.

    radius : before. length : of the step, in units of the region. predicted, actual : decrease of the loss under the
    model, and in truth; -inf where the curve was not finite at the trial point.
    """
    ratio = actual / predicted if predicted > 0 and np.isfinite(actual) else -np.inf
    if ratio >= GOOD:
        return max(radius, GROW * length)
    if ratio >= POOR:
        return radius
    # the minimum of the parabola through loss and slope here and the loss there
    curvature = predicted - actual
    share = 0.5 * predicted / curvature if np.isfinite(curvature) and curvature > 0 else SHRINK
    return length * float(np.clip(share, SHRINK, 0.5))
