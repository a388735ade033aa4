"""One suite run against every engine: the same plan gives the same bits, however it is run."""

from __future__ import annotations

import doctest
import threading
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines.pickling import Pickling
from hypothesis import given
from hypothesis import strategies as st

import gramian as gm
from gramian import testing
from gramian.batch import Batch
from gramian.data.in_memory import longer_units
from gramian.data.source import source_of
from gramian.engines.fold import Tree, runs_of
from gramian.engines.local import Local
from gramian.errors import DataError, OptionError
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import check_engine

ENGINES = [Local(threads=1), Local(threads=2), Local(threads=5), Pickling()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("engines")
    rng = np.random.default_rng(3)
    for number in range(3):
        rows = 5000 * (number + 1)
        table = pa.table(
            {
                "y": rng.normal(1e5, 1, rows),
                "x": pa.array(rng.normal(50, 1, rows), mask=rng.random(rows) < 0.01),
                "f": rng.choice([f"level {i}" for i in range(5 * (number + 1))], rows),
            }
        )
        pq.write_table(table, path / f"{number}.parquet", row_group_size=1700)
    return path


@pytest.mark.parametrize("engine", [Local(threads=1), Local(threads=2), Local(threads=3), Pickling()], ids=repr)
def test_the_laws_of_engines(engine) -> None:  # type: ignore[no-untyped-def]
    check_engine(engine)


def test_a_law_that_does_not_hold_is_named() -> None:
    class Forgetful:
        def fold(self, source, task, /, progress=None):  # type: ignore[no-untyped-def]
            return task.empty

    with pytest.raises(AssertionError, match=r"least squares of Parquet files has the bits of Local\(threads=1\)"):
        check_engine(Forgetful())


def test_the_engine_of_the_documentation_keeps_the_laws() -> None:
    done = doctest.testmod(testing)
    assert done.attempted
    assert not done.failed


def test_an_engine_that_forgets_its_tree_is_named() -> None:
    class Anew:
        def fold(self, source, task, /, progress=None, tree=None):  # type: ignore[no-untyped-def]
            return Local().fold(source, task, progress=progress)

    with pytest.raises(AssertionError, match="a tree is left with all units"):
        check_engine(Anew())


def assert_bits(a: Accumulated, b: Accumulated) -> None:
    assert a.dropped_rows == b.dropped_rows
    assert a.moments.levels == b.moments.levels
    assert a.moments.dense.tobytes() == b.moments.dense.tobytes()
    for factors, table in a.moments.tables.items():
        assert table.sums.tobytes() == b.moments.tables[factors].sums.tobytes()
        assert table.cells.tobytes() == b.moments.tables[factors].cells.tobytes()


@pytest.mark.parametrize("engine", ENGINES[1:], ids=["two", "five", "pickling"])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ f * x + I(x^2)"])
def test_every_engine_gives_the_same_bits(folder, engine: Local, formula: str) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare(formula, source, Options())
    task = Accumulate(design)
    assert_bits(ENGINES[0].fold(source, task), engine.fold(source, task))


@given(st.lists(st.integers(0, 9), max_size=40))
def test_the_tree_adds_adjacent_pairs(numbers: list[int]) -> None:
    tree: Tree[Shape] = Tree()
    for number in numbers:
        tree.push(Shape(str(number)))
    level = [str(n) for n in numbers]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [f"({p[0]}+{p[1]})" if len(p) == 2 else p[0] for p in pairs]
    assert tree.total(Shape("")).text == (level[0] if level else "")
    assert len(tree.parts) <= max(len(numbers).bit_length(), 0)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_a_sum_in_the_memory_of_the_last_part_has_the_same_bits(numbers: list[float]) -> None:
    trees: list[Tree[Array]] = [Tree(), Tree(reuses=True)]
    for tree in trees:
        for number in numbers:
            tree.push(Array(np.array([number, 1.0 / 3.0])))
    parts = [part.values.copy() for _, part in trees[1].parts]
    plain, reused = (tree.sum().values for tree in trees)
    assert plain.tobytes() == reused.tobytes()
    assert all(np.array_equal(part.values, before) for (_, part), before in zip(trees[1].parts, parts, strict=True))


@dataclass(frozen=True)
class Array:
    values: np.ndarray

    def __add__(self, other: Array) -> Array:
        return Array(self.values + other.values)

    def added_to(self, earlier: Array) -> Array:
        return Array(np.add(earlier.values, self.values, out=self.values))


@dataclass(frozen=True)
class Shape:
    text: str

    def __add__(self, other: Shape) -> Shape:
        return Shape(f"({self.text}+{other.text})")


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_one_unit_stops_the_run_and_names_it(tmp_path, threads: int) -> None:  # type: ignore[no-untyped-def]
    for number in range(6):
        pq.write_table(
            pa.table({"y": [1.0, 2.0], "x": [number, 2**53 + 2 * (number == 4)]}), tmp_path / f"{number}.parquet"
        )
    source = source_of(tmp_path)
    design, _ = prepare("y ~ x", source, Options())
    with pytest.raises(DataError, match=r"4\.parquet.*9007199254740994.*2\^53"):
        Local(threads=threads).fold(source, Accumulate(design))


def test_threads_must_be_positive() -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Local(threads=0)


@dataclass(frozen=True)
class ThreadNames:
    columns = ("y",)

    def accumulate(self, batches):  # type: ignore[no-untyped-def]
        return [(sum(batch.rows for batch in batches), threading.current_thread().name)]


def test_rows_of_one_run_start_no_thread(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pq.write_table(pa.table({"y": np.ones(200_000)}), tmp_path / "many.parquet")
    here = threading.current_thread().name
    assert Local(threads=2).fold(source_of({"y": np.ones(100)}), ThreadNames()) == [(100, here)]
    assert here not in [name for _, name in Local(threads=2).fold(source_of(tmp_path), ThreadNames())]


class Watch:
    def __init__(self) -> None:
        self.rows = self.size = 0

    def start(self, rows: int | None, size: int | None) -> None: ...

    def advance(self, rows: int, size: int) -> None:
        self.rows += rows
        self.size += size

    def stop(self) -> None: ...


def test_progress_counts_every_row(folder) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    watch = Watch()
    Local(threads=1).fold(source, Accumulate(design), progress=watch)
    assert watch.rows == 30_000
    assert 0 < watch.size <= (source.size or 0)


@pytest.mark.parametrize(("width", "runs"), [(10, [6]), (200, [3, 3]), (2000, [4, 2])])
def test_wide_rows_are_cut_into_shorter_runs(width: int, runs: list[int]) -> None:
    batch = Batch(1000, {"y": np.zeros(1000)}, {"X": np.zeros((1000, width - 1))}, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gramian.engines.fold.RUN_VALUES", 600_000)
        assert [len(list(run)) for run in runs_of([batch] * 6)] == runs


def test_a_wide_matrix_has_the_same_sums_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gramian.engines.fold.RUN_VALUES", 200_000)
    monkeypatch.setattr("gramian.batch.BATCH_CELLS", 150_000)
    rng = np.random.default_rng(5)
    X = rng.standard_normal((6000, 140))
    data = {"y": rng.standard_normal(6000), "X": X}
    fits = [gm.ols("y ~ X", data, engine=Local(threads=t)) for t in (1, 2, 3)]
    assert len({f.coefficients.tobytes() for f in fits}) == 1
    assert fits[0].coefficients[1:] == pytest.approx(np.linalg.lstsq(X - X.mean(0), data["y"], rcond=None)[0], rel=1e-8)


def test_absorbed_levels_are_summed_in_long_runs_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gramian.data.in_memory.SLICE_ROWS", 500)
    monkeypatch.setattr("gramian.engines.fold.LONG_RUN_ROWS", 1500)
    rng = np.random.default_rng(6)
    firm, year = rng.integers(0, 900, 9000), rng.integers(0, 30, 9000)
    data = {"y": rng.standard_normal(9000), "x": rng.standard_normal(9000), "firm": firm, "year": year}
    units = source_of(data).units
    assert [unit.rows for unit in longer_units(units)] == [2000, 2000, 2000, 2000, 1000]  # type: ignore[arg-type]
    assert longer_units(units[:7]) == units[:7]  # type: ignore[index]
    fits = [gm.ols("y ~ x | firm + year", data, engine=Local(threads=t)) for t in (1, 2, 3)]
    assert len({f.coefficients.tobytes() for f in fits}) == 1
    assert fits[0].rows == 9000
