"""Separation: a direction in which the likelihood of a GLM rises without end.

If some x'd points the right way for every outcome on the edge of its range (up for a success, down for a failure or a
zero count) and is zero for all others, no maximum exists (Albert and Anderson 1984). Newton's steps settle into such a
direction, each a constant factor shorter than the one before; so when steps do not shrink as they should, the last
one, the same without its small parts, and the point itself are tried on all rows. No tolerance is taken for an answer:
a direction is exact, or its wrong part has to fade from step to step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gramian.errors import SeparationError
from gramian.fit.point import Setting, solved, told
from gramian.formula.coding import ModelColumn, level_name
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.predictor import Predictor
from gramian.models.families import Family
from gramian.typing import Vector

STUCK = 0.4  # steps that shrink by less than this are not Newton's near a solution
EXACT = 1e-11  # of the longest reach: zero to rounding
NEARLY = 1e-3  # of the longest reach: zero in a step that settles
SETTLED = 8  # steps in a row of which each points the wrong way less than the one before
FADES = 0.6  # by this factor at least; by 1 / e where there is separation
SMALL = 0.05  # of the longest reach: a part of a direction that will vanish
TOPS = {"proportion": 1.0, "positive": np.inf}
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Side:
    """How far any row is moved the wrong way, and the right way. `+` keeps the larger."""

    wrong: float = 0.0
    right: float = 0.0

    def __add__(self, other: Side, /) -> Side:
        return Side(max(self.wrong, other.wrong), max(self.right, other.right))

    @property
    def ratio(self) -> float:
        """The longest move the wrong way as a share of the longest the right way."""
        return self.wrong / self.right if self.right > 0.0 else np.inf


@dataclass(frozen=True, slots=True)
class Suspects:
    """Directions d, as coefficients of stored columns; `top` is the upper edge of the outcome's range."""

    predictors: tuple[Predictor, ...]
    top: float


def side(along: Vector, y: Vector, top: float) -> Side:
    """How the rows lie to a direction. along : (n,) x'd."""
    up, down = y >= top, y <= 0.0
    inner = ~(up | down)
    wrong = max(_most(-along[up]), _most(along[down]), _most(np.abs(along[inner])))
    return Side(wrong, max(_most(along[up]), _most(-along[down])))


def _most(values: Vector) -> float:
    return max(float(values.max(initial=0.0)), 0.0)


def top_of(family: Family) -> float | None:
    """The upper edge of the outcome's range, None where no outcome can separate."""
    zero_allowed = not family.check(np.zeros(1)).any()
    return TOPS.get(family.law.domain) if zero_allowed else None


def stuck(lengths: Sequence[float]) -> int:
    """How many of the last steps did not shrink as Newton's do."""
    steps = 0
    for before, after in zip(lengths[-2::-1], lengths[:0:-1], strict=True):
        if not after > STUCK * before:
            break
        steps += 1
    return steps


def found(sides: Sequence[Side], ratios: Sequence[float]) -> int | None:
    """Which of the suspects separates; the first of them is a step, which is never exact.

    ratios : of the steps so far. Toward a finite answer with a narrow overlap a step, too, is long and nearly all
    right, but its wrong part stays what it is, while a separating direction sheds it at a constant rate.
    """
    for i, one in enumerate(sides):
        if one.ratio <= EXACT:
            return i
    last = ratios[-1 - SETTLED :]
    fading = all(after <= FADES * before for before, after in pairwise(last))
    return 0 if len(last) > SETTLED and last[-1] <= NEARLY and fading else None


def cleaned(move: Vector, setting: Setting, spread: Vector) -> Vector:
    """A direction (solved columns) without its small parts. spread : (p,) of the model's columns."""
    out = np.zeros(len(move))
    for part in _parts(setting, told(setting, move), spread):
        for i, share in part.made.items():
            out[i] += share
    return solved(setting, out)


def separation(direction: Vector, setting: Setting, spread: Vector) -> SeparationError:
    """The error that names the columns of a direction."""
    parts = _parts(setting, told(setting, direction), spread)
    guilty = tuple(p.name for p in parts if p.name) or tuple(c.name for c in setting.columns)
    more = f", ... {len(guilty) - SHOWN} more" if len(guilty) > SHOWN else ""
    return SeparationError(
        f"the outcome is separated by {', '.join(guilty[:SHOWN])}{more}: the likelihood rises without end as the "
        "coefficient grows, so there is no finite answer; use a penalty (ridge=1), leave the column out, or merge "
        "the level with another",
        guilty,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a direction that is not small: its name, empty for the constant, and its share of the columns."""

    name: str
    made: Mapping[int, float]


def _parts(setting: Setting, direction: Vector, spread: Vector) -> list[Part]:
    """What a direction (model's columns) is made of, small parts left out.

    Where the constant and all levels of a factor cancel, it is the factor's reference level that moves.
    """
    constant, reach = setting.frame.constant, np.abs(direction) * spread
    slopes = [i for i in range(len(reach)) if i != constant]
    limit = SMALL * float(reach[slopes].max(initial=0.0))
    reference = None if constant is None else _reference(setting, direction, limit)
    if reference is not None and constant is not None:
        direction = direction.copy()
        for i, share in reference.made.items():
            direction[i] -= share
        reach = np.abs(direction) * spread
    large = [i for i in slopes if reach[i] > limit]
    parts = [Part(setting.columns[i].name, {i: float(direction[i])}) for i in large]
    numbers = any(not setting.columns[i].cell for i in large)
    if constant is not None and (numbers or not parts) and reference is None:
        parts.append(Part("", {constant: float(direction[constant])}))
    return parts if reference is None else [reference, *parts]


def _reference(setting: Setting, direction: Vector, limit: float) -> Part | None:
    """The reference level of a factor, if most of the other levels undo what the constant does."""
    constant = setting.frame.constant
    assert constant is not None
    base = float(direction[constant])
    for factor, order in setting.levels.order.items():
        own = {c.cell[0][1]: i for i, c in enumerate(setting.columns) if _is_level(c, factor)}
        missing = [code for code in order if code not in own]
        if not own or len(missing) != 1 or abs(base) <= limit:
            continue
        if abs(base + float(np.median(direction[list(own.values())]))) <= limit:
            name = f"{factor}[{level_name(setting.levels.names[factor][missing[0]])}]"
            return Part(name, {constant: base, **dict.fromkeys(own.values(), -base)})
    return None


def _is_level(column: ModelColumn, factor: str) -> bool:
    return column.leading == CONSTANT and len(column.cell) == 1 and column.cell[0][0] == factor


def constant_outcome(y: float) -> SeparationError:
    """The error where every outcome is the same, at the edge of its range."""
    return SeparationError(
        f"the outcome does not vary: it is {y:g} in every row, so no finite coefficients are best; check how it is "
        "coded, or which rows were read",
        ("Intercept",),
    )
