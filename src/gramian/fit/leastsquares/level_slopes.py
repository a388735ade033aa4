"""Predictions with slopes by the levels of absorbed factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.solution import Solved
from gramian.formula.design import Design
from gramian.linalg.monomials import Coordinate
from gramian.typing import Codes, Level, Matrix, Vector

NEARBY = 1e-6  # the spread of a variable, as a share of itself, that its squares in float64 no longer show


@dataclass(frozen=True, slots=True)
class FactorSlopes:
    """Slopes by the levels of one factor.

    Attributes
    ----------
    factor : str
        Its label.
    slopes : mapping
        Variable -> (levels,) slopes in its own units, zero where not identified.
    coordinates : mapping
        Variable -> its coordinate; effects of the levels are those at its shift.
    zeros : tuple of ndarray
        Combinations (levels, J) of 1 and the variables, as of `Absorbed.zeros`.
    """

    factor: str
    slopes: Mapping[str, Vector]
    coordinates: Mapping[str, Coordinate]
    zeros: tuple[Matrix, ...]


def factor_slopes(absorbed: Absorbed, design: Design) -> tuple[FactorSlopes, ...]:
    """The slopes of every factor that has any."""
    return tuple(
        FactorSlopes(
            factor,
            {v: np.nan_to_num(b) for v, b in by.items()},
            {v: design.coordinates[v] for v in by},
            tuple(absorbed.zeros.get(factor, {}).values()),
        )
        for factor, by in absorbed.slopes.items()
    )


def slope_part(parts: Sequence[FactorSlopes], values: Mapping[str, Vector], codes: Mapping[str, Codes]) -> Vector:
    """What slopes add to predictions, (n,), NaN where they are not determined.

    In a level without a slope predictions are determined where the variable has the value of its rows.
    """
    out = np.zeros(len(next(iter(codes.values()))))
    for part in parts:
        code = codes[part.factor]
        for v, slope in part.slopes.items():
            out += slope[code] * (values[v] - part.coordinates[v].shift)
        if part.zeros:
            stored = [part.coordinates[v].stored(values[v]) for v in part.slopes]
            rows = np.column_stack([np.ones(len(code)), *stored])
            for zero in part.zeros:
                terms = zero[code] * rows
                out[np.abs(terms.sum(axis=1)) > NEARBY * np.abs(terms).sum(axis=1)] = np.nan
    return out


def fixed_effects(solved: Solved) -> dict[str, dict[Level, float]]:
    """Effects and slopes of every level, by name: `firm`, and `firm[[x]]` of a slope; effects where variables are zero.

    Raises OptionError without absorbed factors.
    """
    absorbed, design, out = solved.absorbed, solved.design, dict[str, dict[Level, float]]()
    if absorbed is None:
        raise OptionError("fixed effects are those of absorbed factors, as in y ~ x | firm; this fit has none")
    if absorbed.constant is None:
        raise OptionError(
            "the effects of levels are not known beside contrasts, nor of a file of an earlier version: leave "
            "contrast= out, or fit again"
        )
    (response,) = design.outcome
    # effects include the outcome's shift unless predictions add it; once, for predictions are sums over all factors
    shift = 0.0 if solved.parametrization.subspace is not None else design.coordinates[response].shift
    shift += absorbed.constant
    for factor, effect in absorbed.effects.items():
        levels, slopes = list((design.levels or {})[factor]), absorbed.slopes.get(factor, {})
        if factor in design.terms.absorbed_intercepts:
            moved = sum(np.nan_to_num(b) * design.coordinates[v].shift for v, b in slopes.items())
            out[factor] = dict(zip(levels, (effect - moved + shift).tolist(), strict=True))
            shift = 0.0
        for v, slope in slopes.items():
            out[f"{factor}[[{v}]]"] = dict(zip(levels, slope.tolist(), strict=True))
    return out
