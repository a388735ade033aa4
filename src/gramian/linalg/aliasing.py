"""Aliased columns: which of the dependent columns are left out, and their combinations of the other columns."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from gramian.errors import NumericalError
from gramian.typing import Codes, Mask, Matrix, Vector

NOISE = 1e-7  # relative size below which an element of a null vector counts as rounding error
MAX_TERMS = 12  # summands that an explanation prints


def factorize_independent(S: Matrix, limits: Vector, max_rank: int | None = None) -> tuple[Mask, Matrix, Matrix]:
    """As `factorize` of `solve`, row by row: every column whose pivot is not above its limit is passed over."""
    q = len(S)
    L, chosen, dependencies = np.zeros((q, q)), list[int](), list[tuple[int, Vector]]()
    for j in range(q):
        k = len(chosen)
        row = solve_triangular(L[:k, :k], S[chosen, j], lower=True) if k else np.zeros(0)
        pivot = S[j, j] - row @ row
        if pivot > limits[j] and k != max_rank:
            L[k, :k], L[k, k] = row, np.sqrt(pivot)
            chosen.append(j)
        else:
            dependencies.append((k, row))
    k = len(chosen)
    L = np.ascontiguousarray(L[:k, :k])
    out = np.zeros((k, len(dependencies)))
    for i, (width, row) in enumerate(dependencies):
        out[:width, i] = solve_triangular(L[:width, :width], row, lower=True, trans="T") if width else 0.0
    independent = np.zeros(q, bool)
    independent[chosen] = True
    return independent, L, out


def dependent_columns(null: Matrix, norms: Vector) -> tuple[Codes, Matrix]:
    """The columns that depend on earlier ones (those that R's `lm` leaves out), and the matching null vectors.

    Parameters
    ----------
    null : (p, r)
        Basis of the null space, X null = 0.
    norms : (p,)
        Lengths of the columns of X.

    Returns
    -------
    positions : (r,) int
        The dependent columns, rising.
    null : (p, r)
        Basis of the same space with an identity in the rows `positions`: column i is the dependent column minus its
        combination of earlier columns.

    Notes
    -----
    Gauss-Jordan elimination from the last element of each null vector backwards, largest last element first. Elements
    are compared after scaling by the lengths of the columns, so that the choice does not depend on their units.
    """
    lengths = np.where(norms > 0, norms, 1.0)  # a column of zeros is dependent by itself
    with np.errstate(over="ignore", invalid="ignore"):
        N = _usable(null * lengths[:, None])
    N = N / np.maximum(np.abs(N).max(axis=0, initial=0.0), np.finfo(float).tiny)
    # Null vectors as rows: elimination works on contiguous memory.
    M = np.ascontiguousarray(N.T)
    changed, last = np.arange(len(M)), np.zeros(len(M), np.int64)
    for k in range(len(M)):
        last[changed] = _last_nonzero(M, changed)
        pick = k + int(np.argmax(last[k:]))
        M[[k, pick]], last[[k, pick]] = M[[pick, k]], last[[pick, k]]
        row = int(last[k])
        if row < 0:  # nothing but rounding errors is left of a null vector
            raise _out_of_range()
        M[k] /= M[k, row]
        share = M[:, row].copy()
        share[k] = 0.0
        affected = np.flatnonzero(share)
        M[affected] -= share[affected, None] * M[k]
        changed = np.append(affected, k)
    at, N = last, M.T
    order = np.argsort(at)
    positions = at[order]
    with np.errstate(over="ignore"):
        return positions, _usable(N[:, order] / lengths[:, None] * lengths[positions])


def _usable(null: Matrix) -> Matrix:
    """Null vectors as given. Raises NumericalError where one is zero or not finite."""
    if not np.isfinite(null).all() or not null.any(axis=0).all():
        raise _out_of_range()
    return null


def _out_of_range() -> NumericalError:
    return NumericalError(
        "columns that depend on each other differ in size by more than the range of float64: multiply the small "
        "ones by a power of ten"
    )


def _last_nonzero(M: Matrix, rows: Codes) -> Codes:
    """Set elements of some rows that are rounding errors to zero; the index of the last other element, -1 if none."""
    part = M[rows]
    part[np.abs(part) < NOISE] = 0.0
    M[rows] = part
    used = part[:, ::-1] != 0
    return np.where(used.any(axis=1), M.shape[1] - 1 - used.argmax(axis=1), -1)


def basic_coefficients(b: Vector, positions: Codes, null: Matrix) -> Vector:
    """The solution in which the aliased coefficients are zero: b - N b_aliased, (p,)."""
    return b - null @ b[positions]


def basic_covariance(V: Matrix, positions: Codes, null: Matrix) -> Matrix:
    """Covariance (p, p) of `basic_coefficients`: P V P' with P = I - N E', E the unit vectors of `positions`."""
    if not V[positions].any():
        return V.copy()
    half = V - null @ V[positions]
    return np.asarray(half - half[:, positions] @ null.T)


def minimum_norm(b: Vector, null: Matrix) -> Vector:
    """The solution of least Euclidean norm: b minus its projection on the null space, (p,)."""
    basis, _ = np.linalg.qr(null)
    return b - basis @ (basis.T @ b)


def identified(null: Matrix, norms: Vector) -> np.ndarray:
    """Mask (p,) of the coefficients that are the same in every solution: their rows of the null space are zero."""
    N = np.abs(null) * np.where(norms > 0, norms, 1.0)[:, None]  # a zero column's coefficient is arbitrary
    return np.asarray((NOISE * N.max(axis=0, initial=0.0) >= N).all(axis=1))


def explain(column: Vector, norms: Vector, names: tuple[str, ...], position: int) -> str:
    """The combination of other columns that equals an aliased one, such as "x1 + 2*x2".

    Parameters
    ----------
    column : (p,)
        Null vector with 1 at `position`.
    norms : (p,)
        Lengths of the columns, to decide which elements are rounding errors.
    names : tuple of p str
        Names of the columns.
    position : int
        The aliased column.
    """
    others = np.delete(np.arange(len(column)), position)
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.abs(column[others]) * norms[others]
    used = others[sizes > NOISE * max(norms[position], sizes.max(initial=0.0))].tolist()
    text = " ".join(_summand(-float(column[i]), names[i], first=k == 0) for k, i in enumerate(used[:MAX_TERMS]))
    return text + (f" + ... ({len(used) - MAX_TERMS} more)" if len(used) > MAX_TERMS else "") or "0"


def _summand(c: float, name: str, *, first: bool) -> str:
    """One summand of an explanation, with its sign."""
    sign = "-" if c < 0 else "" if first else "+"
    size = f"{abs(c):.6g}"
    text = size if name == "Intercept" else name if size == "1" else f"{size}*{name}"
    return f"{sign}{text}" if first else f"{sign} {text}"
