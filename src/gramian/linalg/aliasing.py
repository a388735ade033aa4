"""Aliased columns: which of the dependent columns are left out, and what they are of the others."""

from __future__ import annotations

import numpy as np

from gramian.typing import Codes, Matrix, Vector

NOISE = 1e-7  # relative size below which an element of a null vector is rounding
MAX_TERMS = 12  # summands of an explanation


def dependent_columns(null: Matrix, norms: Vector) -> tuple[Codes, Matrix]:
    """The columns that depend on earlier ones, as R leaves them out, and the null vectors told by them.

    null : (p, r) null vectors, X null = 0. norms : (p,) lengths of the columns of X.
    Returns positions (r,) and null vectors (p, r) with an identity in those rows.
    """
    lengths = np.where(norms > 0, norms, 1.0)  # a column of zeros is dependent by itself
    N = null * lengths[:, None]
    N = N / np.maximum(np.abs(N).max(axis=0, initial=0.0), np.finfo(float).tiny)
    M = np.ascontiguousarray(N.T)
    changed, last = np.arange(len(M)), np.zeros(len(M), np.int64)
    for k in range(len(M)):
        last[changed] = _last_nonzero(M, changed)
        pick = k + int(np.argmax(last[k:]))
        M[[k, pick]], last[[k, pick]] = M[[pick, k]], last[[pick, k]]
        row = int(last[k])
        M[k] /= M[k, row]
        share = M[:, row].copy()
        share[k] = 0.0
        affected = np.flatnonzero(share)
        M[affected] -= share[affected, None] * M[k]
        changed = np.append(affected, k)
    at, N = last, M.T
    order = np.argsort(at)
    positions = at[order]
    return positions, N[:, order] / lengths[:, None] * lengths[positions]


def _last_nonzero(M: Matrix, rows: Codes) -> Codes:
    """Make rounding in some rows zero; where their last elements are that are not, -1 without any."""
    part = M[rows]
    part[np.abs(part) < NOISE] = 0.0
    M[rows] = part
    used = part[:, ::-1] != 0
    return np.where(used.any(axis=1), M.shape[1] - 1 - used.argmax(axis=1), -1)


def basic_coefficients(b: Vector, positions: Codes, null: Matrix) -> Vector:
    """The solution in which the aliased coefficients are zero."""
    return b - null @ b[positions]


def basic_covariance(V: Matrix, positions: Codes, null: Matrix) -> Matrix:
    """The covariance that belongs to `basic`."""
    if not V[positions].any():
        return V.copy()
    half = V - null @ V[positions]
    return np.asarray(half - half[:, positions] @ null.T)


def minimum_norm(b: Vector, null: Matrix) -> Vector:
    """The shortest of all solutions: b minus its part in the null space."""
    basis, _ = np.linalg.qr(null)
    return b - basis @ (basis.T @ b)


def identified(null: Matrix, norms: Vector) -> np.ndarray:
    """Coefficients that are the same in every solution: their rows of the null space are zero."""
    N = np.abs(null) * np.where(norms > 0, norms, 1.0)[:, None]  # that of a column of zeros is any number
    return np.asarray((NOISE * N.max(axis=0, initial=0.0) >= N).all(axis=1))


def explain(column: Vector, norms: Vector, names: tuple[str, ...], position: int) -> str:
    """The combination of other columns that equals an aliased one, such as "x1 + 2*x2"."""
    others = np.delete(np.arange(len(column)), position)
    sizes = np.abs(column[others]) * norms[others]
    used = others[sizes > NOISE * max(norms[position], sizes.max(initial=0.0))].tolist()
    text = " ".join(_summand(-float(column[i]), names[i], first=k == 0) for k, i in enumerate(used[:MAX_TERMS]))
    return text + (f" + ... ({len(used) - MAX_TERMS} more)" if len(used) > MAX_TERMS else "") or "0"


def _summand(c: float, name: str, *, first: bool) -> str:
    sign = "-" if c < 0 else "" if first else "+"
    size = f"{abs(c):.6g}"
    text = size if name == "Intercept" else name if size == "1" else f"{size}*{name}"
    return f"{sign}{text}" if first else f"{sign} {text}"
