"""The points that a lesson is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramian.data.source import source_of
from gramian.derivation.columns import Table, model_table
from gramian.errors import FormulaError, NumericalError


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a plane, and what they are called.

    Attributes
    ----------
    key, title : str
        Name in the page's address, and on its button.
    x, y : str
        Names of both axes.
    points : tuple of pairs of float
        The points.
    """

    key: str
    title: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]

    @property
    def binary(self) -> bool:
        """Whether the outcomes are zeros and ones, and both of them."""
        return {y for _, y in self.points} == {0.0, 1.0}

    def to_dict(self) -> dict[str, Any]:
        """What the page reads."""
        return {"key": self.key, "title": self.title, "x": self.x, "y": self.y, "points": self.points}


def points_of(formula: str, data: Any) -> Points:
    """The points of a formula with one predictor and a constant.

    Raises
    ------
    FormulaError
        For another number of predictors, or without a constant.
    NumericalError
        For fewer than two points.
    """
    table = model_table(formula, source_of(data), "last")
    if table.constant is None or len(table.names) != 2:
        raise FormulaError(
            f"'{formula}' {_columns(table)}; a lesson is drawn in a plane: write one predictor, as in y ~ x"
        )
    points = tuple((float(row[0]), float(y)) for row, y in zip(table.X, table.y, strict=True))
    if len(points) < 2:
        raise NumericalError(f"'{formula}' has {len(points)} complete row; a lesson needs two points at least")
    return Points("own", table.formula, table.names[0].strip("`"), table.outcome.strip("`"), points)


def _columns(table: Table) -> str:
    """What the model has, in words."""
    count = len(table.names) - (table.constant is not None)
    predictors = f"has {count} predictor{'' if count == 1 else 's'}"
    return predictors if table.constant is not None else f"{predictors} and no constant"
