"""Components and steps of conjugate gradient by the kernel: the results, and the bits, of SciPy and NumPy."""

from __future__ import annotations

from threading import current_thread
from unittest.mock import patch

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gramian.kernels import graphs, threads
from gramian.kernels.library import Library


def test_components_are_those_of_scipy(compiled: Library) -> None:
    rng = np.random.default_rng(1)
    for edges in (0, 1, 20, 60, 400):
        first, second = rng.integers(0, 50, edges), rng.integers(0, 70, edges)
        graph = csr_array((np.ones(edges), (first, 50 + second)), shape=(120, 120))
        expected = connected_components(graph, directed=False)[0]
        assert graphs.components(compiled, first, second, (50, 70)) == expected


@pytest.mark.parametrize("k", [1, 2, 4, 17, 40])
def test_steps_of_conjugate_gradient_have_the_bits_of_numpy(compiled: Library, k: int) -> None:
    rng = np.random.default_rng(k)
    n = 3000
    A = csr_array((rng.random(2 * n), rng.integers(0, n, (2, 2 * n))), shape=(n, n))
    A = csr_array((A.data, A.indices.astype(np.int64), A.indptr.astype(np.int64)), shape=A.shape)
    p, q, X, r = rng.standard_normal((4, n, k))
    rate, ratio, inverse, divisors = rng.random(k), rng.random(k), rng.random((n, 1)), rng.random(n)

    def steps() -> list[np.ndarray]:
        short, transposed = graphs.with_short_indices(A), graphs.with_short_indices(csr_array(A.T))
        out = [graphs.sparse_times(short, p), graphs.sparse_times(short, p, divisors), graphs.column_products(p, q)]
        out.append(graphs.difference_of_products(short, p, transposed, q))
        x, residual, direction = X.copy(), r.copy(), p.copy()
        out.append(graphs.move(rate, direction, q, inverse, x, residual))
        graphs.turn(ratio, inverse, residual, direction)
        return [*out, x, residual, direction]

    with patch.object(graphs, "library", lambda: compiled):
        done = steps()
        with patch.multiple(threads, MIN_OPERATIONS=100, CORES=3), patch.object(graphs, "CACHED_BYTES", 1):
            shared = steps()
    with patch.object(graphs, "library", lambda: None):
        plain = steps()
    assert [a.tobytes() for a in done] == [a.tobytes() for a in plain]
    assert [a.tobytes() for a in shared] == [a.tobytes() for a in plain]


def test_every_row_is_done_once_by_as_many_threads_as_are_allowed() -> None:
    done: list[tuple[int, int, str]] = []

    def work(first: int, last: int) -> None:
        done.append((first, last, current_thread().name))

    with patch.object(threads, "CORES", 4):
        threads.in_parts(work, 10, 4 * threads.MIN_OPERATIONS)
        assert sorted(rows for first, last, _ in done for rows in range(first, last)) == list(range(10))
        assert len({name for *_, name in done}) == 4
        done.clear()
        threads.in_parts(work, 10, 4 * threads.MIN_OPERATIONS, np.array([0, 90, 91, 92, 93, 94, 95, 96, 97, 98, 100]))
        assert sorted(rows for first, last, _ in done for rows in range(first, last)) == list(range(10))
        assert max(last - first for first, last, _ in done) == 9
        with threads.at_most(1):
            done.clear()
            threads.in_parts(work, 10, 4 * threads.MIN_OPERATIONS)
        assert [rows[:2] for rows in done] == [(0, 10)]
        done.clear()
        threads.in_parts(work, 10, threads.MIN_OPERATIONS)
        assert [rows[:2] for rows in done] == [(0, 10)]


def test_the_error_of_a_thread_is_raised() -> None:
    def work(first: int, last: int) -> None:
        if first:
            raise MemoryError(f"{first} to {last}")

    with patch.object(threads, "CORES", 2), pytest.raises(MemoryError, match="5 to 10"):
        threads.in_parts(work, 10, 2 * threads.MIN_OPERATIONS)
