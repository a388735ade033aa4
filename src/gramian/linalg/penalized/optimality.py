"""How far coefficients are from optimal: violations of the lasso's conditions, and duality gaps."""

from __future__ import annotations

import numpy as np

from gramian.typing import Matrix, Vector


def violations(S: Matrix, c: Vector, at: Vector, B: Matrix) -> Matrix:
    """By how much |c - S b| exceeds the penalty, or misses it where b is not zero; (k, q) at each knot of a path.

    at : (k,), B : (k, q). A coefficient that is not zero on the line to the next or from the last knot counts as such
    at both ends, so that what holds at two knots holds between them.
    """
    rest, t = c - B @ S, at[:, None]
    out = np.maximum(np.abs(rest) - t, 0.0)
    sign = np.sign(B[1:] + B[:-1])
    for end in (slice(None, -1), slice(1, None)):
        missed = np.where(sign != 0, np.abs(rest[end] - sign * t[end]), 0.0)
        np.maximum(out[end], missed, out=out[end])
    return out


def gap(S: Matrix, c: Vector, yy: float, threshold: Vector, ridge: Vector, b: Vector) -> float:
    """Duality gap of b'Sb / 2 - c'b + b'Rb / 2 + |t o b|_1, never less than what is left to the minimum.

    threshold : (q,) t > 0, ridge : (q,) diagonal of R. The ridge counts as further rows of the data, after which the
    dual point is the residual shrunk until no column exceeds its threshold. Every summand is free of cancellation.
    """
    rest = c - S @ b
    g = rest - ridge * b
    with np.errstate(divide="ignore"):
        shrunk = min(1.0, float(np.min(threshold / np.abs(g), initial=1.0)))
    square = max(yy - float(c @ b) - float(b @ rest), 0.0) + float(ridge @ b**2)
    return 0.5 * (1.0 - shrunk) ** 2 * square + float(np.sum(threshold * np.abs(b) - shrunk * b * g))
