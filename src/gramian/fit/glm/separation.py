"""Separation: directions in which the likelihood of a generalized linear model rises without bound.

Where x'd >= 0 for every outcome at the upper end of its range, x'd <= 0 for every outcome at the lower end, and x'd = 0
for all others, no maximum exists (A. Albert and J. A. Anderson, On the existence of maximum likelihood estimates in
logistic regression models, Biometrika 71 (1984), 1-10). Newton's steps then turn into such a direction d, each a
constant factor shorter than the one before. So where steps do not shrink as they should, three candidates are checked
on all rows: the last step, the same without its small parts, and the coefficients themselves. No tolerance decides: a
direction separates to rounding, or its wrong part has to fade from step to step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gramian.errors import SeparationError
from gramian.fit.glm.columns import Setting, model_coefficients, solved_coefficients
from gramian.formula.coding import ModelColumn, level_name
from gramian.formula.dropped_rows import SEPARATED_BY
from gramian.linalg.blocks import Predictor
from gramian.linalg.monomials import CONSTANT
from gramian.typing import Vector

EXACT = 1e-11  # share of the largest move: zero to rounding
NEARLY = 1e-3  # share of the largest move: zero in a step that settles
SETTLED = 8  # steps in a row of which each points the wrong way less than the one before
FADES = 0.6  # by this factor at least; by 1 / e where there is separation
SMALL = 0.05  # share of the largest part of a direction, below which a part will vanish
SHOWN = 8  # columns that the error names
COUNTED = 3  # columns that the cause names under which dropped rows are counted


class SeparationFoundError(Exception):
    """A direction separates, and its rows are to be left out.

    Attributes
    ----------
    setting : Setting
        The columns.
    direction : ndarray of shape (p,)
        The direction.
    ratio : float
        Its largest wrong move as a share of the largest right one.
    largest : float
        Its largest right move.
    columns : tuple of str
        Names of its large parts.
    """

    def __init__(
        self, setting: Setting, direction: Vector, ratio: float, largest: float, columns: tuple[str, ...]
    ) -> None:
        super().__init__("separation")
        self.setting, self.direction, self.ratio, self.largest = setting, direction, ratio, largest
        self.columns = columns

    @property
    def cause(self) -> str:
        """Under which the rows are counted."""
        more = f" and {len(self.columns) - COUNTED} more" if len(self.columns) > COUNTED else ""
        return f"{SEPARATED_BY}{', '.join(self.columns[:COUNTED])}{more}"


@dataclass(frozen=True, slots=True)
class LargestMoves:
    """The largest move of any row along a direction, the wrong way and the right way; `+` takes the larger.

    Attributes
    ----------
    wrong : float
        Largest |x'd| of a row that moves away from its outcome.
    right : float
        Largest |x'd| of a row at an end of the range that moves towards it.
    """

    wrong: float = 0.0
    right: float = 0.0

    def __add__(self, other: LargestMoves, /) -> LargestMoves:
        """The larger of both moves, each way."""
        return LargestMoves(max(self.wrong, other.wrong), max(self.right, other.right))

    @property
    def ratio(self) -> float:
        """The largest wrong move as a share of the largest right one."""
        return self.wrong / self.right if self.right > 0.0 else np.inf


@dataclass(frozen=True, slots=True)
class CandidateDirections:
    """Directions that may separate the outcome.

    Attributes
    ----------
    predictors : tuple of Predictor
        X d for each direction d.
    top : float
        Upper end of the outcome's range.
    """

    predictors: tuple[Predictor, ...]
    top: float


def largest_moves(projection: Vector, y: Vector, top: float) -> LargestMoves:
    """The largest moves of a block of rows. projection : (n,) x'd. y : (n,) outcomes."""
    up, down = y >= top, y <= 0.0
    interior = ~(up | down)
    wrong = max(_largest(-projection[up]), _largest(projection[down]), _largest(np.abs(projection[interior])))
    return LargestMoves(wrong, max(_largest(projection[up]), _largest(-projection[down])))


def _largest(values: Vector) -> float:
    """The largest positive value, 0 where there is none."""
    return max(float(values.max(initial=0.0)), 0.0)


def separating_index(moves: Sequence[LargestMoves], ratios: Sequence[float]) -> int | None:
    """The position of the candidate direction that separates; None where none does.

    moves : of each candidate, the step first. ratios : wrong share of each step so far. Close to a finite maximum with
    little overlap a step is also long and nearly all right, but its wrong share stays constant, while in a separating
    direction it falls at a constant rate.
    """
    for i, move in enumerate(moves):
        if move.ratio <= EXACT:
            return i
    recent = ratios[-1 - SETTLED :]
    fading = all(after <= FADES * before for before, after in pairwise(recent))
    return 0 if len(recent) > SETTLED and recent[-1] <= NEARLY and fading else None


def without_small_parts(move: Vector, setting: Setting, column_stds: Vector) -> Vector:
    """A direction (p,) without its small parts, in the solved columns. column_stds : (p,) of the model's columns."""
    out = np.zeros(len(move))
    for part in _parts(setting, model_coefficients(setting, move), column_stds):
        for i, share in part.shares.items():
            out[i] += share
    return solved_coefficients(setting, out)


def separation_error(direction: Vector, setting: Setting, column_stds: Vector) -> SeparationError:
    """The error that names the columns of a separating direction (p,)."""
    parts = _parts(setting, model_coefficients(setting, direction), column_stds)
    separating = tuple(p.name for p in parts if p.name) or tuple(c.name for c in setting.columns)
    more = f", ... {len(separating) - SHOWN} more" if len(separating) > SHOWN else ""
    return SeparationError(
        f"the outcome is separated by {', '.join(separating[:SHOWN])}{more}: the likelihood rises without end as the "
        "coefficient grows, so there is no finite answer; use a penalty (ridge=1), leave the column out, merge "
        'the level with another, or leave out the rows that are separated (separation="drop")',
        separating,
    )


@dataclass(frozen=True, slots=True)
class DirectionPart:
    """A part of a direction that is not small.

    Attributes
    ----------
    name : str
        Column or level; empty for the constant.
    shares : mapping of int to float
        Position of a model column -> its coefficient in this part.
    """

    name: str
    shares: Mapping[int, float]


def _parts(setting: Setting, direction: Vector, column_stds: Vector) -> list[DirectionPart]:
    """The large parts of a direction (p,) in the model's columns.

    Where the constant and all levels of a factor cancel, the part is named after the factor's reference level.
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
        # the median, since a few levels may have effects of their own in the same direction
        if abs(base + float(np.median(direction[list(column_of_level.values())]))) <= limit:
            name = f"{factor}[{level_name(setting.levels.names[factor][without_column[0]])}]"
            return DirectionPart(name, {constant: base, **dict.fromkeys(column_of_level.values(), -base)})
    return None


def _is_level(column: ModelColumn, factor: str) -> bool:
    """Whether a column is the indicator of a level of this factor."""
    return column.leading == CONSTANT and len(column.cell) == 1 and column.cell[0][0] == factor


def constant_outcome(y: float) -> SeparationError:
    """The error for an outcome that is the same in every row, at an end of its range."""
    return SeparationError(
        f"the outcome does not vary: it is {y:g} in every row, so no finite coefficients are best; check how it is "
        "coded, or which rows were read",
        ("Intercept",),
    )
