"""The laws that hold `gramian` together, as checks: a new pass, partial or engine is done when one line passes.

    check_pass(Accumulate(design), batches)
    check_monoid(parts, empty)
    check_engine(gm.Dask(client))

Each raises AssertionError, naming the law that does not hold. No test runner is needed.

An engine is one method. Its partials are those of `lift_unit`, on whatever machine, and a `Tree` adds them, so that the
bits are the same everywhere; who takes a tree that has begun can be given a checkpoint. A unit that is to travel is
told what is read of it: `unit.portable(task.columns)`, where it has that, is small and can be pickled.

>>> from gramian.testing import Silent, Tree, check_engine, lift_unit, remaining
>>> class Plain:
...     def fold(self, source, task, /, progress=None, tree=None):
...         sums, watch = Tree() if tree is None else tree, progress or Silent()
...         for unit in remaining(source.units, sums.count, watch):
...             sums.push(lift_unit(task, unit, watch))
...         return sums.total(task.empty)
>>> check_engine(Plain())
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import reduce
from inspect import signature
from itertools import pairwise
from operator import add
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
from gramian.engines.progress import Silent as Silent
from gramian.engines.runs import lift_unit as lift_unit
from gramian.engines.runs import remaining as remaining
from gramian.engines.tree import Tree as Tree
from gramian.errors import DataError
from gramian.fit.curve import curve_for
from gramian.fit.curve_options import curve_options
from gramian.fit.curve_pass import Trial
from gramian.fit.exact_pass import AccumulateExact
from gramian.fit.linearize import Linearize
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate
from gramian.fit.prepare import prepare
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.typing import M, Pass

UNIT = 2.0**-53
FEW = 8  # roundings that a term has behind it before it is added
View = Callable[[Any], Any]


def itself(partial: Any) -> Any:
    """The view of a partial whose own numbers add."""
    return partial


def check_pass(
    task: Pass[M], batches: Iterable[Batch], *, view: View = itself, exact: bool = False, slack: float = 1.0
) -> None:
    """The laws of a pass: `lift(a ++ b) == lift(a) + lift(b)` for all cuts, a zero, pickling, no memory.

    batches : few rows, each of which is also lifted by itself for the size of the terms t_i. view : what of a partial
    is compared where its own numbers do not add (R'R of a triangle, the digest of exact sums). exact : sums have to
    be equal; otherwise they may differ by the rounding of n terms, (n + FEW) 2^-53 sum |t_i|. slack : times that.
    """
    known = list(batches)
    before, whole = pickle.dumps(known), task.lift(known)
    rows = [_slice(batch, i, i + 1) for batch in known for i in range(batch.rows)]
    _law("a pass remembers nothing", same_bits(task.lift(known), whole))
    _law("a pickled pass gives the same bits", same_bits(pickle.loads(pickle.dumps(task)).lift(known), whole))
    _law("batches can be pickled", same_bits(task.lift(pickle.loads(before)), whole))
    _law("a pickled partial has the same bits", same_bits(pickle.loads(pickle.dumps(whole)), whole))
    _law("a pass leaves the rows as they are", pickle.dumps(known) == before)
    _law("columns are names", all(isinstance(name, str) for name in task.columns))
    terms = None if exact else _Terms.of([task.lift([row]) for row in rows], whole, view, slack)
    for pieces in _cuts(known):
        parts = [task.lift(piece) for piece in pieces]
        law = f"lift(a ++ b) == lift(a) + lift(b), {len(parts)} pieces"
        _check(law, reduce(add, parts, task.empty), whole, view, terms)
        _check(f"{law}, added as a tree", _paired(parts, task.empty), whole, view, terms)
    check_monoid([task.lift(piece) for piece in _thirds(known)], task.empty, view=view, exact=exact, slack=slack)


def check_monoid(parts: Sequence[M], empty: M, *, view: View = itself, exact: bool = False, slack: float = 1.0) -> None:
    """The laws of partials: `+` associates and commutes, `empty` is its zero, and neither side is changed.

    Options as in `check_pass`; the terms are the parts.
    """
    before = [pickle.dumps(part) for part in parts]
    for a in parts:
        _law("empty + a == a", _equal(view(empty + a), view(a)))
        _law("a + empty == a", _equal(view(a + empty), view(a)))
    for a, b in pairwise(parts):
        terms = None if exact else _Terms.of([a, b], a + b, view, slack)
        _check("a + b == b + a", b + a, a + b, view, terms)
    for a, b, c in zip(parts, parts[1:], parts[2:], strict=False):
        terms = None if exact else _Terms.of([a, b, c], a + b + c, view, slack)
        _check("a + (b + c) == (a + b) + c", a + (b + c), (a + b) + c, view, terms)
    _law("`+` leaves both sides as they are", [pickle.dumps(part) for part in parts] == before)


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
            for told, task in _passes(source()).items():
                expected, found = base.fold(source(), task), engine.fold(source(), task)
                _law(f"{told} of {kind} has the bits of {base}", same_bits(found, expected))
        _check_progress(engine, source_of(folder / "files"))
        if "tree" in signature(engine.fold).parameters:
            _check_tree(engine, source_of(folder / "files"))
        _check_errors(engine, folder / "bad")


def same_bits(a: Any, b: Any) -> bool:
    """Whether two results are the same, arrays and floats bit by bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, float):
        return float(a).hex() == float(b).hex()
    inside, other = _inside(a), _inside(b)
    if inside is None or other is None:
        return bool(a == b)
    return inside.keys() == other.keys() and all(same_bits(inside[k], other[k]) for k in inside)


@dataclass(frozen=True, slots=True)
class _Terms:
    """How far sums may differ: a bound for every float of a view, in the order of `_floats`."""

    bounds: tuple[Any, ...]

    @classmethod
    def of(cls, parts: Sequence[M], whole: M, view: View, slack: float) -> _Terms:
        """A part is told with the levels of the whole by adding it to the whole and taking that away again."""
        at = _floats(view(whole))
        sizes = [np.abs(x) for x in at]
        for part in parts:
            more = zip(sizes, _floats(view(part + whole)), at, strict=True)
            sizes = [size + np.abs(x - y) for size, x, y in more]
        unit = slack * (len(parts) + FEW) * UNIT
        return cls(tuple(unit * size for size in sizes))


def _check(law: str, found: Any, expected: Any, view: View, terms: _Terms | None) -> None:
    a, b = view(found), view(expected)
    if terms is None:
        _law(law, _equal(a, b))
        return
    x, y = _floats(a), _floats(b)
    _law(f"{law}: what is counted", _equal(a, b, floats=False) and len(x) == len(y))
    for i, j, bound in zip(x, y, terms.bounds, strict=True):
        _law(f"{law}: sums", i.shape == j.shape and bool(((np.abs(i - j) <= bound) | (i == j)).all()))


def _law(name: str, holds: bool) -> None:
    if not holds:
        raise AssertionError(f"a law does not hold: {name}")


def _inside(value: Any) -> dict[Any, Any] | None:
    """The parts of a value by name or number, None for a value without parts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list | tuple) else None


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _floats(value: Any) -> list[Any]:
    """All floats of a value as arrays, in a fixed order."""
    if _is_float(value):
        return [np.asarray(value)]
    inside = _inside(value) or {}
    return [x for key in sorted(inside, key=repr) for x in _floats(inside[key])]


def _equal(a: Any, b: Any, *, floats: bool = True) -> bool:
    """Whether two values are equal as numbers, -0 being 0; without `floats` all but these."""
    if _is_float(a) and _is_float(b):
        return not floats or np.array_equal(a, b, equal_nan=True)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    inside, other = _inside(a), _inside(b)
    if inside is None or other is None:
        return bool(a == b)
    return inside.keys() == other.keys() and all(_equal(inside[k], other[k], floats=floats) for k in inside)


def _slice(batch: Batch, start: int, stop: int) -> Batch:
    columns = {name: column[start:stop] for name, column in batch.columns.items()}
    matrices = {name: matrix[start:stop] for name, matrix in batch.matrices.items()}
    return Batch(stop - start, columns, matrices, batch.where, batch.first_row + start)


def _paired(parts: Sequence[M], empty: M) -> M:
    tree: Tree[M] = Tree()
    for part in parts:
        tree.push(part)
    return tree.total(empty)


def _cuts(batches: list[Batch]) -> Iterator[list[list[Batch]]]:
    """Ways to cut the rows into pieces: by batches, each batch in halves, an empty piece, a single first row."""
    yield [[batch] for batch in batches]
    yield [[half] for b in batches for half in (_slice(b, 0, b.rows // 2), _slice(b, b.rows // 2, b.rows))]
    yield [[], batches, []]
    if batches and batches[0].rows:
        first, *rest = batches
        yield [[_slice(first, 0, 1)], [_slice(first, 1, first.rows), *rest]]


def _thirds(batches: list[Batch]) -> list[list[Batch]]:
    return [[_slice(b, b.rows * i // 3, b.rows * (i + 1) // 3) for b in batches] for i in range(3)]


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
    begun = source_of(first)
    design, _ = prepare("y ~ f * x + I(x^2) + late", begun, Options())
    whole, _ = prepare("y ~ X" if source.schema.matrices else "y ~ x", begun, Options())
    curve, _ = curve_for("y ~ a * exp(k * x)", begun.schema, curve_options({"a": 1.0, "k": 0.01}))
    gamma = GLM(family_named("gamma"), link_named("log"))
    return {
        "least squares": Accumulate(design),
        "least squares on a matrix": Accumulate(whole),
        "a generalized linear model": Linearize(design, gamma, null=0.5, likelihood=True),
        "a curve": Trial(curve, (1.0, 0.01)),
        "exact sums": _Digested(AccumulateExact(whole)),
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
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> _Digest:
        return _Digest(self.task.lift(batches))


class _Digest:
    def __init__(self, sums: Any) -> None:
        self.sums = sums

    def __add__(self, other: _Digest, /) -> _Digest:
        return _Digest(self.sums + other.sums)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digest) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self.sums.moments.digest)

    def _told(self) -> tuple[Any, ...]:
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
    _law("progress is told of every row", watch.rows == source.rows)
    _law("progress is told of no more bytes than there are", 0 < watch.size <= (source.size or 0))


def _check_tree(engine: Engine, source: Source) -> None:
    """A tree that holds the first units, which are not read again, and is left with all of them."""
    task: Pass[Any] = _passes(source)["least squares"]
    units, resumable, watch = list(source.units), cast(Any, engine), _Watch()
    expected = Local(threads=1).fold(source, task)
    for count in (1, len(units) // 2, len(units)):
        sums: Tree[Any] = Tree()
        for unit in units[:count]:
            sums.push(lift_unit(task, unit, Silent()))
        found = resumable.fold(source, task, progress=watch, tree=Tree(sums.parts))
        _law(f"a tree that holds {count} of {len(units)} units gives the same bits", same_bits(found, expected))
    _law("progress is told of rows in the tree", watch.rows == 3 * (source.rows or 0))
    sums = Tree()
    resumable.fold(source, task, tree=sums)
    _law("a tree is left with all units", sums.count == len(units))


def _check_errors(engine: Engine, folder: Path) -> None:
    """A number that float64 cannot hold in one row group of many, told as one local thread tells it."""
    folder.mkdir()
    for number in range(6):
        large = 2**53 + 2 * (number == 4)
        pq.write_table(pa.table({"y": [1.0, 2.0, 3.0], "x": [number, 1, large]}), folder / f"{number}.parquet")
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    told = [_refusal(one, source, Accumulate(design)) for one in (Local(threads=1), engine)]
    _law(f"an error of a unit comes back as it is ({told[0]}), found {told[1]}", told[0] == told[1])


def _refusal(engine: Engine, source: Source, task: Pass[Any]) -> str:
    try:
        engine.fold(source, task)
    except DataError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
