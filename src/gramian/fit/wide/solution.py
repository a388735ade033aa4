"""What a wide fit leaves: numbers and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gramian.fit.wide.design import WideDesign
from gramian.formula.dropped_rows import DroppedRows
from gramian.typing import Mask, Vector

ITERATIVE, DUAL = "iterative", "dual"


@dataclass(frozen=True, slots=True)
class WideAccuracy:
    """How many digits are right, by an estimate. tier : "iterative" or "dual". wanted : digits that were asked for.

    digits : (p,), relative to the larger of a coefficient and sigma / length of its column; NaN where not
    identified. steps : of the iteration. least : what the smallest eigenvalue of the scaled columns' products is
    not below, but for a probability of 1e-6; 0 where it cannot be told from zero. careful : residual in double-double.
    """

    solver: str
    requested: float
    digits: Vector
    reached: bool
    steps: int
    eigenvalue_bound: float
    double_double: bool


@dataclass(frozen=True, slots=True)
class WideSolved:
    """A wide linear fit.

    names, coefficients, std_errors : (p,), the constant's first; NaN where unknown. origin : (p - 1,) what columns are
    shifted by when predictions are made, level : the constant there. freedom : residual degrees of freedom, NaN where
    nobody knows. why : the reasons for the solver.
    """

    formula: str
    design: WideDesign
    names: tuple[str, ...]
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
        """Whether there is a constant."""
        return self.design.intercept
