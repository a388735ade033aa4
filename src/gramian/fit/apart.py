"""Sums that a Gram keeps apart beside the whole: those of every fold, or of every group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from gramian.errors import NumericalError, OptionError, SchemaError, did_you_mean, listing
from gramian.fit.keyed import Keyed, plain_key
from gramian.fit.keys import By, Folds, Split, told
from gramian.fit.passes import Accumulated
from gramian.formula.coding import level_name
from gramian.formula.tally import Tally
from gramian.linalg.keyed import Key, ordered
from gramian.linalg.moments import Moments
from gramian.linalg.moved import moved
from gramian.typing import Level


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """Moments, and rows left out, by key.

    split : what makes the keys. parts : in canonical order, one at least. nowhere : rows without a key, left out.
    """

    split: Split
    parts: Mapping[Key, Accumulated]
    nowhere: Tally

    @property
    def total(self) -> Accumulated:
        """The moments of all rows: the sum in the order of the keys, the same bits whenever it is formed."""
        moments = reduce(add, (part.moments for part in self.parts.values()))
        return Accumulated(moments, sum((part.tally for part in self.parts.values()), self.nowhere))

    def at(self, group: Level | Key) -> Accumulated:
        """The moments of a group. Raises OptionError for one that is not there."""
        if not isinstance(self.split, By):
            raise OptionError(f"where names a group, and this Gram keeps {self.split}; groups need {GROUPS}")
        key = group if isinstance(group, tuple) else (group,)
        if key in self.parts:
            return self.parts[key]
        known = [_named(k) for k in self.parts]
        what = ", ".join(self.split.names)
        hint = did_you_mean(_named(key), known)
        raise OptionError(f"where: no rows have {what} = {_named(key)}{hint} (there are {listing(known)})")


FOLDS = "gm.gram(..., folds=10)"
GROUPS = 'gm.gram(..., by="group")'


def apart_of(keyed: Keyed) -> Apart:
    """What a keyed pass leaves."""
    return Apart(keyed.split, dict(keyed.items()), keyed.tallies.get(None, Tally()))


def added(a: Apart | None, b: Apart | None, align: Callable[[Moments], Moments]) -> Apart | None:
    """Key by key: folds are numbered within each file, so those of the same number are one fold.

    align : brings moments of the second into the layout of the first. Raises SchemaError where the keys are not of the
    same kind.
    """
    _check_same(a, b)
    if a is None or b is None:
        return None
    theirs, basis = _aligned(b, align), _basis(a)
    out = {}
    for key in ordered({*a.parts, *theirs}):
        mine, more = a.parts.get(key), theirs.get(key)
        if more is not None:
            more = Accumulated(moved(more.moments, basis.coordinates), more.tally)
        out[key] = mine + more if mine is not None and more is not None else mine or more
    return Apart(a.split, {key: part for key, part in out.items() if part is not None}, a.nowhere + b.nowhere)


def subtracted(a: Apart | None, b: Apart | None, align: Callable[[Moments], Moments]) -> Apart | None:
    """Key by key; a group without rows is gone, a fold stays.

    Raises SchemaError where the keys are not of the same kind, NumericalError where rows are not in the first.
    """
    _check_same(a, b)
    if a is None or b is None:
        return None
    out, basis = dict(a.parts), _basis(a)
    for key, part in _aligned(b, align).items():
        if key not in out:
            raise NumericalError(f"cannot take rows with {told(a.split, key)} away: there are none in the first")
        try:
            left = out[key].moments - moved(part.moments, basis.coordinates)
        except NumericalError as error:
            raise NumericalError(f"{told(a.split, key)}: {error}") from error
        out[key] = Accumulated(left, out[key].tally - part.tally)
    empty = [key for key, part in out.items() if isinstance(a.split, By) and not _counted(part)]
    for key in empty[: len(out) - 1] if len(empty) == len(out) else empty:
        del out[key]
    return Apart(a.split, out, a.nowhere - b.nowhere)


def _aligned(apart: Apart, align: Callable[[Moments], Moments]) -> dict[Key, Accumulated]:
    return {key: Accumulated(align(part.moments), part.tally) for key, part in apart.parts.items()}


def _basis(apart: Apart) -> Moments:
    return next(iter(apart.parts.values())).moments


def _counted(part: Accumulated) -> bool:
    return part.moments.rows > 0 or part.tally.total > 0


def _check_same(a: Apart | None, b: Apart | None) -> None:
    one, other = (None if apart is None else apart.split for apart in (a, b))
    if one != other:
        raise SchemaError(
            f"one Gram keeps {_kept(one)} apart and the other {_kept(other)}: make both with the same folds= and by="
        )


def _kept(split: Split | None) -> str:
    return "nothing" if split is None else str(split)


def _named(key: Key) -> str:
    return ", ".join(map(level_name, key))


def validation_names(apart: Apart, keys: list[Key]) -> list[str]:
    """What folds and groups are called in a cross-validation."""
    return [str(plain_key(key)) if isinstance(apart.split, Folds) else told(apart.split, key) for key in keys]
