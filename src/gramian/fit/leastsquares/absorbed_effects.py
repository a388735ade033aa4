"""Estimates of absorbed factors: effects and slopes of their levels, from the elimination and the coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gramian.fit.leastsquares.absorbed import Absorbed, PartialledOut
from gramian.formula.coding import Levels, ModelColumn
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg.absorb.partial_out import Absorption
from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Coordinate
from gramian.linalg.products import without_last
from gramian.typing import Matrix, Vector


def absorbed_estimates(
    moments: Moments,
    design: Design,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
) -> Absorbed:
    """Estimates and degrees of freedom of the absorbed factors.

    coefficients : (q - 1,) of the stored columns without the response, in units of the outcome.
    """
    names = design.terms.absorbed
    (response,) = design.outcome
    absorption, levels = partialled_out.absorption, {name: len(moments.levels[name]) for name in names}
    effects, slopes = _effects(design, parametrization, partialled_out, coefficients, design.coordinates[response])
    return Absorbed(
        levels=levels,
        rank=absorption.rank,
        exact=absorption.exact,
        singletons=singletons(moments, names),
        tss=_within(partialled_out, parametrization.constant) * parametrization.scale * parametrization.scale,
        effects=effects,
        connected=are_connected(absorption, levels),
        slopes=slopes,
        zeros=zeros_of(absorption, design.terms.slopes),
    )


def _within(partialled_out: PartialledOut, constant: int | None) -> float:
    """Sum of squares of the outcome within the levels, about the mean where slopes alone are absorbed."""
    products = partialled_out.products.hi
    if constant is None or not products[constant, constant] > 0.0:
        return float(products[-1, -1])
    return float(products[-1, -1] - products[-1, constant] ** 2 / products[constant, constant])


def constant_beside(
    columns: Sequence[ModelColumn], levels: Levels, parametrization: Parametrization, stored: Vector, b: Vector
) -> float | None:
    """What stored columns add up to, less the model's columns, each with its coefficients: a constant, beside effects.

    It is that of a row with the first level of each factor, and every variable at its shift. stored : (q,) coefficients
    of the stored columns. b : (p,) of the model's. None where these are of contrasts.
    """
    if levels.contrasts:
        return None
    first = {name: order[0] for name, order in levels.order.items()}
    here = [all(first[f] == code for f, code in c.cell) for c in columns]
    own = sum(b[j] * float(c.polynomial.get(CONSTANT, 0)) for j, c in enumerate(columns) if here[j] and b[j] == b[j])
    total = 0.0
    for group in without_last(parametrization.groups):
        if CONSTANT in group.monomials:
            at = group.at(group.monomials.index(CONSTANT))
            is_first = (group.cells == [first[f] for f in group.factors]).all(axis=1)
            total += float(stored[at][is_first].sum())
    return total - float(own)


def singletons(moments: Moments, names: tuple[str, ...]) -> dict[str, int]:
    """Absorbed factor -> number of its levels with a single row."""
    return {name: int((moments.tables[(name,)].rows == 1).sum()) for name in names}


def are_connected(absorption: Absorption, levels: Mapping[str, int]) -> bool:
    """Whether the only relations of levels are that the indicators of each factor sum to the constant.

    levels : absorbed factor -> number of its levels.
    """
    functions = absorption.factors
    slopes = sum(own.rank - own.has_intercept * levels[name] for name, own in functions.items() if own)
    intercepts = [n for name, n in levels.items() if (own := functions.get(name)) is None or own.has_intercept]
    return absorption.exact and absorption.rank == sum(intercepts) - max(len(intercepts) - 1, 0) + slopes


def _effects(
    design: Design,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
    coordinate: Coordinate,
) -> tuple[dict[str, Vector], dict[str, dict[str, Vector]]]:
    """Effects of the levels of each factor, (levels,), in units of the outcome, and the slopes of those that have any.

    coordinate : that of the response.
    """
    v = np.append(-coefficients, 2.0**coordinate.exponent)
    absorption, intercepts = partialled_out.absorption, design.terms.absorbed_intercepts
    if parametrization.subspace is not None and not intercepts and coordinate.shift:
        (constant,) = (g.at(g.monomials.index(CONSTANT)) for g in parametrization.groups if not g.factors)
        v[constant] += coordinate.shift  # slopes alone explain a part of it
    by_monomial = absorption.monomial_effects(v, careful=True)
    by_monomial = {
        f: own + partialled_out.centres[f] @ v if partialled_out.centres else own for f, own in by_monomial.items()
    }
    effects = {name: own[0] for name, own in by_monomial.items()}
    # the effects of the first factor include the mean, and with it the outcome's shift; else `Predictor.shift` adds it
    if parametrization.subspace is not None and intercepts:
        first = next(name for name in partialled_out.order if name in intercepts)
        effects[first] = effects[first] + coordinate.shift
    return effects, slopes_of_factors(absorption, by_monomial, design)


def slopes_of_factors(
    absorption: Absorption, effects: Mapping[str, Matrix], design: Design
) -> dict[str, dict[str, Vector]]:
    """`Absorbed.slopes`: in units of the variables, NaN where not identified. effects : (J, levels) of monomials."""
    return {
        name: {
            variable: np.where(good, np.ldexp(slope, -design.coordinates[variable].exponent), np.nan)
            for variable, good, slope in zip(
                design.terms.slopes[name].variables,
                own.identified.T[int(own.has_intercept) :],
                effects[name][1:],
                strict=True,
            )
        }
        for name, own in absorption.factors.items()
        if own is not None
    }


def zeros_of(absorption: Absorption, slopes: Mapping[str, Slopes]) -> dict[str, dict[str, Matrix]]:
    """`Absorbed.zeros`, from the functions of the levels."""
    out = {}
    for name, own in absorption.factors.items():
        if own is not None:
            zero = own.zero[int(own.has_intercept) :]
            found = dict(zip(slopes[name].variables, zero, strict=True))
            out[name] = {v: np.ascontiguousarray(z) for v, z in found.items() if not np.isnan(z).all()}
    return {name: by for name, by in out.items() if by}
