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
from gramian.fit.glm.columns import Setting, model_coefficients, solved_coefficients
from gramian.formula.coding import ModelColumn, level_name
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.predictor import Predictor
from gramian.models.families import Family
from gramian.typing import Vector

SLOW_RATIO = 0.4  # steps that shrink by less than this are not Newton's near a solution
EXACT = 1e-11  # of the longest reach: zero to rounding
NEARLY = 1e-3  # of the longest reach: zero in a step that settles
SETTLED = 8  # steps in a row of which each points the wrong way less than the one before
FADES = 0.6  # by this factor at least; by 1 / e where there is separation
SMALL = 0.05  # of the longest reach: a part of a direction that will vanish
TOPS = {"proportion": 1.0, "positive": np.inf}
SHOWN = 8


@dataclass(frozen=True, slots=True)
class LargestMoves:
    """How far any row is moved the wrong way, and the right way. `+` keeps the larger."""

    wrong: float = 0.0
    right: float = 0.0

    def __add__(self, other: LargestMoves, /) -> LargestMoves:
        return LargestMoves(max(self.wrong, other.wrong), max(self.right, other.right))

    @property
    def ratio(self) -> float:
        """The longest move the wrong way as a share of the longest the right way."""
        return self.wrong / self.right if self.right > 0.0 else np.inf


@dataclass(frozen=True, slots=True)
class CandidateDirections:
    """Directions d, as coefficients of stored columns; `top` is the upper edge of the outcome's range."""

    predictors: tuple[Predictor, ...]
    top: float


def largest_moves(projection: Vector, y: Vector, top: float) -> LargestMoves:
    """How the rows lie to a direction. along : (n,) x'd."""
    up, down = y >= top, y <= 0.0
    interior = ~(up | down)
    wrong = max(_largest(-projection[up]), _largest(projection[down]), _largest(np.abs(projection[interior])))
    return LargestMoves(wrong, max(_largest(projection[up]), _largest(-projection[down])))


def _largest(values: Vector) -> float:
    return max(float(values.max(initial=0.0)), 0.0)


def top_of(family: Family) -> float | None:
    """The upper edge of the outcome's range, None where no outcome can separate."""
    zero_allowed = not family.check(np.zeros(1)).any()
    return TOPS.get(family.variance_function.domain) if zero_allowed else None


def slow_steps(lengths: Sequence[float]) -> int:
    """How many of the last steps did not shrink as Newton's do."""
    steps = 0
    for before, after in zip(lengths[-2::-1], lengths[:0:-1], strict=True):
        if not after > SLOW_RATIO * before:
            break
        steps += 1
    return steps


def separating_index(moves: Sequence[LargestMoves], ratios: Sequence[float]) -> int | None:
    """Which of the suspects separates; the first of them is a step, which is never exact.

    ratios : of the steps so far. Toward a finite answer with a narrow overlap a step, too, is long and nearly all
    right, but its wrong part stays what it is, while a separating direction sheds it at a constant rate.
    """
    for i, move in enumerate(moves):
        if move.ratio <= EXACT:
            return i
    recent = ratios[-1 - SETTLED :]
    fading = all(after <= FADES * before for before, after in pairwise(recent))
    return 0 if len(recent) > SETTLED and recent[-1] <= NEARLY and fading else None


def without_small_parts(move: Vector, setting: Setting, column_stds: Vector) -> Vector:
    """A direction (solved columns) without its small parts. spread : (p,) of the model's columns."""
    out = np.zeros(len(move))
    for part in _parts(setting, model_coefficients(setting, move), column_stds):
        for i, share in part.shares.items():
            out[i] += share
    return solved_coefficients(setting, out)


def separation_error(direction: Vector, setting: Setting, column_stds: Vector) -> SeparationError:
    """The error that names the columns of a direction."""
    parts = _parts(setting, model_coefficients(setting, direction), column_stds)
    separating = tuple(p.name for p in parts if p.name) or tuple(c.name for c in setting.columns)
    more = f", ... {len(separating) - SHOWN} more" if len(separating) > SHOWN else ""
    return SeparationError(
        f"the outcome is separated by {', '.join(separating[:SHOWN])}{more}: the likelihood rises without end as the "
        "coefficient grows, so there is no finite answer; use a penalty (ridge=1), leave the column out, or merge "
        "the level with another",
        separating,
    )


@dataclass(frozen=True, slots=True)
class DirectionPart:
    """A part of a direction that is not small: its name, empty for the constant, and its share of the columns."""

    name: str
    shares: Mapping[int, float]


def _parts(setting: Setting, direction: Vector, column_stds: Vector) -> list[DirectionPart]:
    """What a direction (model's columns) is made of, small parts left out.

    Where the constant and all levels of a factor cancel, it is the factor's reference level that moves.
    """
    constant, magnitude = setting.parametrization.constant, np.abs(direction) * column_stds
    slopes = [i for i in range(len(magnitude)) if i != constant]
    limit = SMALL * float(magnitude[slopes].max(initial=0.0))
    reference = None if constant is None else _reference(setting, direction, limit)
    if reference is not None and constant is not None:
        direction = direction.copy()
        for i, share in reference.shares.items():
            direction[i] -= share
        magnitude = np.abs(direction) * column_stds
    large = [i for i in slopes if magnitude[i] > limit]
    parts = [DirectionPart(setting.columns[i].name, {i: float(direction[i])}) for i in large]
    has_numeric = any(not setting.columns[i].cell for i in large)
    if constant is not None and (has_numeric or not parts) and reference is None:
        parts.append(DirectionPart("", {constant: float(direction[constant])}))
    return parts if reference is None else [reference, *parts]


def _reference(setting: Setting, direction: Vector, limit: float) -> DirectionPart | None:
    """The reference level of a factor, if most of the other levels undo what the constant does."""
    constant = setting.parametrization.constant
    assert constant is not None
    base = float(direction[constant])
    for factor, order in setting.levels.order.items():
        column_of_level = {c.cell[0][1]: i for i, c in enumerate(setting.columns) if _is_level(c, factor)}
        without_column = [code for code in order if code not in column_of_level]
        if not column_of_level or len(without_column) != 1 or abs(base) <= limit:
            continue
        if abs(base + float(np.median(direction[list(column_of_level.values())]))) <= limit:
            name = f"{factor}[{level_name(setting.levels.names[factor][without_column[0]])}]"
            return DirectionPart(name, {constant: base, **dict.fromkeys(column_of_level.values(), -base)})
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
