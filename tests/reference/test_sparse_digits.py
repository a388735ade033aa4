"""Digits told of sparse problems of several pieces, against fits by exact sums: never more than are there."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, hstack
from scipy.sparse import random as random_sparse

import gramian as gm
from gramian.errors import AccuracyWarning
from gramian.linalg.certificate import MAX_DIGITS
from gramian.linalg.wide import rows as pieces

TRIALS = 16
SLACK = 0.02  # of a digit: the truth is rounded to float64, and sigma is told of it


def problem(seed: int) -> tuple[csr_array, np.ndarray, np.ndarray | None, float | None]:
    """Columns in all units, some nearly the sum of a neighbour and little else, with or without weights, a penalty."""
    rng = np.random.default_rng(seed)
    m, p = int(rng.integers(60, 400)), int(rng.integers(4, 40))
    X = csr_array(random_sparse(m, p, density=rng.uniform(0.05, 0.4), random_state=rng, data_rvs=rng.standard_normal))
    near = 10.0 ** -rng.uniform(0.0, 5.0)
    twins = X[:, : p // 3] + near * random_sparse(m, p // 3, density=0.2, random_state=rng)
    X = csr_array(hstack([X, twins])) * 10.0 ** rng.uniform(-3.0, 3.0, p + p // 3)
    X = csr_array(X)[:, np.asarray(abs(X).sum(axis=0)).ravel() > 0.0]
    y = X @ rng.standard_normal(X.shape[1]) + 10.0 ** rng.uniform(-6, 1) * rng.standard_normal(m)
    y += rng.choice([0.0, 1e3, 1e6])
    w = 4.0 ** rng.integers(-3, 4, m) if seed % 3 == 0 else None  # roots of it are exact, which exact sums ask for
    return csr_array(X), y, w, 4.0 ** rng.integers(-9, 2) if seed % 4 == 0 else None


def fitted(data: dict[str, Any], alpha: float | None, wanted: int) -> Any:
    weights = "w" if "w" in data else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        if alpha is None:
            return gm.ols("y ~ X", data, weights=weights, solver="iterative", digits=wanted)
        return gm.ridge("y ~ X", data, alpha, weights=weights, solver="iterative", digits=wanted)


def exactly(data: dict[str, Any], alpha: float | None) -> np.ndarray:
    """The coefficients by exact sums; a penalty is a row for each column."""
    D, m = data["X"].toarray(), len(data["y"])
    more = np.sqrt(alpha) * np.eye(D.shape[1]) if alpha else np.zeros((0, D.shape[1]))
    whole = {
        "one": np.append(np.ones(m), np.zeros(len(more))),
        "X": np.vstack([D, more]),
        "y": np.append(data["y"], np.zeros(len(more))),
        "w": np.append(data.get("w", np.ones(m)), np.ones(len(more))),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        found: np.ndarray = gm.ols("y ~ 0 + one + X", whole, weights="w", exact=True).coefficients
    return found


@pytest.mark.parametrize("wanted", [6, 8, 12])
def test_no_more_digits_are_told_of_sparse_columns_than_are_there(wanted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 256)
    reached = 0
    for seed in range(wanted, TRIALS + wanted):
        X, y, w, alpha = problem(seed)
        data = {"X": X, "y": y, **({} if w is None else {"w": w})}
        fit, truth = fitted(data, alpha, wanted), exactly(data, alpha)
        D, weight = X.toarray(), np.ones(len(y)) if w is None else w
        lengths = np.sqrt(weight @ (D - weight @ D / weight.sum()) ** 2 + (alpha or 0.0))
        sigma = np.sqrt(weight @ (y - truth[0] - D @ truth[1:]) ** 2 / len(y))
        sizes = np.fmax(np.abs(truth), sigma / np.append(np.sqrt(weight.sum()), lengths))
        off = np.abs(fit.coefficients - truth) / sizes
        right = np.clip(-np.log10(np.maximum(off, 1e-300)), 0.0, MAX_DIGITS)
        assert (fit.digits <= right + SLACK).all(), (seed, fit.digits, right)
        reached += bool(fit.digits.min() >= wanted)
    assert reached > TRIALS // 3
