"""The solution of a wide fit: numbers and facts, as they are saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from gramian.fit.wide.design import WideDesign
from gramian.formula.dropped_rows import DroppedRows
from gramian.typing import Mask, Name, Vector

ITERATIVE, DUAL = "iterative", "dual"


@dataclass(frozen=True, slots=True)
class WideAccuracy:
    """Estimated accuracy of a wide fit.

    Attributes
    ----------
    solver : str
        "iterative" or "dual".
    requested : float
        Digits that were asked for.
    digits : ndarray
        (p,) estimated digits, relative to the larger of a coefficient and sigma / length of its column; NaN where not
        identified.
    reached : bool
        Whether all coefficients have the digits that were asked for.
    steps : int
        Steps of the iteration.
    eigenvalue_bound : float
        Lower bound of the smallest eigenvalue of the scaled products, wrong with a probability of at most 1e-6; 0 where
        the eigenvalue cannot be told from zero.
    double_double : bool
        Whether the last residual was summed in double-double.
    """

    solver: Annotated[str, (ITERATIVE, DUAL)]
    requested: float
    digits: Vector
    reached: bool
    steps: int
    eigenvalue_bound: float
    double_double: bool


@dataclass(frozen=True, slots=True)
class WideSolved:
    """A wide linear fit.

    Attributes
    ----------
    formula : str
        The formula as it was written.
    design : WideDesign
        Columns and matrices.
    names : tuple of str
        (p,) names of the coefficients, the intercept first.
    coefficients, std_errors : ndarray
        (p,), NaN where unknown.
    identified : ndarray of bool
        (p,) whether the data determine the coefficient.
    aliased : mapping
        Dropped column -> the multiple of the intercept that it is.
    origin : ndarray
        (p - 1,) shifts of the columns in predictions.
    level : float
        The constant where columns are at their shifts.
    rows : int
        Rows that entered.
    weight : float
        Sum of weights.
    rss, tss : float
        Sums of squares of the residuals, and of the outcome about its mean (about zero without an intercept).
    rank : int
        Columns that were used, the intercept included.
    effective : float
        Effective number of columns; NaN where unknown.
    condition : float
        Condition number of the scaled columns.
    passes : int
        Passes over the data.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    alpha : float or None
        Ridge penalty.
    accuracy : WideAccuracy
        Estimated digits.
    reasons : tuple of str
        Why this solver was chosen.
    """

    formula: str
    design: WideDesign
    names: tuple[Name, ...]
    coefficients: Vector
    std_errors: Vector
    identified: Mask
    aliased: Mapping[str, str]
    origin: Vector
    level: float
    rows: int
    weight: float
    rss: float
    tss: float
    rank: int
    effective: float
    condition: float
    passes: int
    dropped_rows: DroppedRows
    alpha: float | None
    accuracy: WideAccuracy
    reasons: tuple[str, ...]

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.design.intercept
