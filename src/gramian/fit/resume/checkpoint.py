"""Resumable passes: an engine that saves its partial sums, and continues from them.

Everything between two passes follows from the sums of the passes, so that only sums are saved. A fit that is resumed
runs from its beginning, and passes that were finished return their sums at once. The pass that was interrupted
continues from the tree of its partial sums, log2(units) of them, whose bits do not depend on where it was cut.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from fractions import Fraction
from inspect import signature
from time import monotonic
from typing import Any, Protocol

import numpy as np

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.fold import Tree
from gramian.engines.progress import Progress
from gramian.errors import ArtifactError, OptionError
from gramian.typing import M, Pass

EVERY = 2.0  # seconds between savings
SHARE = 0.02  # of the time that savings may take: large sums are saved less often


@dataclass(frozen=True, slots=True)
class SavedPass:
    """One pass, finished or not.

    Attributes
    ----------
    task : str
        Fingerprint of what the pass computes.
    parts : sequence of (int, partial sum)
        Partial sums with their levels in the tree; of a finished pass the sum alone, at a level without meaning.
    finished : bool
        Whether the pass is finished.
    """

    task: str
    parts: Sequence[tuple[int, Any]]
    finished: bool


class CheckpointStore(Protocol):
    """Where passes are saved."""

    @property
    def name(self) -> str:
        """Its name, for messages."""
        ...

    def read(self) -> Sequence[SavedPass]:
        """The passes of an earlier run; none where there was none. Raises ArtifactError for those of another run."""
        ...

    def write(self, passes: Sequence[SavedPass]) -> None:
        """Replace the saved passes, all of them or none."""
        ...

    def knows(self, partial: object) -> bool:
        """Whether partial sums of this kind can be saved."""
        ...


class Resumable:
    """An engine that saves its sums every few seconds, at an error and at an interrupt.

    Parameters
    ----------
    engine : Engine
        The engine that computes; its `fold` has to accept a tree.
    store : CheckpointStore
        Where passes are saved.
    now : callable
        Clock, in seconds.

    Raises
    ------
    OptionError
        Where the engine cannot continue from a tree.
    """

    def __init__(self, engine: Engine, store: CheckpointStore, now: Callable[[], float] = monotonic) -> None:
        # engines of users need not have it; better refused now than after the first hour
        if "tree" not in signature(engine.fold).parameters:
            raise OptionError(f"a checkpoint needs an engine whose fold has the argument 'tree'; {engine!r} has none")
        self.engine: Any = engine
        self.store, self.now = store, now
        self.passes: list[SavedPass] = []
        self.earlier = list(store.read())
        self.next_save = now() + EVERY

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """The sum of a pass; units that an earlier run has finished are not read again.

        Raises ArtifactError where the pass of the earlier run computes something else.
        """
        digest, saved_pass = fingerprint(task), self._earlier_pass(task)
        if saved_pass is not None and saved_pass.finished:
            self.passes.append(saved_pass)
            result: M = saved_pass.parts[0][1]
            return result
        initial = SavedPass(digest, () if saved_pass is None else saved_pass.parts, False)
        tree = _SavedTree(initial, self)
        try:
            total: M = self.engine.fold(source, task, progress=progress, tree=tree)
        except KeyboardInterrupt:
            self.save(tree.saved)
            # the same exception, so that callers treat it as an interrupt, with a text that says how to continue
            raise KeyboardInterrupt(self._interrupt_message(tree, source)) from None
        # the store itself failed: saving again would fail again
        except ArtifactError:
            raise
        except Exception:
            self.save(tree.saved)
            raise
        self.passes.append(SavedPass(digest, ((0, total),), True))
        return total

    def _interrupt_message(self, tree: Tree[Any], source: Source) -> str:
        """How much is saved, and how to continue."""
        count = tree.count if self._can_save(tree.parts) else 0
        units = len(source.units) if isinstance(source.units, Sequence) else "all"
        saved = f"{count} of {units} units of pass {len(self.passes) + 1} are saved in {self.store.name}"
        return f"{saved}; run the same again to go on"

    def _can_save(self, parts: Sequence[tuple[int, Any]]) -> bool:
        """Whether all these partial sums can be saved."""
        return all(self.store.knows(partial) for _, partial in parts)

    def _earlier_pass(self, task: Pass[Any]) -> SavedPass | None:
        """What an earlier run has saved of the next pass; None where it had not reached it."""
        number = len(self.passes)
        if number >= len(self.earlier):
            return None
        saved_pass = self.earlier[number]
        # a pass depends on all before it, so a bit that differs anywhere shows here
        if saved_pass.task != fingerprint(task):
            raise ArtifactError(
                f"{self.store.name}: pass {number + 1} of this run computes something else than the saved one "
                "(another processor or another version of NumPy may round otherwise); delete it to start anew"
            )
        return saved_pass

    def save_if_due(self, saved: SavedPass) -> None:
        """Save where enough time has passed since the last time."""
        if (started := self.now()) >= self.next_save:
            self.save(saved)
            # the next pause grows with the time that saving took, so that its share stays below `SHARE`
            self.next_save = self.now() + max(EVERY, (self.now() - started) / SHARE)

    def save(self, saved: SavedPass) -> None:
        """Save all passes up to this one; those whose sums cannot be saved are computed again on resuming."""
        passes = []
        for one in (*self.passes, saved):
            passes.append(one if self._can_save(one.parts) else replace(one, parts=(), finished=False))
        self.store.write(passes)


class _SavedTree(Tree[Any]):
    """A tree that is saved from time to time."""

    def __init__(self, initial: SavedPass, engine: Resumable) -> None:
        super().__init__(initial.parts)
        self.initial, self.engine = initial, engine

    @property
    def saved(self) -> SavedPass:
        """The pass with the partial sums that the tree holds now."""
        return replace(self.initial, parts=tuple(self.parts))

    def push(self, partial: Any) -> None:
        """Add the partial sum of the next unit."""
        super().push(partial)
        self.engine.save_if_due(self.saved)


SCALARS = (bool, int, str, bytes, type(None), Fraction)


def fingerprint(value: object) -> str:
    """SHA-256 of a value: fields of dataclasses, items, floats and arrays bit by bit, functions by name."""
    digest = hashlib.sha256()
    for part in _encoded(value):
        # the length before each part, so that no two sequences of parts give the same bytes
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _encoded(value: Any) -> Iterator[bytes]:
    """Bytes that identify a value: its type, then its parts."""
    yield f"{type(value).__module__}.{type(value).__qualname__}".encode()
    yield from next(encode(value) for matches, encode in ENCODERS if matches(value))


def _parts(values: Any) -> Iterator[bytes]:
    """The parts of each value of an iterable."""
    for value in values:
        yield from _encoded(value)


def _array(value: Any) -> Iterator[bytes]:
    """Data type, shape and bytes of an array."""
    yield f"{value.dtype.str} {value.shape}".encode()
    yield value.tobytes()


def _mapping(value: Mapping[Any, Any]) -> Iterator[bytes]:
    """Keys and values, sorted by key, so that the order of insertion does not count."""
    for key in sorted(value, key=repr):
        yield from _parts((key, value[key]))


def _fields(value: Any) -> Iterator[bytes]:
    """The fields of a dataclass that count when two are compared: not what was free, nor places in a text."""
    return _parts(getattr(value, field.name) for field in fields(value) if field.compare)


def _reduces(value: Any) -> bool:
    """Whether a class pickles itself by `__reduce__`, such as a family, of which only the name matters."""
    return "__reduce__" in type(value).__dict__ and not isinstance(value, np.ndarray | np.generic)


def _reduced(value: Any) -> Iterator[bytes]:
    """The arguments from which such a value is rebuilt."""
    return _parts(value.__reduce__()[1:])


def _function(value: Any) -> Iterator[bytes]:
    """Module and name of a function or class."""
    yield f"{value.__module__}.{value.__qualname__}".encode()


# the first test that matches decides, so the more special types come first
ENCODERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterator[bytes]]], ...] = (
    (lambda v: isinstance(v, Enum), lambda v: iter([repr(v.value).encode()])),
    (lambda v: isinstance(v, float), lambda v: iter([float(v).hex().encode()])),  # all bits
    (lambda v: isinstance(v, SCALARS), lambda v: iter([repr(v).encode()])),
    (lambda v: isinstance(v, np.ndarray), _array),
    (lambda v: isinstance(v, Mapping), _mapping),
    (lambda v: isinstance(v, list | tuple), _parts),
    (lambda v: isinstance(v, set | frozenset), lambda v: _parts(sorted(v, key=repr))),
    (_reduces, _reduced),
    (is_dataclass, _fields),
    (lambda v: hasattr(v, "__qualname__"), _function),
    (lambda v: True, lambda v: iter([pickle.dumps(v)])),
)
