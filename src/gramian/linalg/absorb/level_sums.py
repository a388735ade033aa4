"""Sums of stored columns over the levels of absorbed factors, read from cell sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, block_diag, csr_array, diags_array, eye_array, hstack, vstack

from gramian.linalg.absorb.level_functions import LevelFunctions
from gramian.linalg.factors.unique_codes import unique_codes
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Monomial, times
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Matrix, Vector

T = TypeVar("T", bound=np.generic)
AbsorbedFactors: TypeAlias = Mapping[str, LevelFunctions | None]  # functions of the levels; None for indicators alone


@dataclass(frozen=True, slots=True)
class LevelSums:
    """Weighted sums of stored columns over the L levels of one factor, or over its functions.

    Of a factor with slopes a row of `dense` and `sparse` is one function of one level, and `weight` its square.

    Attributes
    ----------
    weight : (L,)
        Sum of weights of each level.
    dense : (L, d)
        Sums of the columns at `dense_at`.
    dense_at : (d,) int
        Positions of these columns.
    sparse : (L, s)
        Sums of the columns at `sparse_at`, which are zero outside a cell of other factors.
    sparse_at : (s,) int
        Positions of these columns.
    """

    weight: Vector
    dense: Matrix
    dense_at: Codes
    sparse: csr_array
    sparse_at: Codes

    def combination_sums(self, v: Vector) -> Vector:
        """Sums over levels of the linear combination `v` of the columns, (L,)."""
        return np.asarray(self.dense @ v[self.dense_at] + self.sparse @ v[self.sparse_at])


def level_sums(
    moments: Moments, factor: str, groups: Sequence[ColumnGroup], multiplier: Monomial = CONSTANT
) -> LevelSums:
    """Sums of the columns in `groups`, times a monomial, over the levels of a factor, read from the tables."""
    tables = dict(moments.layout.tables)
    factor_table = moments.tables[(factor,)]
    place = {m: i for i, m in enumerate(tables[(factor,)])}
    dense_at, columns = list[int](), list[int]()
    rows, at, values = list[Codes](), list[Codes](), list[Vector]()
    for group in groups:
        if not group.factors:
            dense_at += group.positions.tolist()
            columns += [place[times(m, multiplier)] for m in group.monomials]
            continue
        union = tuple(sorted({factor, *group.factors}))
        table, where = moments.tables[union], [union.index(f) for f in group.factors]
        sizes = [len(moments.levels[f]) for f in group.factors]
        # of one factor its codes as they lie in memory
        own = table.cells[:, where[0] : where[0] + 1] if len(where) == 1 else table.cells[:, where]
        cell = cell_index(group.cells, own, sizes)
        stored = slice(None) if len(cell) and cell.min() >= 0 else cell >= 0
        for i, m in enumerate(group.monomials):
            rows.append(table.cells[stored, union.index(factor)])
            at.append(group.at(i)[cell[stored]])
            values.append(table.sums[stored, tables[union].index(times(m, multiplier))])
    return LevelSums(
        factor_table.sums[:, place[CONSTANT]],
        factor_table.sums[:, columns],
        np.array(dense_at, np.int64),
        *_compressed(len(factor_table.rows), rows, at, values),
    )


def _compressed(levels: int, rows: list[Codes], at: list[Codes], values: list[Vector]) -> tuple[csr_array, Codes]:
    """Sparse matrix (levels, s) of the columns that occur, and their positions (s,). at : positions; values : sums."""
    if not rows:
        return csr_array((levels, 0)), np.zeros(0, np.int64)
    used, column = unique_codes(_joined(at))
    row, data, shape = _joined(rows), _joined(values), (levels, len(used))
    # 32 bits are enough, and halve what the conversion copies
    places = column.astype(np.int32)
    if _in_order(row, column):  # as cells of two factors are, the first of which is absorbed
        starts = np.zeros(levels + 1, np.int32)
        np.cumsum(np.bincount(row, minlength=levels), out=starts[1:])
        return csr_array((data, places, starts), shape=shape), used
    return csr_array((data, (row.astype(np.int32), places)), shape=shape), used


def _in_order(row: Codes, column: Codes) -> bool:
    """Whether entries of a matrix are sorted by row and, within a row, by column, each once."""
    if len(row) >= 2**31:
        return False
    same = row[1:] == row[:-1]
    return bool((row[1:] >= row[:-1]).all() and (column[1:] > column[:-1])[same].all())


def _joined(parts: list[NDArray[T]]) -> NDArray[T]:
    """Arrays one after another, without a copy where there is one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def function_sums(
    moments: Moments, factor: str, groups: Sequence[ColumnGroup], functions: LevelFunctions | None
) -> LevelSums:
    """As `level_sums`, over the orthogonal functions of the levels: (K L) rows, the function varying slowest."""
    if functions is None:
        return level_sums(moments, factor, groups)
    parts = [level_sums(moments, factor, groups, m) for m in functions.monomials]
    used = functions.used
    dense, sparse = list[Matrix](), list[csr_array]()
    for k in range(used.shape[2]):
        dense.append(np.sum([used[:, j, k, None] * part.dense for j, part in enumerate(parts)], axis=0))
        sparse.append(sum(diags_array(used[:, j, k]) @ part.sparse for j, part in enumerate(parts)))
    both = np.concatenate(dense), csr_array(vstack(sparse))
    return LevelSums(functions.squares.T.ravel(), both[0], parts[0].dense_at, both[1], parts[0].sparse_at)


def function_map(moments: Moments, factors: AbsorbedFactors) -> csr_array | None:
    """The functions of all levels of factors as combinations of `indicators`; None where these are the functions."""
    if not any(factors.values()):
        return None
    blocks = []
    for factor, functions in factors.items():
        if functions is None:
            blocks.append(csr_array(eye_array(len(moments.levels[factor]))))
        else:
            used = functions.used
            _, J, K = used.shape
            blocks.append(block_array([[diags_array(used[:, j, k]) for k in range(K)] for j in range(J)]))
    return csr_array(block_diag(blocks))


def in_functions(sums: LevelSums, functions: csr_array | None, start: int) -> LevelSums:
    """The sums with the columns from `start` on, which are `indicators`, replaced by functions of them."""
    if functions is None:
        return sums
    own, beyond = (np.flatnonzero(side) for side in (sums.sparse_at < start, sums.sparse_at >= start))
    place = sums.sparse_at[beyond] - start
    mapped = csr_array(sums.sparse[:, beyond] @ functions[place])
    at = np.concatenate([sums.sparse_at[own], start + np.arange(functions.shape[1])])
    return LevelSums(sums.weight, sums.dense, sums.dense_at, csr_array(hstack([sums.sparse[:, own], mapped])), at)


def amplifications(moments: Moments, factors: AbsorbedFactors) -> Vector:
    """By what factors the squares of indicators exceed those of the functions: 1 for plain factors."""
    ones = [
        np.ones(len(moments.levels[factor])) if functions is None else functions.amplification.T.ravel()
        for factor, functions in factors.items()
    ]
    return np.concatenate(ones) if ones else np.zeros(0)


def amplified(sums: LevelSums, functions: LevelFunctions | None, size: int) -> Vector:
    """Squares (size,) that functions explain of columns, each times its amplification; zeros for a plain factor."""
    out = np.zeros(size)
    if functions is not None:
        share = functions.amplification.T.ravel() / sums.weight
        out[sums.dense_at] = share @ sums.dense**2
        out[sums.sparse_at] += share @ sums.sparse.power(2)
    return out


def indicators(moments: Moments, factors: AbsorbedFactors, start: int) -> list[ColumnGroup]:
    """The indicators of the levels of factors, times each variable with slopes, as stored columns from `start` on.

    Of each factor the indicators come first, then those times its first variable.
    """
    out = []
    for factor, functions in factors.items():
        levels, monomials = len(moments.levels[factor]), (CONSTANT,) if functions is None else functions.monomials
        codes, width = np.arange(levels), len(monomials)
        positions = start + (codes[:, None] + levels * np.arange(width)).ravel()
        out.append(ColumnGroup((factor,), codes[:, None], monomials, positions))
        start += levels * width
    return out


def products_of_levels(moments: Moments, factors: AbsorbedFactors) -> csr_array:
    """Sparse products of the functions of the levels of several factors with each other."""
    columns = indicators(moments, factors, 0)
    parts = [
        level_sums(moments, factor, columns, m).sparse
        for factor, functions in factors.items()
        for m in ((CONSTANT,) if functions is None else functions.monomials)
    ]
    products = csr_array(vstack(parts))  # every level has rows, so every column occurs
    to_functions = function_map(moments, factors)
    return products if to_functions is None else csr_array(to_functions.T @ products @ to_functions)


def sums_of_levels(moments: Moments, factors: AbsorbedFactors, groups: Sequence[ColumnGroup], q: int) -> Matrix:
    """Sums of the stored columns over the functions of the levels of several factors, (functions, q)."""
    out = []
    for factor, functions in factors.items():
        part = function_sums(moments, factor, groups, functions)
        block = np.zeros((len(part.weight), q))
        block[:, part.dense_at] = part.dense
        block[:, part.sparse_at] = part.sparse.toarray()
        out.append(block)
    return np.concatenate(out)
