"""Check that an engine keeps its laws on every kind of source and of pass."""

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
from gramian.engines.fold import Tree, accumulate_unit
from gramian.engines.local import Local
from gramian.errors import DataError
from gramian.fit.curve.accumulate import CurvePass
from gramian.fit.curve.fit import parsed_curve
from gramian.fit.curve.options import curve_options
from gramian.fit.glm.accumulate import Linearize
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.testing.values import law, same_bits
from gramian.typing import Pass


def check_engine(engine: Engine) -> None:
    """Check that an engine computes every pass over every kind of source with the bits of one local thread.

    Parameters
    ----------
    engine : Engine
        Anything with a method `fold(source, task, /, progress=None)`. Where `fold` also has a parameter `tree`, it has
        to continue from a tree that already holds the first units, and to leave all units in it.

    Raises
    ------
    AssertionError
        With the name of the first law that does not hold.

    Notes
    -----
    The laws: results have the same bits as those of `Local(threads=1)`; an error raised in a unit reaches the caller
    unchanged and names the unit; progress counts every row, and no more bytes than the source has.

    Examples
    --------
    >>> import gramian as gm
    >>> from gramian.testing import check_engine
    >>> check_engine(gm.Local(threads=2))
    """
    base = Local(threads=1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = _sources(folder)
        for kind, source in sources.items():
            for description, task in _passes(source()).items():
                expected, result = base.fold(source(), task), engine.fold(source(), task)
                # A stream is used up by a fold, so each fold gets a source of its own.
                law(f"{description} of {kind} has the bits of {base}", same_bits(result, expected))
        _check_progress(engine, source_of(folder / "files"))
        if "tree" in signature(engine.fold).parameters:
            _check_tree(engine, source_of(folder / "files"))
        _check_errors(engine, folder / "bad")


def _sources(folder: Path) -> dict[str, Callable[[], Source]]:
    """Sources of every kind by name: the same 900 rows in files, in memory, as a stream; also no rows and no units.

    Each value is a function that makes the source anew, since a stream can be read only once.
    """
    rng, rows = np.random.default_rng(7), 900
    x, f = rng.normal(50.0, 1.0, rows), rng.choice(list("abcd"), rows)
    x[::97], late = np.nan, np.where(np.arange(rows) < 600, "early", "late")
    y = np.abs(x - 49.0) + (f == "b") + rng.random(rows)
    # Missing values, and a column whose second level appears late: units differ in what they see.
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
    """A copy of the source that has no units at all."""
    empty: Source = replace(source, units=())
    return empty


def _passes(source: Source) -> dict[str, Pass[Any]]:
    """Passes of every kind by name, for this source.

    Shifts, scales and levels are taken from a sample that is written here, not from the source: a source that can be
    read only once is still complete when the engine folds it.
    """
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
    """A pass of exact sums whose results are compared by digest.

    Exact sums that are equal may be stored in different pieces, so their bits are no fair comparison.
    """

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
    """Exact sums that are equal if their digests, row counts and dropped rows are."""

    def __init__(self, sums: Any) -> None:
        self.sums = sums

    def __add__(self, other: _Digest, /) -> _Digest:
        return _Digest(self.sums + other.sums)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digest) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self.sums.moments.digest)

    def _key(self) -> tuple[Any, ...]:
        return self.sums.moments.digest, self.sums.moments.rows, self.sums.dropped_rows


class _Watch:
    """Progress that counts the rows and the bytes reported to it."""

    def __init__(self) -> None:
        self.rows = self.size = 0

    def start(self, rows: int | None, size: int | None) -> None:
        """Do nothing; the totals are checked at the end."""

    def advance(self, rows: int, size: int) -> None:
        """Count rows and bytes."""
        self.rows, self.size = self.rows + rows, self.size + size

    def stop(self) -> None:
        """Do nothing."""


def _check_progress(engine: Engine, source: Source) -> None:
    """Every row is reported once, and not more bytes than the source has."""
    task, watch = _passes(source)["least squares"], _Watch()
    engine.fold(source, task, progress=watch)
    law("progress counts every row", watch.rows == source.rows)
    law("progress counts no more bytes than there are", 0 < watch.size <= (source.size or 0))


def _check_tree(engine: Engine, source: Source) -> None:
    """Check folds that start from a tree with the first units: these are not read again, and the tree ends with all."""
    task: Pass[Any] = _passes(source)["least squares"]
    units, resumable, watch = list(source.units), cast(Any, engine), _Watch()
    expected = Local(threads=1).fold(source, task)
    # The tree that is returned must be the caller's, so that a checkpoint of it holds every unit.
    for count in (1, len(units) // 2, len(units)):
        sums: Tree[Any] = Tree()
        for unit in units[:count]:
            sums.push(accumulate_unit(task, unit))
        result = resumable.fold(source, task, progress=watch, tree=Tree(sums.parts))
        law(f"a tree that holds {count} of {len(units)} units gives the same bits", same_bits(result, expected))
    law("progress counts the rows in the tree", watch.rows == 3 * (source.rows or 0))
    sums = Tree()
    resumable.fold(source, task, tree=sums)
    law("a tree is left with all units", sums.count == len(units))


def _check_errors(engine: Engine, folder: Path) -> None:
    """Check that an error in one of many units reaches the caller as with one local thread.

    One file of six holds 2^53 + 2, and integers beyond 2^53 are refused, since float64 has only some of them.
    """
    folder.mkdir()
    for number in range(6):
        large = 2**53 + 2 * (number == 4)
        pq.write_table(pa.table({"y": [1.0, 2.0, 3.0], "x": [number, 1, large]}), folder / f"{number}.parquet")
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    errors = [_refusal(one, source, Accumulate(design)) for one in (Local(threads=1), engine)]
    law(f"an error of a unit comes back as it is ({errors[0]}), found {errors[1]}", errors[0] == errors[1])


def _refusal(engine: Engine, source: Source, task: Pass[Any]) -> str:
    """Type and text of the error that the fold raises."""
    try:
        engine.fold(source, task)
    except DataError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
