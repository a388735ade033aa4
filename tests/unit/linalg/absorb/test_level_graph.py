"""Projections on the levels of two factors: elimination, its core iterated, and conjugate gradient agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from gramian.linalg.absorb import level_graph as graphs
from gramian.linalg.absorb.level_graph import envelope, level_graph
from gramian.linalg.absorb.projection import Projected, SchurComplement, project

GRAPHS = ("path", "star", "islands", "random", "expander")


def factors(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the levels of the larger and of the smaller factor, a row each."""
    rng = np.random.default_rng(3)
    worker = np.repeat(np.arange(300), 4)
    n = len(worker)
    first = {
        "path": (worker // 3) % 100,
        "star": np.where(np.arange(n) % 4 == 0, 0, worker % 80),
        "islands": (worker % 5) * 20 + rng.integers(0, 20, n),
        "random": np.where(rng.random(n) < 0.1, rng.integers(0, 90, n), worker % 90),
        "expander": rng.integers(0, 100, n),
    }[name]
    moved = (np.arange(n) % 4 == 3) & (worker % 3 == 2)
    return worker, np.unique(
        np.where(moved, np.minimum(first + 1, 99), first) if name == "path" else first, return_inverse=True
    )[1]


def system(name: str, weighted: bool) -> tuple[csr_array, csr_array, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The arguments of `project`, and the residuals of the columns on dummies of both factors."""
    worker, firm = factors(name)
    rng = np.random.default_rng(4)
    w = rng.uniform(0.5, 2.0, len(worker)) if weighted else np.ones(len(worker))
    X = rng.standard_normal((len(worker), 3)) + rng.standard_normal(worker.max() + 1)[worker, None]
    D, F = (np.eye(c.max() + 1)[c] for c in (worker, firm))
    weight = w @ D
    C = csr_array((D * w[:, None]).T @ F)
    inner = X - D @ ((D * w[:, None]).T @ X / weight[:, None])
    B = (F * w[:, None]).T @ inner
    root = np.sqrt(w)[:, None]
    both = np.column_stack([D, F]) * root
    left = X * root - both @ np.linalg.lstsq(both, X * root, rcond=None)[0]
    return csr_array(np.diag(w @ F)), C, weight, B, (w[:, None] * inner * inner).sum(axis=0), (left * left).sum(axis=0)


def projected(name: str, weighted: bool) -> tuple[Projected, np.ndarray, np.ndarray, np.ndarray]:
    M, C, weight, B, before, left = system(name, weighted)
    R = SchurComplement.of(M, C, weight)
    found = project(R, B, before, before, M.diagonal(), 1e-14, level_graph(C, weight))
    return found, B, before, left


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("way", ["factored", "core", "iterated"])
def test_what_two_factors_leave_of_a_column(
    monkeypatch: pytest.MonkeyPatch, way: str, name: str, weighted: bool
) -> None:
    if way == "core":
        monkeypatch.setattr(graphs, "MAX_ENVELOPE", -1)
    monkeypatch.setattr(graphs, "MAX_LINKS", 0 if way == "iterated" else 1_000)
    monkeypatch.setattr(graphs, "MAX_FILL", 0)
    found, B, before, left = projected(name, weighted)
    explained = (B * found.X).sum(axis=0) + (found.X * found.residual).sum(axis=0)
    assert before - explained == pytest.approx(left, rel=1e-11)
    assert (found.steps == 1) == (way == "factored")


def test_links_within_regions_are_written_out_but_not_factored() -> None:
    rng = np.random.default_rng(5)
    worker = np.repeat(np.arange(20_000), 6)
    firm = worker % 40 * 60 + rng.integers(0, 60, len(worker))
    C = csr_array((np.ones(len(worker)), (worker, firm)))
    graph = level_graph(C, np.full(20_000, 6.0))
    assert graph is not None
    assert graph.laplacian.nnz > graphs.MAX_LINKS * len(graph.core)
    assert graphs.factorization(graph.laplacian) is None
    spread = csr_array((np.ones(len(worker)), (worker, rng.integers(0, 2400, len(worker)))))
    assert level_graph(spread, np.full(20_000, 6.0)) is None


def test_levels_with_one_link_are_eliminated() -> None:
    _, C, weight, *_ = system("path", False)
    graph = level_graph(C, weight)
    assert graph is not None
    assert len(graph.core) < C.shape[1]
    assert abs(graph.laplacian.sum(axis=1)).max() < 1e-12


def test_a_path_of_many_levels_needs_one_step() -> None:
    n = 20_000
    rows = np.arange(n - 1)
    C = csr_array((np.ones(2 * n - 2), (np.r_[rows, rows], np.r_[rows, rows + 1])), (n - 1, n))
    M = csr_array((np.r_[1.0, np.full(n - 2, 2.0), 1.0], (np.arange(n), np.arange(n))), (n, n))
    x = np.random.default_rng(0).standard_normal((n, 1))
    x -= x.mean()
    B = M @ x - C.T @ ((C @ x) / 2.0)
    R, large = SchurComplement.of(M, C, np.full(n - 1, 2.0)), np.full(1, 1e6)
    found = project(R, B, large, large, M.diagonal(), 1e-15, level_graph(C, R.weight))
    assert found.steps == 1
    assert found.X - found.X.mean() == pytest.approx(x, abs=1e-6)


def test_the_envelope_bounds_a_factor() -> None:
    assert envelope(csr_array(np.eye(4))) == 0
    assert envelope(csr_array(np.ones((4, 4)))) == 6


def test_a_dense_graph_is_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _, C, weight, *_ = system("expander", False)
    monkeypatch.setattr(graphs, "FEW_LEVELS", 0)
    monkeypatch.setattr(graphs, "MAX_SHARED", 1)
    assert level_graph(C, weight) is None
