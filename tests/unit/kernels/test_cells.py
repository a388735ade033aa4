"""Sums by codes and of tables by the kernel: the bits of NumPy, in every compiled library."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from gramian.kernels.cells import add_by_code
from gramian.kernels.dense_cells import Cells, RowsOfCells, add_products_and_cells
from gramian.kernels.library import Library
from gramian.kernels.sums import Part, self_products
from gramian.linalg.factors import cell_counts, cells
from gramian.linalg.factors.cell_accumulator import CellAccumulator
from gramian.linalg.factors.cell_keys import cells_of, keys_of
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.dense_table import CompiledTable, DenseTable


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("counted", [False, True])
def test_sums_by_codes_have_the_bits_of_bincount(compiled: Library, *, weighted: bool, counted: bool) -> None:
    rng = np.random.default_rng(1)
    n, L, k = 1000, 37, 10
    A, code = rng.standard_normal((n, k)), rng.integers(0, L, n)
    factors = rng.random(n) if weighted else None
    counts = rng.integers(0, 3, n).astype(float) if counted else None
    sums, rows = np.zeros((L, k)), np.zeros(L, np.int64)
    # columns of a matrix by rows, one from its end, and a code that is not contiguous
    columns = [*A.T[:-1], A[:, -1][::-1]]
    add_by_code(compiled, columns, np.repeat(code, 2)[::2], factors, counts, sums, rows)
    for j, column in enumerate(columns):
        assert np.array_equal(sums[:, j], np.bincount(code, column if factors is None else column * factors, L))
    assert np.array_equal(rows, np.bincount(code, counts, L))


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_enter_products_and_cells_in_one_trip(compiled: Library, *, weighted: bool) -> None:
    rng = np.random.default_rng(3)
    n, height, k, L = 1_000, 300, 11, 7
    A, order = rng.integers(-99, 99, (n, k)).astype(np.int16), np.sort(rng.permutation(n)[:800])
    parts = [Part(A[:, j], 0.5, 0.25) for j in range(k)]
    code, factors = rng.integers(0, L, len(order)), rng.random(len(order)) if weighted else None
    sums = [np.zeros((L, width)) for width in (k, 3)]
    lanes = [np.arange(k), np.array([9, 0, 4])]
    tables = [Cells(code, own, table, np.zeros(L, np.int64)) for own, table in zip(lanes, sums, strict=True)]
    products, rows = np.zeros((k, k)), RowsOfCells(len(order), height, order, factors, None)
    assert add_products_and_cells(compiled, parts, rows, tables, products) == len(order)
    expected, U = np.zeros((k, k)), (A[order] - 0.5) * 0.25
    for start in range(0, len(order), height):
        block = slice(start, start + height)
        weights = None if factors is None else factors[block]
        expected += self_products(compiled, parts, numbers=order[block], factors=weights)
    assert np.array_equal(products, expected)
    weighed = U if factors is None else U * factors[:, None] * factors[:, None]
    for own, table, done in zip(lanes, sums, tables, strict=True):
        assert np.array_equal(done.rows, np.bincount(code, minlength=L))
        for column, found in zip(own, table.T, strict=True):
            parted = [
                np.bincount(code[s : s + height], weighed[s : s + height, column], L)
                for s in range(0, len(order), height)
            ]
            assert np.array_equal(found, sum(parted))


def test_rows_of_a_block_that_is_not_finite_enter_no_sum(compiled: Library) -> None:
    A = np.ones((500, 2))
    A[250, 1] = np.inf
    code, sums, rows, products = np.zeros(500, np.int64), np.zeros((3, 2)), np.zeros(3, np.int64), np.zeros((2, 2))
    how = RowsOfCells(500, 200, None, None, None)
    assert add_products_and_cells(compiled, [Part(A)], how, [Cells(code, np.arange(2), sums, rows)], products) == 200
    assert products.tolist() == [[200.0, 200.0]] * 2
    assert (sums[0].tolist(), rows.tolist()) == ([200.0, 200.0], [200, 0, 0])


def test_tables_of_both_kinds_have_the_same_bits(compiled: Library) -> None:
    rng = np.random.default_rng(2)
    for width in (3, 400, 3000):
        tables = DenseTable(width, 4), CompiledTable(width, 4, compiled)
        start = np.arange(0, width, 3), np.full(len(range(0, width, 3)), 2), rng.random((len(range(0, width, 3)), 4))
        for table in tables:
            table.fill(*start)
        # short blocks wait while a long one is summed at once
        for n in (50, 700, 20, 900, 0, 2000, 7):
            cell, values, factors = rng.integers(0, width, n), list(rng.standard_normal((4, n))), rng.random(n)
            for table in tables:
                table.add(cell, values, factors if n % 3 else None, None)
        for table in tables:
            table.flush()
        plain, done = tables
        assert np.array_equal(plain.rows, done.rows)
        assert plain.sums.tobytes() == np.ascontiguousarray(done.sums).tobytes()


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_sums_of_tables_have_the_bits_of_numpy(compiled: Library, factors: int) -> None:
    rng = np.random.default_rng(factors)

    def table(n: int, width: int) -> CellSums:
        codes = np.unique(rng.integers(0, 9, (n, factors)), axis=0)
        sums = rng.standard_normal((len(codes), width))
        sums[::3] = -0.0
        return CellSums(codes, rng.integers(1, 5, len(codes)), sums)

    for width in (0, 1, 5):
        one, other = table(40, width), table(60, width)
        with patch.object(cells, "library", lambda: None):
            plain = one + other
        with patch.object(cells, "library", lambda: compiled):
            done = one + other
        assert np.array_equal(plain.cells, done.cells)
        assert np.array_equal(plain.rows, done.rows)
        assert plain.sums.tobytes() == done.sums.tobytes()


def test_levels_without_rows_leave_the_order_of_cells_as_it_is() -> None:
    table = CellAccumulator(2, 1)
    codes = np.array([0, 2, 4, 2]), np.array([1, 1, 0, 0])
    table.add(codes, (6, 2), lambda _: np.ones(4), None)
    found = table.finish().recode([np.array([0, -1, 1, -1, 2, -1]), np.array([0, 1])])
    assert found.cells.tolist() == [[0, 1], [1, 0], [1, 1], [2, 0]]
    assert found.recode([np.array([0, -1, 1]), np.array([1, 0])]).cells.tolist() == [[0, 0], [1, 1]]


def test_cells_are_counted_as_by_numpy(compiled: Library) -> None:
    rng = np.random.default_rng(3)
    codes = [np.array([rng.integers(0, 37, n), rng.integers(0, 5, n), rng.integers(0, 9, n)]) for n in (1, 500, 0, 400)]
    maps = [2 * np.arange(37), np.arange(5), np.arange(9) + 3]
    parts = [cell_counts.counted(c, (64, 8, 16)) for c in codes]
    total = parts[0] + parts[1] + parts[2] + parts[3]
    assert isinstance(total, cell_counts.CellCounts)
    found = []
    for kernel in (compiled, None):
        with patch.object(cell_counts, "library", lambda kernel=kernel: kernel):
            found.append(total.relabelled(maps))
            with patch.object(cell_counts, "MAX_ROWS", 450):
                counted = parts[0] + parts[1] + parts[2] + parts[3]
            assert isinstance(counted, CellSums)
            found.append(counted.relabelled(maps))
    cells, rows = np.unique(np.concatenate(codes, axis=1).T * [2, 1, 1] + [0, 0, 3], axis=0, return_counts=True)
    for sums in found:
        assert np.array_equal(sums.cells, cells)
        assert sums.rows.tolist() == sums.sums[:, 0].tolist() == rows.tolist()


def test_sums_of_tables_have_the_memory_of_their_cells_alone(compiled: Library) -> None:
    codes = np.argwhere(np.ones((300, 20)))
    one, other = (CellSums(part, np.ones(len(part), np.int64), np.ones((len(part), 2))) for part in (codes, codes[1:]))
    with patch.object(cells, "library", lambda: compiled):
        total = one + other
    owners = [array if array.base is None else array.base for array in (total.cells.T, total.rows, total.sums)]
    assert [owner.nbytes for owner in owners] == [4 * 2 * 6000, 8 * 6000, 8 * 2 * 6000]


def test_keys_of_short_codes_do_not_overflow() -> None:
    codes = np.array([[0, 99_999], [0, 99_998]], np.int32)
    keys = keys_of(codes, [100_000, 100_000])
    assert keys.tolist() == [0, 9_999_999_998]
    found = cells_of(keys, [100_000, 100_000])
    assert np.array_equal(found.T, codes)
    assert found.dtype == np.int32
