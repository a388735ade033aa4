"""Least squares of a design written out densely, in extended precision: an oracle that shares nothing with the library.

Terms are tuples of columns; which factors leave a column out is decided by the rule of R's `model.matrix`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

Data = Mapping[str, np.ndarray]
LONG = np.longdouble
TOLERANCE = 1e-15  # relative length of what is left of a dependent column; float64 data leave at least 1e-12 of others


@dataclass(frozen=True)
class Column:
    """A numeric column: its label, and its values for new rows of known ones, (rows,) or (rows, columns)."""

    label: str
    of: Callable[[Data, Data], np.ndarray]

    def written(self, known: Data, new: Data, *, reduced: bool) -> tuple[list[str], np.ndarray]:
        values = self.of(known, new)
        if values.ndim == 1:
            return [self.label], values[:, None]
        return [f"{self.label}[{k + 1}]" for k in range(values.shape[1])], values


@dataclass(frozen=True)
class Factor:
    """A factor of a text column, in treatment or other contrasts."""

    label: str
    column: str
    contrast: str = "treatment"

    def written(self, known: Data, new: Data, *, reduced: bool) -> tuple[list[str], np.ndarray]:
        levels = sorted(set(known[self.column].tolist()))
        Z = (new[self.column][:, None] == np.array(levels)).astype(LONG)
        if reduced:
            names, C = contrasts(self.contrast, levels)
            return [f"{self.label}[{name}]" for name in names], Z @ C
        return [f"{self.label}[{level}]" for level in levels], Z


def contrasts(kind: str, levels: Sequence[str]) -> tuple[Sequence[str], np.ndarray]:
    """R's contr.treatment, contr.sum and contr.helmert."""
    n = len(levels)
    one = np.eye(n, dtype=LONG)
    if kind == "treatment":
        return levels[1:], one[:, 1:]
    if kind == "sum":
        return levels[:-1], np.vstack([one[:-1, :-1], -np.ones((1, n - 1), LONG)])
    C = np.zeros((n, n - 1), LONG)
    for k in range(n - 1):
        C[: k + 1, k], C[k + 1, k] = -1, k + 1
    return levels[1:], C


def design(
    terms: Sequence[tuple[Column | Factor, ...]], known: Data, new: Data, *, intercept: bool
) -> tuple[list[str], np.ndarray]:
    """Names and columns (rows, p) of the new rows; a combination of levels that no known row has is no column."""
    keys = [frozenset(atom.label for atom in term) for term in terms]
    first = next((atom.label for term in terms for atom in term if isinstance(atom, Factor)), None)
    whole = None if intercept else first  # without an intercept the first factor has all its levels, where it is first
    rows = len(next(iter(new.values())))
    names, columns = (["Intercept"], [np.ones(rows, LONG)]) if intercept else ([], [])
    for number, term in enumerate(terms):
        others = [keys[number] - {atom.label} for atom in term]
        reduced = [
            isinstance(atom, Factor) and atom.label != whole and (not rest or any(rest <= k for k in keys[:number]))
            for atom, rest in zip(term, others, strict=True)
        ]
        whole = None if whole in keys[number] else whole
        parts = [atom.written(known, new, reduced=less) for atom, less in zip(term, reduced, strict=True)]
        there = [
            np.ones((len(next(iter(known.values()))), len(part[0])), bool)
            if isinstance(atom, Column)
            else atom.written(known, known, reduced=less)[1] != 0
            for atom, part, less in zip(term, parts, reduced, strict=True)
        ]
        for pick in product(*(range(len(part[0])) for part in parts[::-1])):
            at = pick[::-1]
            if np.logical_and.reduce([seen[:, i] for seen, i in zip(there, at, strict=True)]).any():
                names.append(":".join(part[0][i] for part, i in zip(parts, at, strict=True)))
                columns.append(np.prod([part[1][:, i] for part, i in zip(parts, at, strict=True)], axis=0))
    return names, np.stack(columns, 1) if columns else np.zeros((rows, 0), LONG)


def triangle(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Q, R and the columns that do not depend on earlier ones; Gram-Schmidt, three times over."""
    Q, R, kept = np.zeros((len(X), 0), LONG), np.zeros((X.shape[1], X.shape[1]), LONG), list[int]()
    for j in range(X.shape[1]):
        v = X[:, j].copy()
        for _ in range(3):
            share = Q.T @ v
            v -= Q @ share
            R[: len(kept), j] += share
        left = np.sqrt(v @ v)
        if left > TOLERANCE * np.sqrt(X[:, j] @ X[:, j]):
            R[len(kept), j] = left
            Q = np.column_stack([Q, v / left])
            kept.append(j)
    return Q, R[: len(kept)][:, kept], kept


@dataclass(frozen=True)
class Dense:
    """A weighted fit: coefficients (p,), NaN where aliased, inverse (k, k) of the kept columns' products."""

    coefficients: np.ndarray
    inverse: np.ndarray
    kept: list[int]
    rss: float
    tss: float
    condition: float


def least_squares(X: np.ndarray, y: np.ndarray, w: np.ndarray, *, intercept: bool) -> Dense:
    """Weighted least squares, later dependent columns left out."""
    root = np.sqrt(w.astype(LONG))
    Q, R, kept = triangle(X * root[:, None])
    right = Q.T @ (y * root)
    k = len(kept)
    half, b = np.zeros((k, k), LONG), np.full(X.shape[1], np.nan, LONG)
    for i in range(k - 1, -1, -1):
        half[i] = (np.eye(k, dtype=LONG)[i] - R[i, i + 1 :] @ half[i + 1 :]) / R[i, i]
    b[kept] = half @ right
    residual = y * root - Q @ right
    centre = (w @ y) / w.sum() if intercept else 0.0
    lengths = np.sqrt((X[:, kept] ** 2).sum(axis=0))
    condition = float(np.linalg.cond((X[:, kept] / lengths).astype(float))) if k else 1.0
    return Dense(b, half @ half.T, kept, float(residual @ residual), float(w @ (y - centre) ** 2), condition)
