"""Distance of coefficients from the optimum: violations of the lasso's conditions, and duality gaps."""

from __future__ import annotations

import numpy as np

from gramian.typing import Matrix, Vector


def violations(S: Matrix, c: Vector, at: Vector, B: Matrix) -> Matrix:
    """Violations of the lasso's optimality conditions at each knot of a path, (k, q).

    At penalty t they say |c - S b| <= t, with equality and the sign of b where b is not zero. at : (k,) penalties. B :
    (k, q). A coefficient that is not zero on the segment to the next or from the previous knot counts as such at both
    ends, so that what holds at two knots holds between them.
    """
    residual_products, t = c - B @ S, at[:, None]
    out = np.maximum(np.abs(residual_products) - t, 0.0)
    sign = np.sign(B[1:] + B[:-1])
    for end in (slice(None, -1), slice(1, None)):
        missed = np.where(sign != 0, np.abs(residual_products[end] - sign * t[end]), 0.0)
        np.maximum(out[end], missed, out=out[end])
    return out


def gap(S: Matrix, c: Vector, yy: float, threshold: Vector, ridge: Vector, b: Vector) -> float:
    """Duality gap of b'Sb / 2 - c'b + b'Rb / 2 + sum_j t_j |b_j|, an upper bound of the distance to the minimum.

    Parameters
    ----------
    S, c, yy : (q, q), (q,), float
        Products of the columns, with the outcome, and its square.
    threshold : (q,)
        t > 0.
    ridge : (q,)
        Diagonal of R >= 0.
    b : (q,)
        Coefficients.

    Notes
    -----
    The ridge counts as further rows of the data; the dual point is the residual, shrunk until no column exceeds its
    threshold.
    """
    residual_products = c - S @ b
    g = residual_products - ridge * b
    with np.errstate(divide="ignore"):
        shrunk = min(1.0, float(np.min(threshold / np.abs(g), initial=1.0)))
    # The residual sum of squares cancels where the fit is good, but its factor is zero at the optimum.
    square = max(yy - float(c @ b) - float(b @ residual_products), 0.0) + float(ridge @ b**2)
    return 0.5 * (1.0 - shrunk) ** 2 * square + float(np.sum(threshold * np.abs(b) - shrunk * b * g))
