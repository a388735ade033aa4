"""Many levels in arrays are what few levels are as Python's objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gramian.column import ArrowLevels, close_integers
from gramian.data.source import source_of
from gramian.engines.fold import tree_sum
from gramian.errors import DataError
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.formula.levels import LevelIndex
from gramian.linalg.factors.cell_accumulator import CellAccumulator
from gramian.linalg.factors.cell_counts import CellCounts
from gramian.linalg.factors.cells import CellSums, sum_duplicates
from gramian.linalg.factors.levels import LevelList, array_of, canonical, positions, union
from gramian.linalg.products import cell_index

LEVELS = (
    st.integers(-50, 50),
    st.integers(-(2**62), 2**62),
    st.text(max_size=4),
    st.text(st.characters(codec="utf-8"), max_size=70),
    st.floats(allow_nan=False),
)


def in_order(levels):
    return tuple(sorted(set(levels), key=lambda v: (isinstance(v, str), v)))


@pytest.mark.parametrize("kind", LEVELS)
@given(data=st.data())
def test_unions_and_places(kind, data) -> None:
    a, b = (in_order(data.draw(st.lists(kind, min_size=1, max_size=40))) for _ in range(2))
    left, right = LevelList(array_of(a)), LevelList(array_of(b))
    both = union(left, right)
    assert tuple(both) == union(a, b) == in_order(a + b)
    assert positions(left, both).tolist() == positions(a, both).tolist() == [tuple(both).index(v) for v in a]
    assert positions(left, right).tolist() == [b.index(v) if v in b else -1 for v in a]
    assert (left == a, left == right, left[-1]) == (True, a == b, a[-1])
    assert tuple(canonical(LevelList(left.values[::-1]))) == a


@given(integers=st.lists(st.integers(-9, 9), min_size=1), texts=st.lists(st.text(max_size=3), min_size=1))
def test_levels_of_different_types_unite(integers, texts) -> None:
    a, b = LevelList(array_of(in_order(integers))), LevelList(array_of(in_order(texts)))
    halves = tuple(v + 0.5 for v in in_order(integers))
    assert tuple(union(a, b)) == in_order([*integers, *texts])
    assert tuple(union(a, LevelList(array_of(halves)))) == in_order([*integers, *halves])


@pytest.mark.parametrize("kind", LEVELS[:4])
@given(data=st.data())
def test_codes_find_their_levels(kind, data) -> None:
    """Whatever way each batch's levels come: a list, an Arrow array, a range of integers."""
    index = LevelIndex("f")
    codes, values = [], []
    for _ in range(data.draw(st.integers(1, 4))):
        levels = list(dict.fromkeys(data.draw(st.lists(kind, min_size=1, max_size=30))))
        chosen = data.draw(st.lists(st.integers(-1, len(levels) - 1), max_size=20))
        told = levels
        if data.draw(st.booleans()):
            told = ArrowLevels(pa.array(levels, pa.int64() if isinstance(levels[0], int) else pa.large_string()))
        codes += index.encode(np.array(chosen, np.int64), told, "here").tolist()
        values += [None if c < 0 else levels[c] for c in chosen]
        if isinstance(levels[0], int) and abs(levels[0]) < 100:
            start = levels[0]
            codes += index.encode(np.arange(1500), range(start, start + 1500), "here").tolist()
            values += range(start, start + 1500)
    known = list(index.levels)
    assert len(set(known)) == len(known) == len(index)
    assert [None if c < 0 else known[c] for c in codes] == values


@given(st.data())
def test_cells_add_as_a_dictionary_does(data) -> None:
    factors = data.draw(st.integers(1, 3))
    big = data.draw(st.sampled_from([3, 10**9, 2**31 - 2]))
    cell = st.tuples(*[st.integers(0, big)] * factors)
    parts, total = [], {}
    for _ in range(2):
        cells = data.draw(st.lists(cell, max_size=12))
        sums = np.arange(2.0 * len(cells)).reshape(-1, 2)
        array = np.array(cells, np.int64).reshape(-1, factors)
        parts.append(sum_duplicates(array, np.ones(len(cells), np.int64), sums))
        for c, row in zip(cells, sums, strict=True):
            total[c] = total.get(c, 0.0) + np.array([1.0, *row])
    both = parts[0] + parts[1]
    assert isinstance(both, CellSums)
    assert [tuple(c) for c in both.cells.tolist()] == sorted(total)
    want = np.array([total[c] for c in sorted(total)]).reshape(-1, 3)
    np.testing.assert_array_equal(np.column_stack([both.rows, both.sums]), want)


@pytest.mark.parametrize("step", [2, 10])
@settings(max_examples=40)
@given(start=st.integers(0, 3000), length=st.integers(1, 500))
def test_known_integers_are_looked_up(step, start, length) -> None:
    """Ranges in known levels: their codes where all that occur are known, else as for any other levels."""
    known = LevelList(np.arange(0, 2000 * step, step))  # those ten apart are too far for a table
    levels = range(start, start + length)
    codes = np.array([i for i, v in enumerate(levels) if v % step == 0 and v < 2000 * step] + [-1])
    frozen, growing = LevelIndex("f", known, frozen=True), LevelIndex("f", known)
    wanted = [(start + c) // step if c >= 0 else -1 for c in codes.tolist()]
    assert frozen.encode(codes, levels, "here").tolist() == growing.encode(codes, levels, "here").tolist() == wanted
    fresh = [i for i, v in enumerate(levels) if v % step][:1]
    if fresh:
        assert growing.encode(np.array(fresh), levels, "here").tolist() == [2000]
        assert growing.levels[2000] == start + fresh[0]
        with pytest.raises(DataError, match=f"'{start + fresh[0]}', which the fit has not seen"):
            frozen.encode(np.array(fresh), levels, "here")


def test_cells_of_sparse_tables_are_those_of_dense_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of a table whose possible cells are too many for an array: sorted pieces, counted or with values."""
    rng = np.random.default_rng(3)
    blocks = [rng.integers(0, [40, 30], (250, 2)).T for _ in range(5)]
    for monomials, counts in ((1, False), (1, True), (2, False)):
        values = [np.array([np.ones(250), rng.integers(0, 9, 250)])[:monomials] for _ in blocks]
        count = [rng.integers(1, 4, 250).astype(float) if counts else None for _ in blocks]
        found = []
        for dense in (1 << 22, 100):
            monkeypatch.setattr("gramian.linalg.factors.cell_accumulator.MAX_DENSE_CELLS", dense)
            monkeypatch.setattr("gramian.linalg.factors.cell_accumulator.MAX_COUNTED_CELLS", dense)
            monkeypatch.setattr("gramian.linalg.factors.cell_accumulator.ROWS_PER_PIECE", 400)
            table = CellAccumulator(2, monomials)
            for codes, v, n in zip(blocks, values, count, strict=True):
                weighted = v if n is None else v * n
                table.add(list(codes), [40, 30], weighted.__getitem__, n)
            found.append(table.finish())
        for name in ("cells", "rows", "sums"):
            np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


def test_integers_in_a_known_range_are_coded_without_a_search() -> None:
    few = np.array([5, 90_000])
    assert close_integers(few) is None
    codes, levels = close_integers(few, range(100_000))
    assert (codes.tolist(), levels) == ([0, 89_995], range(5, 90_001))
    assert close_integers(few, range(90_000)) is None


@pytest.mark.parametrize("option", ["", "weights", "counts"])
def test_sums_that_stay_in_a_process_have_the_bits_of_small_ones(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Ranges of integers with gaps and cells that are counted at the end, beside text, weights and missing values."""
    monkeypatch.setattr("gramian.linalg.factors.cell_accumulator.MAX_DENSE_CELLS", 1 << 16)
    rng = np.random.default_rng(4)
    n = 9000
    columns = {
        "y": rng.standard_normal(n),
        "x": np.where(rng.random(n) < 0.1, np.nan, rng.standard_normal(n)),
        "firm": 1000 + 2 * rng.integers(0, 800, n),
        "worker": np.sort(rng.integers(0, 3000, n)),  # sorted: every unit has other levels
        "shop": rng.integers(0, 2000, n),
        "year": rng.permutation(np.repeat(["b", "a", "c"], n // 3)),
        "w": rng.integers(0, 3, n).astype(float),
    }
    table = pa.table(columns)
    options = Options(**({option: "w"} if option else {}))
    design, _ = prepare("y ~ x | firm + worker + shop + year", source_of(table), options, absorbing=True)
    small = Accumulate(design)
    assert small.within_process is not None
    totals = []
    for task in (small, small.within_process):
        slices = [source_of(table.slice(at, n // 4)) for at in range(0, n, n // 4)]
        batches = [[b for unit in rows.units for b in unit.batches(design.columns)] for rows in slices]
        totals.append(tree_sum(task.accumulate(part) for part in batches))
    kinds = {type(sums) for sums in totals[1].moments.tables.values()}
    assert kinds == ({CellSums} if option else {CellSums, CellCounts})
    one, other = totals[0].moments, small.completed(totals[1]).moments
    assert totals[0].dropped_rows == totals[1].dropped_rows
    assert (one.rows, one.dense.tobytes(), one.levels) == (other.rows, other.dense.tobytes(), other.levels)
    for factors, sums in one.tables.items():
        for name in ("cells", "rows", "sums"):
            np.testing.assert_array_equal(getattr(sums, name), getattr(other.tables[factors], name))


def test_cells_of_many_levels_are_found_by_keys_longer_than_codes() -> None:
    rng = np.random.default_rng(5)
    sizes = [2_000_000, 3_000_000]
    cells = np.unique(rng.integers(0, sizes, (500, 2)), axis=0).astype(np.int32)
    wanted = rng.integers(0, len(cells), 800)
    assert np.array_equal(cell_index(cells, cells[wanted], sizes), wanted)
    assert cell_index(cells, np.array([[-1, 0], [7, 2]], np.int32) + cells[0], sizes).tolist()[1] == -1
