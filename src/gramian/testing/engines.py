"""The laws of engines, tried on every kind of source and of pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gramian.batch import Batch, Source
from gramian.data.source import source_of
from gramian.engines.choice import Engine
from gramian.engines.local import Local
from gramian.engines.progress import Silent
from gramian.engines.runs import accumulate_unit
from gramian.engines.tree import Tree
from gramian.errors import DataError
from gramian.fit.curve.accumulate import CurvePass
from gramian.fit.curve.fit import parsed_curve
from gramian.fit.curve.options import curve_options
from gramian.fit.glm.accumulate import Linearize
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.options import Options
from gramian.fit.passes.prepare import prepare
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.testing.values import law, same_bits
from gramian.typing import Pass


def check_engine(engine: Engine) -> None:
    """The laws of an engine: every pass over every kind of source has the bits that one local thread gives.

    engine : anything with `fold(source, task, progress=None)`. Errors of a unit come back as they are, and name it;
    progress is told of every row and byte. Where `fold` has an argument `tree`, it goes on from one that has begun.
    """
    base = Local(threads=1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = _sources(folder)
        for kind, source in sources.items():
            for description, task in _passes(source()).items():
                expected, result = base.fold(source(), task), engine.fold(source(), task)
                law(f"{description} of {kind} has the bits of {base}", same_bits(result, expected))
        _check_progress(engine, source_of(folder / "files"))
        if "tree" in signature(engine.fold).parameters:
            _check_tree(engine, source_of(folder / "files"))
        _check_errors(engine, folder / "bad")


def _sources(folder: Path) -> dict[str, Callable[[], Source]]:
    """The same few rows as files of several row groups, as CSV, in memory, as a stream, and none of them."""
    rng, rows = np.random.default_rng(7), 900
    x, f = rng.normal(50.0, 1.0, rows), rng.choice(list("abcd"), rows)
    x[::97], late = np.nan, np.where(np.arange(rows) < 600, "early", "late")
    y = np.abs(x - 49.0) + (f == "b") + rng.random(rows)
    table = pa.table({"y": y, "x": x, "f": f, "late": late})
    (folder / "files").mkdir()
    for number, start in enumerate((0, 350, 500)):
        part = table.slice(start, (350, 150, 400)[number])
        pq.write_table(part, folder / "files" / f"{number}.parquet", row_group_size=90)
    X = np.asfortranarray(rng.normal(size=(rows, 3)))
    return {
        "Parquet files": lambda: source_of(folder / "files"),
        "a frame": lambda: source_of(table),
        "an array in Fortran's order": lambda: source_of({"x": X[:, 0], "X": X, "y": y, "f": f, "late": late}),
        "batches that are used up": lambda: source_of(iter(table.to_batches(max_chunksize=130))),
        "a list of frames": lambda: source_of([table.slice(0, 10), table.slice(10, 0), table.slice(10)]),
        "no rows": lambda: source_of(table.slice(0, 0)),
        "no units": lambda: _without_units(source_of(table)),
    }


def _without_units(source: Any) -> Source:
    empty: Source = replace(source, units=())
    return empty


def _passes(source: Source) -> dict[str, Pass[Any]]:
    """Every kind of pass, its coordinates from other rows, so that a source that is used up stays whole."""
    first = {"y": [1.0, 2.0, 4.0], "x": [49.0, 50.0, 52.0], "f": ["a", "b", "c"], "late": ["early", "late", "late"]}
    if source.schema.matrices:
        first["X"] = np.eye(3)
    sample = source_of(first)
    design, _ = prepare("y ~ f * x + I(x^2) + late", sample, Options())
    matrix_design, _ = prepare("y ~ X" if source.schema.matrices else "y ~ x", sample, Options())
    curve, _ = parsed_curve("y ~ a * exp(k * x)", sample.schema, curve_options({"a": 1.0, "k": 0.01}))
    gamma = GLM(family_named("gamma"), link_named("log"))
    return {
        "least squares": Accumulate(design),
        "least squares on a matrix": Accumulate(matrix_design),
        "a generalized linear model": Linearize(design, gamma, null=0.5, likelihood=True),
        "a curve": CurvePass(curve, (1.0, 0.01)),
        "exact sums": _Digested(AccumulateExact(matrix_design)),
    }


@dataclass(frozen=True, slots=True)
class _Digested:
    """Exact sums, told by rows, tally and digest: equal sums may be held in different pieces."""

    task: AccumulateExact

    @property
    def columns(self) -> tuple[str, ...]:
        return self.task.columns

    @property
    def empty(self) -> _Digest:
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> _Digest:
        return _Digest(self.task.accumulate(batches))


class _Digest:
    def __init__(self, sums: Any) -> None:
        self.sums = sums

    def __add__(self, other: _Digest, /) -> _Digest:
        return _Digest(self.sums + other.sums)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digest) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self.sums.moments.digest)

    def _key(self) -> tuple[Any, ...]:
        return self.sums.moments.digest, self.sums.moments.rows, self.sums.tally


class _Watch:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.rows = self.size = 0

    def start(self, rows: int | None, size: int | None) -> None:
        """Nothing."""

    def advance(self, rows: int, size: int) -> None:
        """Count."""
        self.rows, self.size = self.rows + rows, self.size + size

    def stop(self) -> None:
        """Nothing."""


def _check_progress(engine: Engine, source: Source) -> None:
    task, watch = _passes(source)["least squares"], _Watch()
    engine.fold(source, task, progress=watch)
    law("progress is told of every row", watch.rows == source.rows)
    law("progress is told of no more bytes than there are", 0 < watch.size <= (source.size or 0))


def _check_tree(engine: Engine, source: Source) -> None:
    """A tree that holds the first units, which are not read again, and is left with all of them."""
    task: Pass[Any] = _passes(source)["least squares"]
    units, resumable, watch = list(source.units), cast(Any, engine), _Watch()
    expected = Local(threads=1).fold(source, task)
    for count in (1, len(units) // 2, len(units)):
        sums: Tree[Any] = Tree()
        for unit in units[:count]:
            sums.push(accumulate_unit(task, unit, Silent()))
        result = resumable.fold(source, task, progress=watch, tree=Tree(sums.parts))
        law(f"a tree that holds {count} of {len(units)} units gives the same bits", same_bits(result, expected))
    law("progress is told of rows in the tree", watch.rows == 3 * (source.rows or 0))
    sums = Tree()
    resumable.fold(source, task, tree=sums)
    law("a tree is left with all units", sums.count == len(units))


def _check_errors(engine: Engine, folder: Path) -> None:
    """A number that float64 cannot hold in one row group of many, told as one local thread tells it."""
    folder.mkdir()
    for number in range(6):
        large = 2**53 + 2 * (number == 4)
        pq.write_table(pa.table({"y": [1.0, 2.0, 3.0], "x": [number, 1, large]}), folder / f"{number}.parquet")
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    errors = [_refusal(one, source, Accumulate(design)) for one in (Local(threads=1), engine)]
    law(f"an error of a unit comes back as it is ({errors[0]}), found {errors[1]}", errors[0] == errors[1])


def _refusal(engine: Engine, source: Source, task: Pass[Any]) -> str:
    try:
        engine.fold(source, task)
    except DataError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
