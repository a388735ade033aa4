"""Columns that are combinations but for rounding: one elimination in fixed point against exact solutions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference.exact import solve_exact

from gramian.linalg.exact import near_collinear as module
from gramian.linalg.exact.near_collinear import near_collinear
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.refine import refined, verified_inverse


def gram_of(columns: np.ndarray, units: tuple[int, ...] | None = None) -> ExactGram:
    """Products of float64 columns whose lowest bits are above 2^-120, each times its unit."""
    units = units or (1,) * columns.shape[1]
    told = [[int(Fraction(v) * 2**120) * u for v, u in zip(row, units, strict=True)] for row in columns.tolist()]
    whole = np.array(told, object)
    return ExactGram(whole.T.dot(whole), -240, units)


def problem(seed: int) -> np.ndarray:
    """A constant, columns of which some are sums of others, off by more or less than rounding, and an outcome."""
    rng = np.random.default_rng(seed)
    A = np.column_stack([np.ones(25), rng.standard_normal((25, 8)) * 4.0 ** rng.integers(-3, 4, 8)])
    for j, off in ((4, 0.0), (5, 2.0**-50), (7, 2.0**-44), (8, 2.0 ** -float(rng.integers(44, 54)))):
        A[:, j] = A[:, :j] @ rng.standard_normal(j) * (1.0 + off * rng.standard_normal(25))
    A[:, 6] = 0.0 if seed % 3 == 0 else A[:, 6]
    return np.column_stack([A, rng.standard_normal(25)])


@pytest.mark.parametrize("constant", [0, None])
@pytest.mark.parametrize("seed", range(12))
def test_as_exact_solutions_say(seed: int, constant: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    A = problem(seed)
    gram = gram_of(A, (1, 10, 1, 1, 1000, 1, 1, 1, 10, 1) if seed % 2 else None)
    suspects = [j for j in range(3, 9) if j != seed % 9]
    out, null = near_collinear(gram, constant, suspects)
    assert out[4] == (4 in suspects)
    monkeypatch.setattr(module, "FAR", 0)
    monkeypatch.setattr(module, "OPEN", 2000)  # nothing that the elimination says is near enough
    slow, vectors = near_collinear(gram, constant, suspects)
    assert out.tolist() == slow.tolist()
    np.testing.assert_allclose(null, vectors, rtol=1e-15, atol=0.0)  # both rounded once


def test_no_suspects_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Elimination", None)
    out, null = near_collinear(gram_of(problem(1)), 0, [])
    assert not out.any()
    assert null.shape == (9, 0)


@pytest.mark.parametrize("scale", [0, 40])
@pytest.mark.parametrize("near", [1.0, 2.0**-20, 2.0**-45])
def test_every_bound_of_a_refined_solution_holds(near: float, scale: int) -> None:
    rng = np.random.default_rng(8)
    A = rng.standard_normal((12, 4))
    A[:, 3] = A[:, 0] + near * A[:, 3]
    whole = np.array([[int(Fraction(v) * 2**110) << scale * j for j, v in enumerate(r)] for r in A.tolist()], object)
    C = whole.T.dot(whole)
    right = np.array([[int(v) for v in row] for row in rng.integers(-(2**62), 2**62, (4, 5))], object)
    right[:, 4] <<= 300
    for bits in (40, 192, 320):  # so few that the bounds are wide, or as many as are used
        found = refined(verified_inverse(C), right, bits=bits)
        for j in range(5):
            truth = solve_exact([[Fraction(v) for v in row] for row in C.tolist()], [Fraction(v) for v in right[:, j]])
            b, errors, residual = found.column(j)
            assert all(abs(v - t) <= e for v, e, t in zip(b, errors, truth, strict=True))
            assert residual == [
                c - sum(x * v for x, v in zip(r, b, strict=True)) for c, r in zip(right[:, j], C, strict=True)
            ]
            if bits > 40:
                assert all(e <= abs(t) * Fraction(1, 2**60) for e, t in zip(errors, truth, strict=True))
